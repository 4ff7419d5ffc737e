package com.virtualiron.vce.mgmt.api;

/** What every object of the manager has. */
public interface ManagedObject {  // assumed
    Class<?> getKind() throws ManagementException;  // known
    String getName() throws ManagementException;  // known
    String getId() throws ManagementException;  // assumed
    void setName(String name) throws ManagementException;  // assumed
}
