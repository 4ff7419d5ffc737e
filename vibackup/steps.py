"""One function per change, and the context managers built from pairs of them.

Each context manager writes its intent to the ledger before it makes anything, and takes back what it
made when it is left, however that happens. Taking back is idempotent: what is gone already is done.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import contextlib

from vibackup import compat, detaching, errors, events, ledger, power
from vibackup import manager as api
from vibackup.guest import Command, Guest, failure, new_disks
from vibackup.job import job

# A partition of these kinds is left out; one that holds a file system of none is refused.
NOT_FILES = ("swap",)

# A virtual server with what one asks of it again and again.
Server = collections.namedtuple("Server", "handle id name")

# A snapshot virtual server: as a Server, and with its devices as they were when it was made.
Snapshot = collections.namedtuple("Snapshot", "handle id name devices")

# One of the disks of a snapshot. original: the name of the disk that it is the snapshot of.
SnapshotDisk = collections.namedtuple("SnapshotDisk", "handle id name original bytes")


def find_server(manager, name):
    """Return the virtual server called ``name`` as a Server; raise NotFound. A Server is returned as it is."""
    if isinstance(name, Server):
        return name
    name = compat.text(name)
    handle = manager.find_server(name)
    return Server(handle, api.identity_of(handle), name)


def server_of(handle):
    """Return a handle of the API as a Server."""
    return Server(handle, api.identity_of(handle), api.name_of(handle))


def guest_of(run, server):
    """Return the guest of ``server`` (a Server)."""
    return Guest(run, server.name, api.operating_system(server.handle))


# -- snapshot

@contextlib.contextmanager
def snapshotted(run, vs, quiesce):
    """Take the snapshot of ``vs`` (a Server) and yield it as a Snapshot; delete it again when left.

    The paper's first and last step: "A snapshot of the primary volume is taken" and "The snapshot is
    then deleted". ``quiesce``: a context manager around the snapshot job alone, see ``quiesce``.
    """
    number = intend_snapshot(run, vs)
    try:
        yield take_snapshot(run, vs, number, quiesce)
    finally:
        run.release(number, lambda: release_snapshot(run, vs, run.ledger.facts(number)))


@contextlib.contextmanager
def kept_snapshot(run, vs, quiesce, taken):
    """Take the snapshot of ``vs`` as ``snapshotted`` does; it is kept where the body succeeds, and otherwise deleted.

    Kept, it outlives the run. taken: the moment, as text, for the ledger.
    """
    number = intend_snapshot(run, vs, taken=taken)
    try:
        yield take_snapshot(run, vs, number, quiesce)
        with run.step("keep", vs.name):
            run.ledger.keep(number)
    finally:
        if run.ledger.is_open(number):
            run.release(number, lambda: release_snapshot(run, vs, run.ledger.facts(number)))


def intend_snapshot(run, vs, **more):
    """Record that the snapshot of ``vs`` (a Server) is about to be taken; returns the intent's number."""
    name = "vibackup %s %s" % (run.id, vs.name)
    return run.ledger.intend(ledger.SNAPSHOT, vs=vs.id, vs_name=vs.name, name=name, **more)


def take_snapshot(run, vs, number, quiesce):
    """Take the snapshot of ``vs`` that intent ``number`` is about, inside ``quiesce``; return it as a Snapshot."""
    name = run.ledger.facts(number)["name"]
    with quiesce:
        with run.step("snapshot", vs.name):
            with job(run.manager, name, lambda: our_snapshot(vs, {"name": name}) is not None) as made:
                handle = api.snapshot(vs.handle)
                api.set_name(handle, name)
                api.describe(made, "Snapshot of %s" % vs.name, vs.handle)
            identity = api.identity_of(handle)
            run.ledger.made(number, snapshot=identity)  # before the thaw, which may fail
    devices = api.devices_of(handle)
    run.ledger.made(number, disks=[api.identity_of(disk) for disk in devices])
    return Snapshot(handle, identity, name, devices)


def snapshot_disks(manager, snapshot):
    """Return the disks of a Snapshot as SnapshotDisks, in order."""
    return [SnapshotDisk(disk, api.identity_of(disk), api.name_of(disk), api.name_of(api.parent_of(disk)),
                         api.bytes_of(disk))
            for disk in snapshot.devices if manager.is_snapshot_disk(disk)]


def snapshot_disks_of(manager, vs, snapshot, names):
    """Return those SnapshotDisks of a Snapshot of ``vs`` whose originals are called ``names``; raise if one lacks."""
    found = [disk for disk in snapshot_disks(manager, snapshot) if disk.original in names]
    if sorted(disk.original for disk in found) != sorted(names):
        raise errors.VibackupError("the snapshot of %s has the disks %s where these were to be backed up: %s" % (
            vs.name, ", ".join(disk.original for disk in found) or "none", ", ".join(names)))
    return found


def release_snapshot(run, vs, facts):
    """Delete the snapshot of ``vs`` if it is provably the one that ``facts`` of the ledger speak of.

    Raises Refused while one of its disks may still be on a proxy, while it may still run itself, or
    where it cannot be proven ours.
    """
    ours = facts.get("disks", ())
    if any(set(ours) & set(attachment["disks"]) for attachment in run.ledger.open_facts(ledger.ATTACHMENT)):
        raise errors.Refused("kept, because a disk of it is still on the proxy")
    if any(running["vs"] == facts.get("snapshot") for running in run.ledger.open_facts(ledger.POWER)):
        raise errors.Refused("kept, because it may still be running")
    handle = our_snapshot(vs, facts)
    if handle is None:
        return
    with run.step("delete snapshot", vs.name):
        disks = _our_disks(run.manager, handle, facts)
        with job(run.manager, "delete %s" % facts["name"], lambda: our_snapshot(vs, facts) is None) as made:
            for disk in disks:
                api.delete_disk(api.group_of(disk), disk)
            api.delete_snapshot(vs.handle, handle)
            api.describe(made, "Delete snapshot of %s" % vs.name, vs.handle)


def _our_disks(manager, handle, facts):
    """Return the snapshot disks that came with our snapshot; before their ids were known, all that it has."""
    disks = [disk for disk in api.devices_of(handle) if manager.is_snapshot_disk(disk)]
    return [disk for disk in disks if "disks" not in facts or api.identity_of(disk) in facts["disks"]]


def our_snapshot(vs, facts):
    """Return the snapshot of ``vs`` if it is provably ours, None where ours is gone; raise Refused in doubt.

    The name was set in the job that made it; the id is known where that job's end was seen. What is
    known has to agree.
    """
    handle = api.snapshot_of(vs.handle)
    if handle is None:
        return None
    known = facts.get("snapshot") if api.can_identify(handle) else None
    if known is not None and api.identity_of(handle) != known:
        return None
    if not api.can_name(handle):
        if known is None:
            raise errors.Refused("it has a snapshot that this manager gives no way to prove ours")
        return handle
    if api.name_of(handle) == facts["name"]:
        return handle
    if known is not None:
        raise errors.renamed(facts["name"], api.name_of(handle), "or delete it")
    return None


# -- booting the snapshot itself

def boot_from(run, server, device, device_name, boot_type):
    """Have ``server`` (a snapshot of ours) boot from ``device``."""
    with run.step("boot device", server.name, device_name):
        with job(run.manager, "boot %s from %s" % (server.name, device_name),
                 lambda: api.identity_of(api.devices_of(server.handle)[0]) == api.identity_of(device)) as made:
            api.add_device_first(server.handle, device)
            api.set_boot_type(server.handle, boot_type)
            api.describe(made, "Boot from %s" % device_name, server.handle)


# -- the proxy

@contextlib.contextmanager
def attached(run, disks, proxy, guest):
    """Attach snapshot ``disks`` to ``proxy`` and reboot it; yield the GuestDisks, in the same order.

    The paper's steps two, three and five: "The snapshot logical disk is then assigned to the PBH",
    "The PBH discovers the new logical disk. Today this requires the PBH to be rebooted", and "the
    logical disk is unassigned from the PBH". The disks are found by comparing what the guest shows
    before and after; when left, it is asked again and must show none of them.
    """
    guest.wait_until_it_answers(events.BOOT_SECONDS)
    before = guest.disks()
    number = intend_attachment(run, disks, proxy, before)
    try:
        attach(run, disks, proxy)
        power.reboot(run, proxy)
        found = find_new_disks(run, guest, before, disks)
        run.ledger.made(number, places=detaching.places(found))
        yield found
    finally:
        run.release(number, lambda: detaching.release(run, proxy, guest, run.ledger.facts(number)))


def intend_attachment(run, disks, proxy, before):
    """Record that ``disks`` (SnapshotDisks) are about to be attached to ``proxy``; returns the intent's number.

    before: the GuestDisks that its guest shows of its own. Raises VibackupError where it has one of ``disks`` already.
    """
    if detaching.on_proxy(proxy, [disk.id for disk in disks]):
        raise errors.VibackupError("%s has a device called like one of these already: %s" % (
            proxy.name, ", ".join(disk.name for disk in disks)))
    return run.ledger.intend(ledger.ATTACHMENT, proxy=proxy.id, proxy_name=proxy.name,
                             disks=[disk.id for disk in disks], names=[api.name_of(disk.handle) for disk in disks],
                             disk_names=", ".join(disk.name for disk in disks),
                             sizes=[disk.bytes for disk in disks], before=detaching.places(before))


def must_still_show(proxy, guest, disks, devices):
    """Raise GuestError unless ``proxy`` still has ``disks`` and its guest shows ``devices`` as ``attached`` found them.

    Asked right before a device is read or written, and after: a boot that nobody here asked for gives other letters.
    """
    shown = [(disk.path, disk.position, disk.bytes) for disk in guest.disks()]
    same = all((device.path, device.position, device.bytes) in shown for device in devices)
    if not same or len(detaching.on_proxy(proxy, [disk.id for disk in disks])) != len(disks):
        raise errors.GuestError("%s does not show the disks any more as they were found (%s): was it booted, or were "
                                "its disks changed?" % (guest.name, ", ".join(device.path for device in devices)))


def attached_lines(names, proxy, lines):
    """Return ``lines`` of a plan, with those of ``attached`` around them; ``names``: of the disks."""
    listed = ", ".join(names)
    before = ["attach: %s to %s" % (listed, proxy.name), "reboot: %s" % proxy.name, "find disks: %s" % proxy.name]
    after = ["detach: %s from %s" % (listed, proxy.name), "reboot: %s" % proxy.name, "check disks: %s" % proxy.name]
    return before + lines + after


def attach(run, disks, proxy):
    """Attach ``disks`` (SnapshotDisks) to the proxy, behind its own."""
    names = ", ".join(disk.name for disk in disks)
    with run.step("attach", proxy.name, ", ".join(disk.original for disk in disks)):
        with job(run.manager, "attach %s to %s" % (names, proxy.name),
                 lambda: len(detaching.on_proxy(proxy, [disk.id for disk in disks])) == len(disks)) as made:
            for disk in disks:
                api.add_device(proxy.handle, disk.handle)
            api.describe(made, "Attach %s" % names, proxy.handle)


def find_new_disks(run, guest, before, disks):
    """Return where the guest shows the ``disks`` (SnapshotDisks) that were attached since ``before``, in order."""
    with run.step("find disks", guest.name) as record:
        guest.wait_until_it_answers(events.BOOT_SECONDS)
        found = new_disks(before, guest.disks(), [disk.bytes for disk in disks], guest.name)
        record["detail"] = ", ".join(disk.path for disk in found)
        return found


# -- file systems

@contextlib.contextmanager
def mounted(run, guest, disk, folder):
    """Mount the file systems of ``disk`` (a GuestDisk) below ``folder``, read-only; yield ``[(number, where)]``.

    The paper: a snapshot may be backed up "as a mounted file system/logical drive". A Windows guest
    has mounted it by itself. The folder is named after the server and its disk alone, so that an
    agent sees the same names whatever the device. Raises GuestError where a partition holds no file
    system that can be mounted.
    """
    partitions = [partition for partition in disk.partitions if partition.file_system not in NOT_FILES]
    if not partitions or any(not partition.file_system for partition in partitions):
        raise errors.GuestError("%s: no file system found on %s; back it up as an image" % (guest.name, disk.path))
    mounts = []
    try:
        for partition in partitions:
            mounts.append((partition.number, _mount(run, guest, partition, folder)))
        yield mounts
    finally:
        _unmount_all(run, guest, partitions, mounts, folder)


def _mount(run, guest, partition, folder):
    if partition.mounted:
        return partition.mounted
    where = "%s/%d" % (folder, partition.number)
    with run.step("mount", guest.name, partition.path):
        guest.must(["mkdir", "-p", "--", where])
        guest.must(["mount", "-o", "ro", "--", partition.path, where])
        guest.must(["mountpoint", "-q", "--", where])
    return where


def _unmount_all(run, guest, partitions, mounts, folder):
    """Unmount what ``_mount`` mounted; what resists goes with the reboot after the detach."""
    ours = [where for (_number, where), partition in zip(mounts, partitions) if not partition.mounted]
    with run.releasing():
        for where in reversed(ours):
            with run.step("unmount", guest.name, where) as record:
                completed = guest.command(Command(["umount", "--", where], None, None))
                if completed.status != 0:
                    record["detail"] = failure(completed)
                    run.warn("%s: umount %s: %s" % (guest.name, where, failure(completed)))
        if ours:
            above = folder.rsplit("/", 1)[0]
            guest.command(Command(["rmdir", "--"] + ours + [folder, above], None, None))
