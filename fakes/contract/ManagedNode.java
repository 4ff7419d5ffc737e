package com.virtualiron.vce.mgmt.api.physical;

import com.virtualiron.vce.mgmt.api.ManagedObject;
import com.virtualiron.vce.mgmt.api.ManagementException;
import com.virtualiron.vce.mgmt.api.virtual.VirtualServer;

/** A machine that virtual servers run on. */
public interface ManagedNode extends ManagedObject {  // assumed
    VirtualDataCenter getVirtualDataCenter() throws ManagementException;  // assumed
    VirtualServer[] getVirtualServers() throws ManagementException;  // assumed
}
