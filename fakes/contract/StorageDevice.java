package com.virtualiron.vce.mgmt.api.physical;

import com.virtualiron.vce.mgmt.api.ManagedObject;

/** Anything a virtual server can have as a disk. */
public interface StorageDevice extends ManagedObject {  // known
}
