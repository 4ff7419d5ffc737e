# -*- coding: utf-8 -*-
"""Second faults: one strikes a flow, and then another what takes it back, in the run or in the reconcile after it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from tests.sweep import crashes, laws
from tests.sweep.places import Place

SCENARIOS = ("proxy-backup", "restore")
RECONCILE = ["reconcile", "--fix"]


def judge(scenario, place, words, good, case, again=True):
    """Carry out one pair of faults in a place that is saved; returns the Violations.

    A place whose first fault is a crash is kept.
    """
    if case.fault == "crash":
        place.restore_files()
        crashes.kill(place, words, case)
        return judge_reconcile(scenario, place, words, case, again)
    place.restore()
    return laws.strike(scenario, place, words, good, case, [laws.fault_of(case), laws.fault_of(case.then)], again)


# -- a fault in a run, and another while it takes back what it made

def pairs(scenario, place, words, good, firsts):
    """Return every pair of faults of which the first, one of the cases ``firsts``, makes the run take things back.

    Where the same is taken back after the same changes, a question earlier or later, one of the first faults is
    enough.
    """
    found, seen = [], set()
    for first in firsts:
        calls = _calls_after(scenario, place, words, good, first)
        changes = sum(laws.has_effect(call) for call in good.calls[:first.call])
        key = (changes, first.phase == "after", tuple("%s %s" % (call.kind, call.method) for call in calls))
        if key not in seen:
            seen.add(key)
            found += [first._replace(then=then) for then in _strikes(calls, first.call + 1)]
    return found


def firsts(good):
    """Return the cases that may be the first of a pair in a run."""
    return [case for case in laws.cases(good) if (case.fault, case.how) == ("throw", laws.ONCE)]


def _calls_after(scenario, place, words, good, case):
    """Return the calls behind a fault that take something back, or are made because of it; otherwise none."""
    place.restore()
    place.lab.faults = [laws.fault_of(case)]
    ran = place.vibackup(*words)
    place.lab.faults = []
    more = len(place.calls) - len(good.calls)
    if laws.is_done(scenario, ran) and ran.status != 6:
        return place.calls[case.call:case.call + more + 1] if more > 0 else []
    return place.calls[case.call:]


def _strikes(calls, begin):
    """Return the cases of second faults in ``calls``, the first of which has the number ``begin``."""
    found = []
    for number, call in enumerate(calls, begin):
        found += [laws.Case(number, call.method, phase, "throw", laws.ONCE, None) for phase in laws.phases(call)]
        if laws.has_effect(call):
            found.append(laws.Case(number, call.method, "before", "throw", laws.REFUSED, None))
    return found


# -- a run that is killed, and a fault in the reconcile after it

def crash_pairs(place, words, firsts_, crashed):
    """Yield ``(first, its pairs)`` for each of ``firsts_`` after which a reconcile has something to do that is new.

    The place is then as the kill left it in the folder ``crashed``.
    """
    seen = set()
    for first in firsts_:
        place.restore_files()
        crashes.kill(place, words, first)
        if not crashes.is_new(place, seen):
            continue
        place.shut()
        place.save_files(crashed)
        place.reopen()
        place.vibackup(*RECONCILE)
        calls = list(place.calls)
        thens = _strikes(calls, 1) + [laws.Case(number, call.method, phase, "crash", laws.ONCE, None)
                                      for number, call in enumerate(calls, 1) for phase in laws.phases(call)]
        yield first, [first._replace(then=then) for then in thens]


def judge_reconcile(scenario, place, words, case, again=True):
    """Strike the reconcile in the open place of a killed run, and reconcile once more; returns the Violations."""
    found = laws.Findings(scenario, case)
    if case.then.fault == "crash":
        place.shut()
        crashes.kill(place, RECONCILE, case.then)
    else:
        place.lab.faults = [laws.fault_of(case.then, place.lab.calls)]
        ran = place.vibackup(*RECONCILE)
        place.lab.faults = []
        found.guard("L3", _check_reconciled, ran)
    found.guard("L4", laws.fix, place)
    laws.all_or_nothing(scenario, place, words, found, again)
    return found.violations


def _check_reconciled(ran):
    assert ran.status in (0, 6) or ran.document["error"], "exit status %d" % ran.status
    assert "internal error" not in ran.errors and "Traceback" not in ran.errors, ran.errors
    assert (ran.status == 6) == (ran.document["leftovers"] != []), ran.errors


# -- all of them

def sweep(scenario, folder, part, parts, judge_all):
    """Carry out one of ``parts`` of all pairs; returns how many calls and cases there were, and the violations.

    judge_all(cases, judge): calls ``judge(number, case)`` for each, and returns all violations.
    """
    calls, cases, violations = _sweep_runs(scenario, os.path.join(folder, "run"), part, parts, judge_all)
    more, found = _sweep_reconciles(scenario, os.path.join(folder, "killed"), part, parts, judge_all)
    return calls, cases + more, violations + found


def _part(cases, part, parts):
    return cases[len(cases) * part // parts:len(cases) * (part + 1) // parts]


def _sweep_runs(scenario, folder, part, parts, judge_all):
    place = Place(folder)
    try:
        words = laws.prepare(scenario, place)
        good = laws.good_run(scenario, place, words)
        cases = pairs(scenario, place, words, good, _part(firsts(good), part, parts))
        return len(good.calls), len(cases), judge_all(
            cases, lambda number, case: judge(scenario, place, words, good, case, number % 5 == 0))
    finally:
        place.remove()


def _sweep_reconciles(scenario, folder, part, parts, judge_all):
    place = Place(folder, kept=True)
    count, violations = 0, []
    try:
        words = laws.prepare(scenario, place)
        good = laws.good_run(scenario, place, words)
        crashed = folder + ".crashed"
        for _first, cases in crash_pairs(place, words, _part(crashes.cases(good), part, parts), crashed):
            def again(number, case):
                place.restore_files(crashed)
                place.reopen()
                return judge_reconcile(scenario, place, words, case, number % 5 == 0)
            count += len(cases)
            violations += judge_all(cases, again)
        return count, violations
    finally:
        place.remove()
