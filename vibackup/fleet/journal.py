"""What a night of the fleet writes down: one file of sealed JSON lines, from which it is resumed and reported.

Each line is an object with one of these keys, which holds the rest. Moments are seconds since 1970 by the manager's
clock, lengths are seconds; both may be fractions. What nobody knows is null.

``night``    the first line: id, manager (its name), policy (path), name (of the policy), started, opens, closes (the
             window's moments, or null), grace, lab, shard ("2/3" or null), resumes (id of the night that this one
             takes up, or null),
             limits (as in the policy), proxies ([{"name", "node"}]), servers ([{"vs", "section", "node", "bytes"}]
             that are to be backed up), left_out ([{"vs", "section" or null, "why",
             "wanted": by the policy, which cannot have it}]), estimate (seconds)
``reboot``   proxy, node, batch (number), started, seconds, outcome (ok, failed), why (null where ok)
``backup``   one try of one server, over: vs, section, proxy (null: none), node (the server's), agent_node (where the
             agent ran), groups (names of its disk groups), agent_server, attempt (1, 2, ...), batch (number or null),
             started, seconds (of the agent alone), outcome (ok, warning, failed, stopped), backup (its id or null),
             bytes (of its disks, or null), why (null where ok or warning), warnings (list of text),
             leftovers (list of {"run", "what", "reason"})
``skipped``  a server that was planned and never tried: vs, section, why
``pruned``   a backup that retention removed: backup, vs; or could not: why
``ended``    the last line: at, outcome (ok, warning, failed, stopped), exit_status. A night without it was cut short.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from vibackup import compat, errors, records, state
from vibackup.names import safe_name

FOLDER = "fleet"
KINDS = ("night", "reboot", "backup", "skipped", "pruned", "ended")


class Journal(object):
    """The journal of the night ``identity`` in the state folder ``folder``, as it is written."""

    def __init__(self, folder, identity):
        self._path = os.path.join(state.folder(folder, FOLDER), safe_name(identity) + ".jsonl")

    def write(self, kind, **facts):
        """Add a record of ``kind``, one of KINDS; it is on the disk when this returns."""
        state.append_line(self._path, {kind: facts})


class Night(object):
    """A night as its journal tells it: ``facts`` of its first line, and lists of the facts of the others by kind."""

    def __init__(self, lines):
        self._lines = lines
        self.facts = lines[0]["night"]

    def of(self, kind):
        """Return the facts of the records of ``kind``, in order."""
        return [line[kind] for line in self._lines if kind in line]

    @property
    def id(self):
        """The night's id, by which it is resumed."""
        return self.facts["id"]

    @property
    def end(self):
        """The facts of its last line, or None where it was cut short."""
        return (self.of("ended") or [None])[-1]

    def last_tries(self):
        """Return the facts of each server's last backup record by name."""
        return dict((facts["vs"], facts) for facts in self.of("backup"))


def nights(folder):
    """Return all Nights in the state folder ``folder``, the oldest first; raise UsageError for a damaged one."""
    found = [read(path) for path in paths(folder)]
    return sorted((night for night in found if night is not None), key=lambda night: night.facts["started"])


def paths(folder):
    """Return the paths of the journals in the state folder ``folder``, in the order of their ids."""
    where = os.path.join(compat.native(folder), FOLDER)
    names = sorted(os.listdir(where)) if os.path.isdir(where) else []
    return [os.path.join(where, name) for name in names if name.endswith(str(".jsonl"))]


def read(path):
    """Return the Night in a file, or None where it was killed before its first line was whole; raise UsageError."""
    lines = state.read_lines(path)
    return Night(lines) if _is_night(lines[:1], path) else None


def first_facts(path):
    """Return what the first line of a file says of its night, or None where it is not whole; raise UsageError."""
    first = state.read(path).partition(b"\n")
    if not first[1]:
        return None
    try:
        lines = [records.unsealed(first[0])]
    except ValueError:
        raise errors.UsageError("%s: line 1 is damaged: bring the file back from a copy, or move it away" % (
            compat.text(path)))
    return lines[0]["night"] if _is_night(lines, path) else None


def _is_night(lines, path):
    if lines and "night" not in lines[0]:
        raise errors.UsageError("%s: not a journal that vibackup wrote; move it away" % compat.text(path))
    return bool(lines)
