"""Copies of whole disks: the bytes move when the job commits, and the time that takes passes in the commit.

A copy under way is a dict in ``world.copies``: ``source`` and ``target`` (ids of disks, or None), ``path`` (a VHD that
is written, or None), ``bytes``, ``from_ms``, ``until_ms``, and the ``owner``, without whom it goes no further.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from fakes import disks
from fakes.faults import ManagementException
from vibackup import compat, locks, vhd

SLICES = 50


class Copy(object):
    """What an open job is going to copy: the record of the ``source`` or None, of the ``target`` or None, a ``path``.

    ``move()`` moves the bytes. ``bytes_per_second``: of the slowest disk group that takes part.
    """

    def __init__(self, move, bytes_per_second, source=None, target=None, path=None):
        self.move = move
        self.source = source
        self.target = target
        self.path = path
        self.bytes = (target or source)["bytes"]
        self.milliseconds = -(-self.bytes * 1000 // bytes_per_second)

    def involves(self, identity):
        """Tell whether the disk ``identity`` is read or made."""
        return identity in [disk["id"] for disk in (self.source, self.target) if disk]


# -- what is being copied

def under_way(lab):
    """Return the copies that are being made now; one whose process died is not."""
    return [each for each in lab.world.copies
            if each["until_ms"] > lab.world.now_ms and not locks.is_dead(each["owner"])]


def check_idle(lab, disk):
    """Raise the manager's error where the disk is being copied, or will be when an open job commits."""
    waiting = any(copy.involves(disk["id"]) for job in lab.open_jobs for copy in job.copies)
    if waiting or any(disk["id"] in (each["source"], each["target"]) for each in under_way(lab)):
        raise ManagementException("%s is being copied" % disk["name"])


def percent(lab, disk):
    """Return how much of the copy that makes or reads the disk is done, 0 to 100; 100 where there is none."""
    if any(copy.involves(disk["id"]) for job in lab.open_jobs for copy in job.copies):
        return 0
    for each in under_way(lab):
        if disk["id"] in (each["source"], each["target"]):
            return int(100 * _copied(lab, each) // each["bytes"])
    return 100


def _copied(lab, copy):
    """Return how many bytes of a copy under way are copied."""
    gone = max(0, lab.world.now_ms - copy["from_ms"])
    return copy["bytes"] * gone // (copy["until_ms"] - copy["from_ms"])


# -- what a commit does

def move(job):
    """Move the bytes of a job that is about to commit: what cannot be copied fails the commit."""
    for copy in job.copies:
        copy.move()


def begin(lab, copies, delay_ms):
    """Have the copies of a committed job under way, one after another, from ``delay_ms`` on; returns them."""
    begun = []
    from_ms = lab.world.now_ms + delay_ms
    for copy in copies:
        until_ms = from_ms + copy.milliseconds
        begun.append({
            "source": copy.source and copy.source["id"], "target": copy.target and copy.target["id"],
            "path": copy.path, "bytes": copy.bytes, "from_ms": from_ms, "until_ms": until_ms, "owner": lab.owner})
        from_ms = until_ms
    lab.world.copies = under_way(lab) + begun
    lab.world.dirty = True
    return begun


def wait(lab, copies):
    """Let the time of those copies pass, in steps, so that whatever ends one ends it where it is."""
    with lab.exclusive():
        try:
            for copy in copies:
                for number in range(SLICES, 0, -1):
                    lab.advance(max(0, copy["until_ms"] - lab.world.now_ms) // number)
        finally:
            lab.world.copies = [each for each in lab.world.copies if each not in copies]
            lab.world.dirty = True


# -- what goes wrong

def source_lost(lab, disk):
    """End the copies that read the disk: what they have not copied yet is missing where it was to be written."""
    for each in under_way(lab):
        if each["source"] == disk["id"]:
            end = _copied(lab, each) // disks.PAGE * disks.PAGE
            if each["path"]:
                _cut_file(each["path"], end)
            else:
                _cut_disk(lab, lab.world.objects.get(each["target"]), end)


def _cut_disk(lab, disk, end):
    if disk is not None:
        for index in disks.written(lab.pages, disk["layers"]):
            if index * disks.PAGE >= end:
                lab.pages.put(disk["layers"][0], index, b"")


def _cut_file(path, end):
    if not os.path.exists(compat.native(path)):
        return
    image = vhd.check(path)
    pieces = ((offset, data[:end - offset]) for offset, data in vhd.read(path) if offset < end)
    cut = path + ".cut"
    vhd.write(cut, image.bytes, pieces, kind=image.kind)
    compat.replace(compat.native(cut), compat.native(path))
