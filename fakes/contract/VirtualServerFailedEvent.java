package com.virtualiron.vce.mgmt.api.virtual;

/** It has crashed, or did not boot. */
public interface VirtualServerFailedEvent extends VirtualServerEvent {  // assumed
}
