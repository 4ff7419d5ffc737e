"""How numbers, moments, ages and outcomes are said: the same in the report's text, page and mail, and in monitoring.

Moments are seconds since 1970, lengths seconds; ``report``, ``server`` and ``night`` are of ``morning.report``.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import calendar
import time

from vibackup import compat
from vibackup.report import duration

# Of servers whose backups stay for good, with how many each has.
NEVER_PRUNED = "no section has them, so their backups stay (fleet --dry-run says how to remove them)"

_DAYS_FROM = 2 * 86400  # seconds, from which on an age is said in days

# What each list of the report is about, the worst first, as a heading. One server is in the first that it fits.
HEADINGS = (
    ("no_good_backup", "No good backup within RPO"), ("failed", "Failed, an earlier backup is good"),
    ("stopped", "Stopped, an earlier backup is good"), ("never_tried", "Never tried, an earlier backup is good"),
    ("skipped", "Skipped, an earlier backup is good"), ("found_bad", "Backups that do not restore"),
    ("restore_too_slow", "Restore takes longer than RTO"), ("warning", "Backed up with warnings"))
_ALWAYS = ("found_bad", "restore_too_slow")  # they are about something else than the last night


def wanting_a_look(report):
    """Return ``(key, heading, places)`` for each list of the report that has servers, each of them once."""
    found, said = [], set()
    for key, heading in HEADINGS:
        places = [place for place in report["lists"][key] if key in _ALWAYS or place not in said]
        said.update(places)
        found += [(key, heading, places)] if places else []
    return found


def count(number, one, many=None):
    """Return so many things in words: ``1 server``, ``2 servers``; many: the plural that takes more than an s."""
    return "%d %s" % (number, one if number == 1 else many or one + "s")


def age(seconds):
    """Return how long ago something was, or how long a time is: ``3 h 05 min``, ``4.2 days``."""
    return "%.1f days" % (seconds / 86400) if seconds >= _DAYS_FROM else duration(seconds)


def moment(seconds, form="%Y-%m-%d %H:%M"):
    """Return a moment by the local clock."""
    return compat.text(time.strftime(str(form), time.localtime(seconds)))


def offset(seconds):
    """Return how many seconds the local clock is ahead of UTC at a moment."""
    return calendar.timegm(time.localtime(seconds)) - int(seconds)


def zone(seconds):
    """Return the same in words: ``+01:00``."""
    minutes = offset(seconds) // 60
    return "%s%02d:%02d" % (("-" if minutes < 0 else "+",) + divmod(abs(minutes), 60))


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def mail_date(seconds):
    """Return a moment as a mail has it, whatever language the system speaks."""
    local = time.localtime(seconds)
    return "%s, %d %s %s %s" % (_WEEKDAYS[local.tm_wday], local.tm_mday, _MONTHS[local.tm_mon - 1],
                                moment(seconds, "%Y %H:%M:%S"), zone(seconds).replace(":", ""))


def last_good(server):
    """Return when a server's last good backup was, in words."""
    return "never" if server["last_good"] is None else "%s ago" % age(server["last_good"]["age"])


def span(night):
    """Return when a night was, in words; one without an end has none."""
    end = moment(night["ended"], "%H:%M") if night["ended"] is not None else "?"
    return "%s to %s" % (moment(night["began"]), end)


def title(night):
    """Return what a night is called: its policy, shard, and manager."""
    shard = " %s" % night["shard"] if night["shard"] else ""
    return "%s%s on %s%s" % (night["name"], shard, night["manager"], " (in a lab)" if night["lab"] else "")


def reasons(places, servers):
    """Return ``(why, [servers])`` of the servers at ``places``, those of one reason together, the most first."""
    found = {}
    for place in places:
        found.setdefault(servers[place]["why"], []).append(servers[place])
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0] or ""))
