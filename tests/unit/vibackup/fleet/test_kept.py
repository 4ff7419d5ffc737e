# -*- coding: utf-8 -*-
"""Places that are kept for what the plan has begin soon."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests import fleets, labs
from tests.labs import make_lab
from vibackup.fleet import limits
from vibackup.fleet.kept import PATIENCE_SECONDS, Kept
from vibackup.fleet.schedule import Batch, Start
from vibackup.fleet.tasks import task_of
from vibackup.fleet.waiting import Try

PROXY = fleets.proxy("pbh")


@pytest.fixture
def clock():
    yield make_lab().clock
    labs.close_all()


class Stage(object):
    """A plan of servers on one managed node, which takes ``node`` at a time: ``(name, when, seconds)`` of each."""

    def __init__(self, clock, planned, node=1):
        self.clock = clock
        self.limits = limits.Limits(dict(fleets.LIMITS, node=node, proxy=9))
        starts = [Start(task_of(fleets.member(name, seconds), 3600), at) for name, at, seconds in planned]
        self.tries = dict((start.task.member.server.name, Try(start.task, 1, start.at)) for start in starts)
        self.kept = Kept([Batch(1, PROXY, 0, starts)], clock, self.limits)

    def keys(self, name):
        return limits.keys_with(self.tries[name].task.keys, PROXY)

    def until(self, name):
        """Return until when the place of the server called ``name`` is kept for another."""
        kept = self.kept.key_and_until(self.tries[name], self.keys(name), self.kept.moment())
        assert kept is None or kept[0] in self.keys(name)
        return kept and kept[1]

    def begin(self, name):
        assert self.limits.take(self.keys(name))
        self.kept.begins(self.tries[name])

    def over(self, name):
        self.limits.give_back(self.keys(name))
        self.kept.over(self.tries[name])


def test_what_would_be_in_the_way_of_what_is_planned_before_it_waits_until_that_is_late(clock):
    stage = Stage(clock, [("first", 100, 10), ("long", 110, 500)])
    assert stage.until("first") is None
    assert stage.until("long") == 100 + PATIENCE_SECONDS
    clock.sleep(100 + PATIENCE_SECONDS + 1)
    assert stage.until("long") is None


def test_what_would_end_before_the_other_is_planned_to_begin_may_go_first(clock):
    stage = Stage(clock, [("first", 100, 10), ("short", 110, 20)])
    stage.begin("first")
    stage.over("first")
    stage = Stage(clock, [("begun", 0, 500), ("first", 100, 10), ("short", 110, 20)], node=2)
    stage.begin("begun")
    assert stage.until("short") is None


def test_where_there_are_places_for_both_none_is_kept(clock):
    assert Stage(clock, [("first", 100, 10), ("long", 110, 500)], node=2).until("long") is None


def test_each_of_those_planned_before_it_has_a_place_kept(clock):
    stage = Stage(clock, [("first", 100, 10), ("second", 105, 10), ("long", 110, 500)], node=2)
    assert stage.until("long") == 100 + PATIENCE_SECONDS  # then there is a place for the second and one for it
    stage.begin("first")
    assert stage.until("long") == 105 + PATIENCE_SECONDS
    stage.begin("second")
    stage.over("first")
    assert stage.until("long") is None


def test_nothing_is_kept_for_what_has_failed_before_it_could_begin(clock):
    stage = Stage(clock, [("first", 100, 10), ("long", 110, 500)])
    stage.kept.over(stage.tries["first"])
    assert stage.until("long") is None


def test_what_is_tried_again_waits_for_nobody_planned_after_it(clock):
    stage = Stage(clock, [("failed", 100, 500), ("next", 200, 10)])
    stage.begin("failed")
    stage.over("failed")
    stage.tries["failed"] = stage.tries["failed"].again()
    assert stage.until("failed") is None


@pytest.mark.parametrize("begun, moment", [(["one"], 300), (["one", "two"], 200), ([], 300)])
def test_the_night_has_come_as_far_as_the_least_of_what_is_under_way_is_ahead(clock, begun, moment):
    """Nothing under way: all that was planned before the first that is left has been."""
    stage = Stage(clock, [("one", 300, 10), ("two", 200, 10), ("three", 900, 10)][:3 if begun else 1], node=9)
    for name in begun:
        stage.begin(name)
    assert stage.kept.moment() == moment
    clock.sleep(7)
    assert stage.kept.moment() == (moment + 7 if begun else moment) and stage.kept.seconds() == 7


def test_a_night_that_is_late_has_come_as_far_as_it_has_lasted(clock):
    stage = Stage(clock, [("one", 3, 10), ("two", 20, 10)])
    clock.sleep(50)
    stage.begin("one")
    assert stage.kept.moment() == 50
