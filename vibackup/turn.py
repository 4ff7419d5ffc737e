"""Taking turns: what only one thread at a time may do, waited for by the site's own clock."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import threading


class Turn(object):
    """A lock that a thread may take more than once, and that lets a lab's virtual time pass for who waits for it."""

    def __init__(self, clock):
        self._clock = clock
        self._lock = threading.RLock()
        self._holder = None
        self._depth = 0

    @contextlib.contextmanager
    def taken(self):
        """Have the body done by this thread alone."""
        while not self._lock.acquire(False):
            self._clock.wait_for(lambda: self._holder is None)
        self._holder = threading.current_thread()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._holder = None
            self._lock.release()
