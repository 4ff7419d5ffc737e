# -*- coding: utf-8 -*-
"""What holds of all turns, whatever waits, whatever the plan said of it, and however the backups end."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import random

from hypothesis import given, strategies

from tests import labs
from tests.fleets import exceeded, member, proxy
from tests.labs import make_lab
from vibackup.fleet import limits, tasks
from vibackup.fleet.kept import Kept
from vibackup.fleet.schedule import Batch, Start
from vibackup.fleet.turns import Turns

# What waits: as the run has it.
Waiting = collections.namedtuple("Waiting", "number task at")


class Broken(Exception):
    """What a backup raises."""


class Night(object):
    """Proxies that each do batches of servers on a few managed nodes, at random from a seed.

    All moments are whole seconds, but for those at which somebody looks.
    """

    def __init__(self, seed):
        self.chance = chance = random.Random(seed)
        self.lab = make_lab()
        self.clock = self.lab.clock
        self.most = dict((kind, chance.randint(1, 3)) for kind in ("node", "proxy", "disk group", "agent server"))
        self.most["in all"] = chance.randint(2, 6)
        self.limits = limits.Limits(self.most)
        self.closes = chance.choice([None, None, chance.randint(0, 3000)])
        self.hosts = [proxy("pbh%d" % number, self._node()) for number in range(chance.randint(1, 4))] + [None]
        self.batches = [(host, [self._waiting() for _number in range(chance.randint(1, 6))])
                        for host in self.hosts for _batch in range(chance.randint(1, 3))]
        planned = [Batch(number, host, 0, [Start(each.task, each.at) for each in batch if chance.random() < 0.8])
                   for number, (host, batch) in enumerate(self.batches)]
        self.kept = Kept(planned, self.clock, self.limits)
        self.turns = Turns(self.clock, self.limits, self.kept, self.is_over)
        self.intervals, self.begun, self.waits, self.ended, self.broken = [], [], 0, 0, 0
        self._wait_for, self.clock.wait_for = self.clock.wait_for, self._counted_wait

    def _node(self):
        return "node%d" % self.chance.randrange(3)

    def _waiting(self):
        chance = self.chance
        task = tasks.task_of(member("web%d" % chance.randrange(10 ** 9), chance.choice([60, 600, 4000]), self._node(),
                                    [chance.choice("ab")], agent_server=chance.choice("cd")), 3600)
        return Waiting(chance.randrange(10 ** 9), task, chance.choice([0, 0, chance.randint(0, 3000)]))

    def is_over(self):
        return self.closes is not None and self.clock.monotonic() >= self.closes

    def _counted_wait(self, holds, seconds=None):
        self.waits += 1
        assert self.waits < 60 * sum(len(batch) for _host, batch in self.batches), "it waits for no time at all"
        return self._wait_for(holds, seconds)

    def pass_(self):
        """Let it pass, and look in between whether anything waits that could begin."""
        self.clock.together([self._worker(host) for host in self.hosts] + [self._look])

    def _worker(self, host):
        def work():
            """Do all batches of a host."""
            try:
                for batch in [batch for whose, batch in self.batches if whose is host]:
                    self._do(batch, host)
            finally:
                self.ended += 1
        return work

    def _do(self, batch, host):
        """Do a batch as a lane does: some servers fail before they can begin, and some wait for a while only."""
        chance = self.chance
        self.clock.sleep(chance.choice([0, 60, chance.randint(0, 900)]))
        fresh = [each for each in batch if chance.random() < 0.9]
        for each in batch:
            if each not in fresh:
                self.kept.over(each)
        seconds = chance.choice([None, None, chance.randint(0, 2000)])
        begun = len(self.begun)
        try:
            places = self.most[limits.PROXY]
            left = self.turns.take(fresh, host, places, lambda each: self._back_up(each, host), seconds)
            assert not left or seconds is not None or self.is_over()
            assert sorted(each.number for each in left + self._begun_of(fresh, begun)) == sorted(
                each.number for each in fresh)
        except Broken:
            self.broken += 1
        for each in fresh:
            self.kept.over(each)

    def _begun_of(self, fresh, since):
        numbers = set(each.number for each in fresh)
        return [each for each in self.begun[since:] if each.number in numbers]

    def _back_up(self, each, host):
        assert not self.is_over()
        begun = self.clock.monotonic()
        self.begun.append(each)
        self.clock.sleep(self.chance.choice([0, each.task.seconds, self.chance.randint(0, 900)]))
        self.intervals.append((begun, self.clock.monotonic(), limits.keys_with(each.task.keys, host)))
        if self.chance.random() < 0.03:
            raise Broken()

    def _look(self):
        self.clock.sleep(0.5)
        while self.ended < len(self.hosts):
            if not self.is_over():
                self._judge_what_waits()
            self.clock.sleep(30)

    def _judge_what_waits(self):
        """Where a thread is idle, a limit has no room for what it might begin, or the plan keeps the place."""
        held = self.turns._held
        numbers = set(each.entry.number for each in held)
        for queue in set(entry.queue for heap in self.turns._parked.values() for entry in heap):
            if queue.idle and not self.turns._is_closed(queue):
                assert all(number in numbers or self.limits.full(queue.keys(each)) is not None
                           for number, each in queue.left.items()), self.clock.monotonic()
        for each in held:
            if each.entry.queue.idle and not self.turns._is_closed(each.entry.queue):
                assert self.turns._given_up == self.kept.given_up


@given(strategies.integers(0, 10 ** 9))
def test_whatever_waits_begins_in_the_end_within_the_limits_and_gives_its_places_back(seed):
    """L7. It is closed in the middle, raises, waits too long, or is never there though it was planned."""
    night = Night(seed)
    try:
        night.pass_()
        numbers = [each.number for each in night.begun]
        assert len(set(numbers)) == len(numbers)
        assert exceeded(night.intervals, night.most) == {}
        assert all(night.limits.free(key) == night.most[key[0]] for interval in night.intervals for key in interval[2])
    finally:
        labs.close_all()
