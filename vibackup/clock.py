"""Time on a real site; a lab has a clock of its own with the same methods."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import threading
import time

from vibackup import compat


def monotonic():
    """Return seconds that never go back, whatever happens to the wall clock."""
    if hasattr(time, "monotonic"):
        return time.monotonic()
    if compat.JYTHON:
        from java.lang import System
        return System.nanoTime() / 1e9
    return os.times()[4] or time.time()  # CPython 2.7; on Windows it has nothing better


class SystemClock(object):
    """The machine's own clock. Everything is in seconds."""

    def monotonic(self):
        """Return seconds that only differences of are meaningful; never goes back."""
        return monotonic()

    def time(self):
        """Return the seconds since 1970."""
        return time.time()

    def sleep(self, seconds):
        """Wait."""
        time.sleep(seconds)

    def call_after(self, seconds, function):
        """Call ``function`` after ``seconds`` on a thread of its own; returns a timer that has ``cancel``."""
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timer.start()
        return timer
