package com.virtualiron.vce.mgmt.api.virtual;

/** It has stopped. */
public interface VirtualServerStoppedEvent extends VirtualServerEvent {  // known
}
