"""Whose turn it is: of all that wait where there is a place, what was planned first begins, within the limits."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading

from vibackup.fleet import limits as limit


class _Places(object):
    """A proxy's places, and what waits for one of them.

    host: a ``members.Proxy``, or None. granted: what may begin and no thread has fetched yet. idle: how many of its
    threads wait.
    """

    def __init__(self, host, waiting, closes):
        self.host = host
        self.waiting = waiting
        self.closes = closes  # the moment of the clock after which nothing begins, or None
        self.kept_until = None  # the moment of the plan at which something of it may begin that must not now
        self.granted = []
        self.idle = 0

    def keys(self, each):
        return limit.keys_with(each.task.keys, self.host)


class Turns(object):
    """Lets what waits at several proxies begin.

    limits: a ``limits.Limits``. kept: a ``kept.Kept``, of the same. ``is_over()`` tells whether nothing new may begin.
    """

    def __init__(self, clock, limits, kept, is_over):
        self._clock, self._limits, self._kept, self._is_over = clock, limits, kept, is_over
        self._lock = threading.Lock()
        self._lanes = []

    def take(self, waiting, host, places, function, seconds=None):
        """Call ``function`` for each of ``waiting`` as soon as it may begin, on as many threads as ``places`` says.

        waiting: a list of what has a ``task`` and ``at`` (when it was planned to begin, seconds of the night). host:
        the ``members.Proxy``, or None. What has not begun when nothing new may begin, or after ``seconds`` (None:
        however long it takes), stays in ``waiting``. Returns when all that has begun is over.
        """
        lane = _Places(host, waiting, None if seconds is None else self._clock.monotonic() + seconds)
        with self._lock:
            self._lanes.append(lane)
        try:
            self._clock.together([lambda: self._work(lane, function) for _place in range(min(places, len(waiting)))])
        finally:
            with self._lock:
                self._lanes.remove(lane)

    def _work(self, lane, function):
        while True:
            each = self._next(lane)
            if each is None:
                return
            try:
                function(each)
            finally:
                self._give_back(lane, each)

    def _give_back(self, lane, each):
        """Free its place for what waits, whatever becomes of this thread."""
        self._limits.give_back(lane.keys(each))
        self._kept.over(each)
        with self._lock:
            self._grant()

    def _next(self, lane):
        """Return what begins now, once there is something; None where nothing more will."""
        with self._lock:
            lane.idle += 1
            self._grant()
        while True:
            self._wait(lane, lane.kept_until)
            with self._lock:
                if not lane.granted:
                    self._grant()
                if lane.granted:  # by the time we look another thread may have taken it
                    return self._begin(lane)
                if self._is_done(lane):
                    lane.idle -= 1
                    return None

    def _wait(self, lane, kept_until):
        self._clock.wait_for(lambda: lane.granted or self._is_done(lane) or lane.kept_until != kept_until,
                             self._seconds_to_wait(lane, kept_until))

    def _is_done(self, lane):
        return not lane.waiting or self._is_over() or self._seconds_left(lane) == 0

    def _seconds_left(self, lane):
        if lane.closes is None:
            return None
        return max(0, lane.closes - self._clock.monotonic())

    def _seconds_to_wait(self, lane, kept_until):
        """Return after how long the clock alone may have changed whose turn it is; None for never."""
        left = [self._seconds_left(lane)]
        if kept_until is not None:
            left.append(max(0, kept_until - self._kept.moment()))
        left = [seconds for seconds in left if seconds is not None]
        return min(left) if left else None

    def _begin(self, lane):
        each = lane.granted.pop(0)
        if not self._is_over():
            return each
        self._limits.give_back(lane.keys(each))
        self._kept.over(each)
        lane.waiting.append(each)
        return None

    def _grant(self):
        """Give the places that are free to what was planned first of all that fits."""
        lanes, moment = [lane for lane in self._lanes if lane.idle], self._kept.moment()
        for lane in lanes:
            lane.kept_until = None
        waiting = [(each.at, number, place, each) for number, lane in enumerate(lanes)
                   for place, each in enumerate(lane.waiting)]
        for _at, number, _place, each in sorted(waiting, key=lambda entry: entry[:3]):
            lane = lanes[number]
            if lane.idle and self._seconds_left(lane) != 0 and self._may_take(lane, each, moment):
                lane.waiting.remove(each)
                lane.granted.append(each)
                lane.idle -= 1
                moment = self._kept.moment()

    def _may_take(self, lane, each, moment):
        """Take the places that a Try needs, where they are free and not kept for another; tells whether it did."""
        keys = lane.keys(each)
        if self._limits.full(keys) is not None:
            return False
        until = self._kept.until(each, keys, moment)
        if until is not None:
            lane.kept_until = until if lane.kept_until is None else min(until, lane.kept_until)
        elif self._limits.take(keys):
            self._kept.begins(each)
            return True
        return False
