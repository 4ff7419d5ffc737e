package com.virtualiron.vce.mgmt.api.physical;

import com.virtualiron.vce.mgmt.api.ManagementException;

/** A whole LUN of a storage array. */
public interface RawDisk extends StorageDevice {  // assumed
    String getLun() throws ManagementException;  // assumed
}
