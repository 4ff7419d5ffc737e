"""A lab's state in its folder: read and replaced as a whole, by one process at a time."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import time

from fakes.registry import FORMAT, World
from vibackup import compat, errors, locks, records

STATE_FILE = "lab.json"
LOCK_PAUSE_SECONDS = 0.005


def is_in(folder):
    """Tell whether the folder holds a lab."""
    return os.path.exists(compat.native(os.path.join(compat.text(folder), STATE_FILE)))


class SavedState(object):
    """The file that holds a lab, and the lock of the process ``owner`` that is about to change it."""

    def __init__(self, folder, owner):
        self.path = os.path.join(folder, STATE_FILE)
        self._lock_path = os.path.join(folder, "lock")
        self._owner = owner
        self._seen = None

    def lock(self):
        """Wait until no other process has the lock, and take it; tells whether a process that had it has died.

        Raises UsageError for a lock that cannot be read.
        """
        somebody_died = False
        while True:
            holder = locks.holder(self._lock_path) or locks.take(self._lock_path, self._owner)
            if holder is None:
                return somebody_died
            if locks.is_damaged(holder):
                raise errors.UsageError("%s is damaged: make sure that nothing works in the lab, and remove it" % (
                    compat.text(self._lock_path)))
            if locks.is_dead(holder):
                somebody_died = True
                locks.break_dead(self._lock_path, holder)
            else:
                time.sleep(LOCK_PAUSE_SECONDS)

    def unlock(self):
        """Give the lock back; where it is not ours, nothing is done."""
        locks.drop(self._lock_path, self._owner)

    def read_if_changed(self):
        """Return the World that was saved since we last read or wrote it, None where it is the one we know.

        Raises UsageError for a file that is not a lab's state.
        """
        stamp = _stamp(self.path)
        if stamp == self._seen:
            return None
        world = World(_read(self.path))
        self._seen = stamp
        return world

    def write(self, world):
        """Replace the file in one atomic step."""
        temporary = self.path + ".new"
        with open(temporary, "wb") as stream:
            stream.write(records.sealed(world.as_state()))
        compat.replace(temporary, self.path)
        self._seen = _stamp(self.path)


def _stamp(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_mtime, status.st_size)


def _read(path):
    try:
        with open(path, "rb") as stream:
            state = records.unsealed(stream.read().rstrip())
    except (IOError, OSError, ValueError) as error:
        raise errors.UsageError("%s: not a lab's state: %s; make a new lab" % (
            compat.text(path), compat.message(error)))
    if state.get("format") != FORMAT:
        raise errors.UsageError("%s: a lab of another version; make a new one" % compat.text(path))
    return state
