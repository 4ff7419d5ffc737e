# -*- coding: utf-8 -*-
"""rollback while the manager fails it, while it is stopped or killed: disks are whole, and the server runs again."""
from __future__ import absolute_import, division, print_function, unicode_literals

import signal

import pytest

from tests.flows.helpers import (JYTHON, compat, content_in, kept_lab, objects_in, opened, process, small,
                                 stage, vibackup_in)  # noqa: F401
from tests.flows.sweeps import stop_everywhere
from tests.flows.test_rollback import DISCARD, REVERT, TAKE, ledger_files, rollback, taken, upgrade  # noqa: F401
from vibackup.flows import rollback as flow

DISK = "web01-system"


def but_for(objects, *keys):
    """Return the dump of objects without what ``keys`` name, which a revert or a boot changes."""
    return [dict((key, value) for key, value in thing.items() if key not in keys) for thing in objects]


def same_but_for_content(one, other):
    keys = ("sha256", "free_bytes", "used_bytes")
    return but_for(one, *keys) == but_for(other, *keys)


# -- each call fails

def test_a_revert_that_fails_leaves_the_disks_as_they_were_and_starts_the_server_again(taken):
    upgrade(taken)
    before = taken.objects()
    taken.fault("revertToSnapshot", times=None)
    ran = rollback(taken, REVERT)
    assert ran.status == 1 and "revertToSnapshot failed" in ran.error and ran.steps == ["stop", "revert", "start"]
    assert ran.document["leftovers"] == [] and taken.objects() == before
    assert taken.content(DISK)[4096:4104] == b"upgraded"


def commits(stage):
    """Return which calls of the last command, from 1, were commits."""
    return [place for place, call in enumerate(stage.calls, 1) if call.method == "commit"]


def test_a_revert_whose_reply_is_lost_is_done_again_which_does_no_harm(taken):
    old = taken.content(DISK)
    assert rollback(taken, REVERT).status == 0
    upgrade(taken)
    taken.fault_at(commits(taken)[1], "after")
    ran = rollback(taken, REVERT)
    assert ran.status == 0 and ran.steps == ["stop", "revert", "revert", "start"]
    assert taken.content(DISK) == old


@pytest.mark.parametrize("phase", ["before", "after"])
def test_where_nobody_can_know_whether_the_disks_are_reverted_that_is_said(taken, phase, monkeypatch):
    """Each commit of the revert's job fails; one of them may have taken effect."""
    old = taken.content(DISK)
    upgrade(taken)
    new = taken.content(DISK)
    real = flow._revert_once

    def with_a_fault(run, plan):
        taken.fault("commit", phase)
        return real(run, plan)
    monkeypatch.setattr(flow, "_revert_once", with_a_fault)
    ran = rollback(taken, REVERT)
    assert ran.status == 1 and ran.document["leftovers"] == []
    assert ran.error.startswith("whether the disks of web01 are reverted is not known, so revert again: commit failed")
    assert taken.content(DISK) == (new if phase == "before" else old)
    assert taken.object("web01")["power"] == "Running"


# -- the server does not come back

def test_a_server_that_does_not_boot_from_what_it_was_reverted_to_is_an_error_that_says_both(stage):
    stage.open(small())
    upgrade(stage, words=b"\0\0", offset=510)  # what it boots by; it runs on
    assert rollback(stage, TAKE).status == 0
    upgrade(stage)
    ran = rollback(stage, REVERT)
    assert ran.status == 1 and ran.document["leftovers"] == [] and ran.error_class == "ServerFailed"
    assert ran.error == "the disks of web01 are reverted, but: web01 was stopped, and does not run again"
    assert ran.document["warnings"] == [
        "web01 was started again, and web01 failed: it crashed, or it did not boot: look at its console"]
    assert stage.object("web01")["power"] == "Failed" and stage.content(DISK)[4096:4104] == b"\0" * 8
    assert rollback(stage, REVERT).status == 0 and rollback(stage, DISCARD).status == 0


def test_a_server_that_cannot_be_started_is_a_leftover_until_it_can(taken):
    old = taken.content(DISK)
    upgrade(taken)
    taken.fault("start", times=None)
    ran = rollback(taken, REVERT)
    assert ran.status == 6 and ran.error.startswith("the disks of web01 are reverted, but: ")
    assert [left["what"] for left in ran.document["leftovers"]] == ["web01 stopped"]
    assert taken.content(DISK) == old
    refused = rollback(taken, REVERT)
    assert refused.status == 6 and "left web01 stopped behind" in refused.error
    stuck = taken.vibackup("reconcile", "--fix")
    assert stuck.status == 6 and "start failed" in stuck.document["leftovers"][0]["reason"]
    taken.lab.faults = []
    assert taken.vibackup("reconcile", "--fix").status == 0
    assert taken.object("web01")["power"] == "Running" and taken.object("web01")["snapshot"] is not None
    assert rollback(taken, DISCARD).status == 0


@pytest.mark.parametrize("method", ["revertToSnapshot", "stop"])
def test_a_manager_that_hangs_for_an_hour_went_away_and_the_server_runs_again(taken, method):
    before = taken.objects()
    taken.fault(method, action="hang")
    ran = rollback(taken, REVERT)
    assert ran.status in (0, 7), ran.errors
    assert taken.objects() == before


# -- stopped

def test_a_take_that_is_stopped_at_any_moment_leaves_nothing(stage):
    stage.open(small())
    before = stage.objects()
    assert stop_everywhere(stage, "rollback", lambda run: flow.take(run, flow.Plan(run, "web01")), before) >= 2
    assert len(ledger_files(stage)) == 1


def test_a_revert_that_is_stopped_at_any_moment_has_the_server_run_and_its_disks_whole(taken):
    before = taken.objects()  # reverted or not: nothing was changed since
    assert stop_everywhere(taken, "rollback", lambda run: flow.revert(run, flow.Plan(run, "web01")), before) >= 2


def test_a_discard_that_is_stopped_leaves_the_snapshot_kept(taken):
    before = taken.objects()
    assert stop_everywhere(taken, "rollback", lambda run: flow.discard(run, flow.Plan(run, "web01")), before) >= 1
    assert taken.object("web01")["snapshot"] is None


# -- killed

def kill(lab, option, number, phase):
    """Run rollback in a process that is killed at a call."""
    ran = process("vibackup", "rollback", "--lab=" + lab, "--vs=web01", option,
                  "--lab-fault=%d:%s:crash" % (number, phase))
    assert ran.status in (-signal.SIGKILL, 128 + signal.SIGKILL), (option, number, ran.errors)


def in_lab(lab, option):
    ran = vibackup_in(lab, "rollback", "--vs=web01", option)
    assert ran.status == 0, ran.errors
    return ran


def fix(lab):
    """Release what is left; a second time there is nothing."""
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 0, fixed.errors
    again = vibackup_in(lab, "reconcile", "--fix")
    assert again.status == 0 and again.document["released"] == 0, again.errors
    return fixed.document["released"]


def write_in(lab, words):
    with opened(lab) as found:
        class Opened(object):
            lab = found
        upgrade(Opened, words=words)


def calls_of(stage, *options):
    """Return how many calls the last of the command lines makes."""
    stage.open(small())
    for option in options:
        assert rollback(stage, option).status == 0
    found = len(stage.calls)
    stage.close()
    return found


EACH = 12 if JYTHON else 4


def test_wherever_a_take_is_killed_reconcile_leaves_nothing_or_it_is_kept(tmpdir, stage):
    lab = compat.text(tmpdir.join("lab"))
    before = kept_lab(lab, small())
    last = calls_of(stage, TAKE)
    for number in list(range(1, last, EACH)) + [last]:
        kill(lab, TAKE, number, "after" if number % 2 else "before")
        fix(lab)
        assert objects_in(lab) == before, number
        assert vibackup_in(lab, "rollback", "--vs=web01", REVERT).status == 3, number


def test_wherever_a_revert_is_killed_reconcile_starts_the_server_and_the_disks_are_whole(tmpdir, stage):
    lab = compat.text(tmpdir.join("lab"))
    kept_lab(lab, small())
    old = content_in(lab, DISK)
    in_lab(lab, TAKE)
    last = calls_of(stage, TAKE, REVERT)
    released = 0
    for number in list(range(1, last, EACH)) + [last]:
        write_in(lab, b"upgraded")
        new, before = content_in(lab, DISK), objects_in(lab)
        kill(lab, REVERT, number, "after" if number % 2 else "before")
        released += fix(lab)
        assert content_in(lab, DISK) in (old, new), number
        assert same_but_for_content(objects_in(lab), before), number
        in_lab(lab, REVERT)
        assert content_in(lab, DISK) == old, number
    assert released


SLOW = small()
SLOW["servers"][0]["stop_seconds"] = 300


def test_a_server_that_goes_down_slowly_under_a_killed_revert_is_waited_for_and_runs_again(tmpdir, stage):
    """Until it is down its state is said to be Running, as before."""
    lab = compat.text(tmpdir.join("lab"))
    before = kept_lab(lab, SLOW)
    calls_of(stage, TAKE, REVERT)
    stop = commits(stage)[0]
    in_lab(lab, TAKE)
    kill(lab, REVERT, stop, "after")
    assert [thing["power"] for thing in objects_in(lab) if thing["name"] == "web01"] == ["Stopping"]
    assert fix(lab) == 1
    with opened(lab) as found:
        found.advance(3600 * 1000)
    assert [thing["power"] for thing in objects_in(lab) if thing["name"] == "web01"] == ["Running"]
    in_lab(lab, DISCARD)
    assert objects_in(lab) == before


def test_a_server_whose_stop_a_killed_revert_did_not_commit_runs_on(tmpdir, stage):
    lab = compat.text(tmpdir.join("lab"))
    kept_lab(lab, small())
    calls_of(stage, TAKE, REVERT)
    in_lab(lab, TAKE)
    before = objects_in(lab)
    kill(lab, REVERT, commits(stage)[0], "before")
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert (fixed.status, fixed.document["released"]) == (0, 1) and objects_in(lab) == before
    assert "web01 runs, and nobody knows whether its stop was committed" in fixed.document["warnings"][0]


def test_wherever_a_discard_is_killed_another_one_ends_it(tmpdir, stage):
    lab = compat.text(tmpdir.join("lab"))
    before = kept_lab(lab, small())
    last = calls_of(stage, TAKE, DISCARD)
    for number in list(range(1, last, EACH)) + [last]:
        in_lab(lab, TAKE)
        kill(lab, DISCARD, number, "after" if number % 2 else "before")
        assert fix(lab) == 0
        in_lab(lab, DISCARD)
        assert objects_in(lab) == before, number
