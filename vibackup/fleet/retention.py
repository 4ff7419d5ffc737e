"""Which backups are kept, by the policy's keep-last, -daily, -weekly, -monthly and -yearly; and a night's pruning.

A day, week (from Monday), month or year keeps its newest backup, and so many of those that have one are kept, in UTC.
That is counted for each disk or folder by itself: backups of one disk alone take no whole one's place. Whatever is to
be kept, no backup goes that has no newer good one of all that it has, see ``prunable``.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import datetime
import time

from vibackup import agents, compat, errors, prunable
from vibackup.flows import prune
from vibackup.masking import mask

KEYS = ("last", "daily", "weekly", "monthly", "yearly")

# What becomes of a backup. entry: of the catalog; kept: whether it stays; why: in words.
Verdict = collections.namedtuple("Verdict", "entry kept why")

# The Verdicts of the backups of the virtual server called ``vs``, the oldest first; known: agents by name.
Planned = collections.namedtuple("Planned", "vs known verdicts")

# A backup that is to go: its entry, and what else a ``prune.Plan`` takes.
_Doom = collections.namedtuple("_Doom", "entry known entries")


def plan(entries, keep, now, site):
    """Return a Verdict for each of ``entries``, in their order.

    entries: all of the catalog for one virtual server, the oldest first. keep: how many by ``KEYS``; where that is none
    of any, all stay. now: seconds since 1970, by the manager's clock; what is newer was made by a clock that was wrong:
    it stays, and counts for nothing. site: a ``prunable.Site``.
    """
    moment = compat.text(time.strftime(str("%Y-%m-%dT%H:%M:%SZ"), time.gmtime(now)))
    good = prunable.countable(entries, site, moment)
    wanted = _wanted(good, keep)
    return [Verdict(entry, kept, why) for entry in entries
            for kept, why in [_judged(entry, good, wanted, moment, site, keep)]]


def _judged(entry, good, wanted, moment, site, keep):
    """Return whether ``entry`` stays, and why."""
    why = prunable.reason_to_leave(entry, site)
    if why is not None:
        return True, why
    if entry.get("protected"):
        return True, "protected"
    if not any(keep.get(key) for key in KEYS):
        return True, "the policy names nothing to keep, so all stays"
    if entry["finished"] > moment:
        return True, "it is of the future, by this clock"
    if entry["id"] in wanted:
        return True, ", ".join(wanted[entry["id"]])
    newer = prunable.successors(entry, good)
    if newer is None:
        return True, "there is no newer good one of all that it has"
    return False, "beyond %s; %s is newer and good" % (_in_words(keep), ", ".join(sorted(set(
        each["id"] for each in newer))))


def _in_words(keep):
    return ", ".join("keep-%s=%d" % (key, keep[key]) for key in KEYS if keep.get(key))


def _wanted(good, keep):
    """Return what of ``good`` the policy wants, as ``{id: [why]}``."""
    wanted = collections.OrderedDict()
    for part in sorted(set(part for entry in good for part in prunable.parts_of(entry))):
        newest_first = [entry for entry in reversed(good) if part in prunable.parts_of(entry)]
        for key in KEYS:
            for entry in _newest_of_each(newest_first, key)[:keep.get(key) or 0]:
                reasons = wanted.setdefault(entry["id"], [])
                if key not in reasons:
                    reasons.append(key)
    return wanted


def _newest_of_each(newest_first, key):
    """Return the newest of each day, week, month or year that has one; of ``last`` all."""
    seen, found = set(), []
    for entry in newest_first:
        bucket = _BUCKETS[key](entry)
        if bucket not in seen:
            seen.add(bucket)
            found.append(entry)
    return found


def _week(entry):
    words = entry["finished"]
    return datetime.date(int(words[:4]), int(words[5:7]), int(words[8:10])).isocalendar()[:2]


_BUCKETS = {"last": lambda entry: entry["id"], "daily": lambda entry: entry["finished"][:10], "weekly": _week,
            "monthly": lambda entry: entry["finished"][:7], "yearly": lambda entry: entry["finished"][:4]}


# -- a night's

def plan_night(manager, pairs, entries, now):
    """Return a Planned for each of ``pairs`` that has backups: what a night's pruning would keep, and remove.

    manager: a ``manager.Manager``. pairs: (name of a virtual server, its ``policy.Section``), one each. entries: all
    of the catalog, the oldest first. now: seconds since 1970. Changes nothing. Raises UsageError where a section's
    ``agents`` file is wrong.
    """
    by_server, known, found = collections.defaultdict(list), {}, []
    for entry in entries:
        by_server[entry["vs"]].append(entry)
    for vs, section in pairs:
        if section.agents not in known:
            known[section.agents] = agents.load(section.agents)
        if by_server[vs]:
            site = prunable.site_of(manager, known[section.agents])
            found.append(Planned(vs, site.agents, plan(by_server[vs], section.keep, now, site)))
    return found


def document(planned):
    """Return what goes of a night's pruning for programs: a dict of each backup."""
    return [{"vs": each.vs, "backup": verdict.entry["id"], "finished": verdict.entry["finished"], "why": verdict.why}
            for each in planned for verdict in each.verdicts if not verdict.kept]


def lines(planned):
    """Return a night's pruning in words: a line for each backup that goes, and one for what is left to its agent."""
    found = []
    for each in planned:
        found += ["prune: %(backup)s of %(vs)s, made %(finished)s: %(why)s" % goes for goes in document([each])]
        left = collections.Counter(verdict.why for verdict in each.verdicts if verdict.why.startswith("left to "))
        found += ["%s: %d of its backups %s" % (each.vs, count, why) for why, count in sorted(left.items())]
    return found


def prune_night(start_run, planned, tell=None):
    """Remove what ``planned`` (of ``plan_night``) does not keep; one that cannot be removed stops no other.

    start_run(): returns a new ``run.Run``, which is closed here; it has the ``leftovers`` of all that it has done.
    There is one for each virtual server through which backups are removed: that is held, and if need be started, once
    for all of them; where something is left behind in it, the others stay. tell(result): called after each. Returns the
    results, each ``{"vs", "backup", "why", "outcome", "leftovers"}``: outcome is "ok" (then why is None) or "failed".
    Raises Stopped where a stop was asked for.
    """
    results = []

    def note(result):
        """Keep a result, and tell of it."""
        results.append(result)
        if tell is not None:
            tell(result)
    for doomed in _by_host(planned):
        with start_run() as run:
            _prune_on_one(run, doomed, note)
    return results


def _by_host(planned):
    """Return what is to go as lists of _Dooms, each of what is removed through one proxy, or in one server itself."""
    found = collections.OrderedDict()
    for each in planned:
        entries = [verdict.entry for verdict in each.verdicts]
        for entry in [verdict.entry for verdict in each.verdicts if not verdict.kept]:
            host = (entry.get("proxy"), None if entry.get("proxy") else entry["vs"])
            found.setdefault(host, []).append(_Doom(entry, each.known, entries))
    return list(found.values())


def _prune_on_one(run, doomed, note):
    """Remove all of ``doomed`` by one run; where their host is not to be had, that is why each of them stays."""
    left = list(doomed)
    try:
        with prune.at_hand(run, left[0].entry):
            while left:
                run.check_stop()
                note(_pruned(run, left.pop(0)))
    except errors.Stopped:
        raise
    except compat.FAULTS as fault:
        why = mask(compat.message(fault))
        for each in left:
            note(_result(each.entry, why))


def _pruned(run, doom):
    try:
        if run.leftovers:
            raise errors.Leftovers("%s was left behind before it: release that with: vibackup reconcile --fix" % (
                run.leftovers[0]["what"]))
        prune.prune(run, prune.Plan(run, *doom))
    except errors.Stopped:
        raise
    except compat.FAULTS as error:
        return _result(doom.entry, mask(compat.message(error)))
    return _result(doom.entry, run.leftovers[0]["reason"] if run.leftovers else None, list(run.leftovers))


def _result(entry, why, leftovers=()):
    return {"vs": entry["vs"], "backup": entry["id"], "why": why, "outcome": "ok" if why is None else "failed",
            "leftovers": list(leftovers)}
