# -*- coding: utf-8 -*-
"""fleet --grace: how long what runs when the window closes may go on, this night."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows import fleets
from tests.flows.helpers import refused, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import FAILED, GOOD, night
from tests.flows.test_fleet_ends import window

__all__ = ["stage"]
DAY, HOUR = 86400, 3600


@pytest.mark.parametrize("of_policy, given, graced, outcome", [
    ("2h", "--grace=5min", 300, "stopped"), ("5min", "--grace=2h", 7200, "ok")])
def test_the_grace_of_the_command_line_holds_this_night_and_the_policys_the_next(stage, of_policy, given, graced,
                                                                                 outcome):
    """L7: and the journal says which it was, by which a report judges whether the night may still run."""
    stage.open(fleets.inventory(2, proxies=1, rate=128))
    before = stage.objects()
    ran = night(stage, given, window=window(stage, 5), grace=of_policy)
    last = fleets.last(stage)
    assert last.facts["grace"] == graced and fleets.outcomes(last) == {"web01": [outcome], "web02": [outcome]}
    assert ran.status == (GOOD if outcome == "ok" else FAILED) and stage.objects() == before, ran.errors
    assert (last.end["at"] > last.facts["closes"] + 300 + 300) == (outcome == "ok")
    night(stage, grace=of_policy)
    assert fleets.last(stage).facts["grace"] != graced


@pytest.mark.parametrize("words", ["soon", "0min", "", "-5min", "5 min", "5"])
def test_what_is_no_length_is_refused_by_the_name_of_the_option(stage, words):
    stage.open(fleets.inventory(1))
    ran = night(stage, "--grace=" + words)
    assert ran.status == 2 and "--grace" in ran.error, ran.errors
    assert stage.calls == []


def test_a_night_is_resumed_within_the_grace_that_it_had_itself(stage):
    """Not within the policy's, nor within that of the command that resumes it."""
    stage.open(fleets.inventory(2))
    with fleets.guests_do(stage, fleets.failing("web01")):
        assert night(stage, "--grace=4h", grace="5min", retries="0").status == FAILED
    stage.lab.clock.sleep(DAY + HOUR)
    resumed = night(stage, "--resume", grace="5min", retries="0")
    assert resumed.status == GOOD and resumed.document["done_already"] == ["web02"], resumed.errors
    assert fleets.last(stage).facts["grace"] == 300
    with fleets.guests_do(stage, fleets.failing("web01")):
        assert night(stage, grace="5min", retries="0").status == FAILED
    stage.lab.clock.sleep(DAY + HOUR)
    refused(stage, night(stage, "--resume", "--grace=4h", grace="5min"), "was over on")
