package com.virtualiron.vce.mgmt.api.physical;

import com.virtualiron.vce.mgmt.api.ManagedObject;
import com.virtualiron.vce.mgmt.api.ManagementException;

/** Logical disks and their space. */
public interface LvmDiskGroup extends ManagedObject {  // known
    void deleteLogicalDisk(LogicalDisk disk) throws ManagementException;  // known
    LogicalDisk createLogicalDisk(String name, long bytes) throws ManagementException;  // assumed
    LogicalDisk importLogicalDisk(String name, String vhdPath) throws ManagementException;  // assumed
    LogicalDisk[] getLogicalDisks() throws ManagementException;  // assumed
    Long getFreeBytes() throws ManagementException;  // assumed
}
