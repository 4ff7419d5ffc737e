package com.virtualiron.vce.mgmt.api.virtual;

/** It runs. */
public interface VirtualServerRunningEvent extends VirtualServerEvent {  // known
}
