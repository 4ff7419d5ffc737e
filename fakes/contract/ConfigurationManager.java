package com.virtualiron.vce.mgmt.api;

/** Finds objects and makes jobs. */
public interface ConfigurationManager {  // known
    FoundryContext getFoundryContext() throws ManagementException;  // known
    ManagedObject findObject(Class<?> kind, String name) throws ManagementException;  // known; null where there is none
    ManagedObject[] getObjects(Class<?> kind) throws ManagementException;  // assumed
    long getLocalTime() throws ManagementException;  // known; milliseconds since 1970
    Job createJob(String name) throws ManagementException;  // known
}
