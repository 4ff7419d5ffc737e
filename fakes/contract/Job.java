package com.virtualiron.vce.mgmt.api;

/** One management transaction. */
public interface Job {  // known
    void begin() throws ManagementException;  // known
    void commit() throws ManagementException;  // known
    void abort() throws ManagementException;  // known
    void addOperationDescription(String text, Object one, Object two, Object three)
            throws ManagementException;  // known
}
