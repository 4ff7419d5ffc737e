"""Run a command in a guest (ssh, or the lab's shell); find its disks."""
from __future__ import absolute_import, division, print_function, unicode_literals

import binascii
import collections
import csv
import re

from vibackup import compat, errors

# What to run in a guest. argv: a list of text, no shell reads it. stdin, stdout: a path in the
# guest to read from or write to, or None.
Command = collections.namedtuple("Command", "argv stdin stdout")

# How it ended. status: the exit status (None: none came back; 128 + n: killed by signal n).
# output, errors: the last part of what it printed, as text.
Completed = collections.namedtuple("Completed", "status output errors")

# A disk as a guest sees it. path: its device; bytes: its size; position: its place on the SCSI bus
# as numbers, or None where the guest does not tell; partitions: its Partitions, in order.
GuestDisk = collections.namedtuple("GuestDisk", "path bytes position partitions")
Partition = collections.namedtuple("Partition", "number path file_system mounted")

LINUX, WINDOWS = "linux", "windows"
QUICK_SECONDS = 60
ANSWER_PAUSE_SECONDS = 5
CONNECTION_LOST = (None, 255)

_LSBLK = ["lsblk", "-b", "-P", "-o", "NAME,SIZE,HCTL,TYPE,FSTYPE,PKNAME"]
_LSBLK_MOUNTS = ["lsblk", "-P", "-o", "NAME,TYPE,FSTYPE,MOUNTPOINT"]
_GET_DISK = ["powershell", "-NoProfile", "-Command",
             "Get-Disk | Select-Object Number,Size,Location | ConvertTo-Csv -NoTypeInformation"]
_GET_PARTITION = ["powershell", "-NoProfile", "-Command",
                  "Get-Partition | Select-Object DiskNumber,PartitionNumber,DriveLetter,Size"
                  " | ConvertTo-Csv -NoTypeInformation"]
_PAIR = re.compile(r'([A-Z-]+)="([^"]*)"')
_ESCAPED = re.compile(br"\\x([0-9a-fA-F]{2})")
_MANY_FILE_SYSTEMS = ("btrfs", "zfs_member")  # of which lsblk names one mount at most
_NO_DISKS = ("zram", "nbd", "ram", "loop", "fd", "sr")  # devices that come and go with software
_DEVICE_NAME = re.compile(r"[A-Za-z0-9!_-]+\Z")


def family(operating_system):
    """Return LINUX or WINDOWS for an operating system in the manager's words, or None for any other."""
    words = operating_system.lower()
    if "windows" in words:
        return WINDOWS
    if any(name in words for name in ("linux", "suse", "sles", "red hat", "rhel", "centos", "debian", "ubuntu")):
        return LINUX
    return None


class Guest(object):
    """The guest of the virtual server called ``name``, reached by ``run``'s manager's way into guests.

    ``operating_system``: in the manager's words. Raises Refused for one whose disks it cannot list.
    """

    def __init__(self, run, name, operating_system):
        self._run = run
        self.name = name
        self.family = family(operating_system)
        if self.family is None:
            raise errors.Refused("%s: cannot list the disks of a guest with %s; Linux and Windows are known" % (
                name, operating_system))

    def command(self, command, timeout=QUICK_SECONDS, on_output=None):
        """Run ``command`` (a Command) in the guest and return its Completed; ``timeout`` in seconds."""
        return self._run.manager.guests.run(self.name, command, self.family, timeout, on_output,
                                            self._run.should_stop)

    def must(self, argv, timeout=QUICK_SECONDS):
        """Run ``argv`` and return what it printed; raise GuestError where its status is not 0."""
        completed = self.command(Command(argv, None, None), timeout)
        if completed.status != 0:
            self._run.check_stop()  # that is why it ended
            raise errors.GuestError("%s: %s: %s" % (self.name, argv[0], failure(completed)))
        return completed.output

    def test(self, question, path):
        """Tell whether ``test QUESTION PATH`` holds in a Linux guest; raise GuestError where it gives no answer."""
        completed = self.command(Command(["test", question, path], None, None))
        if completed.status not in (0, 1):
            self._run.check_stop()
            raise errors.GuestError("%s: test %s %s: %s" % (self.name, question, path, failure(completed)))
        return completed.status == 0

    def wait_until_it_answers(self, seconds):
        """Wait for the guest to take commands, which is some time after its boot; raise TimedOut after ``seconds``."""
        clock = self._run.manager.clock
        deadline = clock.monotonic() + seconds
        probe = Command(["hostname"], None, None)
        while True:
            completed = self.command(probe)
            if completed.status not in CONNECTION_LOST:
                return
            if clock.monotonic() >= deadline:
                raise errors.TimedOut("%s runs, but takes no commands within %d seconds: %s" % (
                    self.name, seconds, failure(completed)))
            self._run.check_stop()
            clock.sleep(ANSWER_PAUSE_SECONDS)

    def disks(self):
        """Return the guest's disks as GuestDisks; raise GuestError where its answer makes no sense."""
        if self.family == LINUX:
            return _linux_disks(self.must(_LSBLK), self.name)
        return _windows_disks(self.must(_GET_DISK), self.must(_GET_PARTITION), self.name)

    def mounted_folders(self):
        """Return where the guest has mounted the file systems of its own disks, sorted.

        Raises GuestError where its answer makes no sense, and Refused where it may not name them all.
        """
        if self.family == LINUX:
            return _linux_folders(self.must(_LSBLK_MOUNTS), self.name)
        return sorted(partition.mounted for disk in self.disks() for partition in disk.partitions if partition.mounted)


def failure(completed, lines=1):
    """Return in one line why a command failed: the last ``lines`` of what it said, errors first, and its status."""
    said = [line.strip() for line in (completed.output + "\n" + completed.errors).splitlines() if line.strip()]
    status = "no exit status came back" if completed.status is None else "exit status %d" % completed.status
    return "%s (%s)" % ("; ".join(said[-lines:])[-300:], status) if said else status


def new_disks(before, after, sizes, name):
    """Return the disks of ``after`` that were not there ``before``, in the order of ``sizes``.

    before, after: what ``Guest.disks`` said before the disks were attached and after the reboot.
    sizes: bytes of the attached disks, in the order in which they were attached. name: the guest's.

    A disk is known by its place on the SCSI bus and its size, never by its letter. Raises GuestError
    where the guest does not show them all, shows others, or leaves any doubt which is which.
    """
    rest = list(after)
    for place in sorted(set(_place(disk) for disk in before)):
        own = [disk for disk in before if _place(disk) == place]
        match = [disk for disk in after if _place(disk) == place]
        if len(match) < len(own) or sorted(map(layout, match[:len(own)])) != sorted(map(layout, own)):
            raise errors.GuestError("%s: its own disk %s (%d bytes) is not where it was" % (
                name, own[0].path, own[0].bytes))
        if len(match) > len(own):
            raise errors.GuestError("%s: cannot tell its own disk of %d bytes from a new one" % (name, own[0].bytes))
        rest = [disk for disk in rest if disk not in match]
    if len(rest) != len(sizes):
        raise errors.GuestError("%s: sees %d new disks where %d were attached" % (name, len(rest), len(sizes)))
    return _in_order(rest, sizes, name)


def in_devices_order(shown, sizes, name):
    """Return the disks that a guest shows in the order in which the manager has them.

    shown: what ``Guest.disks`` said. sizes: the manager's, in its order, None where it does not tell. name: the
    guest's. Raises GuestError where they do not agree, or where there is any doubt which is which.
    """
    if len(shown) != len(sizes):
        raise errors.GuestError("%s: shows %d disks where the manager has %d: reboot it, so that it sees them" % (
            name, len(shown), len(sizes)))
    ordered = _sorted_as(shown, sizes)
    if ordered is None:
        raise errors.GuestError("%s: does not tell where its disks are on the SCSI bus, so nobody knows which is "
                                "which" % name)
    for disk, size in zip(ordered, sizes):
        if size not in (None, disk.bytes):
            raise errors.GuestError("%s: %s has %d bytes where the manager has %d" % (
                name, disk.path, disk.bytes, size))
    return ordered


def _sorted_as(found, sizes):
    """Return the disks by their place on the SCSI bus, or where they do not tell as ``sizes`` are; None in doubt."""
    positions = [disk.position for disk in found]
    if None not in positions and len(set(positions)) == len(positions):
        return sorted(found, key=lambda disk: disk.position)
    if len(set(sizes)) == len(sizes) and (None not in sizes or len(sizes) == 1):
        return sorted(found, key=lambda disk: sizes.index(disk.bytes) if disk.bytes in sizes else -1)
    return None


def _place(disk):
    return (disk.position or (), disk.bytes)


def layout(disk):
    """Return what is on a GuestDisk, as far as a listing tells, as ``[[number, file system]]``."""
    return [[partition.number, partition.file_system] for partition in disk.partitions]


def _in_order(found, sizes, name):
    ordered = _sorted_as(found, sizes)
    if ordered is None:
        raise errors.GuestError("%s: cannot tell new disks of the same size apart" % name)
    for disk, size in zip(ordered, sizes):
        if disk.bytes != size:
            raise errors.GuestError("%s: the new disk %s has %d bytes where %d were attached" % (
                name, disk.path, disk.bytes, size))
    return ordered


# -- what guests answer

def _linux_disks(output, name):
    found, partitions = [], {}
    for line in output.splitlines():
        fields = dict(_PAIR.findall(line))
        if not fields.get("NAME") or not _DEVICE_NAME.match(fields["NAME"]):
            raise errors.GuestError("%s: lsblk: not understood: %s" % (name, line[:200]))
        if fields.get("TYPE") == "disk" and not fields["NAME"].startswith(_NO_DISKS):
            found.append(fields)
        elif fields.get("TYPE") == "part":
            partitions.setdefault(fields.get("PKNAME"), []).append(fields)
    return [GuestDisk("/dev/" + fields["NAME"].replace("!", "/"), _number(fields.get("SIZE"), name),
                      _numbers(fields.get("HCTL", "")), _linux_partitions(partitions.get(fields["NAME"], ())))
            for fields in found]


def _linux_folders(output, name):
    rows = [dict(_PAIR.findall(line)) for line in output.splitlines()]
    if any("MOUNTPOINT" not in fields for fields in rows):
        raise errors.GuestError("%s: lsblk: not understood: %s" % (name, output[:200].strip()))
    for fields in rows:
        if fields.get("FSTYPE") in _MANY_FILE_SYSTEMS:
            raise errors.Refused("%s has %s on %s, which may be mounted more than once: say what to back up with --path"
                                 % (name, fields["FSTYPE"], fields["NAME"]))
    return sorted(set(_unescaped(fields["MOUNTPOINT"]) for fields in rows if fields["MOUNTPOINT"].startswith("/")
                      and not fields["NAME"].startswith(_NO_DISKS)))


def _unescaped(words):
    """Return a path of lsblk, which writes odd bytes in hexadecimal, as it is."""
    return compat.text(_ESCAPED.sub(lambda found: binascii.unhexlify(found.group(1)), words.encode("utf-8")))


def _linux_partitions(rows):
    rows = sorted(rows, key=lambda fields: (len(fields["NAME"]), fields["NAME"]))
    return [Partition(number, "/dev/" + fields["NAME"].replace("!", "/"), fields.get("FSTYPE", ""), None)
            for number, fields in enumerate(rows, 1)]


def _windows_disks(disk_output, partition_output, name):
    partitions = {}
    for row in _rows(partition_output, ("DiskNumber", "PartitionNumber", "DriveLetter"), name):
        letter = row["DriveLetter"].strip()
        partitions.setdefault(row["DiskNumber"], []).append(
            Partition(_number(row["PartitionNumber"], name), row["DiskNumber"],
                      "windows" if letter else "", letter + ":\\" if letter else None))
    return [GuestDisk("\\\\.\\PHYSICALDRIVE%d" % _number(row["Number"], name), _number(row["Size"], name),
                      _numbers(row["Location"]), partitions.get(row["Number"], []))
            for row in _rows(disk_output, ("Number", "Size", "Location"), name)]


def _rows(output, columns, name):
    output = output.replace("\0", "")  # a drive letter that is not there, which csv does not take
    try:
        rows = compat.csv_rows([line for line in output.splitlines() if line.strip()])
    except csv.Error:
        rows = []
    if not rows or not set(columns) <= set(rows[0]) or any(len(row) != len(rows[0]) for row in rows):
        raise errors.GuestError("%s: powershell: not understood: %s" % (name, output[:200].strip()))
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def _number(words, name):
    if not words or not re.match(r"[0-9]{1,20}\Z", words):
        raise errors.GuestError("%s: not a number in the list of its disks: %s" % (name, (words or "")[:80]))
    return int(words)


def _numbers(words):
    """Return channel, target and unit of a place on the SCSI bus (``0:0:2:0``), or None where the guest gives none.

    The number of the host adapter is left out: it may be another one after a boot.
    """
    found = re.findall(r"[0-9]{1,9}", words)
    return tuple(int(number) for number in found[-3:]) or None
