"""One tree of exceptions; each class carries the exit status of a run that it ends.

A message names the object and, where there is one, the next thing to do. It fits on one line.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import compat
from vibackup.masking import mask

DONE = 0
FAILED = 1
USAGE = 2
REFUSED = 3
BUSY = 4
WARNINGS = 5
LEFTOVERS = 6
UNAVAILABLE = 7
INTERRUPTED = 130
TERMINATED = 143


class VibackupError(Exception):
    """The root: something went wrong, and everything of ours was taken back.

    ``outcome`` is the run's in its JSON. ``step`` is the name of the step in which it happened, and ``thing``
    the object that was done to; None outside a step.
    """

    exit_status = FAILED
    outcome = "failed"
    longest = 1500  # characters of a message

    def __init__(self, message):
        self.message = _shortened(mask(message), self.longest)
        Exception.__init__(self, self.message)
        self.step = self.thing = None

    def __str__(self):
        return str(self.message) if compat.PYTHON3 else self.message.encode("utf-8")

    def __unicode__(self):
        return self.message


def _shortened(words, longest):
    """Return ``words``, of too many of them only the ends: the first names the object, the last what to do."""
    if len(words) <= longest:
        return words
    return words[:longest // 2] + "..." + words[-(longest // 2):]


class ApiError(VibackupError):
    """A call to the manager failed. ``cause`` is the manager's own error."""

    def __init__(self, call, cause):
        VibackupError.__init__(self, "%s failed: %s" % (call, compat.message(cause)))
        self.call = call
        self.cause = cause


class ManagerGone(ApiError):
    """A call to the manager failed because the connection to it is lost."""

    exit_status = UNAVAILABLE


class TimedOut(VibackupError):
    """A wait reached its deadline."""


class ServerFailed(VibackupError):
    """A virtual server crashed, or did not boot."""


class GuestError(VibackupError):
    """A command in a guest could not be run, or what it printed makes no sense."""


class AgentFailed(VibackupError):
    """The backup software says that it failed, or its figures say so."""


class ArrayFailed(VibackupError):
    """A storage array's command failed, or the array does not list what it should have, or lists what it should not."""


class NotBlank(VibackupError):
    """A disk that was to be written to holds something; nothing was written."""


class DoesNotBoot(VibackupError):
    """A backup was restored, and the virtual server made of it does not run."""

    outcome = "does not boot"


class CheckFailed(VibackupError):
    """A restored virtual server runs, and the command that was to check it failed."""

    outcome = "check failed"


class SnapshotLost(VibackupError):
    """A snapshot ran out of space, so what was read from it is worth nothing."""


class UsageError(VibackupError):
    """Bad command line, policy or inventory; nothing was touched."""

    exit_status = USAGE
    outcome = "refused"


class Refused(VibackupError):
    """Refused before any change."""

    exit_status = REFUSED
    outcome = "refused"


class NotFound(Refused):
    """No object of that kind has that name."""


class MissingCall(Refused):
    """This manager's API has no such call."""


class Busy(VibackupError):
    """Another run holds the virtual server or the proxy."""

    exit_status = BUSY
    outcome = "busy"


class Leftovers(VibackupError):
    """Something of ours outlived its run. ``names`` says what."""

    exit_status = LEFTOVERS
    outcome = "leftovers"

    def __init__(self, message, names=()):
        VibackupError.__init__(self, message)
        self.names = list(names)


class Unavailable(VibackupError):
    """There is no management API here, or it went away."""

    exit_status = UNAVAILABLE


class Stopped(VibackupError):
    """Stopped by Ctrl-C (130) or TERM (143)."""

    outcome = "stopped"

    def __init__(self, exit_status):
        VibackupError.__init__(
            self, "stopped by %s" % ("Ctrl-C" if exit_status == INTERRUPTED else "TERM or a closed terminal"))
        self.exit_status = exit_status


def renamed(known, now, otherwise, thing="it", so="it is not touched"):
    """Return the Refused for a thing that we knew by the name ``known`` and that is called ``now``: it may be another.

    otherwise: what else can be done than to call it so again. thing, so: what it is, and what becomes of it.
    """
    return Refused("somebody has renamed %s to %s, so %s: call it %s again, %s" % (thing, now, so, known, otherwise))


class BadArchive(VibackupError):
    """A file of an archive is not what the manifest says."""


class BadImage(VibackupError):
    """A file is no good VHD, or a disk cannot be one."""

    exit_status = FAILED
