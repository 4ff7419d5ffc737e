package com.virtualiron.vce.mgmt.api;

/** No part of the API: the lab behind it. That this class is there tells the lab from a real manager's jar. */
public abstract class LabBackend {
    private static LabBackend current;

    public static synchronized void set(LabBackend backend) {
        current = backend;
    }

    static synchronized LabBackend get() throws ManagementException {
        if (current == null) {
            throw new ManagementException("no lab is open");
        }
        return current;
    }

    public abstract ConfigurationManager getConfigurationManager() throws ManagementException;
}
