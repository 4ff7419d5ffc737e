package com.virtualiron.vce.mgmt.api.virtual;

/** What a virtual server boots from. */
public final class VirtualServer_BootInfo {  // known
    public static final VirtualServer_BootInfo VS_BOOT_DEVICE_CDROM = new VirtualServer_BootInfo("CDROM");  // known
    public static final VirtualServer_BootInfo VS_BOOT_DEVICE_DISK = new VirtualServer_BootInfo("DISK");  // known

    private final String name;

    private VirtualServer_BootInfo(String name) {
        this.name = name;
    }

    @Override
    public String toString() {
        return name;
    }
}
