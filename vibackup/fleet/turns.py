"""Whose turn it is: of all that wait where there is a place for it, what was planned first begins, within the limits."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading

from vibackup.fleet import limits as limit


class _Lane(object):
    """A proxy's places, and what waits for one of them."""

    def __init__(self, host, waiting):
        self.host = host
        self.waiting = waiting
        self.granted = []
        self.idle = 0

    def keys(self, each):
        return limit.keys_with(each.task.keys, self.host)


class Turns(object):
    """Lets what waits at several proxies begin. ``is_over()`` tells whether nothing new may."""

    def __init__(self, clock, limits, is_over):
        self._clock, self._limits, self._is_over = clock, limits, is_over
        self._lock = threading.Lock()
        self._lanes = []

    def take(self, waiting, host, places, function):
        """Call ``function`` for each of ``waiting`` as soon as it may begin, on as many threads as there are ``places``.

        waiting: a list of ``run.Try``. host: the ``members.Proxy``, or None. What has not begun when nothing new may
        begin stays in ``waiting``. Returns when all that has begun is over.
        """
        lane = _Lane(host, waiting)
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
        with self._lock:
            self._grant()

    def _next(self, lane):
        with self._lock:
            lane.idle += 1
            self._grant()
        self._clock.wait_for(lambda: lane.granted or not lane.waiting or self._is_over())
        with self._lock:
            if not lane.granted:
                lane.idle -= 1
                return None
            each = lane.granted.pop(0)
            if self._is_over():
                self._limits.give_back(lane.keys(each))
                lane.waiting.append(each)
                return None
            return each

    def _grant(self):
        """Give the places that are free to what was planned first of all that fits."""
        lanes = [lane for lane in self._lanes if lane.idle]
        waiting = [(each.at, number, place, each) for number, lane in enumerate(lanes)
                   for place, each in enumerate(lane.waiting)]
        for _at, number, _place, each in sorted(waiting, key=lambda entry: entry[:3]):
            lane = lanes[number]
            if lane.idle and self._limits.take(lane.keys(each)):
                lane.waiting.remove(each)
                lane.granted.append(each)
                lane.idle -= 1
