# -*- coding: utf-8 -*-
"""A night of three servers while the manager, or a guest, fails it: at any call, and in every way."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from fakes import faults, jobs
from tests.flows import fleets, helpers
from tests.flows.helpers import compat, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import GOOD, LEFTOVERS
from vibackup import errors
from vibackup.fleet import journal
from vibackup.flows import proxy_batch

__all__ = ["stage"]
KINDS = [(phase, action, times) for times in (1, None) for phase, action in (
    ("before", "throw"), ("after", "throw"), ("before", "hang"), ("after", "hang"), ("after", "lose"))]
PARTS = 8  # in which the calls of a night are looked at: each is a test of its own
STEP = 5 if helpers.EVERY == 1 else 61 if helpers.JYTHON else 23
WAITS_SECONDS = 4 * 3600  # what a night takes longer at the most: all waits for boots and guests, of two batches


def small_night(stage, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _file: None)  # no power is cut here
    stage.open(fleets.inventory(3))
    section = {"names": "web*", "freeze": "fsfreeze -f /", "thaw": "fsfreeze -u /"}
    return fleets.policy(stage, {"all": section}, batch=2)


def locks(stage):
    folder = compat.native(os.path.join(stage.state(), "locks"))
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def struck_night(stage, words, struck):
    """Let a night pass that the faults ``struck`` strike; its manager takes back what jobs it has left open."""
    stage.lab.faults.extend(struck)
    ran = stage.vibackup("fleet", words)
    stage.lab.faults = []
    for job in list(stage.lab.open_jobs):
        jobs.abort(stage.lab, job)
    return ran


def judge(stage, ran, before, place, seconds):
    """Hold the laws against what a night did, said and left."""
    assert "Traceback" not in ran.errors and "internal error" not in ran.errors, (place, ran.errors)
    assert ran.status in (0, 1, 3, 5, 6, 7), (place, ran.errors)
    assert seconds <= WAITS_SECONDS + 3600 * 40, (place, "L7")
    assert locks(stage) == [], (place, "L6")
    named = sorted(each["what"] for each in ran.document["leftovers"])
    assert (ran.status == LEFTOVERS) == bool(named), (place, "L3", named, ran.errors)
    listed = sorted(each["what"] for each in stage.vibackup("reconcile").document["leftovers"])
    assert listed == named, (place, "L3", ran.errors)
    judge_journal(stage, ran, place)
    if named:
        assert stage.vibackup("reconcile", "--fix").status == GOOD, (place, "L4")
    assert stage.objects() == before, (place, "L2, L5", ran.errors)
    assert stage.vibackup("reconcile", "--fix").document["released"] == 0 and stage.changes() == [], (place, "L4")


def judge_journal(stage, ran, place):
    """L1: what is called good is in the catalog, and nothing else; and each server has its line."""
    good = []
    if not ran.document.get("counts"):
        assert ran.status != GOOD, place
    else:
        last = fleets.last(stage)
        good = [vs for vs, outcomes in fleets.outcomes(last).items() if outcomes[-1] in ("ok", "warning")]
        # One that does not tell its name is not called so.
        left_out = [each["vs"] for each in last.facts["left_out"] if each["wanted"]]
        told = list(fleets.outcomes(last)) + [each["vs"] for each in last.of("skipped")] + left_out
        assert len(told) >= 3 and (left_out or sorted(told) == fleets.names(3)), (place, "a server has no line", told)
        whole = len(good) == 3 and not left_out
        assert (ran.status in (GOOD, 5)) == (whole and not ran.document["leftovers"]), (place, ran.errors)
        assert (last.end["exit_status"], last.end["outcome"] in ("ok", "warning")) == (ran.status, whole), place
        assert all(each["why"] for each in last.of("backup") if each["outcome"] == "failed")
    assert sorted(each["vs"] for each in stage.catalog()) == sorted(good), (place, "L1", ran.errors)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_laws_hold_wherever_a_night_is_struck(stage, monkeypatch, part):
    """L1 to L7."""
    words = small_night(stage, monkeypatch)
    before = stage.objects()
    assert stage.vibackup("fleet", words).status == GOOD
    calls, struck = len(stage.calls), 0
    for turn, number in enumerate(range(part * STEP + 1, calls + 1, STEP * PARTS)):
        phase, action, times = KINDS[(3 * turn + part) % len(KINDS)]
        stage.open(fleets.inventory(3))
        fault = faults.Fault(phase, action, number=None if times is None else number, first=number, times=times)
        begun = stage.lab.clock.monotonic()
        ran = struck_night(stage, words, [fault])
        seconds = stage.lab.clock.monotonic() - begun
        struck += fault.struck
        judge(stage, ran, before, (number, phase, action, times), seconds)
    assert struck


def test_a_bug_in_the_middle_of_a_batch_leaves_nothing_and_is_told(stage, monkeypatch):
    """L3: also where it ends the thread of a proxy, which has snapshots and locks of servers then."""
    words = small_night(stage, monkeypatch)
    before = stage.objects()
    real, done = proxy_batch.take_on, []

    def broken(run, proxy, *given):
        found = real(run, proxy, *given)
        if proxy.name == "pbh01" and not done:
            done.append(True)
            raise KeyError("a bug")
        return found
    monkeypatch.setattr(proxy_batch, "take_on", broken)
    ran = stage.vibackup("fleet", words)
    assert "a bug" in ran.errors, ran.errors
    assert ran.document["leftovers"] == [] and locks(stage) == []
    assert set(fleets.outcomes(fleets.last(stage))) == set(fleets.names(3))
    assert stage.objects() == before and any("not used any more: pbh01" in each for each in ran.document["warnings"])


def test_a_journal_that_cannot_be_written_leaves_nothing(stage, monkeypatch):
    """L3: a state folder that is full ends the night, and all is taken back."""
    words = small_night(stage, monkeypatch)
    before, real = stage.objects(), journal.Journal.write

    def full(self, kind, **facts):
        if kind == "backup":
            raise errors.VibackupError("cannot write the state file: no space")
        return real(self, kind, **facts)
    monkeypatch.setattr(journal.Journal, "write", full)
    ran = stage.vibackup("fleet", words)
    assert ran.status == 1 and "no space" in ran.errors and locks(stage) == [] and stage.objects() == before


def test_what_hangs_in_a_job_of_one_proxy_ends_and_the_other_proxy_goes_on(stage, monkeypatch):
    """L7: jobs take turns, so one that hangs has the others wait; and then all is done."""
    words = small_night(stage, monkeypatch)
    before = stage.objects()
    stage.fault("addStorageDevice", "before", "hang", name="pbh01")
    ran = stage.vibackup("fleet", words)
    assert ran.status == GOOD and stage.objects() == before, ran.errors
    assert any("addStorageDevice" in (each["why"] or "") for each in fleets.last(stage).of("backup"))


def test_a_job_that_could_not_be_aborted_is_no_success_of_its_clean_up(stage, monkeypatch):
    """L1, L3: what is read of the manager then may never become true."""
    words = small_night(stage, monkeypatch)
    before = stage.objects()
    ran = struck_night(stage, words, [faults.Fault("before", "throw", method="reboot", name="pbh01", times=2),
                                      faults.Fault("before", "throw", method="abort", times=None)])
    assert ran.status == LEFTOVERS, ran.errors
    assert stage.vibackup("reconcile", "--fix").status == GOOD and stage.objects() == before
