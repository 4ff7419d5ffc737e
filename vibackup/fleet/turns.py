"""Whose turn it is: of all that wait where there is a place, what was planned first begins, within the limits."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import heapq
import itertools
import threading

from vibackup.clock import soonest
from vibackup.fleet import limits as limit

# What waits at a _Queue. Of two the first is planned to begin first; ``number`` is another for each.
_Entry = collections.namedtuple("_Entry", "at number queue each")

# An entry for which ``key`` has room that is kept for another, until a moment of the plan.
_Held = collections.namedtuple("_Held", "entry key until")


class _Queue(object):
    """What waits at a proxy, and the threads that carry it out. host: the ``members.Proxy``, or None for none."""

    def __init__(self, host, closes):
        self.host = host
        self.closes = closes  # the moment of the clock after which nothing begins, or None
        self.looks_again = None  # what tells its threads that they have to: one for all, for a lab asks it once
        self.left = collections.OrderedDict()  # what has not begun, by the number of its entry
        self.granted = []  # entries of what may begin, and no thread has fetched yet
        self.idle = 0  # how many of its threads wait, and have nothing granted
        self.parked = []  # a heap of entries that no thread of its was idle for
        self.kept_until = None  # the moment of the plan at which something of it may begin that must not now
        self.watched_until = None  # the one of these that a thread of its waits for

    @property
    def has_a_moment_to_watch(self):
        """Whether something of it may begin by time alone before any of its threads looks."""
        kept, watched = self.kept_until, self.watched_until  # another thread may change them meanwhile
        return kept is not None and (watched is None or kept < watched)

    def keys(self, each):
        return limit.keys_with(each.task.keys, self.host)


class Turns(object):
    """Lets what waits at several proxies begin.

    limits: a ``limits.Limits`` that nobody else takes from. kept: a ``kept.Kept``, of the same. ``is_over()`` tells
    whether nothing new may begin. What a limit keeps from beginning waits for it there: as long as the limit has no
    room, it is not looked at.
    """

    def __init__(self, clock, limits, kept, is_over):
        self._clock, self._limits, self._kept, self._is_over = clock, limits, kept, is_over
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._parked = collections.defaultdict(list)  # heaps of entries, by the key that has no room
        self._held = []  # each _Held
        self._given_up = 0  # of ``kept``, when these were last looked at

    def take(self, waiting, host, places, function, seconds=None):
        """Call ``function`` for each of ``waiting`` as soon as it may begin, on as many threads as ``places`` says.

        waiting: what has a ``task`` and ``at`` (when it was planned to begin, seconds of the night). host: the
        ``members.Proxy``, or None. Returns, when all that has begun is over, a list of what had not when nothing new
        could begin any more, or after ``seconds`` (None: however long it takes).
        """
        queue = _Queue(host, None if seconds is None else self._clock.monotonic() + seconds)
        queue.looks_again = lambda: (queue.granted or queue.has_a_moment_to_watch or self._is_done(queue) or
                                     queue.kept_until is not None and self._kept.given_up != self._given_up)
        for each in waiting:
            entry = _Entry(each.at, next(self._numbers), queue, each)
            queue.left[entry.number] = each
            heapq.heappush(queue.parked, entry)
        self._clock.together([lambda: self._work(queue, function) for _place in range(min(places, len(queue.left)))])
        return list(queue.left.values())

    def _work(self, queue, function):
        while True:
            each = self._next(queue)
            if each is None:
                return
            try:
                function(each)
            finally:
                self._give_back(queue, each)

    def _give_back(self, queue, each):
        """Free its place for what waits, whatever becomes of this thread."""
        with self._lock:
            keys = queue.keys(each)
            self._limits.give_back(keys)
            self._kept.over(each)
            self._grant(queue, keys)

    def _next(self, queue):
        """Return what begins now, once there is something; None where nothing more will."""
        with self._lock:
            queue.idle += 1
            self._grant(queue)
        while True:
            self._wait(queue)
            with self._lock:
                if not queue.granted:
                    self._grant(queue)
                if queue.granted:  # by the time we look another thread may have taken it
                    return self._begin(queue)
                if self._is_done(queue) or self._is_closed(queue):
                    queue.idle -= 1
                    return None

    def _wait(self, queue):
        until = queue.kept_until if queue.has_a_moment_to_watch else None
        if until is not None:
            queue.watched_until = until
        self._clock.wait_for(queue.looks_again, self._seconds_to_wait(queue, until))
        if until is not None:
            queue.watched_until = None  # another thread of its watches from now on, if one waits

    def _is_done(self, queue):
        return not queue.left or self._is_over()

    def _is_closed(self, queue):
        return queue.closes is not None and self._clock.monotonic() >= queue.closes

    def _seconds_to_wait(self, queue, until):
        """Return after how long the clock alone may have changed whose turn it is; None for never.

        until: the moment of the plan that this thread watches, or None.
        """
        return soonest(None if queue.closes is None else queue.closes - self._clock.monotonic(),
                       None if until is None else until - self._kept.moment())

    def _begin(self, queue):
        entry = queue.granted.pop(0)
        if not self._is_over():
            return queue.left.pop(entry.number)
        self._limits.give_back(queue.keys(entry.each))
        self._kept.over(entry.each)
        return None

    def _grant(self, queue, freed=()):
        """Let begin what was planned first of all that fits.

        All of it is known to have no place but what waits for idle threads of ``queue``, for one of the keys ``freed``,
        or for the moment until which its place is kept.
        """
        moment = self._kept.moment()
        ready = self._no_longer_held(moment, set(freed))
        heapq.heapify(ready)
        while True:
            heaps = [ready, queue.parked if queue.idle else None]
            heaps += [self._parked[key] for key in freed if self._limits.free(key) > 0]
            heaps = [heap for heap in heaps if heap]
            if not heaps:
                return
            if self._look_at(heapq.heappop(min(heaps, key=lambda heap: heap[0])), moment):
                moment = self._kept.moment()

    def _no_longer_held(self, moment, freed):
        """Return the entries whose place is not kept for others any more; hold the rest.

        Besides time, that is changed by more room, of the keys ``freed``, and by what is given up.
        """
        held, self._held = self._held, []
        before, self._given_up = self._given_up, self._kept.given_up
        for hold in held:
            hold.entry.queue.kept_until = None
        ready = []
        for hold in held:
            until = self._kept.until(hold.entry.each, hold.key, moment) if hold.key in freed else hold.until
            if until is None or until <= moment or self._given_up != before:
                ready.append(hold.entry)
            else:
                self._hold(hold if until == hold.until else _Held(hold.entry, hold.key, until))
        return ready

    def _hold(self, hold):
        self._held.append(hold)
        queue = hold.entry.queue
        queue.kept_until = hold.until if queue.kept_until is None else min(hold.until, queue.kept_until)

    def _look_at(self, entry, moment):
        """Let it begin, or have it wait for what it cannot begin without; tells whether it begins.

        Where it is too late for it, it waits for nothing any more.
        """
        queue, each = entry.queue, entry.each
        if self._is_closed(queue):
            return False
        if not queue.idle:
            heapq.heappush(queue.parked, entry)
            return False
        keys = queue.keys(each)
        full = self._limits.full(keys)
        if full is not None:
            heapq.heappush(self._parked[full], entry)
            return False
        kept = self._kept.key_and_until(each, keys, moment)
        if kept is not None:
            self._hold(_Held(entry, *kept))
            return False
        self._limits.take(keys)
        self._kept.begins(each)
        queue.granted.append(entry)
        queue.idle -= 1
        return True
