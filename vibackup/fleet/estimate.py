"""When a night will be over: by its plan, and by how much faster or slower than planned it has gone so far."""
from __future__ import absolute_import, division, print_function, unicode_literals

import bisect

SETTLING_SECONDS = 300  # which count as gone by as planned: the first minutes do not foretell the whole night
_TOLERANCE = 1e-6  # of all work: sums of fractions differ by the order in which they are made


class Estimate(object):
    """Tells how long the rest of a night takes. plan: a ``plan.Plan``; work: what its tasks take, in seconds."""

    def __init__(self, plan):
        self._seconds = plan.seconds
        self._moments, self._done = _timeline(plan)

    def left(self, work, elapsed):
        """Return how many seconds are left, where so much work is done after ``elapsed`` seconds."""
        where = self._planned_moment(work, elapsed)
        pace = (elapsed + SETTLING_SECONDS) / (where + SETTLING_SECONDS)
        return max(0.0, (self._seconds - where) * pace)

    def _planned_moment(self, work, elapsed):
        """Return when by the plan so much work is done: while a proxy boots that is so for a while."""
        little = self._done[-1] * _TOLERANCE
        return min(max(elapsed, self._moment_of(work - little)), self._moment_of(work + little))

    def _moment_of(self, work):
        place = bisect.bisect_left(self._done, work)
        if place == 0:
            return 0.0
        if place == len(self._done):
            return float(self._seconds)
        before, after = self._done[place - 1], self._done[place]
        begins, ends = self._moments[place - 1], self._moments[place]
        return begins + (ends - begins) * (work - before) / (after - before)


def _timeline(plan):
    """Return two lists: moments of the plan, and how much work is done by then; between two it grows evenly."""
    starts = [start for batch in plan.batches for start in batch.starts]
    changes = [(start.at, 1) for start in starts] + [(start.at + start.task.seconds, -1) for start in starts]
    moments, done, under_way = [0.0], [0.0], 0
    for moment, change in sorted(changes):
        done.append(done[-1] + under_way * (moment - moments[-1]))
        moments.append(moment)
        under_way += change
    return moments, done
