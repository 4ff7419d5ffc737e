package com.virtualiron.vce.mgmt.api;

/** Has the event log. */
public interface FoundryContext {  // known
    EventLog getEventLog() throws ManagementException;  // known
}
