"""Which backups may be removed at all, whatever a policy wants to keep. Pure functions of the catalog's entries."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import re

from vibackup import backup, compat, objectives

VERBS = ("proxy-backup", "agent-backup")
MODES = (backup.IMAGE, backup.FILE)

# Whose backups may be removed: those made with the manager of that name, in a lab or not. agents: the ``agents.Agent``
# objects by name, with which it is done.
Site = collections.namedtuple("Site", "manager lab agents")

_RUN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}\Z")  # as ``run.new_id`` makes them
_FINISHED = len("2008-06-01T00:00:00Z")  # of that form, moments are in the order of their text


def site_of(manager, known):
    """Return the Site of a ``manager.Manager``; known: the agents by name."""
    return Site(manager.name, manager.lab is not None, known)


def reason_to_leave(entry, site):
    """Return in words why the backup ``entry`` is not for us to remove, or None."""
    if entry.get("verb") not in VERBS or entry.get("mode") not in MODES:
        return "not ours to prune: %s (mode %s) made it" % (entry.get("verb"), entry.get("mode"))
    if entry.get("lab", False) != site.lab or entry.get("manager") != site.manager:
        return "not ours to prune: it was made with another manager, %s" % entry.get("manager")
    if not _is_of_a_run(entry):
        return "not ours to prune: its id or its moment is none that vibackup writes"
    if entry["agent"] not in site.agents:
        return "not ours to prune: its agent %s is not known here" % entry["agent"]
    if not site.agents[entry["agent"]].removes(entry["mode"]):
        return "left to %s: its own server decides how long it is kept" % entry["agent"]
    return None


def _is_of_a_run(entry):
    """Tell whether the id is its run's, with the number of the backup in that run from the second on."""
    identity, run = entry["id"], entry.get("run", "")
    return bool(_RUN.match(run) and re.match(re.escape(run) + r"(-[0-9]+)?\Z", identity)
                and len(entry["finished"]) == _FINISHED)


def is_of_part(identity, entry):
    """Tell whether ``identity`` is the id that a part of the backup ``entry`` of files has with its agent."""
    return isinstance(identity, compat.text_type) and bool(
        re.match(re.escape(entry["id"]) + r"\.[0-9]+\Z", identity))


def parts_of(entry):
    """Return what a backup has, as a set of (mode, name of a disk or folder): an image stands for no files."""
    return set((entry.get("mode"), disk["name"]) for disk in entry["disks"])


def successors(entry, good):
    """Return of ``good`` the entries that make ``entry`` dispensable, or None where it is not.

    good: good backups of the same server, the oldest first. For each disk or folder that ``entry`` has, one that is
    newer has it too: so neither the newest good one is dispensable, nor the last good one of any disk.
    """
    found = []
    for part in sorted(parts_of(entry)):
        newest = next((each for each in reversed(good) if part in parts_of(each)), None)
        if newest is None or newest["finished"] <= entry["finished"]:
            return None
        found.append(newest)
    return found or None


def countable(entries, site, now):
    """Return of ``entries`` those that can stand in for another: ours, never found bad, and not of the future.

    now: the moment, as ``Run.now`` gives it: an entry after it was made by a clock that was wrong. What an agent's
    own server keeps may be gone by now, and counts for nothing.
    """
    return [entry for entry in entries if entry["finished"] <= now and not objectives.is_bad(entry)
            and reason_to_leave(entry, site) is None]
