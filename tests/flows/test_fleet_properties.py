# -*- coding: utf-8 -*-
"""What holds of every night, whatever the fleet: checked by what the lab was asked to do, not by what the run says."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import shutil
import tempfile

import hypothesis
import py
from hypothesis import strategies

from fakes import guest_commands
from tests import fleets

AGENT = "model-agent"


@contextlib.contextmanager
def carried_out(count, seed):
    """Yield the Night of a random fleet, over, and the intervals in which its agents were really at work."""
    folder = tempfile.mkdtemp(prefix=str("vibackup-night-"))
    with contextlib.closing(fleets.Night(fleets.Fleet(count, seed), py.path.local(folder))) as night:
        night.before = night.lab.dump()["objects"]
        night.prepare()
        with _watched(night) as intervals:
            night.counts = night.carry_out()
        yield night, intervals
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _watched(night):
    """Note when each agent begins and ends in the lab, and for whom: the name is in the command."""
    members = dict((each.server.name, each) for each in night.fleet.members)
    proxies = dict((each.server.name, each) for each in night.fleet.proxies)
    intervals, real = [], guest_commands._MODELLED[AGENT]

    def watch(guest, command):
        begun = night.lab.clock.monotonic()
        try:
            return real(guest, command)
        finally:
            member = members[command.argv[3].split("/")[0]]
            intervals.append((begun, night.lab.clock.monotonic(), _keys(member, proxies[guest.server["name"]])))
    guest_commands._MODELLED[AGENT] = watch
    try:
        yield intervals
    finally:
        guest_commands._MODELLED[AGENT] = real


def _keys(member, proxy):
    return set([("node", member.node), ("node", proxy.node), ("proxy", proxy.server.name), ("in all", None),
                ("agent server", member.agent_server)] + [("disk group", name) for name in member.groups])


@hypothesis.given(strategies.integers(1, 60), strategies.integers(0, 10 ** 6))
@hypothesis.settings(max_examples=12, deadline=None)
def test_no_limit_is_exceeded_at_any_instant_and_every_server_is_backed_up_once(count, seed):
    with carried_out(count, seed) as (night, intervals):
        assert night.counts["without"] == []
        assert len(intervals) == count
        assert fleets.exceeded(intervals, night.fleet.limits) == {}
        assert fleets.exceeded(night.intervals(), night.fleet.limits) == {}  # and the journal says the same
        assert night.lab.dump()["objects"] == night.before
        assert night.run.leftovers == []


@hypothesis.given(strategies.integers(1, 40), strategies.integers(0, 10 ** 6))
@hypothesis.settings(max_examples=6, deadline=None)
def test_a_night_is_hardly_longer_than_its_plan_and_takes_the_reboots_that_it_says(count, seed):
    with carried_out(count, seed) as (night, _intervals):
        reboots = len(night.journal.of("reboot"))
        assert reboots <= night.prepared.plan.reboots()  # one that has nothing left takes another's batch
        assert night.seconds <= 1.25 * night.prepared.plan.seconds
