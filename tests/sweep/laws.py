# -*- coding: utf-8 -*-
"""One case: a fault strikes a flow, and the laws are held against what it did, said and left."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from fakes import faults
from tests.flows.sweeps import GOOD
from tests.sweep.places import Endless
from vibackup import compat

FAILED = (1, 3, 6, 7)
# What a run may take longer than one that nothing strikes: so long for all of its waits, which are for a boot, a
# guest's answer (900 s each, and not both of them twice) and what the clean-up tries again; and an hour for each hung
# call (a minute, in a guest), of which there are so many at most, when no call is answered any more.
WAITS_SECONDS = 2400
MOST_HANGS = 35
STEPS = ["freeze", "snapshot", "attach", "reboot", "find disks", "detach", "delete snapshot"]  # of a night's servers
DOUBT = "nobody can tell now whether it was done all the same"

ONCE, PERSISTENT, REFUSED = "once", "persistent", "refused"

# call: from 1. phase, fault: as ``--lab-fault`` has them. how: ONCE; PERSISTENT: from that call on, every call;
# REFUSED: from that call on, every call of the same method. method: the call's own. then: None, or the Case of a second
# fault, whose ``call`` counts from the same beginning; after a crash it is one of the ``reconcile --fix``.
Case = collections.namedtuple("Case", "call method phase fault how then")

# What a flow does when nothing strikes it. calls: of helpers.Call; seconds: virtual; has_backup: whether it makes one.
Good = collections.namedtuple("Good", "calls seconds has_backup")


class Violation(collections.namedtuple("Violation", "scenario case law words")):
    """A law that a case broke."""

    __slots__ = ()

    def __str__(self):
        case, then = self.case, self.case.then
        words = "%s, %s: %s: %s\n    python -m tests.sweep --only='%s' --case=%s" % (
            self.scenario, _in_words(case) + (", then " + _in_words(then) if then else ""), self.law, self.words,
            self.scenario, code(case) + ("+" + code(then) if then else ""))
        return words if compat.PYTHON3 else words.encode("utf-8")


def _in_words(case):
    return "call %d %s, %s, %s, %s" % case[:5]


def code(case):
    """Return what the option ``--case`` has of a case, but for its second fault."""
    return ":".join("%s" % word for word in case[:5])


def decoded(words):
    """Return the Case of such words, those of a second fault behind a ``+``."""
    cases = [each.split(":") for each in words.split("+")]
    found = None
    for call, method, phase, fault, how in reversed(cases):
        found = Case(int(call), method, phase, fault, how, found)
    return found


def prepare(scenario, place):
    """Make the place ready for the scenario, and save it; returns the words of its command line."""
    words = [scenario.verb] + scenario.ready(place)
    place.save()
    return words


def good_run(scenario, place, words):
    """Run it with no fault, and check that it does what it is to do; returns a Good."""
    place.restore()
    began = place.lab.clock.monotonic()
    ran = place.vibackup(*words)
    assert ran.status in GOOD, "%s: %s" % (scenario.name, ran.errors)
    calls = list(place.calls)
    seconds = place.lab.clock.monotonic() - began
    scenario.whole(place, place.base)
    return Good(calls, seconds, ran.document["backup"] is not None)


def cases(good):
    """Return every case of a run in which nothing is killed.

    A question that fails has the same effect, none, before and after it was answered: it is struck once, before.
    Events are lost where they are published, and in a guest it is the exit status.
    """
    found = []
    for number, call in enumerate(good.calls, 1):
        for how in (ONCE, PERSISTENT):
            for phase in phases(call) if how == ONCE else faults.PHASES:
                found += [Case(number, call.method, phase, fault, how, None) for fault in ("throw", "hang")]
            if has_effect(call):
                found += [Case(number, call.method, phase, "lose", how, None)
                          for phase in (faults.PHASES if call.method == "run" else ("after",))]
        if has_effect(call):
            found.append(Case(number, call.method, "before", "throw", REFUSED, None))
    return found


def has_effect(call):
    """Tell whether a call does more than answer: changes, ends a job, lets time pass, or runs something in a guest."""
    return call.changes or call.method in ("abort", "listenForEvents", "run")


def phases(call):
    """Return the phases in which a fault of that call makes a difference."""
    return faults.PHASES if has_effect(call) else ("before",)


def fault_of(case, number=0):
    """Return the lab's fault of a case. number: of calls that were made before the command."""
    if case.how == ONCE:
        return faults.Fault(case.phase, case.fault, number=number + case.call)
    method = case.method if case.how == REFUSED else None
    return faults.Fault(case.phase, case.fault, method=method, first=number + case.call, times=None)


def judge(scenario, place, words, good, case, again=True):
    """Carry out one case in a place that is saved; returns its Violations. again: whether to run it once more after."""
    place.restore()
    return strike(scenario, place, words, good, case, [fault_of(case)], again)


def strike(scenario, place, words, good, case, struck, again=True):
    """Run the command in the place as it is, with the faults ``struck``, and judge it."""
    found = Findings(scenario, case)
    place.lab.faults = list(struck)
    began = place.lab.clock.monotonic()
    try:
        ran = place.vibackup(*words)
    except Endless as error:
        found.add("L7", "%s" % error)
        return found.violations
    place.lab.faults = []
    calls = list(place.calls)
    spent = place.lab.clock.monotonic() - began
    found.guard("L7", _check_time, good, struck, spent)
    found.guard("L7", _check_named, ran, case, struck, calls)
    found.guard("L1", _check_words, ran, good)
    found.guard("L6", _check_locks, place)
    found.guard("L3", _check_leftovers, place, ran)
    if not is_done(scenario, ran):
        found.guard("L1", _check_not_in_catalog, place)
        if not is_open(ran):
            found.guard("L2, L5", check_undone, scenario, place, ran)
    if ran.status == 6 or place.ledgers():
        found.guard("L4", fix, place)
    after(scenario, place, words, ran, found, again)
    return found.violations


def after(scenario, place, words, ran, found, again):
    """Check what is there when everything of a run is released: what it says that it did, or nothing of it.

    Where a run could not know what became of its last change, it is all of it or nothing.
    """
    if is_done(scenario, ran):
        found.guard("L1", scenario.whole, place, place.base)
    elif DOUBT in (ran.error or "") and ran.status != 6:  # who runs it once more gets what was asked for
        found.guard("L6", run_again, scenario, place, words)
    elif ran.status == 6:
        all_or_nothing(scenario, place, words, found, again, ran)
    else:
        found.guard("L2, L3, L5", check_undone, scenario, place, ran)
        if again and not found.violations:
            found.guard("L6", run_again, scenario, place, words)


def all_or_nothing(scenario, place, words, found, again, ran=None):
    """Check that a run has done its work, and all of it, or none of it, and that then the next run goes through."""
    undone = difference(scenario, place)
    if undone:
        try:
            if scenario.resumes:
                run_again(scenario, place, words)
            scenario.whole(place, place.base)
        except AssertionError as error:
            found.add("L2, L3, L5", "neither whole (%s) nor as before (%s): %s" % (
                error, undone, ran and ran.errors[-300:]))
        return
    if ran is not None:
        found.guard("L2, L3, L5", scenario.undone, place, ran, place.base)
    if again and not found.violations:
        found.guard("L6", run_again, scenario, place, words)


class Findings(object):
    """The violations of one case."""

    def __init__(self, scenario, case):
        self.scenario, self.case, self.violations = scenario, case, []

    def add(self, law, words):
        """A law is broken."""
        self.violations.append(Violation(self.scenario.name, self.case, law, " ".join(words.split())))

    def guard(self, law, check, *given):
        """Call a check; what it asserts and does not hold is a violation."""
        try:
            check(*given)
        except AssertionError as error:
            self.add(law, "%s" % error or check.__name__)


def is_done(scenario, ran):
    """Tell whether a run says that it is done, be it with leftovers."""
    if scenario.verb == "reconcile":
        return ran.status == 0
    return ran.status in GOOD or (ran.status == 6 and ran.document["error"] is None)


def is_open(ran):
    """Tell whether a run that failed says that what became of its last change is to be seen."""
    return ran.status == 6 or DOUBT in (ran.error or "")


# -- the laws

def _check_time(good, struck, spent):
    """L7: every wait ends."""
    hung = sum(fault.struck for fault in struck if fault.action == "hang")
    assert hung <= MOST_HANGS, "%d calls hung, one after another" % hung
    limit = good.seconds + hung * faults.HANG_SECONDS + WAITS_SECONDS
    assert spent <= limit, "it took %d s of virtual time, and %d s are the most" % (spent, limit)


def _check_named(ran, case, struck, calls):
    """L7: the words of the error name the call that hung, or the step in which it did."""
    if case.fault != "hang" or case.how != ONCE or not struck[0].struck or not ran.document["error"]:
        return
    error = ran.document["error"]
    hung = calls[case.call - 1]
    name = hung.words[0] if hung.method == "run" else hung.method
    told = ran.errors if ran.document["verb"] == "fleet" else error["message"]  # a night's error is a count
    is_named = error["step"] or any(each in told for each in [name] + (ran.steps or STEPS))
    assert is_named, "what hung is not named: %s" % error["message"]


def _check_words(ran, good):
    """L1: the exit status, the document and the words agree; and no bug is behind them."""
    assert ran.status in GOOD + FAILED, "exit status %s: %s" % (ran.status, ran.errors)
    assert "internal error" not in ran.errors and "Traceback" not in ran.errors, ran.errors
    assert ran.document["exit_status"] == ran.status
    if ran.status in GOOD:
        assert ran.document["error"] is None and ran.document["leftovers"] == []
        assert (ran.document["backup"] is not None) == good.has_backup, "no backup in the document"
    else:
        assert ran.document["error"] is not None or ran.status == 6
        assert ran.document["error"] is None or ran.document["backup"] is None, "a backup, and an error"


def _check_not_in_catalog(place):
    """L1: what failed is no backup."""
    assert place.entries() == place.base.entries, "it failed, and the catalog has %s" % place.entries()


def _check_locks(place):
    """L6: no lock is held by a run that is over."""
    assert place.locks() == [], "locks are held: %s" % ", ".join(place.locks())


def _check_leftovers(place, ran):
    """L3: the exit status is 6 if and only if something is left, and all of it is named."""
    named = sorted(left["what"] for left in ran.document["leftovers"])
    assert (ran.status == 6) == (named != []), "exit status %d, and named are: %s" % (ran.status, named)
    if not named and not place.ledgers():
        return
    listed = sorted(left["what"] for left in place.vibackup("reconcile").document["leftovers"])
    assert listed == named, "named are %s, and the ledger has %s" % (named, listed)


def fix(place):
    """L4: one ``reconcile --fix`` leaves nothing behind, and a second one changes nothing."""
    fixed = place.vibackup("reconcile", "--fix")
    assert fixed.status == 0, "reconcile --fix: exit status %d: %s" % (fixed.status, fixed.errors)
    again = place.vibackup("reconcile", "--fix")
    assert again.status == 0 and again.document["released"] == 0, "the second reconcile --fix: %s" % again.errors
    assert place.changes() == [], "the second reconcile --fix changes: %s" % place.changes()
    _check_locks(place)


def check_undone(scenario, place, ran):
    """L2, L5: all is as it was before, but for what was ours and is gone."""
    words = difference(scenario, place)
    assert not words, "not as before (exit status %s: %s): %s" % (ran.status, ran.errors[-300:], words)
    scenario.undone(place, ran, place.base)


def difference(scenario, place):
    """Return in words what is not as it was before, or ""."""
    return place.base.but_for_content(scenario.content).difference(place.now().but_for_content(scenario.content))


def run_again(scenario, place, words):
    """L6: the next run of the same command goes through."""
    ran = place.vibackup(*words)
    assert ran.status in GOOD, "the next run: exit status %d: %s" % (ran.status, ran.errors)
    scenario.whole(place, place.base)
