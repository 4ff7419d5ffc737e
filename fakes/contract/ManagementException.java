package com.virtualiron.vce.mgmt.api;

/** What a call throws, and has to declare. */
public class ManagementException extends Exception {  // assumed
    private static final long serialVersionUID = 1L;

    public ManagementException() {
    }

    public ManagementException(String message) {
        super(message);
    }

    public ManagementException(String message, Throwable cause) {
        super(message, cause);
    }
}
