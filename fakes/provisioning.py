"""Virtual servers made and deleted, and logical disks made: from nothing, from another disk, from a VHD."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from fakes import copying, disks, events, guests, kinds, storage
from fakes.dispatch import NUMBER, TEXT, operation
from fakes.faults import ManagementException
from vibackup import compat, errors, vhd

SECTOR = 512
_NEW_SERVER = {"kind": kinds.VIRTUAL_SERVER.name, "power": "Stopped", "operating_system": "Linux", "boot_type": "DISK",
               "memory_bytes": 1024 ** 3, "processors": 1, "snapshot": None, "snapshot_of": None, "status_event": None,
               "frozen": False, "boot_ms": 30000, "stop_ms": 5000, "write_bytes_per_second": 0,
               "device_naming": "in order", "hide_positions": False}


# -- virtual servers

@operation(kinds.VIRTUAL_DATA_CENTER, "createVirtualServer", takes=(TEXT, kinds.MANAGED_NODE), changes=True)
def create_virtual_server(lab, center, name, node, job):
    """Make a stopped virtual server on the node, with no devices and on no network."""
    _check_node(center, node)
    _check_name(lab, kinds.VIRTUAL_SERVER, name)
    made = lab.world.add(dict(_NEW_SERVER, id=lab.world.new_id("vs"), name=name, managed_node=node["id"], devices=[],
                              networks=[], visible=[], mounts={}, commands={}), job)
    job.publish(lambda: _publish_stopped(lab, made["id"]))
    return made


def _publish_stopped(lab, identity):
    server = lab.world.objects.get(identity)
    if server is not None:  # else the job that made it deleted it too
        events.publish(lab, server, kinds.STOPPED_EVENT)


@operation(kinds.VIRTUAL_DATA_CENTER, "deleteVirtualServer", takes=(kinds.VIRTUAL_SERVER,), changes=True)
def delete_virtual_server(lab, center, server, job):
    """Delete a virtual server that is stopped; its disks stay, as nobody's."""
    _check_node(center, lab.world.get(server["managed_node"]))
    if server["power"] not in ("Stopped", "Failed"):
        raise ManagementException("%s is %s and cannot be deleted" % (server["name"], server["power"]))
    if server["snapshot"]:
        raise ManagementException("%s has a snapshot" % server["name"])
    if server["snapshot_of"]:
        raise ManagementException("%s is a snapshot: deleteSnapshot deletes it" % server["name"])
    lab.world.remove(server, job)
    job.after_save.append(guests.Guest(lab, server["id"]).remove)


def _check_node(center, node):
    if node["data_center"] != center["id"]:
        raise ManagementException("the node %s is not in the data center %s" % (node["name"], center["name"]))


def _check_name(lab, kind, name):
    if not name:
        raise ManagementException("a name cannot be empty")
    if lab.world.named(kind.names(), name) is not None:
        raise ManagementException("there is a %s called %s already" % (kind.name, name))


# -- logical disks

@operation(kinds.LVM_DISK_GROUP, "createLogicalDisk", takes=(TEXT, NUMBER), changes=True)
def create_logical_disk(lab, group, name, size, job):
    """Make a logical disk of ``size`` bytes, all zeros."""
    return add_disk(lab, group, name, size, job)


def add_disk(lab, group, name, size, job):
    """Return the record of a new logical disk, made under ``job``; raise where the group cannot have it."""
    _check_name(lab, kinds.STORAGE_DEVICE, name)
    if size <= 0 or size % SECTOR:
        raise ManagementException("%s: %d bytes: a disk has a multiple of %d bytes" % (name, size, SECTOR))
    free = storage.free_bytes(lab, group)
    if size > free:
        raise ManagementException("%s: %d bytes do not fit in the group %s, which has %d free" % (
            name, size, group["name"], free))
    layer = lab.world.new_id("layer")
    job.new_layers.append(layer)
    return lab.world.add({"id": lab.world.new_id("disk"), "kind": kinds.LOGICAL_DISK.name, "name": name,
                          "disk_group": group["id"], "bytes": size, "snapshot_parent": None, "layers": [layer],
                          "lost": False, "modelled_bytes": 0}, job)

# -- disks that are copied

@operation(kinds.LOGICAL_DISK, "cloneTo", takes=(kinds.LVM_DISK_GROUP, TEXT), changes=True)
def clone_to(lab, disk, group, name, job):
    """Make a logical disk in the group, with the bytes that this one has at the commit."""
    _claim_source(lab, disk, job)
    made = add_disk(lab, group, name, disk["bytes"], job)
    speed = min(group["bytes_per_second"], lab.world.get(disk["disk_group"])["bytes_per_second"])
    job.copies.append(copying.Copy(lambda: _fill(lab, made, _pieces(lab, disk)), speed, source=disk, target=made))
    return made


@operation(kinds.LVM_DISK_GROUP, "importLogicalDisk", takes=(TEXT, TEXT), changes=True)
def import_logical_disk(lab, group, name, path, job):
    """Make a logical disk from the VHD ``path`` of this machine; its size is the VHD's."""
    image = _image(path)
    made = add_disk(lab, group, name, image.bytes, job)
    job.copies.append(copying.Copy(lambda: _read_vhd(lab, made, path), group["bytes_per_second"], target=made))
    return made


@operation(kinds.LOGICAL_DISK, "exportVhd", takes=(TEXT,), changes=True)
def export_vhd(lab, disk, path, job):
    """Write the disk's bytes at the commit to ``path``, a new file of this machine, as a dynamic VHD."""
    _claim_source(lab, disk, job)
    _check_new_file(path)
    speed = lab.world.get(disk["disk_group"])["bytes_per_second"]
    job.copies.append(copying.Copy(lambda: _write_vhd(lab, disk, path, job), speed, source=disk, path=path))


@operation(kinds.LOGICAL_DISK, "getCopyPercent")
def get_copy_percent(lab, disk):
    """Return how much of the copying that makes or reads this disk is done, 0 to 100."""
    return copying.percent(lab, disk)


def _claim_source(lab, disk, job):
    """Make sure that the disk can be read whole, and nobody else copies it; a snapshot disk may be in use."""
    storage.check_not_lost(disk)
    if not disk["snapshot_parent"]:
        storage.check_unused(lab, disk)
    copying.check_idle(lab, disk)
    lab.world.claim(disk, job)


def _pieces(lab, disk):
    """Yield the pages of a disk that are not all zeros, as ``(offset, data)``."""
    storage.check_not_lost(disk)
    for index in disks.written(lab.pages, disk["layers"]):
        data = disks.page(lab.pages, disk["layers"], index)[:disk["bytes"] - index * disks.PAGE]
        if data.strip(b"\0"):
            yield index * disks.PAGE, data


def _fill(lab, disk, pieces):
    for offset, data in pieces:
        disks.write(lab.pages, disk["layers"], offset, data)


# -- VHDs

def _image(path, size=None):
    """Return what the VHD ``path`` is; raise the manager's error where it is none, or not one of ``size`` bytes."""
    return _of_file(path, lambda: vhd.check(path, size))


def _read_vhd(lab, disk, path):
    _image(path, disk["bytes"])
    _of_file(path, lambda: _fill(lab, disk, vhd.read(path)))


def _check_new_file(path):
    local = compat.native(path)
    if os.path.lexists(local):
        raise ManagementException("%s: there is a file already" % path)
    if not os.path.isdir(os.path.dirname(os.path.abspath(local))):
        raise ManagementException("%s: there is no such folder" % path)


def _write_vhd(lab, disk, path, job):
    _check_new_file(path)
    job.on_abort.append(lambda: _remove_file(path))
    _of_file(path, lambda: vhd.write(path, disk["bytes"], _pieces(lab, disk)))


def _of_file(path, function):
    try:
        return function()
    except errors.BadImage as error:  # which names the file
        raise ManagementException(error.message)
    except (IOError, OSError) as error:
        raise ManagementException("%s: %s" % (path, compat.message(error)))


def _remove_file(path):
    if os.path.lexists(compat.native(path)):
        os.remove(compat.native(path))
