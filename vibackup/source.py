"""The logical disk that a copy is made of, and how it is read while its bytes stand still."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import contextlib

from vibackup import checks, errors, steps
from vibackup import manager as api
from vibackup.quiesce import not_quiesced

# vs: the virtual server that has the disk, as a ``steps.Server``, or None.
Source = collections.namedtuple("Source", "handle id name bytes vs")


def find(manager, name):
    """Return the logical disk called ``name`` as a Source.

    Raises NotFound, and Refused for what cannot be copied or is not the only one of that name;
    MissingCall where the manager does not say which server has it.
    """
    found = [device for device in manager.objects("StorageDevice") if api.name_of(device) == name]
    if not found:
        raise manager.not_found("LogicalDisk", name)
    if len(found) > 1:
        raise errors.Refused("two disks are called %s: give each a name of its own" % name)
    _check_kind(manager, found[0], name)
    holder = manager.holder_of(found[0])
    return Source(found[0], api.identity_of(found[0]), name, api.bytes_of(found[0]),
                  None if holder is None else steps.server_of(holder))


def _check_kind(manager, device, name):
    kind = manager.device_kind(device)
    if kind == api.RAW:
        raise errors.Refused("%s is a raw disk, which the manager cannot copy: have the storage array copy it" % name)
    if kind != api.LOGICAL:
        raise errors.Refused("%s is no logical disk: give the name of one" % name)
    if manager.is_snapshot_disk(device):
        raise errors.Refused("%s is a snapshot disk: give the name of the disk that it is a snapshot of" % name)


def holds(source):
    """Return what a run must hold alone that reads or writes the disk, as ``run.held`` takes it."""
    if source.vs is None:
        return [("disk " + source.id, source.name)]
    return [(source.vs.id, source.vs.name)]


def check(run, source):
    """Refuse where no snapshot can be taken of the server that has the disk."""
    if source.vs is not None:
        checks.can_snapshot(run, source.vs, _logical_disks(run, source))


def reserved(run, source):
    """Return what must be free for that snapshot, as ``checks.disk_space`` takes it."""
    if source.vs is None:
        return []
    return [(api.group_of(disk.handle), int(disk.bytes * checks.SNAPSHOT_RESERVE))
            for disk in _logical_disks(run, source)]


def _logical_disks(run, source):
    return checks.logical(checks.disks_of(run.manager, source.vs))


@contextlib.contextmanager
def standing_still(run, source):
    """Yield the handle to read: the disk's in a snapshot of its server, or its own where no server has it."""
    if source.vs is None:
        yield source.handle
        return
    with steps.snapshotted(run, source.vs, not_quiesced()) as snapshot:
        yield _snapshot_of(source, steps.snapshot_disks(run.manager, snapshot))


def _snapshot_of(source, disks):
    for disk in disks:
        if api.identity_of(api.parent_of(disk.handle)) == source.id:
            return disk.handle
    raise errors.VibackupError("the snapshot of %s has no disk of %s" % (source.vs.name, source.name))


def lines(source, line):
    """Return the lines of a dry run whose copying is ``line``."""
    if source.vs is None:
        return [line]
    return ["snapshot: %s" % source.vs.name, line, "delete snapshot: %s" % source.vs.name]
