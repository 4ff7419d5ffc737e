"""Time on a real site; a lab has a clock of its own with the same methods."""
from __future__ import absolute_import, division, print_function, unicode_literals

import sys
import threading
import time

from vibackup import compat


POLL_SECONDS = 0.05


def _noting(function, found):
    def run():
        """Run it, and note what it raises."""
        try:
            function()
        except BaseException:
            found.append(sys.exc_info()[1])
    return run


def _started(function):
    thread = threading.Thread(target=function)
    thread.daemon = True
    thread.start()
    return thread


def soonest(*seconds):
    """Return the least of lengths of time of which None is for ever, but never less than 0; None where all are."""
    known = [each for each in seconds if each is not None]
    return max(0, min(known)) if known else None


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

    def together(self, functions):
        """Run each of ``functions`` on a thread of its own; return when all have ended.

        Raises what the first of them raised, once all are over.
        """
        found = []
        threads = []
        for function in functions:
            try:
                threads.append(_started(_noting(function, found)))
            except compat.FAULTS as error:  # those that work already must not be left alone
                found.append(error)
                break
        for thread in threads:
            while thread.is_alive():
                thread.join(POLL_SECONDS)  # a join without end would hear of no signal on Python 2
        if found:
            raise found[0]

    def wait_for(self, holds, seconds=None):
        """Wait until ``holds()`` says True, for ``seconds`` at most (None: for ever); returns what it said last.

        It is asked again and again, in a lab on whichever thread, so it only looks.
        """
        end = None if seconds is None else self.monotonic() + seconds
        while not holds():
            if end is not None and self.monotonic() >= end:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def call_after(self, seconds, function):
        """Call ``function`` after ``seconds`` on a thread of its own; returns a timer that has ``cancel``."""
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timer.start()
        return timer
