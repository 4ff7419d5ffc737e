"""What snapshots may want of the disk groups, in a night that passes in mind. Sizes are bytes, moments seconds."""
from __future__ import absolute_import, division, print_function, unicode_literals

import bisect
import collections


class _Group(object):
    """What is taken of one disk group: the most since any moment.

    ``most[n]`` is that since ``times[n]`` or any later moment before the next of ``times``; so it falls.
    """

    def __init__(self):
        self.times, self.most = [0.0], [0]

    @property
    def now(self):
        """What is taken after all that has happened, in bytes."""
        return self.most[-1]

    def most_since(self, moment):
        """Return the most bytes that were taken at once at ``moment`` or later."""
        return self.most[self._place(moment)]

    def take(self, since, size):
        """Take so many bytes more, from the moment ``since`` on."""
        place = self._place(since)
        self.most[place:] = [most + size for most in self.most[place:]]
        while place and self.most[place - 1] <= self.most[place]:
            place -= 1
            del self.most[place], self.times[place + 1]

    def give_back(self, now, size):
        """Take so many bytes less from ``now`` on, which is no earlier than any such moment before."""
        taken = self.now - size
        if now > self.times[-1]:
            self.times.append(now)
            self.most.append(taken)
        else:  # more than one at one moment
            self.most[-1] = taken

    def _place(self, moment):
        return max(0, bisect.bisect_right(self.times, moment) - 1)


class Space(object):
    """Knows what is free. free: bytes of each disk group, by name.

    A snapshot is taken when its batch begins, however late in the batch it is read, and is there until the reboot that
    ends the batch. Those of a host's next batch are taken before that reboot.
    """

    def __init__(self, free):
        self._free = free
        self._groups = collections.defaultdict(_Group)
        self._of_hosts = collections.defaultdict(collections.Counter)

    def has_room(self, since, task):
        """Tell whether there is room for a snapshot that is taken at ``since``.

        Where a group has no other now, only the check before it can say.
        """
        return all(self._groups[name].most_since(since) + size <= self._free.get(name, 0) or not self._groups[name].now
                   for name, size in task.space)

    def take(self, host, since, task):
        """Keep what the snapshot of a task of a host may want."""
        self._of_hosts[host].update(dict(task.space))
        for name, size in task.space:
            self._groups[name].take(since, size)

    def give_back(self, host, now):
        """Free at the moment ``now`` what a host has taken; it is no earlier than any before."""
        for name, size in self._of_hosts.pop(host, {}).items():
            self._groups[name].give_back(now, size)
