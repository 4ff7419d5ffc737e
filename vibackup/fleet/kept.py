"""Places kept for what the plan has begin soon, so that what is ahead of the plan does not stand in its way.

To begin whatever is ready looks harmless. But where it is long, what was planned to have its place waits behind it,
then the rest of that one's batch, then its proxy's next batches: a night that is ahead of its plan would end behind it.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import bisect
import collections
import threading

from vibackup.fleet import limits as limit

FIRST = -1  # of all ranks at one moment
PATIENCE_SECONDS = 60  # what is later than that keeps nothing any more


class Kept(object):
    """Knows what of a plan has not begun. batches: ``schedule.Batch`` of a night that begins now, by the clock.

    clock: a clock, see ``manager``. limits: the ``limits.Limits`` of what is under way. A *moment of the plan* is how
    far the night has come: as many seconds as it has lasted, and as many more as all that is under way began too early.
    Its methods may be called by several threads.
    """

    def __init__(self, batches, clock, limits):
        self._clock, self._limits = clock, limits
        self._begun = clock.monotonic()
        self._lock = threading.Lock()
        self._ahead = {}  # how much too early what is under way began, by the id of its server
        self._ranks = {}  # of what has not begun in the order of the plan, by the id of its server
        self._keys = {}  # what it loads, by its rank
        self.given_up = 0  # how many places are kept no longer, though what they were kept for has not begun
        self._planned = collections.defaultdict(list)  # its ranks in that order, by key
        starts = sorted(((start, batch.proxy) for batch in batches for start in batch.starts),
                        key=lambda pair: (pair[0].at, _id(pair[0])))
        for number, (start, proxy) in enumerate(starts):
            self._keep(start, (start.at, number), limit.keys_with(start.task.keys, proxy))
        self._order = collections.deque(sorted(self._keys))

    def _keep(self, start, rank, keys):
        self._ranks[_id(start)] = rank
        self._keys[rank] = keys
        for key in keys:
            self._planned[key].append(rank)

    def begins(self, each):
        """Tell that a Try begins now."""
        with self._lock:
            self._ahead[_id(each)] = max(0, each.at - self.seconds())
        self._drop(each)

    def over(self, each):
        """Tell that a Try is over, or failed before it could begin."""
        with self._lock:
            self._ahead.pop(_id(each), None)
        self.given_up += self._drop(each)

    def _drop(self, each):
        """Keep no place for it any more; tells whether there was one."""
        with self._lock:
            rank = self._ranks.pop(_id(each), None)
            for key in self._keys.pop(rank, ()):
                planned = self._planned[key]
                del planned[bisect.bisect_left(planned, rank)]
            while self._order and self._order[0] not in self._keys:
                self._order.popleft()
        return rank is not None

    def seconds(self):
        """Return how long the night has lasted."""
        return self._clock.monotonic() - self._begun

    def moment(self):
        """Return the moment of the plan."""
        with self._lock:
            if self._ahead:
                return self.seconds() + min(self._ahead.values())
            return max(self.seconds(), self._order[0][0] if self._order else 0)

    def has_any(self, key):
        """Tell whether anything of ``key`` has not begun."""
        return bool(self._planned.get(key))

    def key_and_until(self, each, keys, now):
        """Return of which key a place that a Try would take is kept longest for another, and until when; or None.

        each: what has a task and ``at``. keys: what it loads, see ``limits``. now: the moment of the plan, which takes
        a while to find; until: one, in seconds. What would end before another is planned to begin is not in its way.
        """
        with self._lock:
            found = [(key, self._until(each, key, now)) for key in keys]
        found = [(key, until) for key, until in found if until is not None]
        return max(found, key=lambda pair: pair[1]) if found else None

    def until(self, each, key, now):
        """Return the moment until which a place of one key is kept, or None."""
        with self._lock:
            return self._until(each, key, now)

    def _until(self, each, key, now):
        planned, free = self._planned.get(key, ()), self._limits.free(key)
        if len(planned) < free:
            return None
        before = min(self._ranks.get(_id(each), (each.at, FIRST)), (now + each.task.seconds, FIRST))
        end = bisect.bisect_left(planned, before)
        if end < free:
            return None
        until = planned[end - free][0] + PATIENCE_SECONDS
        return until if until > now else None


def _id(planned):
    return planned.task.member.server.id
