# -*- coding: utf-8 -*-
"""A sample of the sweep that every run of the tests takes; all of it is in ``sh tests/run.sh --sweep``.

Laws, see ``tests.sweep.laws``: L1 success is success; L2 what is not ours is left alone; L3 what is left is named;
L4 one reconcile releases it; L5 servers are as before; L6 no lock stays; L7 every wait ends.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import os
import sys

import pytest

from tests.sweep import crashes, laws, places, scenarios, second
from tests.sweep.places import Place
from vibackup import ledger, run, verbs

pytestmark = pytest.mark.needs("dd", "tar", "find")

JYTHON = crashes.compat.JYTHON
NAMES = [scenario.name for scenario in scenarios.ALL]
# Of how many kinds of cases (phase, fault, once or persistent) a scenario takes one.
KINDS = 2 if JYTHON else 13 if sys.version_info >= (3, 7) else 6
CRASHES = ["restore"] if JYTHON else NAMES


@pytest.fixture
def place(tmpdir, monkeypatch):
    """Return a Place in memory, or a kept one: ``place(kept)``; no file waits for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _file: None)
    made = []

    def make(kept=False):
        made.append(Place(tmpdir.join("place"), kept))
        return made[-1]
    yield make
    for each in made:
        each.remove()


def ready(name, place):
    """Return the scenario ``name``, the words of its command line, and what it does where nothing goes wrong."""
    scenario = scenarios.by_name(name)
    words = laws.prepare(scenario, place)
    return scenario, words, laws.good_run(scenario, place, words)


def by_kind(cases):
    """Return the cases as lists of those of one kind."""
    found = collections.OrderedDict()
    for case in cases:
        found.setdefault((case.phase, case.fault, case.how), []).append(case)
    return [found[kind] for kind in sorted(found)]


def sample(cases, turn):
    """Return one case of each of KINDS kinds, each at another place in the run; other kinds at every ``turn``."""
    kinds = by_kind(cases)
    chosen = [(turn * KINDS + number) % len(kinds) for number in range(min(KINDS, len(kinds)))]
    return [kinds[each][(2 * each + 3 * turn + 1) * len(kinds[each]) // 7 % len(kinds[each])] for each in chosen]


def told(violations):
    return "\n".join(str(each) for each in violations)


def test_every_verb_is_swept():
    assert set(scenario.verb for scenario in scenarios.ALL) == set(verbs.MODULES)


def test_the_sample_has_every_phase_and_every_fault_once_and_persistently():
    seen = set()
    cases = [laws.Case(1, "run", phase, fault, how, None) for phase in ("before", "after")
             for fault in ("throw", "hang", "lose") for how in (laws.ONCE, laws.PERSISTENT, laws.REFUSED)]
    for turn in range(len(NAMES)):
        seen.update(sample(cases, turn))
    assert len(seen) == 18


@pytest.mark.parametrize("name", NAMES)
def test_the_laws_hold_wherever_a_verb_is_struck(place, name):
    here = place()
    scenario, words, good = ready(name, here)
    cases = laws.cases(good)
    violations = []
    for case in sample(cases, NAMES.index(name)) if cases else []:
        violations += laws.judge(scenario, here, words, good, case)
    assert not violations, told(violations)


@pytest.mark.parametrize("name", CRASHES)
def test_the_laws_hold_where_a_verb_is_killed(place, name):
    """L4: one reconcile leaves nothing of it, or it had done all of its work."""
    here = place(kept=True)
    scenario, words, good = ready(name, here)
    cases = [case for case in crashes.cases(good) if case.method != "getName"]
    turn = NAMES.index(name)
    violations = []
    for case in cases[(2 * turn + 7) * len(cases) // 11 % len(cases):][:1] if cases else []:
        violations += crashes.judge(scenario, here, words, case)
    assert not violations, told(violations)


@pytest.mark.parametrize("name", second.SCENARIOS)
def test_the_laws_hold_where_the_clean_up_is_struck_too(place, name):
    here = place()
    scenario, words, good = ready(name, here)
    firsts = second.firsts(good)
    pairs = second.pairs(scenario, here, words, good, firsts[40::25 if JYTHON else 12][:4])
    violations = []
    for pair in pairs[1::len(pairs) // (2 if JYTHON else 12) or 1]:
        violations += second.judge(scenario, here, words, good, pair)
    assert pairs and not violations, told(violations)


@pytest.mark.parametrize("name", second.SCENARIOS if crashes.CAN_FORK else second.SCENARIOS[:1])
def test_the_laws_hold_where_the_reconcile_after_a_kill_is_struck_or_killed_too(place, tmpdir, name):
    """L4."""
    here, crashed = place(kept=True), str(tmpdir.join("crashed"))
    scenario, words, good = ready(name, here)
    firsts = [case for case in crashes.cases(good) if case.method == "commit"][3:4]
    violations = []
    for _first, pairs in second.crash_pairs(here, words, firsts, crashed):
        for pair in pairs[2::len(pairs) // 8] if crashes.CAN_FORK else pairs[2:3]:
            here.restore_files(crashed)
            here.reopen()
            violations += second.judge_reconcile(scenario, here, words, pair)
    assert not violations, told(violations)


# -- the sweep itself: it finds what is broken

def broken(place, name, cases):
    """Return the laws that are broken in these cases of a scenario, as words."""
    here = place()
    scenario, words, good = ready(name, here)
    found = []
    for number, case in enumerate(laws.cases(good)):
        if cases(case) and len(found) < 3:
            found += laws.judge(scenario, here, words, good, case, False)
    return set(violation.law for violation in found)


def test_a_leftover_that_is_not_named_is_found(place, monkeypatch):
    def forgetful(self, number, function):
        try:
            function()
        except ledger.errors.VibackupError:
            return
        self.ledger.released(number)
    monkeypatch.setattr(run.Run, "release", forgetful)
    struck = ("deleteSnapshot", "before", "throw", "once")
    assert "L3" in broken(place, "proxy-backup", lambda case: case[1:5] == struck)


def test_a_snapshot_that_nobody_deletes_is_found(place, monkeypatch):
    from vibackup import steps
    monkeypatch.setattr(steps, "release_snapshot", lambda *_given: None)
    with pytest.raises(AssertionError):  # already where nothing goes wrong
        broken(place, "proxy-backup", lambda case: False)


def test_a_commit_that_is_believed_whatever_happens_is_found(place, monkeypatch):
    from vibackup import job
    monkeypatch.setattr(job, "_is_applied", lambda _applied: True)
    assert broken(place, "clone-disk", lambda case: case[1:5] == ("commit", "before", "throw", "once"))


def test_a_lock_that_stays_is_found(place, monkeypatch):
    real = ledger.Ledger.give_back
    monkeypatch.setattr(ledger.Ledger, "close", lambda self: None)
    monkeypatch.setattr(ledger.Ledger, "give_back",
                        lambda self, identity: real(self, identity) if identity == "vs-1" else None)
    assert "L6" in broken(place, "snapshot-boot", lambda case: case.method == "snapshot")


def test_a_wait_without_end_is_found(place, monkeypatch):
    from vibackup import steps
    real = steps.our_snapshot

    def patient(vs, facts):
        while True:
            try:
                return real(vs, facts)
            except steps.errors.ApiError:
                continue
    monkeypatch.setattr(steps, "our_snapshot", patient)
    monkeypatch.setattr(places, "MOST_CALLS", 400)
    assert "L7" in broken(place, "snapshot-boot", lambda case: case[1:5] == ("getSnapshot", "before", "throw",
                                                                            "persistent"))
