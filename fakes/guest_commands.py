"""The commands that a guest of the lab models instead of running them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re
import struct
import tarfile

from fakes import disks
from vibackup import compat
from vibackup.guest import Completed

SECTOR = 512
TAR_MAGIC = b"ustar"
TAR_MAGIC_OFFSET = 257
SYSTEM = "/mnt/system"  # where a Linux guest has its own disk: the lab's stand-in for /
SYSTEM_DRIVE = "C:\\"
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
        return next((function for cmdlet, function in _CMDLETS if cmdlet in words), None)
    if name == "test" and guest.is_elsewhere(command.argv[-1]):
        return _is_not_there
    if name == "cat" and command.argv[-1] == "/proc/diskstats":
        return _diskstats
    if name == "blockdev" and "--rereadpt" not in command.argv:
        return None
    return _MODELLED.get(name)


def _run_own(guest, own):
    """A command that the inventory describes."""
    cut = guest.pass_seconds(own.get("seconds", 0))
    if cut is not None:
        return Completed(None, "", cut)
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
    folders = dict((device, folder) for folder, device in _mounts(guest).items())
    lines = []
    for seen, disk, partitions in _seen(guest):
        position = "" if hide else "0:0:%d:0" % seen["position"]
        lines.append(_pairs(seen["device"], disk["bytes"], position, "disk", "", "", ""))
        for number, first, size in partitions:
            name = "%s%d" % (seen["device"], number)
            lines.append(_pairs(name, size, "", "part", _file_system(guest, disk, first), seen["device"],
                                folders.get("/dev/" + name, "")))
    return Completed(0, "".join(sorted(lines)), "")


def _pairs(name, size, position, type_, file_system, parent, folder):
    return 'NAME="%s" SIZE="%d" HCTL="%s" TYPE="%s" FSTYPE="%s" PKNAME="%s" MOUNTPOINT="%s"\n' % (
        name, size, position, type_, file_system, parent, folder)


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

def _mounts(guest):
    """Return what is mounted where, as ``{folder: device}``: what was asked for, and what the guest's boot mounts."""
    mounts = dict(guest.server["mounts"])
    own = None if _is_windows(guest) else _own_partition(guest)
    if own is not None:
        mounts[SYSTEM] = own[0]
    return mounts


def _is_windows(guest):
    return guest.server["operating_system"].lower().startswith("windows")


def _own_partition(guest):
    """Return ``(device, disk, first byte, bytes)`` of what a server boots from, or None; None too for a snapshot."""
    for seen, disk, partitions in _seen(guest):
        if seen["position"] == 0 and not guest.server["snapshot_of"]:
            for number, first, size in partitions[:1]:
                if _file_system(guest, disk, first):
                    return "/dev/%s%d" % (seen["device"], number), disk, first, size
    return None


def mount_system(guest, command):
    """Have the files of the guest's own disk where ``command`` names them: unpacked only now, a lab may boot many."""
    folder = guest.path(SYSTEM_DRIVE if _is_windows(guest) else SYSTEM).rstrip("/")
    local = compat.native(folder)
    named = any(path == folder or path.startswith(folder + "/") or folder.startswith(path.rstrip("/") + "/")
                for path in guest.named_paths(command))
    own = _own_partition(guest) if named and not os.path.isdir(local) else None
    if own is not None:
        _make_folder(local)
        _extract(guest, own[1], own[2], own[3], local)


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
    if folder in _mounts(guest):
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


def _is_not_there(_guest, _command):
    return Completed(1, "", "")


def _mountpoint(guest, command):
    return Completed(0 if command.argv[-1] in _mounts(guest) else 32, "", "")


def _umount(guest, command):
    folder = command.argv[-1].rstrip("/")
    if folder == SYSTEM and folder in _mounts(guest):
        return Completed(32, "", "umount: %s: target is busy" % folder)
    if folder not in guest.server["mounts"]:
        return Completed(32, "", "umount: %s: not mounted" % folder)
    guest.unmount(folder)
    return Completed(0, "", "")


# -- how much a guest writes

def _diskstats(guest, _command):
    """``/proc/diskstats`` as the kernel writes it: the tenth field of each disk and its partitions moves, no other."""
    lines = []
    written = _bytes_per_second(guest) * guest.lab.world.now_ms // 1000
    logical = [disk["id"] for _seen_as, disk, _parts in _seen(guest) if disk["kind"] == "LogicalDisk"]
    for seen, disk, partitions in _seen(guest):
        sectors = written // len(logical) // SECTOR if disk["id"] in logical else 0
        for number in [0] + [number for number, _first, _size in partitions]:
            name = seen["device"] + ("%d" % number if number else "")
            lines.append("%4d %7d %s 0 0 0 0 0 0 %d 0 0 0 0\n" % (
                8, 16 * seen["position"] + number, name, sectors if number < 2 else 0))
    return Completed(0, "".join(lines), "")


def _write_rate(guest, _command):
    return Completed(0, "%d\r\n" % _bytes_per_second(guest), "")


def _bytes_per_second(guest):
    return 0 if guest.server["frozen"] else guest.server["write_bytes_per_second"]


def _reread_partitions(guest, command):
    device = command.argv[-1]
    if guest.disk_of(guest.path(device)) is None:
        return Completed(1, "", "blockdev: cannot open %s: No such file or directory" % device)
    return Completed(0, "", "")


def _sleep(guest, command):
    """Let virtual time pass instead of real time."""
    try:
        seconds = max(0.0, float(command.argv[-1]))
    except ValueError:
        return Completed(1, "", "sleep: invalid time interval %s" % command.argv[-1])
    cut = guest.pass_seconds(seconds)
    if cut is not None:
        return Completed(None, "", cut)
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
    cut = guest.pass_seconds(guest.seconds_for(size))
    if cut is not None:
        return Completed(None, "", cut)
    return Completed(0, "%d bytes read\n" % size, "")


def _hostname(guest, _command):
    return Completed(0, guest.server["name"] + "\n", "")


_MODELLED = {"hostname": _hostname, "lsblk": _lsblk, "mount": _mount, "umount": _umount,
             "mountpoint": _mountpoint, "fsfreeze": _fsfreeze, "model-agent": _model_agent,
             "blockdev": _reread_partitions, "sleep": _sleep}
_CMDLETS = (("Get-Disk", _get_disk), ("Get-Partition", _get_partition), ("Disk Write Bytes/sec", _write_rate))
