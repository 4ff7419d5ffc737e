"""Disk groups, logical disks, raw disks: space, copy-on-write snapshots, and what a guest sees of them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from fakes import copying, disks, kinds
from fakes.dispatch import operation
from fakes.faults import ManagementException


# -- disk groups and their space

@operation(kinds.LVM_DISK_GROUP, "getLogicalDisks")
def get_logical_disks(lab, group):
    """Return the logical disks of the group, snapshots included."""
    return lab.world.members(group["id"])


@operation(kinds.LVM_DISK_GROUP, "getFreeBytes")
def get_free_bytes(lab, group):
    """Return how many bytes of the group nothing takes."""
    return free_bytes(lab, group)


def free_bytes(lab, group):
    """Return the bytes left: a logical disk takes its size, a snapshot what has been copied for it."""
    taken = 0
    for disk in lab.world.members(group["id"]):
        taken += used_bytes(lab, disk) if disk["snapshot_parent"] else disk["bytes"]
    return group["bytes"] - taken


def used_bytes(lab, disk):
    """Return what a snapshot disk takes of its group: pages written on either side, and modelled writes."""
    if disk["lost"]:
        return 0
    parent = lab.world.get(disk["snapshot_parent"])
    pages = set()
    for layer in set(parent["layers"]) ^ set(disk["layers"]):
        pages |= lab.pages.indexes(layer)
    return min(disk["bytes"], len(pages) * disks.PAGE + disk["modelled_bytes"])


def grow_snapshots(lab, elapsed_ms):
    """Let the running parents of snapshots write for ``elapsed_ms``; a snapshot that has no room left is lost."""
    written = set(device for server in lab.world.writers() for device in server["devices"])
    for disk in lab.world.snapshot_disks() if written else ():
        if disk["snapshot_parent"] not in written:
            continue
        writers = [server for server in lab.world.holders(disk["snapshot_parent"])
                   if server["power"] == "Running" and not server["frozen"] and server["write_bytes_per_second"]]
        if disk["lost"] or not writers:
            continue
        grown = sum(server["write_bytes_per_second"] for server in writers) * elapsed_ms // 1000
        lab.world.settle(disk, modelled_bytes=disk["modelled_bytes"] + grown)
        lose_without_space(lab, disk)


def lose_without_space(lab, disk):
    """Mark a snapshot disk as lost where its group has no space left for it."""
    if free_bytes(lab, lab.world.get(disk["disk_group"])) < 0:
        lab.world.settle(disk, lost=True)
        copying.source_lost(lab, disk)


@operation(kinds.LVM_DISK_GROUP, "deleteLogicalDisk", takes=(kinds.LOGICAL_DISK,), changes=True)
def delete_logical_disk(lab, group, disk, job):
    """Delete a logical disk of the group that nothing uses and nothing is a snapshot of."""
    if disk["disk_group"] != group["id"]:
        raise ManagementException("%s is not in the group %s" % (disk["name"], group["name"]))
    if any(other["snapshot_parent"] == disk["id"] for other in lab.world.members(group["id"])):
        raise ManagementException("%s has a snapshot" % disk["name"])
    check_unseen(lab, disk)
    copying.check_idle(lab, disk)
    _release(lab, disk, job)
    lab.world.remove(disk, job)
    job.old_layers.append(disk["layers"][0])
    if disk["snapshot_parent"]:
        job.after_save.append(lambda: _merge_down(lab, disk["snapshot_parent"]))
    else:
        job.old_layers.extend(disk["layers"][1:])


def check_unseen(lab, disk):
    """Raise the manager's error where a guest sees the disk, attached or not any more."""
    for server in lab.world.seers(disk["id"]):
        raise ManagementException("%s is in use: the guest of %s sees it" % (disk["name"], server["name"]))


def check_unused(lab, disk):
    """Raise the manager's error where a server that runs has the disk, or a guest still sees it."""
    for holder in lab.world.holders(disk["id"]):
        if holder["power"] not in ("Stopped", "Failed"):
            raise ManagementException("%s is in use by %s" % (disk["name"], holder["name"]))
    check_unseen(lab, disk)


def check_not_lost(disk):
    """Raise the manager's error where a snapshot disk is lost."""
    if disk["lost"]:
        raise ManagementException("%s is lost: its group ran out of space" % disk["name"])


def _release(lab, disk, job):
    holders = lab.world.holders(disk["id"])
    for holder in holders:
        owner = holder["snapshot_of"] and disk["snapshot_parent"]
        if not owner or holder["power"] not in ("Stopped", "Failed"):
            raise ManagementException("%s is in use by %s" % (disk["name"], holder["name"]))
    lab.world.claim_all(holders + [disk], job)
    for holder in holders:
        lab.world.change(holder, job, devices=[each for each in holder["devices"] if each != disk["id"]])


def _merge_down(lab, identity):
    """A disk without a snapshot needs no frozen layer: what was written since goes down into it."""
    parent = lab.world.objects.get(identity)
    if parent is None or any(other["snapshot_parent"] == identity for other in lab.world.snapshot_disks()):
        return  # the job went on: it deleted the disk too, or took the next snapshot
    lab.pages.move(parent["layers"][0], parent["layers"][1])


# -- disks

@operation(kinds.LOGICAL_DISK, "getBytes")
def get_bytes(_lab, disk):
    """Return its size in bytes."""
    return disk["bytes"]


@operation(kinds.LOGICAL_DISK, "getSnapshotParent")
def get_snapshot_parent(lab, disk):
    """Return the disk it is a snapshot of, or None."""
    return lab.world.get(disk["snapshot_parent"]) if disk["snapshot_parent"] else None


@operation(kinds.LOGICAL_DISK, "getSnapshotUsedPercent")
def get_snapshot_used_percent(lab, disk):
    """Return how full the snapshot's space is, 0 to 100; a lost one throws."""
    if not disk["snapshot_parent"]:
        raise ManagementException("%s is not a snapshot" % disk["name"])
    check_not_lost(disk)
    used = used_bytes(lab, disk)
    room = used + max(0, free_bytes(lab, lab.world.get(disk["disk_group"])))
    return int(100 * used // room) if room else 100


@operation(kinds.LOGICAL_DISK, "getParentLvmDiskGroup")
def get_parent_lvm_disk_group(lab, disk):
    """Return the disk group it belongs to."""
    return lab.world.get(disk["disk_group"])


@operation(kinds.RAW_DISK, "getLun")
def get_lun(_lab, disk):
    """Return the name of the LUN on the array."""
    return disk["lun"]


def check_no_snapshot(lab, disk):
    """Raise the manager's error where a logical disk has a snapshot: it has one at the most."""
    if any(other["snapshot_parent"] == disk["id"] for other in lab.world.members(disk["disk_group"])):
        raise ManagementException("%s has a snapshot already" % disk["name"])


def snapshot_disk(lab, disk, job):
    """Make the copy-on-write snapshot of one logical disk; see ``check_no_snapshot``."""
    frozen = disk["layers"]
    if len(frozen) > 1 and not lab.pages.indexes(frozen[0]):
        job.old_layers.append(frozen[0])
        frozen = frozen[1:]
    top, own = lab.world.new_id("layer"), lab.world.new_id("layer")
    job.new_layers.extend([top, own])
    lab.world.change(disk, job, layers=[top] + frozen)
    return lab.world.add({
        "id": lab.world.new_id("disk"), "kind": kinds.LOGICAL_DISK.name, "name": "Snapshot of %s" % disk["name"],
        "disk_group": disk["disk_group"], "bytes": disk["bytes"], "snapshot_parent": disk["id"],
        "layers": [own] + frozen, "lost": False, "modelled_bytes": 0}, job)


def revert_disk(lab, copy, job):
    """Give the parent of the snapshot disk ``copy`` its content; what was written to the parent since goes."""
    parent = lab.world.get(copy["snapshot_parent"])
    check_unused(lab, parent)
    copying.check_idle(lab, parent)
    frozen = copy["layers"][1:]
    if lab.pages.indexes(copy["layers"][0]):  # what was written to the snapshot: both have it below them now
        frozen = copy["layers"]
        own = lab.world.new_id("layer")
        job.new_layers.append(own)
        lab.world.change(copy, job, layers=[own] + frozen)
    top = lab.world.new_id("layer")
    job.new_layers.append(top)
    job.old_layers.append(parent["layers"][0])
    lab.world.change(parent, job, layers=[top] + frozen)
    lab.world.change(copy, job, modelled_bytes=0)


def write(lab, disk, offset, data):
    """Write ``data`` to a disk as a guest would; a snapshot's space may run out by it."""
    if offset < 0 or offset + len(data) > disk["bytes"]:
        raise ManagementException("%s: a write of %d bytes at %d is beyond its %d bytes" % (
            disk["name"], len(data), offset, disk["bytes"]))
    disks.write(lab.pages, disk["layers"], offset, data)
    notice_writes(lab, disk)


def notice_writes(lab, disk):
    """Look at the space of the snapshots that a write to ``disk`` made grow."""
    for other in lab.world.snapshot_disks():
        if disk["id"] in (other["id"], other["snapshot_parent"]) and not other["lost"]:
            lose_without_space(lab, other)


# -- what a guest sees

def seen_at_boot(lab, server):
    """Return the disks that the guest finds when it boots, with the position and device name of each."""
    found = [identity for identity in server["devices"] if "layers" in lab.world.get_committed(identity)]
    names = [device_name(server, number) for number in range(len(found))]
    if server["device_naming"] == "reversed":
        names.reverse()
    return [{"disk": identity, "position": number, "device": name}
            for number, (identity, name) in enumerate(zip(found, names))]


def device_name(server, number):
    """Return what the guest calls its disk ``number``: sda, sdb, ..., sdz, sdaa; on Windows PHYSICALDRIVE0."""
    if server["operating_system"].lower().startswith("windows"):
        return "PHYSICALDRIVE%d" % number
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return "sd" + letters


def write_images(lab, server):
    """Write an image of each of the server's disks to the lab's folder, as a live CD does to its NAS."""
    folder = os.path.join(lab.folder, "images", str(server["id"]))
    if not os.path.isdir(folder):
        os.makedirs(folder)
    for seen in server["visible"]:
        disk = lab.world.get(seen["disk"])
        if not disk.get("lost"):
            origin = disk.get("snapshot_parent") or disk["id"]
            path = os.path.join(folder, str(origin) + ".img")
            disks.copy_out(lab.pages, disk["layers"], disk["bytes"], path)
