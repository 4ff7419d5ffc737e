"""Recovery objectives (the paper's RPO and RTO), held against what the catalog knows. Pure functions of its entries."""
from __future__ import absolute_import, division, print_function, unicode_literals

import calendar
import time

from vibackup.report import duration


def latest(entries, verb, modes):
    """Return the newest of the catalog's ``entries`` made by ``verb`` in one of ``modes``, or None."""
    found = [entry for entry in entries if entry.get("verb") == verb and entry.get("mode") in modes]
    return found[-1] if found else None


def latest_good(entries, disks):
    """Return the newest of ``entries`` that has all of ``disks`` (names) and was never found bad, or None."""
    found = [entry for entry in entries if not is_bad(entry) and _has_all(entry, disks)]
    return found[-1] if found else None


def is_bad(entry):
    """Tell whether a verification has found that the backup does not restore."""
    return entry.get("verified", {}).get("outcome", "ok") != "ok"


def _has_all(entry, disks):
    """Of a backup of files nobody can tell: its agent was told which folders."""
    return entry.get("mode") == "file" or set(disks) <= set(disk["name"] for disk in entry["disks"])


def seconds_of(entry):
    """Return how many seconds a backup took, or None where that is not known."""
    return entry.get("seconds") if entry is not None else None


def age(entry, now):
    """Return how many seconds before ``now`` (since 1970) a backup began: what it has is at least so old."""
    return max(0, now - moment_of(entry) + (seconds_of(entry) or 0))


def moment_of(entry):
    """Return when a backup was finished, in seconds since 1970."""
    return moment(entry["finished"])


def moment(words):
    """Return the seconds since 1970 of a moment as ``Run.now`` gives it."""
    return calendar.timegm(time.strptime(str(words), str("%Y-%m-%dT%H:%M:%SZ")))


def recovery_point(wanted, entry):
    """Hold a technique whose newest backup is ``entry`` (or None) against an RPO of ``wanted`` seconds.

    Returns ``{"met", "why"}``; met is None where nothing is known.
    """
    took = seconds_of(entry)
    if took is None:
        return _verdict(None, "not known: the catalog has no such backup yet, to say how long one takes")
    if took >= wanted:
        return _verdict(False, "the last one took %s, which is longer" % duration(took))
    return _verdict(True, "the last one took %s: begin one at least every %s" % (
        duration(took), duration(wanted - took)))


def recovery_time(wanted, entry, measure):
    """Hold the same against an RTO of ``wanted`` seconds; ``measure`` says how the restore of ``entry`` is measured."""
    if entry is None:
        return _verdict(None, "not measured: the catalog has no such backup yet")
    verified = entry.get("verified", {})
    if is_bad(entry):
        return _verdict(False, "the last one (%s) was verified: %s" % (entry["id"], verified["outcome"]))
    took = verified.get("restore_seconds")
    if took is None:
        return _verdict(None, "not measured: %s" % measure)
    return _verdict(took <= wanted, "the restore of %s took %s" % (entry["id"], duration(took)))


def _verdict(met, why):
    return {"met": met, "why": why}
