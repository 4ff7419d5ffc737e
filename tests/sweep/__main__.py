# -*- coding: utf-8 -*-
"""The sweep: every call of every verb struck by every fault, and the laws held against what comes of it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import collections
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time

from tests.sweep import crashes, laws, scenarios, second
from tests.sweep.places import Endless, Place

CASE_SECONDS = 120  # of real time, after which a case hangs
PARTS = 8  # into which the cases of a scenario are cut, for the processors to share
AGAIN_EVERY = 5  # of how many cases one is followed by the same command once more

# What one process does at a time. what: a key of KINDS.
Task = collections.namedtuple("Task", "what name part")
Outcome = collections.namedtuple("Outcome", "task calls cases seconds violations")


def main():
    """Sweep, print the table, and return the exit status."""
    options = _options()
    if options.case:
        return _one(options.only, laws.decoded(options.case))
    began = time.time()
    outcomes, tasks = [], _tasks(options)
    pool = multiprocessing.Pool(options.jobs, _begin)
    try:
        for outcome in pool.imap_unordered(_carry_out, tasks):
            outcomes.append(outcome)
            for violation in outcome.violations:
                print(violation)
            sys.stdout.flush()
            _show(outcome, len(outcomes), len(tasks))
    finally:
        pool.terminate()
    _print_table(outcomes, time.time() - began)
    return 1 if any(outcome.violations for outcome in outcomes) else 0


def _options():
    parser = argparse.ArgumentParser(prog=str("python -m tests.sweep"), description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="this scenario alone, such as: proxy-backup dd")
    parser.add_argument("--what", choices=sorted(KINDS), help="these cases alone")
    parser.add_argument("--case", metavar="CASE", help="this case of it alone, as a violation names it")
    parser.add_argument("--jobs", metavar="N", type=int, default=multiprocessing.cpu_count(), help="processes at once")
    options = parser.parse_args()
    if options.only and options.only not in [each.name for each in scenarios.ALL]:
        parser.error("no scenario is called %s" % options.only)
    if options.case and not options.only:
        parser.error("--case wants --only")
    return options


def _tasks(options):
    """Return all Tasks, the longest first."""
    return [Task(what, each.name, part) for what in ("second", "faults", "crashes")
            for each in scenarios.ALL for part in range(PARTS)
            if options.only in (None, each.name) and options.what in (None, what)
            and (what != "second" or each.name in second.SCENARIOS)]


# -- in a process of the pool

def _begin():
    """Have no case hang, and no file wait for the disk: a process is killed here, and the power stays on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _hangs)
    os.fsync = lambda _file: None


def _hangs(_number, _frame):
    raise Endless("it takes more than %d seconds of real time" % CASE_SECONDS)


def _carry_out(task):
    """Carry out a Task in a place of its own; returns its Outcome."""
    began = time.time()
    folder = tempfile.mkdtemp(prefix=str("vibackup-sweep-"))
    try:
        calls, count, violations = KINDS[task.what](scenarios.by_name(task.name), folder, task.part)
    except AssertionError as error:
        nowhere = laws.Case(0, "", "before", "none", laws.ONCE, None)
        calls, count, violations = 0, 1, [laws.Violation(task.name, nowhere, "the good run", "%s" % error)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(task, calls, count, time.time() - began, violations)


def _faults(scenario, folder, part):
    place = Place(os.path.join(folder, "place"))
    try:
        words = laws.prepare(scenario, place)
        good = laws.good_run(scenario, place, words)
        cases = laws.cases(good)[part::PARTS]
        return len(good.calls), len(cases), _all(
            cases, lambda number, case: laws.judge(scenario, place, words, good, case, number % AGAIN_EVERY == 0),
            scenario)
    finally:
        place.close()


def _crashes(scenario, folder, part):
    place = Place(os.path.join(folder, "place"), kept=True)
    try:
        words = laws.prepare(scenario, place)
        good = laws.good_run(scenario, place, words)
        found = crashes.cases(good)
        cases = found[len(found) * part // PARTS:len(found) * (part + 1) // PARTS]  # neighbours leave the same
        seen = set()
        return len(good.calls), len(cases), _all(
            cases, lambda _number, case: crashes.judge(scenario, place, words, case, seen),
            scenario)
    finally:
        place.close()


def _all(cases, judge, scenario):
    violations = []
    for number, case in enumerate(cases):
        signal.alarm(CASE_SECONDS)
        try:
            violations += judge(number, case)
        except Endless as error:
            violations.append(laws.Violation(scenario.name, case, "L7", "%s" % error))
        finally:
            signal.alarm(0)
    return violations


def _second(scenario, folder, part):
    return second.sweep(scenario, folder, part, PARTS, lambda cases, judge: _all(cases, judge, scenario))


KINDS = {"faults": _faults, "crashes": _crashes, "second": _second}


# -- one case alone

def _one(name, case):
    """Carry out one case, and print what it breaks; returns the exit status."""
    _begin()
    folder = tempfile.mkdtemp(prefix=str("vibackup-sweep-"))
    scenario = scenarios.by_name(name)
    place = Place(os.path.join(folder, "place"), kept=case.fault == "crash")
    try:
        words = laws.prepare(scenario, place)
        good = laws.good_run(scenario, place, words)
        if case.then is not None:
            violations = second.judge(scenario, place, words, good, case)
        elif case.fault == "crash":
            violations = crashes.judge(scenario, place, words, case)
        else:
            violations = laws.judge(scenario, place, words, good, case)
    finally:
        place.close()
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(str(each) for each in violations) or "no violation")
    return 1 if violations else 0


# -- the table

def _print_table(outcomes, seconds):
    print("%-30s %6s %9s %8s %8s %11s" % ("verb", "calls", "faults", "crashes", "second", "violations"))
    for scenario in scenarios.ALL:
        own = [outcome for outcome in outcomes if outcome.task.name == scenario.name]
        if own:
            print("%-30s %6d %9d %8d %8d %11d" % (
                (scenario.name, max(outcome.calls for outcome in own)) + tuple(_counts(own)) + (_broken(own),)))
    print("%-30s %6s %9d %8d %8d %11d" % (("all", "") + tuple(_counts(outcomes)) + (_broken(outcomes),)))
    print("%d s, and %d s of all processes" % (seconds, sum(outcome.seconds for outcome in outcomes)))


def _show(outcome, number, count):
    """Say on standard error how far it is."""
    sys.stderr.write("%d of %d: %s of %s, %d cases in %d s\n" % (
        number, count, outcome.task.what, outcome.task.name, outcome.cases, outcome.seconds))


def _counts(outcomes):
    return [sum(outcome.cases for outcome in outcomes if outcome.task.what == what)
            for what in ("faults", "crashes", "second")]


def _broken(outcomes):
    return sum(len(outcome.violations) for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
