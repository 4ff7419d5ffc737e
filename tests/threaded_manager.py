# -*- coding: utf-8 -*-
"""A small management API in real time, whose calls come from many threads at once, as on a site; and its guests.

It is no lab: nothing makes threads take turns, and every command in a guest takes real milliseconds. What a manager
may not be asked (a change outside a job, two jobs at once) is an error that ``wrong`` keeps, whoever catches it.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import threading
import time

from vibackup import manager
from vibackup.clock import SystemClock
from vibackup.guest import Completed

READ_SECONDS = 0.01  # that an agent takes for a disk, or twice or three times that
JOB_SECONDS = 0.0005  # that a job takes to begin
SIZE = 65536


class Refused(Exception):
    """What this API throws."""


class Kind(object):
    """A class of the API."""

    def __init__(self, name, *above):
        self.name = name
        self._names = set((name,) + above)

    def isAssignableFrom(self, other):  # noqa: N802  (the names are the API's)
        return self.name in other._names


class Packages(object):
    """Where the classes are found."""

    VirtualServer, ManagedNode, LvmDiskGroup = Kind("VirtualServer"), Kind("ManagedNode"), Kind("LvmDiskGroup")
    LvmStorageDevice, NetworkBlockDevice = Kind("LvmStorageDevice"), Kind("NetworkBlockDevice")
    LogicalDisk = Kind("LogicalDisk", "LvmStorageDevice", "StorageDevice")
    VirtualServerEvent = Kind("VirtualServerEvent")
    VirtualServerRunningEvent = Kind("VirtualServerRunningEvent", "VirtualServerEvent")
    VirtualServerStoppedEvent = Kind("VirtualServerStoppedEvent", "VirtualServerEvent")


class Thing(object):
    """Any object of the API. site: a Site; facts: what its getters say, by their names without ``get``."""

    def __init__(self, site, kind, name, **facts):
        self.site, self.kind, self.name, self.facts = site, kind, name, facts
        self.id = site.new_id()

    def getId(self):  # noqa: N802
        return self.id

    def getName(self):  # noqa: N802
        return self.name

    def getKind(self):  # noqa: N802
        return self.kind

    def setName(self, name):  # noqa: N802
        old = self.name
        self.site.change("setName", self, lambda: setattr(self, "name", name), lambda: setattr(self, "name", old))

    def __getattr__(self, name):
        if name.startswith("get") and name[3:] in self.__dict__["facts"]:
            return lambda: self.facts[name[3:]]
        raise AttributeError(name)


class Disk(Thing):
    """A logical disk."""

    def getSnapshotUsedPercent(self):  # noqa: N802
        return 0


class Group(Thing):
    """A disk group."""

    def deleteLogicalDisk(self, disk):  # noqa: N802
        self.site.change("deleteLogicalDisk", disk, lambda: None, lambda: None)


class Event(Thing):
    """What has happened to a virtual server last."""


class VirtualServer(Thing):
    """A virtual server; ``visible``: the disks that its guest saw when it booted."""

    def __init__(self, site, name, node, devices):
        Thing.__init__(self, site, Packages.VirtualServer, name, ManagedNode=node, OperatingSystem="Linux")
        self.devices = list(devices)
        self.snapshot_server = None
        self.boots = 0
        self.boot()

    def boot(self):
        """Have its guest see the disks that it has now."""
        self.visible = list(self.devices)
        self.boots += 1
        self.event = Event(self.site, Packages.VirtualServerRunningEvent, self.name, Time=self.site.tick())

    def getStatusEvent(self):  # noqa: N802
        return self.event

    def getStorageDevices(self):  # noqa: N802
        with self.site.lock:
            return list(self.devices)

    def getSnapshot(self):  # noqa: N802
        return self.snapshot_server

    def snapshot(self):
        disks = [Disk(self.site, Packages.LogicalDisk, "Snapshot of " + disk.name, Bytes=disk.facts["Bytes"],
                      SnapshotParent=disk, ParentLvmDiskGroup=disk.facts["ParentLvmDiskGroup"])
                 for disk in self.devices]
        made = VirtualServer(self.site, "Snapshot of " + self.name, self.facts["ManagedNode"], disks)
        self.site.must(self.snapshot_server is None, "%s has a snapshot already" % self.name)
        self.site.change("snapshot", self, lambda: setattr(self, "snapshot_server", made),
                         lambda: setattr(self, "snapshot_server", None))
        return made

    def deleteSnapshot(self, made):  # noqa: N802
        self.site.must(made is self.snapshot_server, "not the snapshot of %s" % self.name)
        self.site.must(not any(disk in other.devices for disk in made.devices for other in self.site.servers),
                       "a disk of the snapshot of %s is in use" % self.name)
        self.site.change("deleteSnapshot", self, lambda: setattr(self, "snapshot_server", None),
                         lambda: setattr(self, "snapshot_server", made))

    def addStorageDevice(self, disk):  # noqa: N802
        self.site.change("addStorageDevice", self, lambda: self.devices.append(disk),
                         lambda: self.devices.remove(disk))

    def removeStorageDevice(self, disk):  # noqa: N802
        self.site.change("removeStorageDevice", self, lambda: self.devices.remove(disk),
                         lambda: self.devices.append(disk))

    def reboot(self):
        self.site.change("reboot", self, self.boot, lambda: None)

    def start(self):
        raise Refused("it runs")

    stop = start


class Job(object):
    """One transaction; only the thread that began it may change anything."""

    def __init__(self, site, name):
        self.site, self.name, self.undo = site, name, []

    def begin(self):
        with self.site.lock:
            self.site.must(self.site.job is None, "two jobs at once")
            self.site.job, self.site.changer = self, threading.current_thread()
        time.sleep(JOB_SECONDS)

    def addOperationDescription(self, *_words):  # noqa: N802
        return

    def commit(self):
        with self.site.lock:
            self.site.must(self.site.job is self, "not the job that was begun")
            self.site.job = None

    def abort(self):
        with self.site.lock:
            for function in reversed(self.undo):
                function()
            self.site.job = None


class EventLog(object):
    """Hears everything at once."""

    def listenForEvents(self, _kind, _server, _milliseconds):  # noqa: N802
        time.sleep(0.001)


class Site(object):
    """All there is; it is the configuration manager, and the way into its guests.

    servers: how many, one each in turn on ``nodes`` managed nodes, with a disk in one of two disk groups. proxies: how
    many, each on a managed node of its own. strike(call, thing): called before each change; may raise. answer(server,
    argv): called before each command in a guest; what it returns, unless it is None, is the answer.
    """

    def __init__(self, servers, proxies, nodes):
        self.lock = threading.RLock()
        self.job = self.changer = None
        self.wrong, self.reading, self.peaks, self.reads = [], collections.Counter(), collections.Counter(), []
        self.strike = lambda call, thing: None
        self.answer = lambda server, argv: None
        self._ids = self._ticks = 0
        center = Thing(self, Kind("VirtualDataCenter"), "East")
        self.groups = [Group(self, Packages.LvmDiskGroup, "group%d" % number, FreeBytes=2 ** 40) for number in range(2)]
        homes = [Thing(self, Packages.ManagedNode, "node%d" % number, VirtualDataCenter=center)
                 for number in range(nodes + proxies)]
        self.servers = [self._server("web%02d" % (number + 1), homes[number % nodes], number)
                        for number in range(servers)]
        self.servers += [self._server("pbh%02d" % (number + 1), homes[nodes + number], number)
                         for number in range(proxies)]

    def _server(self, name, node, number):
        disk = Disk(self, Packages.LogicalDisk, name + "-disk", Bytes=SIZE, SnapshotParent=None,
                    ParentLvmDiskGroup=self.groups[number % 2])
        return VirtualServer(self, name, node, [disk])

    def connect(self):
        """Return the ``manager.Manager`` of it."""
        return manager.Manager(self, (Packages,), SystemClock(), self, None)

    def named(self, name):
        """Return the virtual server called so."""
        return [server for server in self.servers if server.name == name][0]

    def state(self):
        """Return what must be as before after any run."""
        return [(server.name, [disk.name for disk in server.devices], [disk.name for disk in server.visible],
                 server.snapshot_server) for server in self.servers]

    # -- its own

    def new_id(self):
        with self.lock:
            self._ids += 1
            return "id-%d" % self._ids

    def tick(self):
        with self.lock:
            self._ticks += 1
            return self._ticks

    def must(self, holds, words):
        """Refuse, and keep it, where something may not be."""
        if not holds:
            self.wrong.append(words)
            raise Refused(words)

    def change(self, call, thing, do, undo):
        """Do a change inside the job that this thread has begun."""
        with self.lock:
            self.must(self.job is not None and self.changer is threading.current_thread(),
                      "%s of %s outside the thread's own job" % (call, thing.name))
            self.strike(call, thing)
            do()
            self.job.undo.append(undo)

    # -- the configuration manager

    def getObjects(self, kind):  # noqa: N802
        found = {"VirtualServer": self.servers, "LvmDiskGroup": self.groups}.get(kind.name, [])
        with self.lock:
            return list(found) + [server.snapshot_server for server in self.servers
                                  if kind.name == "VirtualServer" and server.snapshot_server is not None]

    def findObject(self, kind, name):  # noqa: N802
        return next((thing for thing in self.getObjects(kind) if thing.name == name), None)

    def createJob(self, name):  # noqa: N802
        return Job(self, name)

    def getFoundryContext(self):  # noqa: N802
        return self

    def getEventLog(self):  # noqa: N802
        return EventLog()

    # -- the guests

    def run(self, name, command, *_more):
        """Run a command in the guest of a virtual server."""
        server, argv = self.named(name), command.argv
        given = self.answer(server, argv)
        if given is not None:
            return given
        if argv[0] == "lsblk":
            return Completed(0, "".join(
                'NAME="sd%s" SIZE="%d" HCTL="0:0:%d:0" TYPE="disk" FSTYPE="" PKNAME="" MOUNTPOINT=""\n' % (
                    chr(ord("a") + place), disk.facts["Bytes"], place)
                for place, disk in enumerate(server.visible)), "")
        return self._read(server, argv) if argv[0] == "model-agent" else Completed(0, name + "\n", "")

    def _read(self, proxy, argv):
        """Read a disk, and note what else is read at the same moment."""
        vs = argv[3].split("/")[0]
        disk = proxy.visible[ord(argv[2][-1]) - ord("a")]
        boots = proxy.boots
        keys = [("in all", None), ("proxy", proxy.name), ("disk group", disk.facts["ParentLvmDiskGroup"].name)]
        keys += [("node", name) for name in set(each.facts["ManagedNode"].name for each in (proxy, self.named(vs)))]
        with self.lock:
            for key in keys:
                self.reading[key] += 1
                self.peaks[key] = max(self.peaks[key], self.reading[key])
        time.sleep(READ_SECONDS * (1 + len(self.reads) % 3))
        with self.lock:
            for key in keys:
                self.reading[key] -= 1
            self.reads.append((vs, disk.name, proxy.name))
            if disk.name != "Snapshot of %s-disk" % vs or proxy.boots != boots:
                self.wrong.append("%s was read for %s" % (disk.name, vs))
        return Completed(0, "%d bytes read\n" % disk.facts["Bytes"], "")
