"""What is urgent: the tasks of a night that have not begun, and which of them a proxy had better begin now."""
from __future__ import absolute_import, division, print_function, unicode_literals

import bisect
import collections
import heapq

from vibackup.fleet import limits as limit
from vibackup.fleet.tasks import needs_of

MOST_LOOKED_AT = 12  # of the tasks that another proxy had better do
TOLERANCE = 0.02  # how stale an urgency may be, as a part of it


class Queue(object):
    """The tasks that have not begun, the most urgent first; what a limit keeps from beginning waits for it there.

    Tasks of the same keys are one *sort*. How urgent it is: how long what its keys are about takes in any case.
    tasks: ``tasks.Task``. most: how many at once, by kind. limits: a ``limits.Limits``. exponent: see ``schedule.Way``.
    """

    def __init__(self, tasks, most, limits, exponent):
        self._most = most
        self._exponent = exponent
        self._limits = limits
        self._left = collections.Counter()
        self._tasks = collections.defaultdict(list)  # by sort, the shortest first
        self._lengths = {}  # their seconds
        for task in tasks:
            self._tasks[needs_of(task), task.keys].append(task)
            for key in task.keys:
                self._left[key] += task.seconds
        self._longest = [(-self.seconds_left(key), number, key) for number, key in enumerate(self._left)]
        heapq.heapify(self._longest)
        self._ready = collections.defaultdict(list)  # heaps of (urgency, number, sort) by what they need of a proxy
        self._parked = collections.defaultdict(list)  # the same by the key that has no room
        self._numbers = {}
        for sort in sorted(self._tasks, key=repr):
            self._tasks[sort].sort(key=lambda task: (task.seconds, task.member.server.name))
            self._lengths[sort] = [task.seconds for task in self._tasks[sort]]
            self._numbers[sort] = len(self._numbers)
            self._make_ready(sort)

    @property
    def has_any(self):
        """Whether there is a task left."""
        return bool(self._tasks)

    def seconds_left(self, key):
        """Return how long what is left of a key takes at least."""
        return self._left[key] / self._most[key[0]]

    def most_seconds_left(self):
        """Return the same of the key that takes longest: so long the rest of the night takes in any case."""
        while True:
            negative, number, key = self._longest[0]
            now = self.seconds_left(key)
            if now == -negative or now > -negative * (1 - TOLERANCE):
                return now
            heapq.heapreplace(self._longest, (-now, number, key))

    def rest(self):
        """Return the tasks that are left."""
        return [task for sort in self._tasks for task in self._tasks[sort]]

    def _urgency(self, sort):
        """Return it as a number, the lower the more urgent."""
        power = self._exponent
        needed = [self._left[key] / self._most[key[0]] for key in sort[1]] + [self._lengths[sort][-1]]
        return -sum(each ** power for each in needed)

    def _make_ready(self, sort):
        heapq.heappush(self._ready[sort[0]], (self._urgency(sort), self._numbers[sort], sort))

    def over(self, keys):
        """Count a task less for each of ``keys``: for each, one sort that has waited for it may be next."""
        self._limits.give_back(keys)
        for key in keys:
            self._unpark(key)

    def _unpark(self, key):
        if self._parked.get(key):
            entry = heapq.heappop(self._parked[key])
            heapq.heappush(self._ready[entry[2][0]], entry)

    def take(self, needs_met, proxy, longest, alone_on, has_room):
        """Return the most urgent task for ``proxy`` that may begin and takes ``longest`` seconds at most, or None.

        needs_met: which (``tasks.needs_of``) the proxy meets. alone_on: by needs, the managed node on which all are
        that meet them, or None. has_room(task): whether there is room for its snapshot.
        """
        ready = [needs for needs in needs_met if self._ready[needs]]
        for needs in sorted(ready, key=lambda needs: self._ready[needs][0]):
            task = self._take(needs, proxy, longest, alone_on[needs], has_room)
            if task is not None:
                return task
        return None

    def _take(self, needs, proxy, longest, only_node, has_room):
        ready, aside, found = self._ready[needs], [], None
        while ready and len(aside) < MOST_LOOKED_AT and found is None:
            entry = heapq.heappop(ready)
            urgency, _number, sort = entry
            if self._urgency(sort) > urgency * (1 - TOLERANCE):
                self._make_ready(sort)
            elif not self._is_parked(entry):
                found = self._suitable(sort, proxy, longest, only_node, has_room)
                if found is None:
                    aside.append(entry)
        for entry in aside:
            heapq.heappush(ready, entry)
        return None if found is None else self._begin(sort, found)

    def _is_parked(self, entry):
        """Park a sort where a key of it has no room; another one of its keys may then have another sort begin."""
        keys = entry[2][1]
        full = self._limits.full(keys)
        if full is None:
            return False
        heapq.heappush(self._parked[full], entry)
        for key in keys:
            if key != full and self._limits.full((key,)) is None:
                self._unpark(key)
        return True

    def _suitable(self, sort, proxy, longest, only_node, has_room):
        """Return the place of the longest task of the sort that this proxy may do now, or None."""
        if proxy is not None and (limit.NODE, proxy.node_id) in sort[1] and only_node != proxy.node_id:
            return None  # one on another managed node had better do it, as the paper advises
        tasks = self._tasks[sort]
        place = len(tasks)
        if longest is not None:
            place = bisect.bisect_right(self._lengths[sort], longest)
        while place:
            place -= 1
            if proxy is None or (tasks[place].member.server.id != proxy.server.id and has_room(tasks[place])):
                return place
        return None

    def _begin(self, sort, place):
        tasks = self._tasks[sort]
        task = tasks.pop(place)
        del self._lengths[sort][place]
        for key in sort[1]:
            self._left[key] -= task.seconds
        if tasks:
            self._make_ready(sort)
        else:
            del self._tasks[sort]
        return task
