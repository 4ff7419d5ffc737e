# -*- coding: utf-8 -*-
"""verify: a backup is restored to a scratch server without a network, booted, checked, and the catalog told."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from tests.flows.helpers import (backed_up, demo, named, scribble, small, stage, stop, write_bytes)  # noqa: F401
from tests.flows.sweeps import stop_everywhere
from tests.flows.test_restore import CALLS_OF_THE_API
from vibackup import agents
from vibackup.flows import verify as verify_flow


def verify(stage, backup, *words):
    return stage.vibackup("verify", "--backup=" + backup, "--proxy=pbh01", *words)


def not_bootable():
    description = small()
    description["disks"][0]["content"]["boot"] = False
    return description


def verified(stage, backup):
    """Return what the catalog knows of the backup's verification."""
    return named([dict(entry, name=entry["id"]) for entry in stage.catalog()], backup).get("verified")


def test_a_backup_that_boots_is_marked_with_its_restore_time_and_nothing_is_left(stage):
    backup = backed_up(stage, demo(), "db01")
    before = stage.objects()
    ran = verify(stage, backup)
    assert ran.status == 0 and ran.document["outcome"] == "ok", ran.errors
    assert stage.objects() == before
    mark = verified(stage, backup)
    assert mark["outcome"] == "ok" and mark["run"] == ran.document["run"]
    started = [step for step in ran.document["steps"] if step["name"] == "start"][0]
    until_it_ran = sum(step["seconds"] for step in ran.document["steps"][:ran.document["steps"].index(started) + 1])
    assert mark["restore_seconds"] == pytest.approx(until_it_ran) and until_it_ran > 60


def test_the_scratch_server_has_no_network_and_is_never_called_like_the_original(stage):
    backup = backed_up(stage, demo())
    seen = []
    stage.watch(lambda: seen.extend(thing for thing in stage.objects() if thing["kind"] == "VirtualServer"
                                    and "scratch" in thing["name"]), "getStatusEvent")
    assert verify(stage, backup).status == 0
    assert seen and all(thing["networks"] == [] for thing in seen)
    assert all(thing["name"].startswith("vibackup ") for thing in seen)


def test_a_backup_that_does_not_boot_is_reported_as_such(stage):
    backup = backed_up(stage, not_bootable())
    before = stage.objects()
    ran = verify(stage, backup)
    assert (ran.status, ran.document["outcome"], ran.error_class) == (1, "does not boot", "DoesNotBoot")
    assert "the backup %s does not boot" % backup in ran.error
    assert stage.objects() == before
    assert verified(stage, backup)["outcome"] == "does not boot" and verified(stage, backup)["restore_seconds"] is None


def test_a_server_that_takes_longer_than_the_deadline_does_not_boot(stage):
    backup = backed_up(stage)
    before = stage.objects()
    ran = verify(stage, backup, "--boot-timeout=10")
    assert (ran.status, ran.document["outcome"]) == (1, "does not boot") and "within 10 seconds" in ran.error
    assert stage.objects() == before


def expected_in(stage, content):
    """Return a check that the scratch server's disk holds ``content``, and nothing else."""
    return ["cmp", "/dev/sda", write_bytes(os.path.join(stage.folder, "expected"), content)]


def test_the_check_command_runs_in_the_scratch_server_and_sees_what_was_restored(stage):
    backup = backed_up(stage)
    content = stage.content("web01-system")
    scribble(stage, "web01-system")  # so that no other disk holds the same
    check = expected_in(stage, content)
    ran = verify(stage, backup, "--check=" + " ".join(check))
    assert ran.status == 0 and "check guest" in ran.steps, ran.errors
    asked = [call for call in stage.calls if call.method == "run" and call.words == check]
    assert [call.thing for call in asked] == ["vibackup %s scratch %s" % (ran.document["run"], backup)]
    assert verified(stage, backup)["check"] == check


def test_a_check_for_what_the_backup_does_not_hold_fails(stage):
    backup = backed_up(stage)
    scribble(stage, "web01-system")
    ran = verify(stage, backup, "--check=" + " ".join(expected_in(stage, stage.content("web01-system"))))
    assert (ran.status, ran.error_class) == (1, "CheckFailed") and "differ" in ran.error, ran.errors


def test_a_check_that_fails_is_reported_as_such(stage):
    backup = backed_up(stage)
    before = stage.objects()
    ran = verify(stage, backup, "--check=sh -c 'echo the database is damaged >&2; exit 4'")
    assert (ran.status, ran.document["outcome"], ran.error_class) == (1, "check failed", "CheckFailed")
    assert "the database is damaged (exit status 4)" in ran.error
    assert stage.objects() == before and verified(stage, backup)["outcome"] == "check failed"


def test_a_restore_of_a_backup_that_did_not_boot_warns(stage):
    backup = backed_up(stage, not_bootable())
    verify(stage, backup)
    ran = stage.vibackup("restore", "--backup=" + backup, "--proxy=pbh01", "--new-vs=back", "--dry-run")
    assert "was verified, and did not boot" in ran.document["warnings"][0]


def test_the_list_of_backups_shows_which_are_verified(stage):
    backup = backed_up(stage)
    stage.proxy_backup(agent="dd")
    verify(stage, backup)
    rows = stage.printed("backups").splitlines()
    assert "VERIFIED" in rows[1] and [("restores in" in row) for row in rows[2:4]] == [True, False]


def test_a_manager_without_a_call_verifies_or_refuses_before_any_change(stage):
    for call in CALLS_OF_THE_API:
        backup = backed_up(stage)
        before = stage.objects()
        stage.lab.world.settings["missing"] = [call]
        ran = verify(stage, backup)
        assert ran.status == 0 or (ran.error_class == "MissingCall" and stage.changes() == []), (call, ran.errors)
        assert ran.document["leftovers"] == [], call
        stage.lab.world.settings["missing"] = []
        assert stage.objects() == before, call


def test_a_guest_that_takes_no_commands_says_nothing_of_the_backup(stage):
    backup = backed_up(stage)
    before = stage.objects()
    silent = stage.lab.guests.run
    stage.lab.guests.run = lambda name, command, *more: silent(
        "nobody" if name.startswith("vibackup ") else name, command, *more)
    ran = verify(stage, backup, "--check=hostname")
    assert ran.status == 1 and ran.error_class == "TimedOut" and verified(stage, backup) is None
    assert stage.objects() == before


def test_a_failure_that_says_nothing_of_the_backup_marks_nothing(stage):
    backup = backed_up(stage)
    stage.fault("createVirtualServer")
    assert verify(stage, backup).status == 1
    assert verified(stage, backup) is None


@pytest.mark.parametrize("words, said", [
    (["--check="], "--check is given, and empty"), (["--check='"], "--check='"),
    (["--disk=a"], "unknown option --disk"), (["--boot-timeout=0"], "--boot-timeout: not a number of seconds"),
    (["--boot-timeout=soon"], "--boot-timeout")])
def test_a_command_line_that_makes_no_sense_is_refused(stage, words, said):
    ran = verify(stage, "x", *words)
    assert ran.status == 2 and said in ran.error and stage.calls == []


@pytest.mark.parametrize("power", ["Running", "Stopped"])
def test_the_plan_of_a_dry_run_is_what_the_run_then_does(stage, power):
    backup = backed_up(stage, demo(), "db01")
    if power == "Stopped":
        stop(stage, "pbh01")
    dry = verify(stage, backup, "--dry-run", "--check=hostname")
    assert dry.status == 0 and stage.changes() == [] and verified(stage, backup) is None
    assert [line.partition(":")[0] for line in dry.document["plan"]] == verify(stage, backup, "--check=hostname").steps


def test_a_stop_at_any_moment_leaves_nothing(stage):
    backup = backed_up(stage)
    before = stage.objects()
    stopped = stop_everywhere(stage, "verify", lambda run: verify_flow.verify(run, verify_flow.Plan(
        run, backup, "pbh01", agents.load(), seconds=900)), before)
    assert stopped >= 10
