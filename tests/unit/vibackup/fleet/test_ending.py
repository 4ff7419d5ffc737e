# -*- coding: utf-8 -*-
"""When a night ends, and when what runs then is to stop."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests import labs
from tests.labs import make_lab
from vibackup import errors
from vibackup.fleet.ending import Ending

GRACE = 600


class Stage(object):
    """A night whose window closes after ``closes`` seconds (None: never)."""

    def __init__(self, closes=None):
        self.clock = make_lab().clock
        self.stop, self.is_urgent = 0, False
        self.ending = Ending(self.clock, None if closes is None else self.clock.time() + closes, GRACE,
                             lambda: self.stop, lambda: self.is_urgent)

    def statuses(self):
        """Return with which exit status what is prepared is to stop, and what is read."""
        return self.ending.status_for(has_begun=False), self.ending.status_for(has_begun=True)

    def what_is_read_has_its_grace(self, status):
        """See what is read go on for so long, and then stop with the exit status that all else has at once."""
        assert self.statuses() == (status, None)
        self.clock.sleep(GRACE - 1)
        assert self.statuses() == (status, None)
        self.clock.sleep(1)
        assert self.statuses() == (status, status)


@pytest.fixture
def stage():
    yield Stage
    labs.close_all()


def test_a_night_without_a_window_that_nobody_stops_is_never_over(stage):
    night = stage()
    night.clock.sleep(10 ** 6)
    assert not night.ending.is_over() and night.statuses() == (None, None)
    assert night.ending.seconds_to_close() is None


def test_when_the_window_closes_what_is_prepared_stops_and_what_is_read_after_its_grace(stage):
    night = stage(closes=100)
    assert not night.ending.is_over() and night.ending.seconds_to_close() == 100
    night.clock.sleep(100)
    assert night.ending.is_over() and night.ending.is_closed() and night.ending.seconds_to_close() == 0
    night.what_is_read_has_its_grace(errors.TERMINATED)


def test_a_stop_is_the_same_and_has_a_status_of_its_own(stage):
    night = stage(closes=10 ** 6)
    night.clock.sleep(50)
    night.stop = errors.INTERRUPTED
    assert night.ending.is_over() and not night.ending.is_closed()
    night.what_is_read_has_its_grace(errors.INTERRUPTED)


def test_a_stop_that_is_asked_for_again_cancels_at_once(stage):
    night = stage()
    night.stop, night.is_urgent = errors.INTERRUPTED, True
    assert night.statuses() == (errors.INTERRUPTED, errors.INTERRUPTED)


def test_a_stop_shortly_before_the_window_closes_has_its_own_grace(stage):
    night = stage(closes=10)
    night.stop = errors.TERMINATED
    assert night.ending.is_over()
    night.clock.sleep(GRACE)
    assert night.statuses() == (errors.TERMINATED, errors.TERMINATED)


def test_a_stop_after_the_window_has_closed_gives_no_more_grace(stage):
    night = stage(closes=0)
    night.clock.sleep(GRACE - 10)
    night.stop = errors.TERMINATED
    assert night.statuses() == (errors.TERMINATED, None)
    night.clock.sleep(10)
    assert night.statuses() == (errors.TERMINATED, errors.TERMINATED)


def test_what_came_first_is_why_the_night_is_over(stage):
    night = stage(closes=100)
    night.stop = errors.TERMINATED
    assert night.ending.is_stopped()
    night.clock.sleep(200)
    assert night.ending.is_closed() and night.ending.is_stopped()
    night = stage(closes=100)
    night.clock.sleep(100)
    night.stop = errors.TERMINATED
    assert night.ending.is_closed() and not night.ending.is_stopped() and night.ending.stop_status()


def test_it_is_known_until_when_agents_may_read_at_the_latest(stage):
    assert stage().ending.latest() is None
    night = stage(closes=100)
    begun = night.clock.time()
    assert night.ending.latest() == begun + 100 + GRACE
    night.clock.sleep(30)
    night.stop = errors.TERMINATED
    assert night.ending.is_over() and night.ending.latest() == begun + 30 + GRACE
