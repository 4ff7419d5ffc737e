"""The lab: an in-memory manager, faithful enough to rehearse and test every backup with no Virtual Iron."""
