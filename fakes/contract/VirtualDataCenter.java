package com.virtualiron.vce.mgmt.api.physical;

import com.virtualiron.vce.mgmt.api.ManagedObject;
import com.virtualiron.vce.mgmt.api.ManagementException;
import com.virtualiron.vce.mgmt.api.virtual.VirtualServer;

/** Nodes, disk groups and the virtual servers on them. */
public interface VirtualDataCenter extends ManagedObject {  // assumed
    ManagedNode[] getManagedNodes() throws ManagementException;  // assumed
    VirtualServer createVirtualServer(String name, ManagedNode node) throws ManagementException;  // assumed
    void deleteVirtualServer(VirtualServer server) throws ManagementException;  // assumed
}
