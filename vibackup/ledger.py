"""The crash-safe record of what runs have made and not yet released, and the locks they hold.

A run has one file of JSON lines. An *intent* is written before a thing is made, *made* when its ids
are known, *released* when it is gone again. What has an intent and no release is, once its run is
over, a leftover; unless it is *kept*: made to outlive its run, until another one releases it.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import os

from vibackup import compat, errors, locks, state
from vibackup.names import safe_name

# The kinds, and the facts that each has. ``vs``, ``proxy`` and ``disk`` are ids, what ends in ``_name`` is for people.
# A command is a list of words; ``commands`` are lists of argv, stdin and stdout. What follows "made:" is known later.
SNAPSHOT = "snapshot"      # of a server: vs, vs_name, name (its own), taken (UTC; of one that is to be kept);
#                            made: snapshot (its id), disks (ids of the devices that it came with)
ATTACHMENT = "attachment"  # disks on a proxy: proxy, proxy_name, disks (ids), names, disk_names (the same for people),
#                            sizes (bytes), before (the places of disks that its guest showed); made: places (of these)
POWER = "power"            # a server that was started: vs, vs_name
STOPPED = "stopped"        # a server that was stopped: vs, vs_name, before (the moment of its last event before that);
#                            made: asked (true: its stop is about to be committed), told (true: it is)
FREEZE = "freeze"          # a server that is held still: vs, vs_name, command (which thaws it)
BACKUP = "backup"          # what an agent has kept so far: proxy, proxy_name (where it runs), vs_name, backup (its id),
#                            commands (which remove it)
DISK = "disk"              # a new disk: vs (stands for its name in locks), name, final_name; made: disk
SERVER = "server"          # a new virtual server: vs (the same), name, final_name; made: server (its id)
OVERWRITE = "overwrite"    # a disk that is written over: vs, vs_name (its server, or itself), disk, disk_name
FILES = "files"            # files that are not whole yet: folder, paths
ARCHIVE = "archive"        # the same of an archive: vs, vs_name, folder, paths, new_folder (whether we make it),
#                            manifest (the path of what makes it whole); made: marks (what tells those of our files
#                            that have their names from others: path to ``state.mark``)
FOLDER = "folder"          # files on their way into a guest: proxy, proxy_name, folder, commands (which remove them)
LUN = "lun"                # an array's snapshot: vs, vs_name, backup (its id), array, lun, tag, list and delete
#                            (commands); made: taken (true: as its command said), listed (true: the array has shown it)

# One thing made and not released. run: the run's id; number: its place in that run; kind: one of the
# above; facts: names and ids, as text. owner: the process that made it. kept: it is to outlive its run.
Intent = collections.namedtuple("Intent", "run number kind facts owner kept")

_SUFFIX = str(".jsonl")


class Ledger(object):
    """The ledger in the state folder ``folder``, as run ``run_id`` (doing ``verb`` with ``manager``) writes it."""

    def __init__(self, folder, run_id, verb, manager=None):
        self._folder = state.folder(folder, "ledger")
        self._locks = state.folder(folder, "locks")
        self._owner = dict(locks.this_process(), token=run_id, run=run_id, verb=verb, manager=manager)
        self._path = os.path.join(self._folder, safe_name(run_id) + _SUFFIX)
        self._open = collections.OrderedDict()
        self._count = 0
        self._keeps = False
        self._held = []

    # -- what we make

    def intend(self, kind, **facts):
        """Record that a thing is about to be made; returns its number, for ``made`` and ``released``."""
        if not os.path.exists(self._path):
            state.append_line(self._path, {"owner": self._owner})
        self._count += 1
        state.append_line(self._path, {"intent": self._count, "kind": kind, "facts": facts})
        self._open[self._count] = (kind, facts)
        return self._count

    def made(self, number, **facts):
        """Record what is known of it since it was made, ids above all."""
        state.append_line(self._path, {"made": number, "facts": facts})
        self._open[number][1].update(facts)

    def released(self, number):
        """Record that it is gone again."""
        state.append_line(self._path, {"released": number})
        del self._open[number]

    def keep(self, number):
        """Record that it is to outlive this run: no leftover, but ours, see ``kept``."""
        state.append_line(self._path, {"kept": number})
        del self._open[number]
        self._keeps = True

    def is_open(self, number):
        """Tell whether an intent of ours is not released yet."""
        return number in self._open

    def facts(self, number):
        """Return the facts of an intent of ours that is still open."""
        return self._open[number][1]

    def kind(self, number):
        """Return the kind of an intent of ours that is still open."""
        return self._open[number][0]

    def open_facts(self, kind):
        """Return the facts of our own open intents of ``kind``."""
        return [facts for each, facts in self._open.values() if each == kind]

    def close(self):
        """End the run's record: with nothing open or kept it goes away, otherwise it stays for later runs."""
        for folder in list(self._held):
            self._drop(folder)
        if not self._open and not self._keeps:
            _remove(self._path)

    # -- what all runs made

    def leftovers(self, but=()):
        """Return the open intents of runs that are over, the newest of each run first.

        but: ids of runs that are known to be under way; their files are not read.
        """
        holding = _Holding(self._locks)
        return self._intents(lambda owner: not holding.is_running(owner), False, but)

    def elsewhere(self):
        """Return the open intents of runs on other hosts that hold a lock: nobody here knows whether they are over."""
        holding = _Holding(self._locks)
        return self._intents(lambda owner: holding.is_running(owner) and locks.is_elsewhere(owner), kept=False)

    def kept(self, kind):
        """Return the intents of ``kind`` that runs before this one have kept, the newest of each run first."""
        return [intent for intent in self._intents(lambda _owner: True, kept=True) if intent.kind == kind]

    def _intents(self, wanted, kept, but=()):
        """Return the open or the ``kept`` intents of all runs but this one, and ``but``, whose owner is ``wanted``."""
        found = []
        for name in sorted(self._names_of_others(but)):
            path = os.path.join(self._folder, name)
            found.extend(intent for intent in _intents_of(path, wanted) if intent.kept == kept)
        return found

    def _names_of_others(self, but):
        """Return the names of the files of all runs but this one, and ``but``."""
        own = os.path.basename(self._path)
        return [name for name in os.listdir(self._folder) if name.endswith(_SUFFIX) and name != own
                and compat.text(name[:-len(_SUFFIX)]) not in but]

    def made_of(self, intent, **facts):
        """Record of a leftover what ``made`` records of an intent of ours."""
        state.append_line(self._path_of(intent), {"made": intent.number, "facts": facts})

    def release_of(self, intent):
        """Record that a leftover, or what was kept, is gone; the last one takes its run's file away."""
        path = self._path_of(intent)
        state.append_line(path, {"released": intent.number})
        if not _open_intents(path):
            _remove(path)

    def _path_of(self, intent):
        return os.path.join(self._folder, safe_name(intent.run) + _SUFFIX)

    def tidy(self):
        """Remove what a crash may leave of runs that are over and left nothing else: their files, and their locks."""
        for name in sorted(os.listdir(self._folder)):
            path = os.path.join(self._folder, name)
            if name.endswith(_SUFFIX) and path != self._path and not self._is_of_use(path):
                _remove(path)
        state.remove_unfinished(self._folder, locks.is_gone)
        for name in sorted(os.listdir(self._locks)):
            locks.tidy(os.path.join(self._locks, name))

    def _is_of_use(self, path):
        """Tell whether a run's file has open intents, or is of a process that may write to it again."""
        try:
            owner = _owner_of(path)
            return bool(owner and not locks.is_dead(owner)) or bool(_open_intents(path))
        except (IOError, OSError):
            if os.path.exists(path):
                raise
            return False  # the run has just ended, and taken it away

    # -- locks

    def take(self, identity, name, despite_leftovers=False):
        """Lock the object ``identity`` (called ``name``) for this run.

        Raises Busy where a living run holds it, and Leftovers where a run that is gone left
        something on it, unless ``despite_leftovers``.
        """
        folder = os.path.join(self._locks, safe_name(identity))
        owner = dict(self._owner, holds=identity)
        holder = locks.take(folder, owner)
        if holder is not None and locks.is_dead(holder):
            locks.break_dead(folder, holder)
            holder = locks.take(folder, owner)
        if holder is not None and locks.is_damaged(holder):
            raise errors.Busy("%s is busy: its lock is damaged; make sure that no run works on it, and remove %s" % (
                name, compat.text(folder)))
        if holder is not None:
            raise busy(name, holder, "holds it")
        self._held.append(folder)
        if not despite_leftovers:
            self._check_leftovers(folder, identity, name)

    def _check_leftovers(self, folder, identity, name):
        """Refuse, and drop the lock ``folder``; before it was ours, a living run could still have released them."""
        try:
            self.check_leftovers(identity, name)
        except errors.Leftovers:
            self._drop(folder)
            raise

    def check_leftovers(self, identity, name, but=(), harmless=()):
        """Raise Leftovers where a run that is gone left something on the object ``identity``, called ``name``.

        but: as ``leftovers`` takes it. harmless: kinds that do not count.
        """
        left = [intent for intent in self.leftovers(but)
                if _speaks_of(intent.facts, identity) and intent.kind not in harmless]
        if left:
            raise errors.Leftovers(
                "%s: the run %s left %s behind; release it with: vibackup reconcile --fix, and the same --state or "
                "--lab" % (name, left[0].run, describe(left[0].kind, left[0].facts)),
                [describe(intent.kind, intent.facts) for intent in left])

    def held_by_others(self):
        """Return ``{identity: its owner}`` of what other runs hold, but for those that are known to be dead."""
        found = [locks.holder(os.path.join(self._locks, name)) for name in os.listdir(self._locks)]
        return dict((owner["holds"], owner) for owner in found if owner is not None and "holds" in owner
                    and owner.get("run") != self._owner["run"] and not locks.is_dead(owner))

    def give_back(self, identity):
        """Release the lock of an object."""
        self._drop(os.path.join(self._locks, safe_name(identity)))

    def _drop(self, folder):
        if folder in self._held:
            locks.drop(folder, self._owner)
            self._held.remove(folder)


def busy(name, holder, does):
    """Return the Busy for what is called ``name``; does: what the run ``holder``, the owner of a lock, does with it."""
    return errors.Busy("%s is busy: the run %s (%s, process %s on %s) %s; try again when that is over" % (
        name, holder.get("run", "?"), holder.get("verb", "?"), holder.get("pid"), holder.get("host"), does))


def describe(kind, facts):
    """Return an intent in words: what, of which object."""
    return {SNAPSHOT: "the snapshot of %(vs_name)s", ATTACHMENT: "%(disk_names)s on %(proxy_name)s",
            POWER: "%(vs_name)s running", FREEZE: "%(vs_name)s frozen",
            BACKUP: "an unfinished backup of %(vs_name)s, made on %(proxy_name)s",
            STOPPED: "%(vs_name)s stopped", DISK: "the new disk %(final_name)s",
            SERVER: "the new virtual server %(final_name)s",
            OVERWRITE: "a half-written restore of the disk %(disk_name)s",
            FOLDER: "a half-restored %(folder)s in %(proxy_name)s",
            FILES: "unfinished files in %(folder)s",
            ARCHIVE: "an unfinished archive of %(vs_name)s in %(folder)s",
            LUN: "the snapshot %(tag)s of the LUN %(lun)s"}[kind] % facts


def _speaks_of(facts, identity):
    return identity in (facts.get("vs"), facts.get("proxy"))


def _intents_of(path, wanted):
    """Return the open intents in one run's file if its owner is ``wanted``, or [] where the run has just ended.

    Its owner is judged first: what is read after a run's end is all there is.
    """
    try:
        return _open_intents(path) if wanted(_owner_of(path)) else []
    except (IOError, OSError):
        if os.path.exists(path):
            raise
        return []


def _remove(path):
    """Remove a run's file, unless it has gone: what is over may be tidied away by others at any moment."""
    try:
        os.remove(path)
    except OSError:
        if os.path.exists(path):
            raise


def _owner_of(path):
    """Return the process that a run's file is of, or {} where a crash kept it from being written."""
    owner = ([line["owner"] for line in state.read_lines(path) if "owner" in line] or [{}])[0]
    if not isinstance(owner, dict):
        raise _not_ours(path)
    return owner


def _open_intents(path):
    """Return the open intents in one run's file, the newest first."""
    try:
        return _replay(state.read_lines(path))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _not_ours(path)


def _not_ours(path):
    return errors.UsageError("%s: not a ledger that vibackup wrote; move it away" % compat.text(path))


def _replay(lines):
    owner, found, kept = {}, collections.OrderedDict(), set()
    for line in lines:
        if "owner" in line:
            owner = line["owner"]
        elif "intent" in line:
            describe(line["kind"], line["facts"])  # or it is none of ours
            found[line["intent"]] = (line["kind"], line["facts"])
        elif "made" in line:
            found[line["made"]][1].update(line["facts"])
        elif "kept" in line:
            kept.add(line["kept"])
        elif "released" in line:
            found.pop(line["released"], None)
    return [Intent(owner.get("run"), number, kind, facts, owner, number in kept)
            for number, (kind, facts) in reversed(list(found.items()))]


class _Holding(object):
    """Which runs hold a lock at the moment at which it is first asked."""

    def __init__(self, folder):
        self._folder = folder
        self._runs = None

    def is_running(self, owner):
        """Tell whether a run is still under way: its process lives, and holds a lock."""
        if owner.get("run") is None or locks.is_dead(owner):
            return False
        if self._runs is None:
            self._runs = set((locks.holder(os.path.join(self._folder, name)) or {}).get("run")
                             for name in os.listdir(self._folder))
        return owner["run"] in self._runs
