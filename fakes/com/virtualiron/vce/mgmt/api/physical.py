"""Managed nodes, disk groups and the devices on them."""
from fakes.kinds import (  # noqa: F401
    LOGICAL_DISK as LogicalDisk,
    LVM_DISK_GROUP as LvmDiskGroup,
    LVM_STORAGE_DEVICE as LvmStorageDevice,
    MANAGED_NODE as ManagedNode,
    NETWORK_BLOCK_DEVICE as NetworkBlockDevice,
    RAW_DISK as RawDisk,
    STORAGE_DEVICE as StorageDevice,
    VIRTUAL_DATA_CENTER as VirtualDataCenter,
)
