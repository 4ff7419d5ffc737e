"""Time on a real site; a lab has a clock of its own with the same methods."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading
import time

from vibackup import compat


class SystemClock(object):
    """The machine's own clock. Everything is in seconds."""

    def monotonic(self):
        """Return seconds that only differences of are meaningful; never goes back."""
        return compat.monotonic()

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
