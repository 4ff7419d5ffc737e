package com.virtualiron.vce.mgmt.api.virtual;

/** It boots. */
public interface VirtualServerStartingEvent extends VirtualServerEvent {  // assumed
}
