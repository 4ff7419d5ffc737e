"""The kinds of objects of the management API, and which of them lies below which."""
from __future__ import absolute_import, division, print_function, unicode_literals

from fakes.dispatch import Kind

MANAGED_OBJECT = Kind("ManagedObject")
CONFIGURATION_MANAGER = Kind("ConfigurationManager")
FOUNDRY_CONTEXT = Kind("FoundryContext")
EVENT_LOG = Kind("EventLog")
JOB = Kind("Job")

VIRTUAL_DATA_CENTER = Kind("VirtualDataCenter", MANAGED_OBJECT)
MANAGED_NODE = Kind("ManagedNode", MANAGED_OBJECT)
VIRTUAL_SERVER = Kind("VirtualServer", MANAGED_OBJECT)
LVM_DISK_GROUP = Kind("LvmDiskGroup", MANAGED_OBJECT)

STORAGE_DEVICE = Kind("StorageDevice", MANAGED_OBJECT)
NETWORK_BLOCK_DEVICE = Kind("NetworkBlockDevice", STORAGE_DEVICE)
LVM_STORAGE_DEVICE = Kind("LvmStorageDevice", STORAGE_DEVICE)
LOGICAL_DISK = Kind("LogicalDisk", LVM_STORAGE_DEVICE)
RAW_DISK = Kind("RawDisk", STORAGE_DEVICE)

VIRTUAL_SERVER_EVENT = Kind("VirtualServerEvent", MANAGED_OBJECT)
STARTING_EVENT = Kind("VirtualServerStartingEvent", VIRTUAL_SERVER_EVENT)
RUNNING_EVENT = Kind("VirtualServerRunningEvent", VIRTUAL_SERVER_EVENT)
STOPPED_EVENT = Kind("VirtualServerStoppedEvent", VIRTUAL_SERVER_EVENT)
FAILED_EVENT = Kind("VirtualServerFailedEvent", VIRTUAL_SERVER_EVENT)

BY_NAME = dict((kind.name, kind) for kind in globals().copy().values() if isinstance(kind, Kind))


class Constant(object):
    """A constant of the API that can be added to text, as a Java object can."""

    def __init__(self, name):
        self.name = name

    def __str__(self):
        return str(self.name)

    def __radd__(self, words):
        return words + self.name

    __repr__ = __str__


class VirtualServer_BootInfo(object):
    """What a virtual server boots from."""

    VS_BOOT_DEVICE_CDROM = Constant("CDROM")
    VS_BOOT_DEVICE_DISK = Constant("DISK")
