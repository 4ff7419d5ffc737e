# -*- coding: utf-8 -*-
"""Two command lines that run in one lab, in threads of which one works at a time: until a point that a test chooses.

A *point* is a call of the management API, a command in a guest, and each look at or change of a lock or of the ledger.
Nothing is left to chance, and nobody sleeps.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import sys
import threading

from fakes import dispatch
from tests.flows import helpers
from tests.flows.helpers import Call, Ran, compat
from vibackup import cli, locks, state

WAIT_SECONDS = 120  # a thread that goes on longer hangs

_FILES = ((locks, "holder"), (state, "append_line"), (state, "read_lines"), (state, "write_json"))


class Runner(threading.Thread):
    """One command line. It works only between ``go_on`` and the point that was given there, or its end."""

    def __init__(self, words):
        threading.Thread.__init__(self)
        self.daemon = True
        self._words = words
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._until = None
        self.output, self.errors = helpers._Sink(), helpers._Sink()
        self.points = 0
        self.changes = []  # the moments of its changes of the manager, by Turns.moment
        self.ended = False
        self.status = None

    def run(self):
        self._go.acquire()
        try:
            self.status = cli.main(self._words[0], ["vibackup", "--lab", "--json"] + [
                helpers._argument(word) for word in self._words[1:]])
        finally:
            self.ended = True
            self._stopped.release()

    def go_on(self, until=None):
        """Let it work until its point ``until`` (from 1), or to its end."""
        if self.ended or (until is not None and self.points >= until):
            return
        self._until = until
        self._go.release()
        _acquire(self._stopped)

    def point(self):
        """Called by the thread itself: stop here, if this is the point."""
        self.points += 1
        if self.points == self._until:
            self._stopped.release()
            self._go.acquire()

    def ran(self):
        """Return how it ended."""
        self.join(WAIT_SECONDS)
        return Ran(self.status, self.output.words(), self.errors.words())


def _acquire(semaphore):
    """Acquire, and say so where the other thread hangs; Python 2 has no time-out for this."""
    if compat.PYTHON3:
        assert semaphore.acquire(timeout=WAIT_SECONDS), "a runner hangs"
    else:
        semaphore.acquire()


class Turns(object):
    """What two runners in the lab of ``stage`` do to it, call by call."""

    def __init__(self, stage):
        self.stage = stage
        self.moment = 0
        self.held = {}

    def play(self, one, other, first, second=None):
        """Run the command line ``one`` to its point ``first``, ``other`` to ``second``, then each to its end.

        Returns both Runners. Checks on the way that nothing is changed by one that holds no lock, and that no lock is
        held by both.
        """
        self.held = {}
        runners = [Runner(words) for words in (one, other)]
        for runner in runners:
            runner.start()
        runners[0].go_on(first)
        runners[1].go_on(second)
        for runner in runners:
            runner.go_on()
        for runner in runners:
            runner.join(WAIT_SECONDS)
            assert not runner.is_alive()
        return runners

    @contextlib.contextmanager
    def installed(self):
        """Have every point of a Runner be noticed while the body runs."""
        before = [(thing, name, getattr(thing, name)) for thing, name in
                  _FILES + ((locks, "take"), (locks, "drop"), (dispatch, "call"))]
        streams, run = (sys.stdout, sys.stderr), self.stage.lab.guests.run
        for thing, name in _FILES:
            setattr(thing, name, _at_a_point(getattr(thing, name)))
        locks.take, locks.drop = self._taking(locks.take), self._dropping(locks.drop)
        dispatch.call = self._calling(dispatch.call)
        self.stage.lab.guests.run = _at_a_point(run)
        sys.stdout, sys.stderr = _OfThread("output", streams[0]), _OfThread("errors", streams[1])
        try:
            yield self
        finally:
            for thing, name, function in before:
                setattr(thing, name, function)
            self.stage.lab.guests.run = run
            sys.stdout, sys.stderr = streams

    def _taking(self, take):
        def taken(folder, owner):
            runner = _point()
            holder = take(folder, owner)
            if runner is not None and holder is None:
                assert folder not in self.held, "one lock is held by both"
                self.held[folder] = runner
            return holder
        return taken

    def _dropping(self, drop):
        def dropped(folder, owner):
            runner = _point()
            if runner is not None and self.held.get(folder) is runner:
                del self.held[folder]
            return drop(folder, owner)
        return dropped

    def _calling(self, call):
        def called(lab, handle, operation, arguments):
            runner = _point()
            if runner is not None:
                made = Call(handle._kind.name, "", operation.name, arguments)
                if made.changes:
                    assert runner in self.held.values(), "a change without a lock: %r" % made
                    self.moment += 1
                    runner.changes.append(self.moment)
            return call(lab, handle, operation, arguments)
        return called


def _at_a_point(function):
    def noticed(*arguments, **options):
        _point()
        return function(*arguments, **options)
    return noticed


def _point():
    """Stop the Runner that this thread is, if this is its point; returns it, or None where this thread is none."""
    thread = threading.current_thread()
    if not isinstance(thread, Runner):
        return None
    thread.point()
    return thread


class _OfThread(object):
    """A stream that writes to the one of the Runner that this thread is."""

    def __init__(self, name, otherwise):
        self._name = name
        self._otherwise = otherwise

    def __getattr__(self, name):
        return getattr(getattr(threading.current_thread(), self._name, self._otherwise), name)
