"""A small plain model of the manager, in dicts: what the lab has to agree with, whatever is done in whatever order.

It has no bytes but a few marks, and no layers: a job keeps copies of what it claims. Times are in milliseconds, sizes
in bytes, and a server boots if its first disk has a boot sector. A call that is refused changes nothing, but may have
claimed a part of what it wanted.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy

PAGE = 65536
RUNNING, STOPPED, STARTING, STOPPING, FAILED = "Running", "Stopped", "Starting", "Stopping", "Failed"
AT_REST = (STOPPED, FAILED)


class Refused(Exception):
    """The manager must refuse this."""


class Job(object):
    """One transaction: what it has claimed, as it was before (None: not there), and what it does at its commit."""

    def __init__(self, name):
        self.name = name
        self.before = {}
        self.powers = []
        self.clones = []


class PlainManager(object):
    """``servers`` and ``disks`` by id, as dicts; ``jobs``: those that are open; ``events``: ``(kind, server, ms)``.

    ``marks``: by disk and page, what was written there. ``grown`` and ``copied``: of each snapshot disk, the bytes that
    its parent's guest has written, and the pages that were written on either side.
    """

    def __init__(self, group_bytes, backlog):
        self.group_bytes, self.backlog = group_bytes, backlog
        self.servers, self.disks = {}, {}
        self.jobs, self.events, self.due = [], [], []
        self.marks, self.grown, self.copied, self.parents = {}, {}, {}, {}
        self.now = self._scheduled = 0
        self.untold = {}

    # -- the objects that an inventory makes

    def add_disk(self, identity, name, size, boots):
        """Add a disk."""
        self.disks[identity] = {"name": name, "bytes": size, "boots": boots, "parent": None, "lost": False}
        self.marks[identity] = {}

    def add_server(self, identity, devices, boot_ms, stop_ms, rate):
        """Add a running server, whose guest writes ``rate`` bytes a second."""
        self.servers[identity] = {"devices": list(devices), "power": RUNNING, "snapshot": None, "snapshot_of": None,
                                  "visible": list(devices), "boot_ms": boot_ms, "stop_ms": stop_ms, "rate": rate}
        self._happened("Running", identity)

    # -- jobs

    def begin(self, name):
        """Begin a job; the one begun last gets the changes."""
        self.jobs.append(Job(name))

    def _job(self):
        if not self.jobs:
            raise Refused("no job is begun")
        return self.jobs[-1]

    def _claim(self, *identities):
        """Have the current job hold objects, one after the other; what another holds is refused."""
        for identity in identities:
            if any(identity in job.before for job in self.jobs[:-1]):
                raise Refused("locked")
            thing = self.servers.get(identity) or self.disks.get(identity)
            self._job().before.setdefault(identity, copy.deepcopy(thing))

    def commit(self, job):
        """Make a job's changes final: servers start, stop, disks are copied."""
        if any(self.disks[source]["lost"] for source, _target in job.clones):
            raise Refused("a source is lost")
        for source, target in job.clones:
            self.marks[target] = dict(self.marks[source])
        self.jobs.remove(job)
        for power, identity in job.powers:
            if power == STARTING:
                self._begin_boot(identity)
            else:
                self._schedule(self.servers[identity]["stop_ms"], "stopped", identity)
        self.advance(len(job.clones))  # a millisecond each: the group is as fast as can be

    def abort(self, job):
        """Take a job's changes back; what happened by itself meanwhile stays."""
        self.jobs.remove(job)
        for identity, before in job.before.items():
            for things in (self.servers, self.disks):
                things.pop(identity, None)
            if before is not None:
                (self.servers if "devices" in before else self.disks)[identity] = before

    def committed(self):
        """Return ``(servers, disks)`` without what open jobs have changed."""
        servers, disks = dict(self.servers), dict(self.disks)
        for job in self.jobs:
            for identity, before in job.before.items():
                servers.pop(identity, None)
                disks.pop(identity, None)
                if before is not None:
                    (servers if "devices" in before else disks)[identity] = before
        return servers, disks

    def _everywhere(self, identity):
        """Return an object and its copy in a job, if there is one: what happens by itself happens to both."""
        found = [self.servers.get(identity) or self.disks.get(identity)]
        found += [job.before.get(identity) for job in self.jobs]
        return [each for each in found if each is not None]

    # -- space

    def free(self, disks):
        """Return the group's free bytes, as those ``disks`` take them."""
        return self.group_bytes - sum(
            disk["bytes"] if disk["parent"] is None else self.used(identity, disk) for identity, disk in disks.items())

    def used(self, identity, disk):
        """Return the bytes that a snapshot disk takes."""
        if disk["lost"]:
            return 0
        return min(disk["bytes"], len(self.copied[identity]) * PAGE + self.grown[identity])

    def percent(self, identity):
        """Return how full a snapshot disk is, 0 to 100."""
        if self.disks[identity]["lost"]:
            raise Refused("lost")
        used = self.used(identity, self.disks[identity])
        room = used + max(0, self.free(self.disks))
        return 100 * used // room if room else 100

    def _lose_without_space(self, identity):
        if self.free(self.disks) < 0:
            for each in self._everywhere(identity):
                each["lost"] = True

    def write(self, identity, page, mark):
        """Write to a disk, as its guest does."""
        self.marks[identity][page] = mark
        for copied, parent in self.parents.items():
            if identity in (copied, parent):
                self.copied[copied].add(page)
        for other in sorted(self.disks):
            disk = self.disks[other]
            if disk["parent"] and identity in (other, disk["parent"]) and not disk["lost"]:
                self._lose_without_space(other)

    # -- disks

    def create_disk(self, identity, name, size):
        """Make a disk; ``identity`` is what the manager calls it, None where it made none."""
        self._job()
        self._check_new_disk(name, size)
        self._made(identity, {"name": name, "bytes": size, "boots": False, "parent": None, "lost": False})

    def _check_new_disk(self, name, size):
        if any(disk["name"] == name for disk in self.disks.values()):
            raise Refused("there is one of that name")
        if size > self.free(self.disks):
            raise Refused("no space")

    def _made(self, identity, disk, marks=None):
        if identity is not None:
            self._job().before.setdefault(identity, None)
            self.disks[identity] = disk
            self.marks[identity] = dict(marks or {})

    def clone(self, identity, source, name):
        """Make a disk that has the bytes of ``source`` at the commit."""
        job, disk = self._job(), self.disks[source]
        if disk["lost"]:
            raise Refused("lost")
        if disk["parent"] is None and (self._users(source, AT_REST) or self._seen(source)):
            raise Refused("in use")
        self._check_idle(source)
        self._claim(source)
        self._check_new_disk(name, disk["bytes"])
        self._made(identity, dict(disk, name=name, parent=None))
        job.clones.append((source, identity))

    def _check_idle(self, identity):
        if any(identity in pair for job in self.jobs for pair in job.clones):
            raise Refused("being copied")

    def delete_disk(self, identity):
        """Delete a disk that nothing uses; a snapshot disk goes off its snapshot server."""
        self._job()
        disk = self.disks[identity]
        if any(other["parent"] == identity for other in self.disks.values()) or self._seen(identity):
            raise Refused("in use")
        self._check_idle(identity)
        holders = [key for key in sorted(self.servers) if identity in self.servers[key]["devices"]]
        for holder in holders:
            server = self.servers[holder]
            if not (server["snapshot_of"] and disk["parent"]) or server["power"] not in AT_REST:
                raise Refused("in use")
        self._claim(*(holders + [identity]))
        for holder in holders:
            self.servers[holder]["devices"].remove(identity)
        del self.disks[identity]

    def _users(self, identity, but):
        return [server for server in self.servers.values()
                if identity in server["devices"] and server["power"] not in but]

    def _seen(self, identity):
        return any(identity in server["visible"] for server in self.servers.values())

    # -- servers

    def attach(self, server, device):
        """Add a disk behind the others of a server."""
        self._job()
        record = self.servers[server]
        if device in record["devices"] or self._users(device, AT_REST):
            raise Refused("in use")
        if record["power"] not in AT_REST and self.disks[device]["parent"] is None:
            self._check_idle(device)
        self._claim(device, server)
        record["devices"].append(device)

    def detach(self, server, device):
        """Take a disk away; the guest sees it until its next boot."""
        self._job()
        if device not in self.servers[server]["devices"]:
            raise Refused("not there")
        self._claim(device, server)
        self.servers[server]["devices"].remove(device)

    def start(self, server):
        """Start a server at the commit."""
        job, record = self._job(), self.servers[server]
        if record["power"] not in AT_REST:
            raise Refused("it runs")
        for device in record["devices"]:
            if [user for user in self._users(device, AT_REST) if user is not record]:
                raise Refused("in use")
            if self.disks[device]["parent"] is None:
                self._check_idle(device)
        self._claim(server)
        record["power"] = STARTING
        job.powers.append((STARTING, server))

    def stop(self, server):
        """Stop a server at the commit, which takes it a moment."""
        job, record = self._job(), self.servers[server]
        if record["power"] not in (RUNNING, STARTING):
            raise Refused("it does not run")
        self._claim(server)
        record["power"] = STOPPING
        job.powers.append((STOPPING, server))

    def snapshot(self, server, made):
        """Take a snapshot; ``made``: what the manager calls it, and its disks in order, or None where it made none."""
        self._job()
        record = self.servers[server]
        taken = set(disk["parent"] for disk in self.disks.values())
        if record["snapshot"] or record["snapshot_of"] or not record["devices"] or taken & set(record["devices"]):
            raise Refused("no snapshot")
        self._claim(*(record["devices"] + [server]))
        if made is None:
            return
        identity, copies = made
        for device, copied in zip(record["devices"], copies):
            self.parents[copied], self.grown[copied], self.copied[copied] = device, 0, set()
            self._made(copied, dict(self.disks[device], name="Snapshot of " + self.disks[device]["name"],
                                    parent=device, lost=False), self.marks[device])
        record["snapshot"] = identity
        self._job().before.setdefault(identity, None)
        self.servers[identity] = dict(record, devices=list(copies), power=STOPPED, snapshot=None, snapshot_of=server,
                                      visible=[], rate=0)

    def delete_snapshot(self, server, snapshot):
        """Delete a snapshot server whose snapshot disks are deleted."""
        self._job()
        found = self.servers[snapshot]
        if self.servers[server]["snapshot"] != snapshot or found["power"] not in AT_REST or any(
                self.disks[device]["parent"] for device in found["devices"]):
            raise Refused("no")
        self._claim(server, snapshot)
        self.servers[server]["snapshot"] = None
        del self.servers[snapshot]

    # -- time

    def advance(self, milliseconds):
        """Let time pass, and happen what is due."""
        end = self.now + milliseconds
        while self.now < end:
            self._step(end)

    def _step(self, end):
        then = max(self.now, min([end] + [each[0] for each in self.due]))
        self._grow(then - self.now)
        self.now = then
        for each in sorted(each for each in self.due if each[0] <= then):
            if each in self.due:
                self.due.remove(each)
                {"booted": self._booted, "stopped": self._stopped}[each[2]](each[3])

    def _grow(self, elapsed):
        for identity in sorted(each for each, disk in self.disks.items() if disk["parent"]):
            disk = self.disks[identity]
            writers = [server["rate"] for server in self.servers.values()
                       if disk["parent"] in server["devices"] and server["power"] == RUNNING and server["rate"]]
            if writers and not disk["lost"]:
                self.grown[identity] += sum(writers) * elapsed // 1000
                self._lose_without_space(identity)

    def _begin_boot(self, identity):
        self.due = [each for each in self.due if each[3] != identity]
        self._settle(identity, power=STARTING, visible=[])
        self._happened("Starting", identity)
        self._schedule(self.servers[identity]["boot_ms"], "booted", identity)

    def _schedule(self, delay, what, identity):
        self._scheduled += 1
        self.due.append((self.now + delay, self._scheduled, what, identity))

    def _booted(self, identity):
        if identity not in self.servers:
            return
        servers, disks = self.committed()
        devices = list(servers[identity]["devices"])
        runs = bool(devices) and disks[devices[0]]["boots"] and not disks[devices[0]]["lost"]
        self._settle(identity, power=RUNNING if runs else FAILED, visible=devices if runs else [])
        self._happened("Running" if runs else "Failed", identity)

    def _stopped(self, identity):
        if identity in self.servers:
            self.due = [each for each in self.due if each[3] != identity]
            self._settle(identity, power=STOPPED, visible=[])
            self._happened("Stopped", identity)

    def _settle(self, identity, **fields):
        for each in self._everywhere(identity):
            each.update(copy.deepcopy(fields))

    # -- events

    def _happened(self, kind, identity):
        self.events.append((kind, identity, self.now))
        self.untold.setdefault(identity, []).append(kind)

    def subscribe(self):
        """From now on events are told."""
        self.untold = {}

    def listen(self, identity, milliseconds):
        """Return the kinds of the server's events as soon as there are any that were not told, or []."""
        if not self.backlog:
            self.untold.pop(identity, None)
        deadline = self.now + milliseconds
        while not self.untold.get(identity) and self.now < deadline:
            self._step(deadline)
        return self.untold.pop(identity, [])
