# -*- coding: utf-8 -*-
"""The lab beside a small plain model: whatever is done, in one job or in two, both are in the same state after each.

L7 too: what is waited for comes when the model says so, or the wait ends at its time.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fakes import disks, events, kinds, storage
from fakes.faults import ManagementException
from tests import labs
from tests.unit.fakes.plain_manager import PAGE, PlainManager, Refused

SIZE = 2 * PAGE
GROUP_BYTES = 7 * SIZE + PAGE  # room for a few more disks, and not for long-lived snapshots
SERVERS = [("web01", ["web01-system"], 4000), ("db01", ["db01-system", "db01-data"], 0), ("pbh01", ["pbh01-system"], 0)]

# A change is a whole job of its own, the beginning of one that stays open, or one more in the job that is open.
_own = st.sampled_from(["whole", "whole", "begun", "joined"])
_pick = st.integers(0, 30)
_page = st.integers(0, 1)


def two_managers(backlog):
    """Return a lab, and the plain model of it."""
    names = [name for _server, devices, _rate in SERVERS for name in devices] + ["spare"]
    lab = labs.make_lab(
        events=events.BACKLOG if backlog else events.AFTER_CALL, network_block_devices=[],
        data_centers=[{"name": "East", "nodes": [{"name": "node1"}],
                       "disk_groups": [{"name": "group1", "bytes": GROUP_BYTES, "bytes_per_second": 2 ** 60}]}],
        disks=[labs.disk(name, SIZE, boot=name != "spare") for name in names],
        servers=[{"name": name, "node": "node1", "devices": devices, "boot_seconds": 30, "stop_seconds": 5,
                  "write_bytes_per_second": rate} for name, devices, rate in SERVERS])
    plain = PlainManager(GROUP_BYTES, backlog)
    ids = dict((record["name"], record["id"]) for record in lab.world.objects.values())
    for name in names:
        plain.add_disk(ids[name], name, SIZE, name != "spare")
    for name, devices, rate in SERVERS:
        plain.add_server(ids[name], [ids[each] for each in devices], 30000, 5000, rate)
    return lab, plain


class Managers(RuleBasedStateMachine):
    """Does the same to both."""

    def __init__(self):
        RuleBasedStateMachine.__init__(self)
        self.jobs = []
        self.made = 0

    @initialize(backlog=st.booleans())
    def begin_with_a_lab(self, backlog):
        self.lab, self.plain = two_managers(backlog)
        self.manager = self.lab.configuration_manager()
        self.log = self.manager.getFoundryContext().getEventLog()
        self.plain.subscribe()

        self._sha256, disks.sha256 = disks.sha256, lambda *_disk: ""  # the contents are compared by their marks

    def teardown(self):
        if hasattr(self, "lab"):
            disks.sha256 = self._sha256
        labs.close_all()

    # -- what both have

    def server(self, pick):
        return sorted(self.plain.servers)[pick % len(self.plain.servers)]

    def disk(self, pick):
        return sorted(self.plain.disks)[pick % len(self.plain.disks)]

    def handle(self, identity):
        return self.lab.handle(self.lab.world.get(identity))

    def group(self):
        return self.manager.getObjects(kinds.LVM_DISK_GROUP)[0]

    def both(self, real, plain):
        """Do something in the lab and in the model; ``plain`` gets what the lab returned, None where it refused."""
        found = refused = None
        try:
            found = real()
        except ManagementException as error:
            refused = error
        try:
            plain(found)
        except Refused as error:
            assert refused is not None, "not refused: %s" % error
            return
        assert refused is None, refused

    # -- jobs

    def change(self, own, real, plain):
        """Do a change in both, in the job that ``own`` says."""
        if not self.jobs or (own != "joined" and len(self.jobs) < 2):
            self.begin()
        self.both(real, plain)
        if own == "whole":
            self.end(len(self.jobs) - 1, True)

    @precondition(lambda self: not self.jobs)
    @rule()
    def change_without_a_job(self):
        server = self.server(0)
        self.both(lambda: self.handle(server).snapshot(), lambda _found: self.plain.snapshot(server, None))

    def begin(self):
        job = self.manager.createJob("job %d" % len(self.jobs))
        job.begin()
        self.jobs.append(job)
        self.plain.begin("job")

    @precondition(lambda self: self.jobs)
    @rule(pick=_pick, committed=st.sampled_from([True, True, False]))
    def end(self, pick, committed):
        number = pick % len(self.jobs)
        job, plain = self.jobs[number], self.plain.jobs[number]
        if committed:
            self.both(job.commit, lambda _found: self.plain.commit(plain))
        else:
            self.both(job.abort, lambda _found: self.plain.abort(plain))
        if plain not in self.plain.jobs:
            self.jobs.remove(job)

    # -- disks

    @rule(own=_own, name=st.sampled_from(["one", "two", "spare", "three"]), size=st.sampled_from([SIZE, 4 * SIZE]))
    def create_disk(self, own, name, size):
        self.change(own, lambda: self.group().createLogicalDisk(name, size),
                    lambda made: self.plain.create_disk(made and made._identity, name, size))

    @rule(own=_own, pick=_pick)
    def delete_disk(self, own, pick):
        identity = self.disk(pick)
        self.change(own, lambda: self.group().deleteLogicalDisk(self.handle(identity)),
                    lambda _found: self.plain.delete_disk(identity))

    @rule(own=_own, pick=_pick, name=st.sampled_from(["one", "clone"]))
    def clone(self, own, pick, name):
        source = self.disk(pick)
        self.change(own, lambda: self.handle(source).cloneTo(self.group(), name),
                    lambda made: self.plain.clone(made and made._identity, source, name))

    @rule(pick=_pick, page=_page)
    def write(self, pick, page):
        identity = self.disk(pick)
        if not self.is_being_cloned([identity]):
            self.made += 1
            mark = ("%08d" % self.made).encode("ascii")
            storage.write(self.lab, self.lab.world.get(identity), page * PAGE + 1024, mark)
            self.plain.write(identity, page, mark)

    def is_being_cloned(self, identities):
        """Tell whether an open job is going to copy one of them: what a write or a snapshot means then, nobody says."""
        return any(set(pair) & set(identities) for job in self.plain.jobs for pair in job.clones)

    # -- servers

    @rule(own=_own, server=_pick, disk=_pick)
    def attach(self, own, server, disk):
        server, disk = self.server(server), self.disk(disk)
        self.change(own, lambda: self.handle(server).addStorageDevice(self.handle(disk)),
                    lambda _found: self.plain.attach(server, disk))

    @rule(own=_own, server=_pick, disk=_pick)
    def detach(self, own, server, disk):
        server = self.server(server)
        devices = self.plain.servers[server]["devices"]
        disk = devices[disk % len(devices)] if devices else self.disk(disk)
        self.change(own, lambda: self.handle(server).removeStorageDevice(self.handle(disk)),
                    lambda _found: self.plain.detach(server, disk))

    @rule(own=_own, pick=_pick)
    def start(self, own, pick):
        server = self.server(pick)
        self.change(own, lambda: self.handle(server).start(), lambda _found: self.plain.start(server))

    @rule(own=_own, pick=_pick)
    def stop(self, own, pick):
        server = self.server(pick)
        self.change(own, lambda: self.handle(server).stop(), lambda _found: self.plain.stop(server))

    @rule(own=_own, pick=_pick)
    def snapshot(self, own, pick):
        server = self.server(pick)

        def made(handle):
            devices = [each._identity for each in handle.getStorageDevices()] if handle else []
            self.plain.snapshot(server, handle and (handle._identity, devices))
        if not self.is_being_cloned(self.plain.servers[server]["devices"]):
            self.change(own, lambda: self.handle(server).snapshot(), made)

    @rule(own=_own, pick=_pick)
    def delete_snapshot(self, own, pick):
        """Of a server its own, which is whole yet or not, or of another."""
        snapshots = [identity for identity, server in sorted(self.plain.servers.items()) if server["snapshot_of"]]
        if snapshots:
            snapshot = snapshots[pick % len(snapshots)]
            server = self.plain.servers[snapshot]["snapshot_of"] if pick % 5 else self.server(pick)
            self.change(own, lambda: self.handle(server).deleteSnapshot(self.handle(snapshot)),
                        lambda _found: self.plain.delete_snapshot(server, snapshot))

    @rule(own=_own, pick=_pick, whole=st.booleans())
    def take_a_snapshot_apart(self, own, pick, whole):
        """Its disks first, then itself, as whoever deletes one has to; or its disks alone."""
        snapshots = [identity for identity, server in sorted(self.plain.servers.items()) if server["snapshot_of"]]
        if snapshots:
            snapshot = snapshots[pick % len(snapshots)]
            server = self.plain.servers[snapshot]["snapshot_of"]
            for identity in list(self.plain.servers[snapshot]["devices"]):
                self.change(own, lambda: self.group().deleteLogicalDisk(self.handle(identity)),
                            lambda _found: self.plain.delete_disk(identity))
            if whole:
                self.change(own, lambda: self.handle(server).deleteSnapshot(self.handle(snapshot)),
                            lambda _found: self.plain.delete_snapshot(server, snapshot))

    # -- time and events

    @rule(milliseconds=st.sampled_from([1, 4999, 5000, 30000, 100000]))
    def advance(self, milliseconds):
        self.lab.advance(milliseconds)
        self.plain.advance(milliseconds)

    @rule(pick=_pick, milliseconds=st.sampled_from([0, 1000, 40000]))
    def listen(self, pick, milliseconds):
        server = self.server(pick)
        for timeout in (milliseconds, 0):  # what is told once is not told again
            told = self.log.listenForEvents(kinds.VIRTUAL_SERVER_EVENT, self.handle(server), timeout)
            assert [_kind(event.getKind().getName()) for event in told or ()] == self.plain.listen(server, timeout)

    # -- what chance alone would hardly ever put together

    @rule(server=_pick, disk=_pick, ending=st.sampled_from(["stop", "attach", "detach"]))
    def boot_and_meanwhile(self, server, disk, ending):
        """While it boots it is stopped, or an open job changes what it has."""
        self.stop("whole", server)
        self.advance(5000)
        self.start("whole", server)
        self.advance(1000)
        if ending == "stop":
            self.stop("whole", server)
        else:
            getattr(self, ending)("begun", server, disk)
        self.advance(40000)

    @rule(server=_pick, page=_page, committed=st.booleans())
    def write_while_a_snapshot_is_made(self, server, page, committed):
        self.snapshot("begun", server)
        for identity in self.plain.servers[self.server(server)]["devices"][:1]:
            self.write(sorted(self.plain.disks).index(identity), page)
        if self.jobs:
            self.end(len(self.jobs) - 1, committed)

    @rule(disk=_pick, server=_pick)
    def use_what_is_being_cloned(self, disk, server):
        self.clone("begun", disk, "a clone")
        self.attach("joined", server, disk)
        self.start("joined", server)
        self.delete_disk("joined", disk)

    # -- after each

    @invariant()
    def are_the_same(self):
        if not hasattr(self, "lab"):
            return  # nothing is begun yet
        dump = self.lab.dump()
        servers, committed = self.plain.committed()
        found = dict((thing["id"], thing) for thing in dump["objects"])
        assert set(each for each in found if found[each]["kind"] == "VirtualServer") == set(servers)
        assert set(each for each in found if found[each]["kind"] == "LogicalDisk") == set(committed)
        for identity, server in servers.items():
            _same_server(found[identity], server)
        for identity, disk in committed.items():
            thing = found[identity]
            assert (thing["name"], thing["snapshot_parent"], thing["lost"]) == (
                disk["name"], disk["parent"], disk["lost"]), thing
        if not self.jobs:  # of what is written while a job is open, the lab tells the space when it has ended
            assert [thing["free_bytes"] for thing in dump["objects"] if thing["kind"] == "LvmDiskGroup"] == [
                self.plain.free(committed)]
        assert self.lab.world.now_ms == self.plain.now
        assert [(_kind(event["kind"]), event["server"], event["time_ms"] - self.lab.world.wall_offset_ms)
                for event in dump["events"]] == self.plain.events
        self.are_the_same_in_the_open_jobs()

    def are_the_same_in_the_open_jobs(self):
        """What a client reads: with the changes of jobs that are not committed."""
        world = self.lab.world
        assert set(self.plain.servers) | set(self.plain.disks) == set(
            identity for identity, record in world.objects.items()
            if record["kind"] in ("VirtualServer", "LogicalDisk"))
        for identity, server in self.plain.servers.items():
            _same_server(world.get(identity), server)
        for identity, disk in self.plain.disks.items():
            record = world.get(identity)
            for page in range(2):
                offset = page * PAGE + 1024
                assert disks.read(self.lab.pages, record["layers"], offset, 8) == self.plain.marks[identity].get(
                    page, b"\0" * 8) or self.is_being_cloned([identity]), (identity, page)
            if disk["parent"]:
                found = []
                self.both(lambda: found.append(self.handle(identity).getSnapshotUsedPercent()),
                          lambda _none: found.append(self.plain.percent(identity)))
                assert len(set(found)) < 2, (identity, found)


def _kind(name):
    return name[len("VirtualServer"):-len("Event")]


def _same_server(thing, server):
    assert (thing["devices"], thing["power"], thing["snapshot"], thing["snapshot_of"]) == (
        server["devices"], server["power"], server["snapshot"], server["snapshot_of"]), thing
    assert [seen["disk"] for seen in thing["visible"]] == server["visible"], thing


TestManagers = Managers.TestCase
TestManagers.settings = settings(max_examples=100, stateful_step_count=50)
