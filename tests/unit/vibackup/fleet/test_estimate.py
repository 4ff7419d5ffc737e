"""When a night will be over, as it is told while it passes."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

import pytest

from vibackup.fleet.estimate import SETTLING_SECONDS, Estimate
from vibackup.fleet.plan import Plan
from vibackup.fleet.schedule import Batch, Start

Task = collections.namedtuple("Task", "seconds")
# A proxy boots for 100 s, reads 1,000 s, boots for 100 s, reads 2,000 s, and boots for 100 s.
PLAN = Plan([Batch(1, None, 0, [Start(Task(1000), 100)]), Batch(2, None, 1100, [Start(Task(2000), 1200)])],
            [], 3300, 0)


@pytest.mark.parametrize("work, elapsed, left", [
    (0, 0, 3300), (0, 60, 3240), (500, 600, 2700), (1000, 1150, 2150), (2000, 2200, 1100), (3000, 3250, 50),
    (3000, 3300, 0)])
def test_a_night_that_goes_as_planned_ends_as_planned_also_while_the_proxy_boots(work, elapsed, left):
    assert Estimate(PLAN).left(work, elapsed) == pytest.approx(left)


def test_a_night_that_goes_half_as_fast_takes_nearly_twice_as_long_from_here():
    left = Estimate(PLAN).left(2000, 4400)
    assert 1.8 * 1100 < left < 2 * 1100


def test_a_night_that_goes_faster_ends_earlier():
    assert Estimate(PLAN).left(2000, 1100) < 1100


def test_the_first_minute_alone_does_not_foretell_the_night():
    """One server that takes ten times as long would have the whole night take ten times as long."""
    assert Estimate(PLAN).left(6, 160) < 1.2 * 3300


def test_a_night_that_is_late_is_never_over_before_now():
    assert Estimate(PLAN).left(3000, 10 * 3300) == 0


def test_more_work_than_planned_is_none_left():
    assert Estimate(PLAN).left(9999, 3300) == 0


def test_a_night_of_nothing_is_over():
    assert Estimate(Plan([], [], 0, 0)).left(0, 0) == 0


def test_what_is_left_grows_no_longer_while_work_is_done():
    found = [Estimate(PLAN).left(work, 1000) for work in range(0, 3001, 50)]
    assert found == sorted(found, reverse=True)
    assert SETTLING_SECONDS > 0
