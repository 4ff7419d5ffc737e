# -*- coding: utf-8 -*-
"""A night whose plan is wrong: guesses of how long a server takes, a proxy that is not there, a clock that jumps."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows import fleets
from tests.flows.helpers import named, stage

__all__ = ["stage"]
HOUR = 3600  # seconds


def lasts(stage, **more):
    """Pass a night by a policy, see ``fleets.policy``; return its exit status and how many seconds it took."""
    begun = stage.lab.clock.monotonic()
    status = stage.vibackup("fleet", fleets.policy(stage, **more)).status
    return status, stage.lab.clock.monotonic() - begun


@pytest.mark.parametrize("speed, window", [("1B", "22:00-05:00"), ("1B", None), ("64KiB", None)])
def test_a_wrong_guess_of_the_speed_makes_a_night_no_longer(stage, speed, window):
    """The plan says three days for what takes four seconds each, or that all takes no time."""
    stage.open(fleets.inventory(3, proxies=1))
    status, seconds = lasts(stage, speed=speed, **({"window": window} if window else {}))
    assert fleets.outcomes(fleets.last(stage)) == fleets.all_good(3)
    assert status == 0 and seconds < HOUR


def test_a_server_that_takes_longer_than_a_snapshot_may_get_old_is_begun_at_once(stage):
    """Six hours, in a window of seven."""
    stage.open(fleets.inventory(1, proxies=1, rate=12))
    begun = stage.lab.clock.time()
    status, _seconds = lasts(stage, speed="12B", window="00:00-07:00", grace="10min")
    [tried] = fleets.last(stage).of("backup")
    assert (status, tried["outcome"]) == (0, "ok") and tried["started"] - begun < 600


def test_a_proxy_that_is_not_there_keeps_no_place_from_the_others(stage):
    """What only it could do is planned first, on the managed node that all are on; and for hours."""
    stage.open(fleets.inventory(8, proxies=2))
    sections = {"a": {"names": "web01 web02 web03 web04", "proxies": "pbh01"},
                "b": {"names": "web05 web06 web07 web08", "proxies": "pbh02"}}
    with fleets.held(stage, "pbh01"):
        status, seconds = lasts(stage, speed="72B", at_once_per_node="1", batch="2", retries="1", sections=sections)
    done = [each["vs"] for each in fleets.last(stage).of("backup") if each["outcome"] == "ok"]
    assert status == 1 and sorted(done) == ["web05", "web06", "web07", "web08"] and seconds < HOUR / 2


def test_two_proxies_that_back_each_other_up_do_not_wait_for_the_hours_that_were_planned(stage):
    inventory = fleets.inventory(1, proxies=2)
    for name, node in (("pbh01", "node1"), ("pbh02", "node2")):
        named(inventory["servers"], name)["node"] = node
    stage.open(inventory)
    status, seconds = lasts(stage, sections={"all": {"names": "web01 pbh01 pbh02"}}, speed="64B", at_once="1",
                            at_once_per_node="3", at_once_per_proxy="1", batch="3")
    assert status == 0 and seconds < HOUR / 2


@pytest.mark.parametrize("technique, proxies", [("proxy-backup", "pbh*"), ("agent-backup", None)])
@pytest.mark.parametrize("jump", [-HOUR, 4000 * 24 * HOUR])
def test_a_clock_that_jumps_while_an_agent_reads_makes_its_reading_no_longer(stage, jump, technique, proxies):
    stage.open(fleets.inventory(4))
    seen = []

    def set_clock(_name, argv):
        if argv[0] == "model-agent":
            seen.append(argv)
            if len(seen) == 2:
                stage.lab.world.wall_offset_ms += jump * 1000
    with fleets.guests_do(stage, set_clock):
        lasts(stage, sections={"all": {"names": "web*", "technique": technique, "proxies": proxies}})
    lengths = [each["seconds"] for each in fleets.last(stage).of("backup")]
    assert len(seen) == len(lengths) == 4 and all(0 < seconds < 60 for seconds in lengths)
