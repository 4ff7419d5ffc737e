# -*- coding: utf-8 -*-
"""Ledger, locks and reconcile beside a plain model of them, through runs that end, crash and meet each other.

L4: what a crash leaves is named until it is released, and then no more; L6: two living runs never hold one thing.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import shutil
import socket
import tempfile

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests import labs
from vibackup import compat, errors, ledger, locks, site
from vibackup.flows import reconcile
from vibackup.run import Run

THINGS = ["vs-90001", "vs-90002", "vs-90003"]  # which no lab has: what was left on them needs no more than a line
KINDS = [ledger.SNAPSHOT, ledger.POWER]

_pick = st.integers(0, 20)
_thing = st.sampled_from(THINGS)


class Processes(object):
    """The processes of a machine that is only played: which live, and when they began."""

    def __init__(self):
        self.living = {}
        self._count = 0

    def start(self, pid):
        """Start a process; its id may have been another's."""
        self._count += 1
        self.living[pid] = "boot/%d" % self._count
        return {"host": compat.text(socket.gethostname()), "pid": pid, "started": self.living[pid]}


class PlainRun(object):
    """A run in the model: ``holds`` and ``open``, by number ``(kind, facts, whether it is kept)``.

    ``lines``: what was open after each line of its file, so that the last one can be lost.
    """

    def __init__(self, book, pid):
        self.book, self.pid = book, pid
        self.holds, self.open = set(), {}
        self.lines = [{}]
        self.over = False

    def wrote(self):
        self.lines.append(dict((number, (kind, dict(facts), kept))
                               for number, (kind, facts, kept) in self.open.items()))


class Ledgers(RuleBasedStateMachine):
    """Does the same to the real ledger and to the model: ``runs`` by id."""

    def __init__(self):
        RuleBasedStateMachine.__init__(self)
        self.folder = compat.text(tempfile.mkdtemp())
        os.chmod(compat.native(self.folder), 0o700)
        self.lab = labs.make_lab()
        self.processes = Processes()
        self._real = locks.this_process, locks.started
        locks.started = self.processes.living.get
        self.runs = {}
        self.count = 0
        self.observer = self.new_book("observer", 1)

    def teardown(self):
        locks.this_process, locks.started = self._real
        labs.close_all()
        shutil.rmtree(compat.native(self.folder), ignore_errors=True)

    def new_book(self, name, pid):
        """Return the Ledger of a new process."""
        me = self.processes.start(pid)
        locks.this_process = lambda: dict(me)
        return ledger.Ledger(self.folder, name, "test")

    # -- to choose from

    def living(self, wanted=lambda run: True):
        return [run for _name, run in sorted(self.runs.items()) if not run.over and wanted(run)]

    def one(self, pick, wanted=lambda run: True):
        found = self.living(wanted)
        return found[pick % len(found)] if found else None

    def number(self, run, pick):
        numbers = sorted(number for number, each in run.open.items() if not each[2])
        return numbers[pick % len(numbers)] if numbers else None

    # -- runs

    @precondition(lambda self: len(self.living()) < 3)
    @rule(again=st.booleans(), thing=_thing, despite=st.booleans())
    def start(self, again, thing, despite):
        """Perhaps with the process id of one that is dead; it takes something at once."""
        dead = [run.pid for _name, run in sorted(self.runs.items()) if run.pid not in self.processes.living]
        self.count += 1
        name = "run-%03d" % self.count
        pid = dead[-1] if again and dead else 100 + self.count
        self.runs[name] = PlainRun(self.new_book(name, pid), pid)
        self.try_to_take(self.runs[name], thing, despite)

    @rule(pick=_pick, thing=_thing, despite=st.booleans())
    def take(self, pick, thing, despite):
        run = self.one(pick)
        if run is not None:
            self.try_to_take(run, thing, despite)

    def try_to_take(self, run, thing, despite):
        holder = [each for each in self.living() if thing in each.holds]
        left = not despite and any(facts["vs"] == thing for _run, _number, _kind, facts in self.left_over())
        try:
            run.book.take(thing, thing, despite)
        except errors.Busy:
            assert holder
        except errors.Leftovers:
            assert not holder and left
        else:
            assert not holder and not left
            run.holds.add(thing)

    @rule(pick=_pick, thing=_pick, kind=st.sampled_from(KINDS))
    def intend(self, pick, thing, kind):
        run = self.one(pick, lambda run: run.holds)
        if run is not None:
            facts = {"vs": sorted(run.holds)[thing % len(run.holds)], "vs_name": "web01", "name": "n"}
            run.open[run.book.intend(kind, **facts)] = (kind, facts, False)
            run.wrote()

    @rule(pick=_pick, which=_pick, what=st.sampled_from(["made", "released", "keep"]))
    def go_on(self, pick, which, what):
        run = self.one(pick, lambda run: self.number(run, 0) is not None)
        if run is None:
            return
        number = self.number(run, which)
        kind, facts, _kept = run.open[number]
        if what == "made":
            run.book.made(number, snapshot="vs-%d" % which)
            run.open[number] = (kind, dict(facts, snapshot="vs-%d" % which), False)
        elif what == "keep":
            run.book.keep(number)
            run.open[number] = (kind, facts, True)
        else:
            run.book.released(number)
            del run.open[number]
        run.wrote()

    @rule(pick=_pick, goes_on=st.booleans())
    def end(self, pick, goes_on):
        """The run ends; its process does not, where it is a script that goes on with others."""
        run = self.one(pick)
        if run is not None:
            run.book.close()
            run.over = True
            if not goes_on:
                del self.processes.living[run.pid]

    @rule(pick=_pick, torn=st.sampled_from(["no", "no", "begun", "lost"]))
    def crash(self, pick, torn):
        """The process is gone, in the middle of a line or not."""
        run = self.one(pick)
        if run is None:
            return
        del self.processes.living[run.pid]
        run.over = True
        path = os.path.join(compat.native(self.folder), "ledger", [
            name for name, each in self.runs.items() if each is run][0] + ".jsonl")
        if torn == "lost" and os.path.exists(path) and len(run.lines) > 1:
            _cut(path, os.path.getsize(path) - 1)
            run.open = run.lines[-2]
        elif torn == "begun" and os.path.exists(path):
            whole = os.path.getsize(path)
            run.book.intend(ledger.POWER, vs=THINGS[0], vs_name="web01")
            _cut(path, (whole + os.path.getsize(path)) // 2)

    # -- what others do to what is left

    @rule(pick=_pick, which=_pick)
    def release_what_was_kept(self, pick, which):
        """As rollback --discard does; a run's own it never is."""
        run = self.one(pick)
        kept = [intent for kind in KINDS for intent in run.book.kept(kind)] if run is not None else []
        for intent in kept[which % len(kept):][:1] if kept else ():
            run.book.release_of(intent)
            other = self.runs[intent.run]
            del other.open[intent.number]
            if not other.open:
                other.lines = [{}]  # its file is gone
            other.wrote()

    @rule()
    def reconcile(self):
        wanted = len(self.left_over())
        me = self.processes.start(2)
        locks.this_process = lambda: dict(me)
        with Run(site.connect_lab(self.lab), self.folder, "reconcile") as run:
            assert reconcile.reconcile(run) == wanted and run.leftovers == []
            assert reconcile.reconcile(run) == 0
        del self.processes.living[2]
        for other in self.runs.values():
            if other.over:
                other.open = dict((number, each) for number, each in other.open.items() if each[2])

    # -- after each

    def left_over(self):
        """Return what the model says is left of runs that are over: run, number, kind and facts."""
        return [(name, number, kind, facts) for name, run in sorted(self.runs.items()) if run.over
                for number, (kind, facts, kept) in sorted(run.open.items(), reverse=True) if not kept]

    @invariant()
    def are_the_same(self):
        found = self.observer.leftovers()
        assert [(each.run, each.number, each.kind, each.facts) for each in found] == self.left_over()
        assert self.observer.elsewhere() == []
        for wanted in KINDS:
            assert [(each.run, each.number) for each in self.observer.kept(wanted)] == [
                (name, number) for name, run in sorted(self.runs.items())
                for number, (kind, _facts, kept) in sorted(run.open.items(), reverse=True) if kept and kind == wanted]
        for thing in THINGS:
            left = any(facts["vs"] == thing for _run, _number, _kind, facts in self.left_over())
            try:
                self.observer.check_leftovers(thing, thing)
                assert not left
            except errors.Leftovers as error:
                assert left and "reconcile --fix" in error.message
            holders = [run for run in self.living() if thing in run.holds]
            assert len(holders) <= 1

    @invariant()
    def locks_say_who_holds_what(self):
        for thing in THINGS:
            holder = locks.holder(os.path.join(compat.native(self.folder), "locks", thing))
            holders = [name for name, run in self.runs.items() if not run.over and thing in run.holds]
            if holder is None:
                assert holders == []
            elif not locks.is_dead(holder):
                assert holders == [holder["run"]]
            else:
                assert holders == []


def _cut(path, size):
    with open(path, "r+b") as stream:
        stream.truncate(size)


TestLedgers = Ledgers.TestCase
TestLedgers.settings = settings(max_examples=60, stateful_step_count=40)
