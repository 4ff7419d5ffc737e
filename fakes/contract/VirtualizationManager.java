package com.virtualiron.vce.mgmt.api;

/**
 * Where a script begins.
 *
 * In all of these files, known: the paper's appendix uses it, by this name and with its arguments in this order.
 * Assumed: the paper describes what it does, and the name is a guess. Where the appendix does not show it, the type
 * of an argument or a result is a guess too, and so is the package that a class is in.
 */
public final class VirtualizationManager {  // known
    private VirtualizationManager() {
    }

    public static ConfigurationManager getConfigurationManager() throws ManagementException {  // known
        return LabBackend.get().getConfigurationManager();
    }
}
