package com.virtualiron.vce.mgmt.api.virtual;

import com.virtualiron.vce.mgmt.api.ManagedObject;
import com.virtualiron.vce.mgmt.api.ManagementException;

/** Something that happened to a virtual server. */
public interface VirtualServerEvent extends ManagedObject {  // known
    long getTime() throws ManagementException;  // assumed; milliseconds since 1970
}
