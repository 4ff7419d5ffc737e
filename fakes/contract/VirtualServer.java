package com.virtualiron.vce.mgmt.api.virtual;

import com.virtualiron.vce.mgmt.api.ManagedObject;
import com.virtualiron.vce.mgmt.api.ManagementException;
import com.virtualiron.vce.mgmt.api.physical.ManagedNode;
import com.virtualiron.vce.mgmt.api.physical.StorageDevice;

/** A guest machine, or the snapshot of one. */
public interface VirtualServer extends ManagedObject {  // known
    VirtualServer snapshot() throws ManagementException;  // known
    VirtualServer getSnapshot() throws ManagementException;  // known; null where there is none
    void deleteSnapshot(VirtualServer snapshot) throws ManagementException;  // known
    void revertToSnapshot() throws ManagementException;  // assumed
    void start() throws ManagementException;  // known
    void stop() throws ManagementException;  // assumed
    void reboot() throws ManagementException;  // assumed
    VirtualServerEvent getStatusEvent() throws ManagementException;  // known; null where nothing has happened to it yet
    StorageDevice[] getStorageDevices() throws ManagementException;  // known
    void addStorageDeviceFirst(StorageDevice device) throws ManagementException;  // known
    void addStorageDevice(StorageDevice device) throws ManagementException;  // assumed
    void removeStorageDevice(StorageDevice device) throws ManagementException;  // assumed
    void setBootType(VirtualServer_BootInfo bootType) throws ManagementException;  // known
    VirtualServer_BootInfo getBootType() throws ManagementException;  // assumed
    ManagedNode getManagedNode() throws ManagementException;  // assumed
    String getOperatingSystem() throws ManagementException;  // assumed
    void setOperatingSystem(String name) throws ManagementException;  // assumed
    long getMemoryBytes() throws ManagementException;  // assumed
    void setMemoryBytes(long bytes) throws ManagementException;  // assumed
    int getProcessors() throws ManagementException;  // assumed
    void setProcessors(int count) throws ManagementException;  // assumed
    String[] getNetworks() throws ManagementException;  // assumed
    void setNetworks(String[] names) throws ManagementException;  // assumed
}
