package com.virtualiron.vce.mgmt.api.physical;

/** A device of a disk group. */
public interface LvmStorageDevice extends StorageDevice {  // known
}
