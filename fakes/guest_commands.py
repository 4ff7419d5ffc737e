"""The commands that a guest of the lab models instead of running them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re
import struct
import tarfile

from fakes import disks
from vibackup import compat, process
from vibackup.guest import Completed

SECTOR = 512
TAR_MAGIC = b"ustar"
TAR_MAGIC_OFFSET = 257
_NEVER = ("shutdown", "reboot", "halt", "poweroff", "init")


def find(guest, command):
    """Return the function that models ``command`` in ``guest``, or None: then it is a real process."""
    name = command.argv[0]
    own = guest.server["commands"].get(name)
    if own is not None:
        return lambda guest_, _command: _run_own(guest_, own)
    if os.path.basename(name) in _NEVER:
        return lambda _guest, _command: Completed(127, "", "%s: not in a lab" % name)
    if name == "powershell":
        words = " ".join(command.argv)
        return _get_disk if "Get-Disk" in words else _get_partition if "Get-Partition" in words else None
    return _MODELLED.get(name)


def _run_own(guest, own):
    """A command that the inventory describes."""
    if not guest.pass_seconds(own.get("seconds", 0), guest.timeout):
        return Completed(None, "", process.not_finished(guest.timeout))
    return Completed(own.get("exit_status", 0), own.get("output", ""), "")


# -- disks and partitions

def _partitions(guest, disk):
    """Return ``[(number, first byte, bytes)]`` of the partition table in the disk's first sector, if they fit."""
    sector = disks.read(guest.lab.pages, disk["layers"], 0, SECTOR)
    found = []
    for number in range(4):
        entry = sector[446 + 16 * number:462 + 16 * number]
        first, count = struct.unpack(str("<II"), entry[8:16])
        if entry[4:5] != b"\0" and count and (first + count) * SECTOR <= disk["bytes"]:
            found.append((number + 1, first * SECTOR, count * SECTOR))
    return found


def _file_system(guest, disk, first):
    """Return the name of the file system at byte ``first``: the lab's own is a tar archive."""
    magic = disks.read(guest.lab.pages, disk["layers"], first + TAR_MAGIC_OFFSET, len(TAR_MAGIC))
    return "labfs" if magic == TAR_MAGIC else ""


def _seen(guest):
    """Yield ``(seen, disk, partitions)`` of each disk that the guest sees."""
    for seen in guest.server["visible"]:
        disk = guest.lab.world.objects.get(seen["disk"])
        if disk is not None:
            yield seen, disk, [] if disk.get("lost") else _partitions(guest, disk)


def _lsblk(guest, _command):
    hide = guest.server["hide_positions"]
    lines = []
    for seen, disk, partitions in _seen(guest):
        position = "" if hide else "0:0:%d:0" % seen["position"]
        lines.append(_pairs(seen["device"], disk["bytes"], position, "disk", "", ""))
        for number, first, size in partitions:
            lines.append(_pairs("%s%d" % (seen["device"], number), size, "", "part",
                                _file_system(guest, disk, first), seen["device"]))
    return Completed(0, "".join(sorted(lines)), "")


def _pairs(name, size, position, type_, file_system, parent):
    return 'NAME="%s" SIZE="%d" HCTL="%s" TYPE="%s" FSTYPE="%s" PKNAME="%s"\n' % (
        name, size, position, type_, file_system, parent)


def _get_disk(guest, _command):
    lines = ['"Number","Size","Location"\r\n']
    for seen, disk, _parts in _seen(guest):
        location = "" if guest.server["hide_positions"] else \
            "Integrated : Adapter 0 : Port 0 : Target %d : LUN 0" % seen["position"]
        lines.append('"%s","%d","%s"\r\n' % (seen["device"][len("PHYSICALDRIVE"):], disk["bytes"], location))
    return Completed(0, "".join(lines), "")


def _get_partition(guest, _command):
    """Windows mounts what it finds by itself: every file system gets the next drive letter from D on."""
    lines = ['"DiskNumber","PartitionNumber","DriveLetter","Size"\r\n']
    letter = ord("C")
    for seen, disk, partitions in _seen(guest):
        for number, first, size in partitions:
            drive = chr(letter) if letter <= ord("Z") and _file_system(guest, disk, first) else ""
            letter += 1 if drive else 0
            if drive > "C":  # one that cannot be read is an empty drive
                _extract(guest, disk, first, size, compat.native(guest.path("%s:\\" % drive)))
            lines.append('"%s","%d","%s","%d"\r\n' % (seen["device"][len("PHYSICALDRIVE"):], number, drive, size))
    return Completed(0, "".join(lines), "")


# -- mounts

def _mount(guest, command):
    if len(command.argv) < 3:
        return Completed(1, "", "mount: give a device and a folder")
    device, folder = command.argv[-2], command.argv[-1].rstrip("/")
    match = re.match(r"/dev/(sd[a-z]+)(\d+)$", device)
    for seen, disk, partitions in _seen(guest):
        for number, first, size in partitions:
            if match and (seen["device"], "%d" % number) == match.groups():
                return _mount_partition(guest, disk, first, size, folder, device)
    return Completed(32, "", "mount: %s: special device does not exist" % device)


def _mount_partition(guest, disk, first, size, folder, device):
    if guest.mount_folder(folder) is None:
        return Completed(32, "", "mount: %s: in a lab, mount below /mnt" % folder)
    if not os.path.isdir(guest.mount_folder(folder)):
        return Completed(32, "", "mount: %s: mount point does not exist" % folder)
    if folder in guest.server["mounts"]:
        return Completed(32, "", "mount: %s: already mounted" % folder)
    if not _file_system(guest, disk, first) or not _extract(guest, disk, first, size, guest.mount_folder(folder)):
        return Completed(32, "", "mount: %s: wrong fs type, or it is damaged" % device)
    mounts = dict(guest.server["mounts"])
    mounts[folder] = device
    guest.set_mounts(mounts)
    return Completed(0, "", "")


def _extract(guest, disk, first, size, folder):
    """Unpack the lab's file system below ``folder``, and nothing anywhere else; says whether it could be read."""
    data = disks.read(guest.lab.pages, disk["layers"], first, size)
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode=str("r:"), encoding=str("utf-8")) as archive:
            for member in archive.getmembers():
                _extract_member(archive, member, folder)
    except tarfile.TarError:
        return False
    return True


def _extract_member(archive, member, folder):
    target = os.path.normpath(os.path.join(folder, compat.native(member.name)))
    if member.isfile() and target.startswith(os.path.join(folder, str(""))):
        _make_folder(os.path.dirname(target))
        with open(target, "wb") as stream:
            stream.write(archive.extractfile(member).read())


def _make_folder(path):
    if not os.path.isdir(path):
        os.makedirs(path)


def _mountpoint(guest, command):
    return Completed(0 if command.argv[-1] in guest.server["mounts"] else 32, "", "")


def _umount(guest, command):
    folder = command.argv[-1].rstrip("/")
    if folder not in guest.server["mounts"]:
        return Completed(32, "", "umount: %s: not mounted" % folder)
    guest.unmount(folder)
    return Completed(0, "", "")


# -- quiesce, and an agent that is only a model

def _fsfreeze(guest, command):
    if len(command.argv) < 3:
        return Completed(1, "", "fsfreeze: give -f or -u and a folder")
    freeze = command.argv[1] in ("-f", "--freeze")
    if freeze == guest.server["frozen"]:
        return Completed(1, "", "fsfreeze: %s: %s" % (
            command.argv[-1], "Device or resource busy" if freeze else "Invalid argument"))
    with guest.lab.exclusive():
        guest.lab.world.settle(guest.server, frozen=freeze)
    return Completed(0, "", "")


def _model_agent(guest, command):
    """``model-agent image DEVICE NAME`` takes the virtual time of reading the device, and no process."""
    if len(command.argv) < 3:
        return Completed(1, "", "model-agent: give image, a device and a name")
    found = guest.disk_of(guest.path(command.argv[2]))
    size = found[1]["bytes"] if found and found[1] else 0
    if not guest.pass_seconds(guest.seconds_for(size), guest.timeout):
        return Completed(None, "", process.not_finished(guest.timeout))
    return Completed(0, "%d bytes read\n" % size, "")


def _hostname(guest, _command):
    return Completed(0, guest.server["name"] + "\n", "")


_MODELLED = {"hostname": _hostname, "lsblk": _lsblk, "mount": _mount, "umount": _umount,
             "mountpoint": _mountpoint, "fsfreeze": _fsfreeze, "model-agent": _model_agent}
