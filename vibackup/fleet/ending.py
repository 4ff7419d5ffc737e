"""When a night ends: nothing new begins once its window closes or a stop is asked for; what agents read has its grace.

What is only being prepared then, a batch that its proxy does not show yet, ends at once: it would be for nothing.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import errors


class Ending(object):
    """Knows whether a night is over.

    clock: a clock, see ``manager``. closes: when the window does, seconds since 1970, or None. grace: seconds.
    stop_status(): the exit status of a stop that was asked for, or None. is_urgent(): whether it was asked for again.
    """

    def __init__(self, clock, closes, grace, stop_status, is_urgent):
        self._clock, self._closes, self._grace = clock, closes, grace
        self._stop_status, self._is_urgent = stop_status, is_urgent
        self._stopped = None  # the moment of the clock at which the stop was first seen

    def is_closed(self):
        """Tell whether the window has closed."""
        return self._closes is not None and self._clock.time() >= self._closes

    def is_over(self):
        """Tell whether nothing new may begin."""
        return bool(self.stop_status()) or self.is_closed()

    def stop_status(self):
        """Return the exit status of a stop that was asked for, or None."""
        status = self._stop_status()
        if status and self._stopped is None:
            self._stopped = self._clock.monotonic()
        return status

    def status(self, is_read):
        """Return the exit status with which what is under way is to stop, or None.

        is_read: whether an agent reads it, so that it has its grace.
        """
        if not self.is_over() or is_read and not self._is_grace_over():
            return None
        return self.stop_status() or errors.TERMINATED

    def _is_grace_over(self):
        closed = self._closes is not None and self._clock.time() >= self._closes + self._grace
        stopped = self._stopped is not None and (
            self._is_urgent() or self._clock.monotonic() >= self._stopped + self._grace)
        return closed or stopped

    def seconds_to_close(self):
        """Return after how many seconds the window closes, 0 where it has; None for never."""
        return None if self._closes is None else max(0, self._closes - self._clock.time())
