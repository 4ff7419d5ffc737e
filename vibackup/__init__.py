"""vibackup: back up and recover virtual servers under Virtual Iron."""

__version__ = "0.1.0"
