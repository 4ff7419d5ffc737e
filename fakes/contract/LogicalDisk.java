package com.virtualiron.vce.mgmt.api.physical;

import com.virtualiron.vce.mgmt.api.ManagementException;

/** A disk in a disk group, or the snapshot of one. */
public interface LogicalDisk extends LvmStorageDevice {  // known
    LogicalDisk getSnapshotParent() throws ManagementException;  // known; null where it is no snapshot
    LvmDiskGroup getParentLvmDiskGroup() throws ManagementException;  // known
    long getBytes() throws ManagementException;  // assumed
    int getSnapshotUsedPercent() throws ManagementException;  // assumed
    LogicalDisk cloneTo(LvmDiskGroup group, String name) throws ManagementException;  // assumed
    void exportVhd(String path) throws ManagementException;  // assumed
    Integer getCopyPercent() throws ManagementException;  // assumed
}
