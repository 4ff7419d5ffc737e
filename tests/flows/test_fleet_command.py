# -*- coding: utf-8 -*-
"""fleet as it is called: what it says of a policy, of a plan and of a night, and with which status."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import time

import pytest

from tests.flows import fleets, helpers
from tests.flows.helpers import compat, run_main, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import FAILED, GOOD, WARNING, night
from vibackup.fleet import policy

__all__ = ["stage"]
USAGE, REFUSED, LEFTOVERS = 2, 3, 6


@pytest.fixture(autouse=True)
def no_power_is_cut(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _file: None)


# -- what needs no manager

def test_the_keys_of_a_policy_are_explained_without_one_and_without_a_manager():
    ran = run_main("fleet", ["--keys"])
    assert ran.status == GOOD, ran.errors
    for key in policy.FLEET + policy.SERVERS:
        assert key.name in ran.output
    assert max(len(line) for line in ran.output.splitlines()) <= 120


def test_a_policy_with_nothing_wrong_is_said_to_be_so(stage):
    """Where there is no manager, too: it is written on a desk."""
    ran = run_main("fleet", ["--json", "--check", fleets.policy(stage)])
    assert ran.status == GOOD and ran.document["problems"] == [] and "nothing is wrong in it" in ran.errors


def test_all_that_is_wrong_in_a_policy_is_listed_a_line_each_and_as_data(stage):
    words = fleets.policy(stage, {"all": {"names": "web*", "mode": "images", "keep-last": "-1"}}, retries="many",
                          window="25:00-05:00")
    ran = run_main("fleet", ["--json", "--check", words])
    assert ran.status == USAGE and len(ran.document["problems"]) == 4, ran.errors
    printed = run_main("fleet", ["--check", words])
    said = (printed.output + printed.errors.replace("vibackup: ", "")).splitlines()
    for key in ("mode", "keep-last", "retries", "window"):
        [problem] = [each for each in ran.document["problems"] if "] %s: " % key in each]
        assert said.count(problem) == 1, said
    assert ran.document["error"]["message"] == ran.document["problems"][-1]


def test_a_policy_that_is_wrong_begins_no_night(stage):
    stage.open(fleets.inventory(2))
    ran = night(stage, retries="many")
    assert ran.status == USAGE and "[fleet] retries" in ran.error and stage.calls == []


@pytest.mark.parametrize("words, said", [
    ([], "--policy is missing"), (["--policy=/nowhere/x.ini"], "/nowhere/x.ini"), (["--policy="], "--policy"),
    (["--policy=x.ini", "--shard=3/2"], "give I/N, such as 2/3"), (["--policy=x.ini", "--resume=yes"], "--resume")])
def test_a_command_line_that_makes_no_sense_is_one_line_and_touches_nothing(stage, words, said):
    stage.open(fleets.inventory(2))
    ran = stage.vibackup("fleet", *words)
    assert ran.status == USAGE and said in ran.errors and stage.calls == []
    assert len([line for line in ran.errors.splitlines() if line.startswith("vibackup: ")]) == 1


# -- a plan

def test_a_dry_run_tells_people_and_programs_the_same(stage):
    stage.open(fleets.inventory(5))
    words = fleets.policy(stage, {"all": {"names": "web*, gone01", "exclude": "web05"}})
    document = stage.vibackup("fleet", words, "--dry-run").document
    printed = stage.printed("fleet", words, "--dry-run")
    assert stage.changes() == [] and document["dry_run"] is True and not os.path.exists(
        compat.native(os.path.join(stage.state(), "fleet")))
    for batch in document["batches"]:
        assert "batch %d, through %s, at " % (batch["number"], batch["proxy"]) in printed
        assert all("  %s: at " % server["vs"] in printed for server in batch["servers"])
    assert sorted(server["vs"] for batch in document["batches"] for server in batch["servers"]) == fleets.names(4)
    for each in document["left_out"]:
        assert "left out: " in printed and each["vs"] in printed
    assert set(each["vs"] for each in document["left_out"] if each["wanted"]) == {"gone01"}
    assert "4 servers in %d batch" % len(document["batches"]) in printed


def test_a_dry_run_outside_the_window_says_when_it_opens(stage):
    """And the night itself is refused there."""
    stage.open(fleets.inventory(2))
    opens = stage.lab.clock.time() // 60 * 60 + 7200
    window = "-".join(time.strftime(str("%H:%M"), time.localtime(moment)) for moment in (opens, opens + 3600))
    words = fleets.policy(stage, window=window)
    assert window[:5] in stage.printed("fleet", words, "--dry-run")
    assert ", not open now" in stage.printed("fleet", words, "--dry-run")
    document = stage.vibackup("fleet", words, "--dry-run").document
    assert document["window"] == [opens, opens + 3600]
    helpers.refused(stage, stage.vibackup("fleet", words), "start it then")
    helpers.refused(stage, stage.vibackup("fleet", words, "--resume"), "has had no night yet")


def test_a_dry_run_of_what_is_to_be_resumed_releases_nothing(stage):
    """L2: it only says who is done already."""
    stage.open(fleets.inventory(3, proxies=1))
    stage.fault("deleteSnapshot", times=3, name="web02")
    with fleets.guests_do(stage, fleets.failing("web03", times=9)):
        assert night(stage).status == LEFTOVERS
    before = stage.objects()
    planned = night(stage, "--resume", "--dry-run")
    assert planned.status == GOOD and stage.changes() == [] and stage.objects() == before, planned.errors
    assert planned.document["done_already"] == ["web01"]  # web02 is done too, and left out for what is still there
    assert night(stage, "--resume").status == GOOD and stage.vibackup("reconcile").document["leftovers"] == []


# -- a night

def test_the_document_of_a_night_has_its_plan_and_its_counts(stage):
    stage.open(fleets.inventory(4))
    with fleets.guests_do(stage, fleets.failing("web02", times=9)):
        ran = night(stage, sections={"all": {"names": "web*, gone01"}})
    assert ran.status == FAILED and ran.document["outcome"] == "failed"
    assert ran.document["counts"] == {"outcomes": {"ok": 3, "failed": 1}, "never_tried": 0,
                                      "without": ["web02", "gone01"], "not_pruned": 0}
    assert ran.document["policy"].endswith("nightly.ini") and len(ran.document["batches"]) >= 1
    assert "2 of the policy's servers have no backup of this night: web02, gone01" in ran.error


def test_a_night_with_warnings_ends_with_their_status_and_says_how_many_are_done(stage):
    stage.open(fleets.inventory(2))
    ran = night(stage, sections={"all": {"names": "web*", "technique": "agent-backup", "proxies": None}})
    assert ran.status == WARNING and ran.document["outcome"] == "warning" and "2 servers backed up" in ran.errors


def test_each_server_of_a_night_is_a_line_for_people_and_the_last_line_is_the_outcome(stage):
    stage.open(fleets.inventory(3))
    with fleets.guests_do(stage, fleets.failing("web02")):
        lines = stage.printed("fleet", fleets.policy(stage)).splitlines()
    assert lines[-1] == "done: 3 servers backed up (in a lab)"
    for name in fleets.names(3):
        assert len([line for line in lines if line.startswith(name + "  ok")]) == 1, lines
    assert any("web02" in line and "it broke" in line for line in lines)


def test_a_night_for_which_nobody_is_left_does_nothing_and_has_nothing_to_say_against_it(stage):
    """All that the policy names is excluded by itself."""
    stage.open(fleets.inventory(2))
    before = stage.objects()
    ran = night(stage, sections={"all": {"names": "web*", "exclude": "web*"}})
    assert ran.status == GOOD and ran.document["counts"]["outcomes"] == {}, ran.errors
    assert stage.changes() == [] and stage.objects() == before and fleets.last(stage).end["outcome"] == "ok"
