"""What can go wrong with a call: where, when and how."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re
import signal

from java.lang import RuntimeException
from java.net import ConnectException

import fakes
from vibackup import errors

PHASES = ("before", "after")
ACTIONS = ("throw", "hang", "lose", "crash")
HANG_SECONDS = 3600  # then the network gives up


if fakes.JAVA_API:
    from com.virtualiron.vce.mgmt.api import ManagementException
    ConnectionLost = ConnectException  # which no call declares: a script gets it in an UndeclaredThrowableException
else:
    class ManagementException(RuntimeException):
        """What the manager throws: a real ``java.lang.Throwable`` on Jython."""

    class ConnectionLost(ConnectException):
        """What a call throws that never got an answer: again a real class of Java's on Jython."""


class Fault(object):
    """One thing that goes wrong: at call ``number``, or at every call of ``method`` (on the object called ``name``).

    ``phase``: before the call, or after it took effect. ``action``: throw; hang (for an hour of
    virtual time, then throw); lose the events that the call publishes; crash the process.
    ``times`` is how often it strikes (None: always), and ``struck`` how often it has. With ``first`` it strikes no
    call before that number, and without a ``method`` every call from there on: the manager has gone away.
    """

    def __init__(self, phase, action, number=None, method=None, name=None, times=1, first=0):
        self.phase = phase
        self.action = action
        self.number = number
        self.method = method
        self.name = name
        self.times = times
        self.first = first
        self.struck = 0

    def matches(self, number, method, name):
        """Tell whether this fault strikes the call."""
        if self.times == 0 or number < self.first:
            return False
        if self.number is not None:
            return self.number == number
        return (self.method == method or (self.method is None and self.first > 0)) and self.name in (None, name)

    def used(self):
        """Count one strike."""
        self.struck += 1
        if self.times:
            self.times -= 1


def parse(words):
    """Return the fault that ``N:before|after:throw|hang|lose|crash`` describes, or raise UsageError."""
    parts = words.split(":")
    if len(parts) != 3 or not re.match(r"0*[1-9][0-9]{0,17}\Z", parts[0]) \
            or parts[1] not in PHASES or parts[2] not in ACTIONS:
        raise errors.UsageError(
            "--lab-fault=%s: give N:before|after:throw|hang|lose|crash, as in 12:after:throw" % words)
    return Fault(parts[1], parts[2], number=int(parts[0]))


def strike(lab, fault, call):
    """Let ``fault`` happen to ``call`` (its name); events are lost by the caller, which knows them."""
    if fault.action == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.action == "hang":
        lab.clock.sleep(HANG_SECONDS)
        raise ConnectionLost("%s did not answer for %d seconds: connection lost" % (call, HANG_SECONDS))
    if fault.action == "throw":
        raise ManagementException("%s: injected fault %s the call" % (call, fault.phase))
