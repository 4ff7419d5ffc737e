"""Guests: what runs inside a virtual server. A few commands are modelled; all others are real processes.

A guest's devices (``/dev/sdb``), its mounts (``/mnt/...``) and, on Windows, its drives are files and
folders below the lab's own folder: no command in a lab ever reaches a device of the machine it runs on.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import posixpath
import re
import shutil
import subprocess

from fakes import disks, faults, guest_commands, storage
from fakes.faults import ConnectionLost, ManagementException
from vibackup import compat, process
from vibackup.guest import Command, Completed

UNREACHABLE = 255
SLICES = 10  # of the time that a command takes, at least: after each it may be stopped
LONGEST_SLICE_SECONDS = 60
_GUEST_VARIABLE = "VIBACKUP_LAB_GUEST"  # by which the processes of a guest are known
_ENDS = r"""[\s=:,;'"()<>|&]"""  # what a path may stand between, in a word that holds more than the path
_OWN_DEVICES = "(?!/(?:null|zero|full|random|urandom|stdin|stdout|stderr|tty|fd|shm)(?![\\w.-]))"
_SLASHES = "(?:(?<!:)/+|(?<=:)/(?://)?)"  # not two behind a colon: that is a URL with a host
_GUEST_PATHS = re.compile(r"(^-[A-Za-z]+|^|%s)(%s(?:dev%s|mnt)(?![\w.-])|\\\\\.\\|[C-Z]:\\)" % (
    _ENDS, _SLASHES, _OWN_DEVICES))
_SYSTEM_FOLDERS = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr")
_WHOLE_PATH = re.compile(r"(-*\w*=|)(/.*)$", re.DOTALL)


class Guests(object):
    """The lab's guests, with the same ``run`` as the product's own way into a guest (ssh)."""

    def __init__(self, lab):
        self._lab = lab

    def run(self, name, command, _family=None, timeout=None, on_output=None, should_stop=None):
        """Run ``command`` in the guest of the virtual server ``name``; see ``vibackup.guest``.

        Counts as a call, like those of the API, so a fault can strike here too, before the command ran or after
        it, and no status comes back: the connection breaks (throw), or nothing is heard until ``timeout`` (hang).
        One whose status alone is lost (lose) has printed what it has to say.
        """
        lab = self._lab
        lab.refresh()
        lab.check_interrupt()
        server = lab.world.named({"VirtualServer"}, name)
        if server is None:
            return Completed(UNREACHABLE, "", "could not resolve hostname %s" % name)
        number = lab.count_call(lab.handle(server), "run", command.argv)
        fault = lab.fault_for(number, "run", lab.handle(server))
        if fault is not None and fault.phase == "before":
            return self._broken(fault, command, timeout)
        if lab.world.committed(server)["power"] != "Running":
            return Completed(UNREACHABLE, "", "connect to host %s: no route to host" % name)
        completed = self._carry_out(server, command, timeout, on_output, should_stop)
        if fault is None or fault.phase != "after":
            return completed
        return completed._replace(status=None) if fault.action == "lose" else self._broken(fault, command, timeout)

    def _broken(self, fault, command, timeout):
        if fault.action == "hang" and timeout is not None and timeout < faults.HANG_SECONDS:
            self._lab.clock.sleep(timeout)
            return Completed(None, "", process.not_finished(timeout))
        try:
            faults.strike(self._lab, fault, "run %s" % command.argv[0])
        except (ManagementException, ConnectionLost) as error:
            return Completed(None, "", compat.message(error))
        return Completed(None, "", "connection lost")

    def _carry_out(self, server, command, timeout, on_output, should_stop):
        guest = Guest(self._lab, server["id"], timeout, should_stop)
        modelled = guest_commands.find(guest, command)
        if modelled is not None:
            return modelled(guest, command)
        return guest.run_process(command, on_output)


class Guest(object):
    """The inside of one running virtual server."""

    def __init__(self, lab, identity, timeout=None, should_stop=None):
        self.lab = lab
        self.identity = identity
        self.timeout = timeout
        self._should_stop = should_stop
        self.folder = os.path.join(lab.folder, "guests", str(identity))

    @property
    def server(self):
        """The virtual server's record, as it is now."""
        return self.lab.world.get(self.identity)

    def path(self, word):
        """Return ``word`` with every guest path in it (device, mount, drive) as a path below the lab's folder.

        That keeps commands off this machine's devices, and is no prison: what a program reads from a
        file of its own is not looked into.
        """
        return _GUEST_PATHS.sub(lambda match: match.group(1) + self._local(match.group(2)), _straight(word))

    def is_elsewhere(self, path):
        """Tell whether a folder's path is one of this machine's own, which no guest of a lab has.

        What lies deeper, but not in the system's folders, is a share that all guests see, where it is named.
        """
        path = posixpath.normpath(path)
        if not path.startswith("/") or _GUEST_PATHS.match(path):
            return False
        names = compat.text(os.path.realpath(compat.native(path))).strip("/").split("/")
        return len(names) < 2 or (names[0] in _SYSTEM_FOLDERS and names[:2] != ["dev", "shm"])  # files in memory

    def _local(self, start):
        local = start.replace("\\\\.\\", "/dev/")
        if local[:1] == "/":
            local = "/" + local.lstrip("/")
        if local[1:2] == ":":
            local = "/drive/%s/" % local[0]
        return compat.text(self.folder) + local

    # -- devices

    def disk_of(self, path):
        """Return ``(seen, disk)`` of the whole-disk device that a local ``path`` leads to, or None."""
        path = os.path.realpath(compat.native(path))
        for seen in self.server["visible"]:
            device = compat.native(self._device_file(seen))
            if path == os.path.realpath(device) or _same_file(path, device):
                return seen, self.lab.world.objects.get(seen["disk"])
        return None

    def _device_file(self, seen):
        return os.path.join(self.folder, "dev", str(seen["device"]))

    def _used_disks(self, command):
        found = {}
        for path in self.named_paths(command):
            disk = self.disk_of(path)
            if disk is not None:
                found[disk[0]["device"]] = disk
        return list(found.values())

    def named_paths(self, command):
        """Return what the guest paths in ``command`` may be: each to the end of its word, and to the next separator."""
        found = []
        for word in list(command.argv) + [word for word in (command.stdin, command.stdout) if word]:
            word = _straight(word)
            for match in _GUEST_PATHS.finditer(word):
                start, rest = self._local(match.group(2)), word[match.end():]
                found += [start + rest, start + re.split(_ENDS, rest)[0]]
        return found

    # -- processes

    def run_process(self, command, on_output):
        """Run a real program with the guest's devices as files, and let the virtual time pass that it would take."""
        used = self._used_disks(command)
        guest_commands.mount_system(self, command)
        files = [self._device_file(seen) for seen, _disk in used]
        was = [self._materialise(disk, path) for (_seen, disk), path in zip(used, files)]
        cut = self._pass_time(command, used, files)
        if cut is not None:
            return Completed(None, "", cut)
        local = Command([self.path(word) for word in command.argv],
                        command.stdin and self._redirected(command.stdin),
                        command.stdout and self._redirected(command.stdout))
        completed = process.run(local, self.timeout, on_output, self._should_stop, cwd=self._home(),
                                env=self._environment())
        for (_seen, disk), path, before in zip(used, files, was):
            self._absorb(disk, path, before)
        return completed

    def _redirected(self, path):
        return os.path.join(compat.text(self._home()), self.path(path))

    def _home(self):
        for name in ("dev", "home"):
            if not os.path.isdir(os.path.join(self.folder, name)):
                os.makedirs(os.path.join(self.folder, name))
        return os.path.join(self.folder, "home")

    def _materialise(self, disk, path):
        """Make the device file; returns what tells later which pages of it a program has written."""
        was = {}
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
        if disk is None or disk.get("lost"):
            open(path, "wb").close()
        else:
            was = disks.copy_out(self.lab.pages, disk["layers"], disk["bytes"], path)
        os.utime(path, (0, 0))
        return was

    def _absorb(self, disk, path, was):
        """Bring what the program wrote to the device back into the disk."""
        if disk is None or not os.path.isfile(path) or os.stat(path).st_mtime == 0:
            return
        with self.lab.exclusive():
            disk = self.lab.world.objects.get(disk["id"])
            if disk is not None and not disk.get("lost"):
                disks.copy_in(self.lab.pages, disk["layers"], disk["bytes"], path, was)
                storage.notice_writes(self.lab, disk)

    def _pass_time(self, command, used, files):
        """Let the modelled time of reading or writing those disks pass, as ``pass_seconds`` does."""
        size = sum(disk["bytes"] for _seen, disk in used if disk) + self._mounted_bytes(command)
        return self.pass_seconds(self.seconds_for(size), used, files)

    def seconds_for(self, size):
        """Return how many seconds ``size`` bytes take on this server's managed node."""
        node = self.lab.world.get(self.server["managed_node"])
        return size / float(node["bytes_per_second"])

    def pass_seconds(self, seconds, used=(), files=()):
        """Let time pass; a device whose snapshot is lost meanwhile ends where the reading was.

        Returns None, or why a command that takes so long was ended before.
        """
        whole = seconds if self.timeout is None else min(seconds, self.timeout)
        slices = max(SLICES, int(whole // LONGEST_SLICE_SECONDS))
        alive = [(disk, path) for (_seen, disk), path in zip(used, files) if disk and not disk.get("lost")]
        for number in range(1, slices + 1):
            self.lab.clock.sleep(whole / slices)
            for disk, path in list(alive):
                if self.lab.world.objects.get(disk["id"], disk).get("lost"):
                    self._cut(path, disk["bytes"] * number // (slices * disks.PAGE) * disks.PAGE)
                    alive.remove((disk, path))
            if self._should_stop is not None and self._should_stop():
                return process.STOPPED
        return None if whole == seconds else process.not_finished(self.timeout)

    def _cut(self, path, size):
        with open(path, "r+b") as stream:
            stream.truncate(size)
        os.utime(path, (0, 0))

    def _mounted_bytes(self, command):
        total = 0
        for mount in set(self.server["mounts"]) | {guest_commands.SYSTEM}:
            if any(mount in word for word in command.argv):
                total += _tree_bytes(self.path(mount))
        return total

    # -- mounts

    def mount_folder(self, mount):
        """Return the local folder behind the guest's folder ``mount``, or None where a lab mounts nothing."""
        mount = _straight(mount)
        return compat.native(self.path(mount)) if mount.startswith("/mnt/") else None

    def _environment(self):
        return dict(os.environ, **{str(_GUEST_VARIABLE): compat.native(self.folder)})

    def _end_processes(self):
        """End the real processes in this guest, also those of a run that was killed; known where there is a /proc."""
        mark = ("%s=%s" % (_GUEST_VARIABLE, self.folder)).encode("utf-8")
        found = [number for number in _process_numbers() if mark in _environment_of(number)]
        if found:
            subprocess.call(["kill", "-KILL"] + found, stderr=subprocess.PIPE)

    def power_off(self):
        """End its processes, and forget mounts and devices, as a boot does."""
        if os.path.isdir(os.path.join(self.folder, "home")):
            self._end_processes()
        for mount in list(self.server.get("mounts", {})):
            self.unmount(mount)
        for name in ("dev", "drive", os.path.join("mnt", "system")):
            shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)

    def remove(self):
        """Remove what the guest has left in the lab's folder: its server is deleted."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def unmount(self, mount):
        """Take a mount away; its folder stays, empty."""
        folder = self.mount_folder(mount)
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.isdir(os.path.dirname(folder)):
            os.mkdir(folder)
        self.set_mounts(dict((path, device) for path, device in self.server["mounts"].items() if path != mount))

    def set_mounts(self, mounts):
        """Record what is mounted where."""
        with self.lab.exclusive():
            self.lab.world.settle(self.server, mounts=mounts)


def _process_numbers():
    return [name for name in os.listdir("/proc") if name.isdigit()] if os.path.isdir("/proc/self") else []


def _environment_of(number):
    """Return the variables of a process; none where it has ended, or is somebody else's."""
    try:
        with open("/proc/%s/environ" % number, "rb") as stream:
            return stream.read().split(b"\0")
    except (IOError, OSError):
        return []


def _straight(word):
    """Return a guest path, or an option with one behind its ``=``, without ``..``, ``.`` and doubled slashes."""
    match = _WHOLE_PATH.match(word)
    if match is None:
        return word
    path = posixpath.normpath(match.group(2)).replace("//", "/", 1)
    if not _GUEST_PATHS.match(path) and not _GUEST_PATHS.match(match.group(2)):
        return word
    slash = "/" if match.group(2).endswith("/") and path != "/" else ""
    return match.group(1) + path + slash


def _same_file(one, other):
    """Tell whether two paths lead to one file, as a hard link does."""
    try:
        return os.stat(one).st_ino == os.stat(other).st_ino
    except OSError:
        return False


def _tree_bytes(folder):
    total = 0
    for where, _folders, files in os.walk(compat.native(folder)):
        total += sum(os.lstat(os.path.join(where, name)).st_size for name in files)
    return total
