package com.virtualiron.vce.mgmt.api;

import com.virtualiron.vce.mgmt.api.virtual.VirtualServerEvent;

/** Tells what happens to virtual servers. */
public interface EventLog {  // known
    VirtualServerEvent[] listenForEvents(Class<?> kind, ManagedObject object, long timeoutMs)
            throws ManagementException;  // known; null where there were none
}
