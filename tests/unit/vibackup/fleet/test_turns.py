# -*- coding: utf-8 -*-
"""Whose turn it is, of all that wait at several proxies."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

import pytest

from tests import labs
from tests.fleets import LIMITS, member, proxy
from tests.labs import make_lab
from vibackup.fleet import tasks
from vibackup.fleet.kept import PATIENCE_SECONDS, Kept
from vibackup.fleet.limits import Limits
from vibackup.fleet.schedule import Batch, Start
from vibackup.fleet.turns import Turns

# What waits: as the run has it.
Waiting = collections.namedtuple("Waiting", "name task at")


@pytest.fixture
def clock():
    yield make_lab().clock
    labs.close_all()


def waiting(name, at, node="node1"):
    return Waiting(name, tasks.task_of(member(name, node=node), 3600), at)


def planned(host, *names_and_moments):
    """Return what waits, by name, and the Batch of the proxy called ``host`` in which it is planned."""
    found = collections.OrderedDict((name, waiting(name, at)) for name, at in names_and_moments)
    return found, Batch(1, proxy(host), 0, [Start(each.task, each.at) for each in found.values()])


class Stage(object):
    """Proxies at work: each backup takes 10 seconds, or what ``seconds`` says, by name."""

    def __init__(self, clock, closes=None, batches=(), **limits):
        self.clock = clock
        self.said = []
        self.left = []
        self.closes = closes
        self.seconds = {}
        limits = Limits(dict(LIMITS, **limits))
        self.kept = Kept(batches, clock, limits)
        self.turns = Turns(clock, limits, self.kept, self.is_over)

    def is_over(self):
        return self.closes is not None and self.clock.monotonic() >= self.closes

    def back_up(self, each):
        begun = self.clock.monotonic()
        self.clock.sleep(self.seconds.get(each.name, 10))
        self.said.append((begun, each.name))

    def at(self, name, found, places=2, seconds=None):
        """Return what the thread of the proxy called ``name`` does: what never begins is ``left``."""
        def work():
            self.left += self.turns.take(found, proxy(name, "node of " + name), places, self.back_up, seconds)
        return work


def test_a_proxy_has_as_many_at_work_as_it_has_places(clock):
    stage = Stage(clock, node=9)
    clock.together([stage.at("pbh", [waiting("web%d" % number, number) for number in range(5)])])
    assert stage.said == [(0, "web0"), (0, "web1"), (10, "web2"), (10, "web3"), (20, "web4")]


def test_what_is_planned_first_begins_first_whichever_proxy_it_waits_at(clock):
    """All are on one managed node that takes one at a time."""
    stage = Stage(clock, node=1)
    clock.together([stage.at("pbh1", [waiting("first", 1), waiting("fourth", 4)]),
                    stage.at("pbh2", [waiting("third", 3), waiting("second", 2)])])
    assert [name for _moment, name in stage.said] == ["first", "second", "third", "fourth"]


def test_what_fits_goes_before_what_has_to_wait(clock):
    stage = Stage(clock, **{str("node"): 2, str("agent server"): 1})
    other = Waiting("other", tasks.task_of(member("other", node="node2", agent_server="tsm2"), 3600), 3)
    clock.together([stage.at("pbh", [waiting("web1", 1), waiting("web2", 2), other])])
    assert sorted(stage.said) == [(0, "other"), (0, "web1"), (10, "web2")]


def test_what_has_not_begun_when_the_window_closes_stays_waiting(clock):
    stage = Stage(clock, closes=15)
    found = [waiting("web%d" % number, number, "node%d" % number) for number in range(5)]
    clock.together([stage.at("pbh", found, places=1)])
    assert [name for _moment, name in stage.said] == ["web0", "web1"]  # what runs is not cut off here
    assert sorted(each.name for each in stage.left) == ["web2", "web3", "web4"]


def test_a_backup_that_raises_gives_its_place_back(clock):
    stage = Stage(clock, node=1)

    def fail(each):
        if each.name == "bad":
            raise ValueError("bad")
        stage.back_up(each)
    with pytest.raises(ValueError):
        clock.together([lambda: stage.turns.take([waiting("bad", 1)], proxy("pbh1"), 1, fail),
                        lambda: stage.turns.take([waiting("good", 2)], proxy("pbh2"), 1, fail)])
    assert [name for _moment, name in stage.said] == ["good"]


def test_what_has_waited_too_long_stays_waiting_and_keeps_no_place(clock):
    """So a snapshot is not kept for hours because its managed node is busy."""
    stage = Stage(clock, node=1)
    clock.together([stage.at("pbh1", [waiting("web%d" % number, number) for number in range(4)]),
                    stage.at("pbh2", [waiting("late", 9)], seconds=15.0006)])
    assert [name for _moment, name in stage.said] == ["web0", "web1", "web2", "web3"]
    assert [each.name for each in stage.left] == ["late"] and clock.monotonic() == 40


def test_what_is_ahead_of_the_plan_does_not_stand_in_the_way_of_what_has_its_turn_before(clock):
    """Both load one managed node; ``first`` is with a proxy that boots until second 5."""
    tries, batch = planned("pbh2", ("first", 5), ("ahead", 15))
    stage = Stage(clock, batches=[batch], node=1)

    def boot_and_read():
        clock.sleep(5)
        stage.at("pbh1", [tries["first"]])()
    clock.together([boot_and_read, stage.at("pbh2", [tries["ahead"]])])
    assert stage.said == [(5, "first"), (15, "ahead")]


def test_what_is_ahead_of_the_plan_begins_as_soon_as_there_is_a_place_for_both(clock):
    """Of two places on the managed node one is taken, and the other is kept for ``next``, which comes later."""
    tries, batch = planned("pbh2", ("now", 0), ("next", 50), ("ahead", 60))
    stage = Stage(clock, batches=[batch], node=2)
    clock.together([stage.at("pbh1", [tries["now"]]), stage.at("pbh2", [tries["ahead"]])])
    assert stage.said == [(0, "now"), (10, "ahead")]


def test_what_never_comes_is_waited_for_no_longer_than_it_is_planned(clock):
    """Its proxy has failed, and nobody is left to tell."""
    tries, batch = planned("pbh2", ("never", 5), ("ahead", 6))
    stage = Stage(clock, batches=[batch], node=1)
    clock.together([stage.at("pbh2", [tries["ahead"]])])
    [(begun, name)] = stage.said
    assert name == "ahead" and 0 <= begun <= 5 + PATIENCE_SECONDS + 1


# A moment whose ``+ 60 - 60`` is not itself, as binary fractions go.
ROUNDED = next(milliseconds / 1000.0 for milliseconds in range(1, 60000)
               if milliseconds / 1000.0 + 60 == (milliseconds + 60000) / 1000.0
               and milliseconds / 1000.0 > (milliseconds + 60000) / 1000.0 - 60)


def test_a_wait_for_a_kept_place_ends_however_its_moment_is_rounded(clock):
    """L7: or it waits for no time at all, again and again."""
    tries, batch = planned("pbh2", ("first", ROUNDED), ("ahead", ROUNDED + 10))
    stage = Stage(clock, batches=[batch], node=1)
    looks, real = [], clock.wait_for

    def wait_for(holds, seconds=None):
        looks.append(seconds)
        assert len(looks) < 100, looks[-3:]
        return real(holds, seconds)
    clock.wait_for = wait_for
    clock.together([stage.at("pbh1", [tries["ahead"]])])
    assert [name for _moment, name in stage.said] == ["ahead"]


def test_a_thread_that_is_free_too_late_begins_nothing_more(clock):
    """A proxy with one place, 10 seconds for each, and snapshots that may get 15 seconds old."""
    stage = Stage(clock, node=9)
    found = [waiting("web%d" % number, number) for number in range(4)]
    clock.together([stage.at("pbh", found, places=1, seconds=15)])
    assert [name for _moment, name in stage.said] == ["web0", "web1"]
    assert [each.name for each in stage.left] == ["web2", "web3"]


def test_what_is_given_up_before_it_begins_keeps_its_place_no_longer(clock):
    """As a server that cannot be snapshotted, or one whose proxy has failed: others need not wait for its hour."""
    tries, batch = planned("pbh1", ("given up", 500), ("ahead", 7200))
    stage = Stage(clock, batches=[batch], node=1)

    def give_up():
        clock.sleep(15)
        stage.kept.over(tries["given up"])
    stage.seconds["as planned"] = 1000
    clock.together([give_up, stage.at("pbh3", [waiting("as planned", 0, "node2")]),
                    stage.at("pbh4", [waiting("other%d" % number, 0, "node3") for number in range(3)]),
                    stage.at("pbh2", [tries["ahead"]])])
    assert (15, "ahead") in stage.said
