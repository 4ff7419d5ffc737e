"""Virtual time: it passes when somebody waits, and then at once."""
from __future__ import absolute_import, division, print_function, unicode_literals


class Timer(object):
    """A function to be called once at a moment of virtual time, unless cancelled before."""

    def __init__(self, at_ms, function):
        self.at_ms = at_ms
        self.function = function
        self.cancelled = False

    def cancel(self):
        """Do not call the function any more."""
        self.cancelled = True


class LabClock(object):
    """The lab's clock, with the same methods as the product's own system clock (all in seconds)."""

    def __init__(self, lab):
        self._lab = lab
        self.timers = []

    def monotonic(self):
        """Return the seconds since the lab was made; never goes back."""
        self._lab.refresh()
        return self._lab.world.now_ms / 1000.0

    def time(self):
        """Return the manager's wall clock, in seconds since 1970; it may jump."""
        return self._lab.wall_ms() / 1000.0

    def sleep(self, seconds):
        """Let virtual time pass."""
        self._lab.advance(int(seconds * 1000))

    def together(self, functions):
        """Run each of ``functions`` on a thread of its own, one at a time; return when all have ended."""
        self._lab.threads.together(functions)

    def wait_for(self, holds, seconds=None):
        """Wait until ``holds()`` says True, for ``seconds`` at most (None: for ever); returns what it said last."""
        # No wait is shorter than what the clock can tell: in less no time would pass.
        end_ms = None if seconds is None else self._lab.world.now_ms + max(int(seconds * 1000), int(seconds > 0))
        while not holds():
            if end_ms is not None and self._lab.world.now_ms >= end_ms:
                return False
            self._lab.wait(end_ms, holds)
        return True

    def call_after(self, seconds, function):
        """Call ``function`` after ``seconds`` of virtual time; returns the timer, which has ``cancel``."""
        timer = Timer(self._lab.world.now_ms + int(seconds * 1000), function)
        self.timers.append(timer)
        return timer

    def next_timer_ms(self):
        """Return the moment of the next timer, or None."""
        self.timers = [timer for timer in self.timers if not timer.cancelled]
        return min(timer.at_ms for timer in self.timers) if self.timers else None

    def fire(self, now_ms):
        """Call the functions whose moment has come, the earliest first."""
        due = sorted((timer for timer in self.timers if timer.at_ms <= now_ms), key=lambda timer: timer.at_ms)
        for timer in due:
            self.timers.remove(timer)
            if not timer.cancelled:
                timer.function()
