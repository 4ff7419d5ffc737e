"""Hold an application still for the moment of the snapshot: freeze, and thaw whatever happens."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import threading

from vibackup import checks, compat, errors, events, ledger, masking, steps, tables
from vibackup import manager as api
from vibackup.guest import CONNECTION_LOST, Command, failure

FREEZE_SECONDS = 60
THAW_SECONDS = 60
THAW_TRIES = 3
KILLED = 128  # from here on an exit status says that a signal ended the program, which may have done its work


def words(line, option):
    """Return the command line given with ``option`` as a list of words; raise UsageError where it is none."""
    try:
        found = compat.split_words(line)
    except ValueError as error:
        raise errors.UsageError("%s=%s: %s" % (option, line, compat.message(error)))
    if not found:
        raise errors.UsageError("%s: give a command" % option)
    if masking.secret_in_command(found):
        raise errors.UsageError("%s: %s" % (option, tables.SECRET))
    return found


def guest_of(run, server):
    """Return the guest of ``server`` (a ``steps.Server``) that is to be frozen; None, said so, where it does not run.

    What does not run has nothing to hold still. Raises Refused where the guest does not answer.
    """
    if events.state_of(run.manager, server.handle) != api.RUNNING:
        run.warn("%s does not run, so it is not frozen" % server.name)
        return None
    guest = steps.guest_of(run, server)
    checks.answers(guest)
    return guest


def around_snapshot(run, server, guest, freeze, thaw):
    """Return the context manager in which to take the snapshot of ``server``; ``guest``: what ``guest_of`` returned."""
    return not_quiesced() if guest is None else quiesced(run, server, guest, freeze, thaw)


def lines_around(server, guest, lines):
    """Return ``lines`` of a plan, with those of ``around_snapshot`` around them."""
    if guest is None:
        return lines
    return ["freeze: %s" % server.name] + lines + ["thaw: %s" % server.name]


@contextlib.contextmanager
def quiesced(run, server, guest, freeze, thaw):
    """Run ``freeze`` in ``guest``, the guest of ``server``, then the body, then ``thaw``; both are lists of words.

    The thaw runs whatever happens, and no later than a minute after the freeze: a timer sees to it
    where the body hangs, and then the body's result is not consistent and GuestError is raised. That
    the server is frozen is in the ledger; one that cannot be thawed is a leftover, and GuestError.
    """
    run.check_stop()
    thawing = _Thaw(run, guest, thaw)
    number = run.ledger.intend(ledger.FREEZE, vs=server.id, vs_name=server.name, command=thaw)
    timer = run.manager.clock.call_after(FREEZE_SECONDS, thawing.by_timer)
    frozen = True  # until its freeze is known to have failed
    try:
        with run.step("freeze", guest.name):
            completed = guest.command(Command(freeze, None, None), FREEZE_SECONDS)
            frozen = completed.status in (0,) + CONNECTION_LOST or completed.status >= KILLED
            if completed.status != 0:
                run.check_stop()
                raise errors.GuestError("%s: %s: %s" % (guest.name, freeze[0], failure(completed)))
        yield
    finally:
        timer.cancel()
        run.release(number, lambda: thawing.at_the_end(frozen))
    if run.ledger.is_open(number):
        raise errors.GuestError("%s is still frozen: %s; thaw it by hand" % (guest.name, thawing.why))
    if thawing.too_early:
        raise errors.GuestError("%s was thawed after %d seconds, before its snapshot was complete" % (
            guest.name, FREEZE_SECONDS))


class _Thaw(object):
    """Thaws once, by the timer or at the end, whichever comes first."""

    def __init__(self, run, guest, command):
        self._run = run
        self._guest = guest
        self._command = Command(command, None, None)
        self._lock = threading.Lock()
        self._done = False
        self.too_early = False
        self.why = None

    def by_timer(self):
        with self._lock:
            if not self._done:
                self.too_early = True
                self._done = self._try() is None

    def at_the_end(self, frozen):
        """Thaw, unless that is done; where the freeze itself failed, its error is the one to tell."""
        with self._lock:
            if self._done:
                return
            with self._run.step("thaw", self._guest.name) as record:
                self.why = record["detail"] = self._try()
                self._done = self.why is None
                if not self._done and frozen:
                    raise errors.GuestError(self.why)
                if not self._done:
                    self._run.warn("%s: its freeze failed, and so did its thaw: %s" % (self._guest.name, self.why))

    def _try(self):
        """Run the command, a few times if need be; returns None, or why it failed."""
        why = None
        for _number in range(THAW_TRIES):
            try:
                completed = self._guest.command(self._command, THAW_SECONDS)
            except compat.FAULTS as error:
                why = compat.message(error)
                continue
            if completed.status == 0:
                return None
            why = failure(completed)
        return why


def thaw(run, guest, command):
    """Thaw a server that a run left frozen; raise GuestError where its guest does not take the command.

    A command that is run and fails is what a server gives that is not frozen any more: a warning, for a
    person to look.
    """
    with run.step("thaw", guest.name):
        completed = guest.command(Command(command, None, None), THAW_SECONDS)
        if completed.status in CONNECTION_LOST:
            raise errors.GuestError("%s may still be frozen: %s; thaw it by hand" % (guest.name, failure(completed)))
        if completed.status != 0:
            run.warn("%s: its thaw failed: %s; make sure that it is not frozen" % (guest.name, failure(completed)))


@contextlib.contextmanager
def not_quiesced():
    """Where no freeze was asked for."""
    yield
