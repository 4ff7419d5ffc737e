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
        self._is_closed = False
        self._stopped = None  # when the stop was first seen, seconds since 1970

    def is_closed(self):
        """Tell whether the window has closed; once it has, it stays so, also where the wall clock goes back."""
        self._is_closed = self._is_closed or self._closes is not None and self._clock.time() >= self._closes
        return self._is_closed

    def is_stopped(self):
        """Tell whether a stop was asked for before the window closed: that is why the night is over."""
        return bool(self.stop_status()) and (self._closes is None or self._stopped < self._closes)

    def is_over(self):
        """Tell whether nothing new may begin."""
        return bool(self.stop_status()) or self.is_closed()

    def stop_status(self):
        """Return the exit status of a stop that was asked for, or None."""
        status = self._stop_status()
        if status and self._stopped is None:
            self._stopped = self._clock.time()
        return status

    def status_for(self, has_begun):
        """Return the exit status with which what is under way is to stop, or None.

        has_begun: whether it has its grace, as what an agent reads.
        """
        if not self.is_over() or has_begun and not self._is_grace_over():
            return None
        return self.stop_status() or errors.TERMINATED

    def _is_grace_over(self):
        return bool(self.stop_status() and self._is_urgent()) or self._clock.time() >= self.latest()

    def latest(self):
        """Return the moment after which nothing may go on, as far as is known; None for none."""
        ends = [moment + self._grace for moment in (self._closes, self._stopped) if moment is not None]
        return min(ends) if ends else None

    def seconds_to_close(self):
        """Return after how many seconds the window closes, 0 where it has; None for never."""
        return None if self._closes is None else max(0, self._closes - self._clock.time())
