"""The window of a night: between which moments backups may start, by the local clock of the machine.

Moments are seconds since 1970. Of the system's time zone only ``time.localtime`` is asked, which every interpreter
and every system has. In the nights when the clock is changed a window has the hours that the clock on the wall
shows: one from 22:00 to 05:00 is then six or eight hours long.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import calendar
import collections
import time

DAY = 86400  # seconds
MINUTES = 1440  # of a day
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONDAY = 4  # the first Monday after 1970-01-01, as a day's number
_FAR = 15 * 3600  # seconds that no time zone is away from UTC


class Window(collections.namedtuple("Window", "opens closes days")):
    """``opens`` and ``closes`` are minutes of the day; a window that closes no later than it opens spans midnight.

    ``days``: those on which it opens, as numbers from 0, which is Monday.
    """

    __slots__ = ()

    def around(self, moment):
        """Return ``(opens, closes)``, moments, of the window that ``moment`` is in, or None; closes is not in it."""
        today = _day_of(moment)
        for day in (today - 1, today):
            if self._is_day(day):
                opens, closes = self._on(day)
                if opens <= moment < closes:
                    return opens, closes
        return None

    def next_after(self, moment):
        """Return the same of the first window that opens after ``moment``."""
        today = _day_of(moment)
        later = [self._on(day) for day in range(today - 1, today + 9) if self._is_day(day)]
        return min(each for each in later if each[0] > moment)

    def __str__(self):
        days = " ".join(NAMES[day] for day in self.days)
        return str("%s-%s on %s" % (_clock(self.opens), _clock(self.closes), days))

    def _is_day(self, day):
        return (day - _MONDAY) % 7 in self.days

    def _on(self, day):
        """Return when the window of that day opens and closes; one that the clock leaps over opens after the leap."""
        minutes = self.closes - self.opens + (MINUTES if self.closes <= self.opens else 0)
        opens, closes = _moment(day, self.opens), _moment(day, self.opens + minutes)
        return opens, (closes if closes > opens else opens + 60 * minutes)


def _clock(minutes):
    return "%02d:%02d" % divmod(minutes, 60)


def _on_the_wall(moment):
    """Return what the local clock shows at ``moment``, as the seconds since 1970 of a clock that showed it in UTC."""
    return calendar.timegm(time.localtime(moment))


def _day_of(moment):
    return _on_the_wall(moment) // DAY


def _moment(day, minutes):
    """Return the first moment at which the local clock shows so many ``minutes`` of the day of that number.

    Where it leaps over them, that many minutes after what it showed before: as if it had leapt later.
    """
    shown = day * DAY + 60 * minutes
    before, after = [_on_the_wall(probe) - probe for probe in (shown - _FAR, shown + _FAR)]
    exact = [shown - offset for offset in (before, after) if _on_the_wall(shown - offset) == shown]
    return min(exact) if exact else shown - before
