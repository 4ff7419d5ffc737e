"""New logical disks and virtual servers: made under a working name, kept under their own, or taken back.

The working name holds our run's id, so that what a crash leaves is known to be ours. One last job
gives everything its own name: from then on it is the administrator's, and never touched again.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import contextlib

from vibackup import compat, errors, ledger, power, steps
from vibackup import manager as api
from vibackup.job import job

PROGRESS_SECONDS = 10

# A disk that was made. It can be attached as a ``steps.SnapshotDisk`` can; original: the name it is to have.
NewDisk = collections.namedtuple("NewDisk", "handle id name original bytes")

_KINDS = {ledger.DISK: "LogicalDisk", ledger.SERVER: "VirtualServer"}


@contextlib.contextmanager
def kept(run):
    """Yield a Making; what the body makes is kept, all of it at once, or all taken back where the body fails."""
    made = Making(run)
    whole = False
    try:
        yield made
        made.keep()
        whole = True
    finally:
        if not whole:
            made.release()


@contextlib.contextmanager
def scratch(run):
    """Yield a Making; what the body makes is taken back at the end, however that comes."""
    made = Making(run)
    try:
        yield made
    finally:
        made.release()


def check(manager):
    """Raise MissingCall where this manager could make a disk or server, and not look after it or take it back."""
    manager.require_listing()
    for kind, purpose in (("VirtualServer", "life of a new server"), ("LogicalDisk", "life of a new disk")):
        for sample in manager.samples(kind):
            api.require_for(purpose, sample)


def hold(kind, name):
    """Return what a run must hold alone to make a thing of that kind (of ``ledger``) so called, see ``Run.held``."""
    return ("new %s %s" % (kind, name), name)


class Making(object):
    """What ``run`` makes: ``disk``, ``imported_disk``, ``cloned_disk`` and ``server`` make one more."""

    def __init__(self, run):
        self._run = run
        self._made = []

    def disk(self, group, name, size):
        """Create a logical disk of ``size`` bytes in the disk group; returns it as a NewDisk."""
        return self._disk("create disk", group, name, lambda working: api.create_disk(group, working, size))

    def imported_disk(self, group, name, path):
        """Make a logical disk in the group from the VHD file at ``path``; returns it as a NewDisk."""
        return self._disk("import disk", group, name, lambda working: api.import_disk(group, working, path))

    def cloned_disk(self, group, name, disk):
        """Make a logical disk in the group with the content of ``disk`` (a handle); returns it as a NewDisk."""
        return self._disk("clone disk", group, name, lambda working: api.clone_disk(disk, group, working))

    def _disk(self, step, group, name, create):
        working, number = self._intend(ledger.DISK, name, group)
        run = self._run
        with run.step(step, name, "in %s" % api.name_of(group)) as record:
            handles = []
            with copying(run, lambda: api.copied_percent(handles[0]) if handles else None):
                with job(run.manager, working, lambda: _is_copied(run, run.ledger.facts(number))) as made:
                    handles.append(create(working))
                    api.describe(made, "Make the disk %s" % name, group)
            identity, size = api.identity_of(handles[0]), api.bytes_of(handles[0])
            run.ledger.made(number, disk=identity)
            record["detail"] += ", %d bytes" % size
        return NewDisk(handles[0], identity, name, name, size)

    def server(self, node, name, settings, disks):
        """Create a virtual server on the managed node with ``disks`` (NewDisks) in that order; returns it as a Server.

        settings: as ``Manager.settings_of`` gives them. It boots from the first disk, and does not run yet.
        """
        working, number = self._intend(ledger.SERVER, name, node)
        run = self._run
        with run.step("create server", name, "on %s" % api.name_of(node)):
            with job(run.manager, working, lambda: _ours(run, ledger.SERVER, run.ledger.facts(number)) is not None) \
                    as made:
                handle = api.create_server(api.data_center_of(node), working, node)
                left = api.set_settings(handle, settings)
                for disk in disks:
                    api.add_device(handle, disk.handle)
                api.set_boot_type(handle, run.manager.disk_boot_type())
                api.describe(made, "Make the virtual server %s" % name, handle)
            identity = api.identity_of(handle)
            run.ledger.made(number, server=identity)
        if left:
            run.warn("%s: this manager has no call to set %s: set it in the Virtualization Manager" % (
                name, ", ".join(left)))
        return steps.Server(handle, identity, name)

    def _intend(self, kind, name, near):
        """Record that a thing is about to be made; where nothing can be renamed it has its own name at once."""
        working = "vibackup %s %s" % (self._run.id, name) if api.can_name(near) else name
        number = self._run.ledger.intend(kind, vs=hold(kind, name)[0], name=working, final_name=name)
        self._made.append((number, kind))
        return working, number

    def keep(self):
        """Give everything its own name, in one job: from then on it is no more ours."""
        run = self._run
        facts = [(kind, run.ledger.facts(number)) for number, kind in self._made]
        things = [(_to_be_kept(run, kind, each), each) for kind, each in facts if each["name"] != each["final_name"]]
        if things:
            self._give_names(things)
        numbers, self._made = [number for number, _kind in self._made], []
        for number in numbers:
            try:
                run.ledger.released(number)
            except errors.VibackupError as error:
                run.warn("what was made is complete, and the ledger does not know it; run vibackup reconcile --fix: %s"
                         % error.message)

    def _give_names(self, things):
        names = ", ".join(each["final_name"] for _handle, each in things)
        with self._run.step("keep", names):
            with job(self._run.manager, "keep %s" % names, lambda: all(
                    api.name_of(handle) == each["final_name"] for handle, each in things)) as made:
                for handle, each in things:
                    api.set_name(handle, each["final_name"])
                    api.describe(made, "Keep %s" % each["final_name"], handle)

    def release(self):
        """Take everything back, the newest first."""
        for number, kind in reversed(self._made):
            facts = self._run.ledger.facts(number)
            self._run.release(number, lambda kind=kind, facts=facts: _take_back(self._run, kind, facts))


@contextlib.contextmanager
def copying(run, percent):
    """Show how far a copy is while the body makes it. ``percent()`` returns 0 to 100, or None where nobody can tell."""
    clock = run.manager.clock
    begun = clock.monotonic()
    over, ask = [], [percent]

    def tick():
        """Show the figure once, and come again."""
        if over:
            return
        try:
            done = ask[-1]()
        except compat.FAULTS:
            done = None  # a figure for people only; the copy's own end says what became of it
            ask.append(lambda: None)  # a manager that hangs would hang each time
        run.show("progress", {"unit": "percent", "figure": done, "size": None} if done is not None else
                 {"unit": "seconds", "figure": clock.monotonic() - begun, "size": None})
        timers.append(clock.call_after(PROGRESS_SECONDS, tick))
    timers = [clock.call_after(PROGRESS_SECONDS, tick)]
    try:
        yield
    finally:
        over.append(True)
        timers[-1].cancel()


def release_disk(run, facts):
    """Delete the disk that ``facts`` of the ledger speak of, if it is provably ours and nothing uses it."""
    disk = _ours(run, ledger.DISK, facts)
    if disk is None:
        return
    if any(api.identity_of(disk) in attachment["disks"] for attachment in run.ledger.open_facts(ledger.ATTACHMENT)):
        raise errors.Refused("kept, because it is still on the proxy")
    holder = run.manager.holder_of(disk)
    if holder is not None:
        raise errors.Refused("kept, because it is a disk of %s: take it off that, and reconcile" % (
            api.name_of(holder)))
    with run.step("delete disk", facts["final_name"]):
        with job(run.manager, "delete %s" % facts["name"], lambda: _ours(run, ledger.DISK, facts) is None) as made:
            group = api.group_of(disk)
            api.delete_disk(group, disk)
            api.describe(made, "Delete the disk %s" % facts["final_name"], group)


def release_server(run, facts):
    """Stop and delete the virtual server that ``facts`` of the ledger speak of, if it is provably ours."""
    handle = _ours(run, ledger.SERVER, facts)
    if handle is None:
        return
    power.stop(run, steps.server_of(handle)._replace(name=facts["final_name"]))
    with run.step("delete server", facts["final_name"]):
        with job(run.manager, "delete %s" % facts["name"], lambda: _ours(run, ledger.SERVER, facts) is None) as made:
            center = api.data_center_of(api.node_of(handle))
            api.delete_server(center, handle)
            api.describe(made, "Delete the virtual server %s" % facts["final_name"], center)


def _take_back(run, kind, facts):
    """Take back what this run, which has failed, made; its own name already would mean that nobody knows what it is."""
    if facts["name"] != facts["final_name"] and facts.get(kind) is not None:
        found = run.manager.by_id(_KINDS[kind], facts[kind], facts["final_name"])
        if found is not None and api.name_of(found) == facts["final_name"]:
            raise errors.Refused("it has its own name already, and whether the manager knows that is not certain: "
                                 "reconcile, and look at it in the Virtualization Manager")
    RELEASES[kind](run, facts)


RELEASES = {ledger.DISK: release_disk, ledger.SERVER: release_server}


def _is_copied(run, facts):
    """Tell whether the disk is there, and whole as far as the manager says: copying may outlive a lost reply."""
    found = _ours(run, ledger.DISK, facts)
    return found is not None and api.copied_percent(found) in (None, 100)


def _to_be_kept(run, kind, facts):
    """Return the disk or server that is to get its own name; raise where it is gone, or the name was given away."""
    found = _ours(run, kind, facts)
    if found is None:
        raise errors.VibackupError("%s is gone: somebody deleted it, or renamed it" % ledger.describe(kind, facts))
    if run.manager.by_name(_KINDS[kind], facts["final_name"]) is not None:
        raise errors.VibackupError("there is another %s called %s by now: choose another name" % (
            api.in_words(_KINDS[kind]), facts["final_name"]))
    return found


def _ours(run, kind, facts):
    """Return the disk or server if it is provably ours, None where it is gone, or was kept; raise Refused in doubt."""
    known = facts.get(kind)
    if known is not None:
        found = run.manager.by_id(_KINDS[kind], known, facts["name"])
    else:
        found = run.manager.by_name(_KINDS[kind], facts["name"])
    if found is None:
        return None
    name = api.name_of(found)
    if name == facts["name"]:
        if known is None and name == facts["final_name"]:
            raise errors.Refused("%s may be ours, which this manager gives no way to prove" % name)
        return found
    if name == facts["final_name"]:
        return None
    raise errors.renamed(facts["name"], name, "or delete it, and reconcile")
