package com.virtualiron.vce.mgmt.api.physical;

/** A CD image on the network. */
public interface NetworkBlockDevice extends StorageDevice {  // known
}
