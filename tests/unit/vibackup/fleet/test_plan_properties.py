# -*- coding: utf-8 -*-
"""What holds of every plan, whatever the fleet."""
from __future__ import absolute_import, division, print_function, unicode_literals

import hypothesis
from hypothesis import strategies

from tests import fleets
from tests.fleets import Section
from vibackup import guest
from vibackup.fleet import tasks

SECTIONS = [Section("all", "proxy-backup", "image", (), 0), Section("files", "proxy-backup", "file", ("pbh*",), 0),
            Section("own", "agent-backup", "file", (), 0)]


@strategies.composite
def anything(draw):
    """Draw members, proxies, limits and what a batch may be."""
    count = draw(strategies.integers(0, 40))
    nodes = ["node%d" % number for number in range(draw(strategies.integers(1, 5)))]
    families = strategies.sampled_from([guest.LINUX, guest.WINDOWS])
    centers = strategies.sampled_from(["East", "East", "East", "West"])
    members = [fleets.member(
        "vs%d" % number, draw(strategies.integers(1, 9000)), draw(strategies.sampled_from(nodes)),
        draw(strategies.lists(strategies.sampled_from("abc"), max_size=2, unique=True)),
        draw(strategies.sampled_from(SECTIONS)), draw(families), draw(centers),
        draw(strategies.sampled_from(["tsm1", "tsm2"]))) for number in range(count)]
    proxies = [fleets.proxy(draw(strategies.sampled_from(["pbh%d", "other%d"])) % number,
                            draw(strategies.sampled_from(nodes)), draw(families), draw(centers))
               for number in range(draw(strategies.integers(0, 5)))]
    limits = dict((kind, draw(strategies.integers(1, 4))) for kind in fleets.LIMITS)
    return members, proxies, limits, draw(strategies.integers(1, 6)), draw(strategies.integers(600, 20000))


@hypothesis.given(anything())
def test_each_server_is_in_one_batch_or_impossible_and_no_limit_is_exceeded_at_any_instant(drawn):
    members, proxies, limits, batch, age = drawn
    made = fleets.make(members, proxies, limits, batch, age)
    planned = [start.task for each in made.batches for start in each.starts]
    assert sorted(task.member.server.name for task in planned + made.impossible) == sorted(
        each.server.name for each in members)
    assert fleets.exceeded(fleets.intervals_of(made), limits) == {}
    assert made.lower_bound <= made.seconds + 1e-6
    for each in made.batches:
        _check_batch(each, batch, age)


def _check_batch(each, most, age):
    assert each.starts
    assert all(tasks.can_do(start.task, each.proxy) for start in each.starts)
    if each.proxy is None:
        return
    assert len(each.starts) <= most
    for number, start in enumerate(each.starts):
        assert start.at >= each.begins + 60
        assert number == 0 or start.at + start.task.seconds - each.begins <= age + 1e-6


@hypothesis.given(strategies.integers(0, 10 ** 6))
@hypothesis.settings(max_examples=5, deadline=None)
def test_a_great_fleets_plan_is_within_its_limits_and_never_far_from_what_no_plan_could_be_shorter_than(seed):
    """Of a hundred fleets the worst was 1.07 times as long."""
    fleet = fleets.Fleet(1000, seed)
    made = fleet.plan()
    assert fleets.exceeded(fleets.intervals_of(made), fleet.limits) == {}
    assert made.seconds <= 1.5 * made.lower_bound


def test_great_fleets_plans_are_on_average_hardly_longer_than_what_no_plan_could_be_shorter_than():
    """Which fleet a seed gives depends on the interpreter; a hundred took 1.02 times as long on average."""
    plans = [fleets.Fleet(1000, seed).plan() for seed in range(10)]
    assert sum(made.seconds / made.lower_bound for made in plans) / len(plans) <= 1.05
