# -*- coding: utf-8 -*-
"""A place: a lab and every file around it, which can be put back as it was, again and again, in milliseconds."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy
import hashlib
import io
import os
import shutil
import signal

from fakes import inventory, jobs, opening
from fakes.lab import Lab
from fakes.registry import World
from tests.flows.helpers import Stage, run_main
from vibackup import cli, compat, ledger

MOST_CALLS = 6000  # of one command: none needs a tenth of that


class Endless(BaseException):
    """A command made so many calls that it would never end. Nothing of the product catches this."""


class Died(BaseException):
    """The process of a command has died, for all one can tell by what it leaves. Nothing of the product catches it."""


class Place(Stage):
    """A Stage whose lab lies in ``folder/lab``, in memory or (``kept``) as ``--lab=DIR`` has it.

    Beside the lab, ``folder`` has all that commands read and write: shares, archives, tables of agents. ``save`` takes
    note of everything, and ``restore`` brings it back. ``base``: how a run that fails must leave things, a ``State``.
    """

    def __init__(self, folder, kept=False):
        Stage.__init__(self, folder)
        self.kept = kept
        self.base = None
        self._saved = None
        self._deadly = None
        self._copy = self.folder + ".saved"
        if not os.path.isdir(compat.native(self.folder)):
            os.makedirs(compat.native(self.folder))

    # -- the lab

    @property
    def lab_folder(self):
        """The path of the lab's folder."""
        return os.path.join(self.folder, "lab")

    def open(self, description=None):
        """Make the lab of an inventory."""
        self.close()
        if self.kept:
            made = Lab(self.lab_folder, persistent=True)
            opening._make(made, inventory.check(description, "sweep"))
            self._take(opening.open_lab(self.lab_folder))
        else:
            made = Lab(self.lab_folder, persistent=False)
            inventory.build(made, inventory.check(description, "sweep"))
            self._take(made.install())
        return self._lab

    def reopen(self):
        """Open the kept lab, which is closed: another process has it next, or had it last."""
        self._take(opening.open_lab(self.lab_folder))

    def shut(self):
        """Close the kept lab, for another process."""
        self._lab.close()
        self._lab = None

    def _take(self, lab):
        self._lab = lab
        lab.spec = (self.lab_folder, None) if self.kept else (None, None)
        del self.calls[:]
        self._record_calls()
        count = lab.count_call

        def counted(*words):
            if len(self.calls) > MOST_CALLS:
                raise Endless("more than %d calls" % MOST_CALLS)
            number = count(*words)
            if self._deadly in [call.method for call in self.calls]:
                raise Died()
            return number
        lab.count_call = counted

    def vibackup(self, verb, *words):
        """Run a verb in the lab, in this process; ``self.calls`` is what it called.

        At its end the manager takes back what jobs of its are open still, as that of a client that goes away.
        """
        del self.calls[:]
        ran = run_main(verb, [self.lab_word, "--json"] + list(words))
        for job in list(self.lab.open_jobs):
            jobs.abort(self.lab, job)
        return ran

    def dies(self, method, words):
        """Run a command that dies before its first call of ``method``: nothing that it made is taken back."""
        self._deadly = method
        handlers = [(number, signal.getsignal(number)) for number, _status in cli._stop_signals()]
        try:
            self.vibackup(*words)
        except Died:
            for job in list(self.lab.open_jobs):
                jobs.abort(self.lab, job)
            return
        finally:
            self._deadly = None
            for number, handler in handlers:
                signal.signal(number, handler)
        raise AssertionError("it does not call %s" % method)

    @property
    def lab_word(self):
        """The option that has a command work in this lab."""
        return "--lab=" + self.lab_folder if self.kept else "--lab"

    # -- saving

    def save(self):
        """Take note of everything, for ``restore``."""
        if not self.kept:
            self._saved = copy.deepcopy(self._lab.world.as_state()), copy.deepcopy(self._lab.pages)
        self.base = self.base or self.now()
        _copy_tree(self.folder, self._copy)

    def restore(self):
        """Bring everything back as it was when it was saved. Calls are counted from 1 again."""
        self.restore_files(self._copy)
        if self.kept:
            self._take(opening.open_lab(self.lab_folder))
            return
        lab = Lab(self.lab_folder, persistent=False)
        lab.world = World(copy.deepcopy(self._saved[0]))
        lab.pages = copy.deepcopy(self._saved[1])
        self._take(lab.install())

    def remove(self):
        """Close it, and remove its files."""
        self.close()
        for folder in (self.folder, self._copy):
            shutil.rmtree(compat.native(folder), ignore_errors=True)

    def restore_files(self, saved=None):
        """Bring the files back alone, those in the folder ``saved`` or as ``save`` saw them; a kept lab is closed."""
        if self.kept and self._lab is not None:
            self.shut()
        _copy_tree(saved or self._copy, self.folder)

    def save_files(self, saved):
        """Copy all files of a closed place into the folder ``saved``."""
        _copy_tree(self.folder, saved)

    # -- looking

    def path(self, *names):
        """Return a path in the place, as text."""
        return os.path.join(self.folder, *names)

    def now(self):
        """Return all that a run that fails must leave as it was, as a ``State``."""
        return State(self)

    def locks(self):
        """Return the names of locks that are held."""
        return self._in_state("locks")

    def ledgers(self):
        """Return the names of the files of runs that left something behind, or keep something."""
        return self._in_state("ledger")

    def entries(self):
        """Return the names of the catalog's files."""
        return self._in_state("catalog")

    def _in_state(self, name):
        folder = compat.native(os.path.join(self.state(), name))
        return sorted(compat.text(each) for each in os.listdir(folder)) if os.path.isdir(folder) else []

    def kept_snapshots(self):
        """Return the snapshots that the ledger keeps, as names."""
        found = ledger.Ledger(self.state(), "sweep", "sweep")
        try:
            return sorted(intent.facts["name"] for intent in found.kept(ledger.SNAPSHOT))
        finally:
            found.close()

    def files(self):
        """Return ``{path: SHA-256}`` of the files that agents and exports made, and the folders of the array."""
        found = {}
        top = compat.native(self.folder)
        for where, folders, names in os.walk(top):
            short = compat.text(os.path.relpath(where, top)).replace(os.sep, "/")
            if short == "lab":
                folders[:] = [name for name in folders if name in ("guests", "model-array")]
                continue
            if short.startswith("lab/guests/") and short.count("/") == 2:
                folders[:] = [name for name in folders if name == "home"]
            if short.startswith("lab/model-array") and short != "lab/model-array" and short.count("/") > 2:
                found[short] = "folder"
            for name in names:
                with io.open(os.path.join(where, name), "rb") as stream:
                    found[short + "/" + compat.text(name)] = compat.text(hashlib.sha256(stream.read()).hexdigest())
        return found


class State(object):
    """How things stand: the lab's ``objects``, ``files``, the catalog's ``entries`` and the ``kept`` snapshots."""

    NAMES = ("objects", "files", "entries", "kept")

    def __init__(self, place):
        self.objects = copy.deepcopy(place.objects())
        self.files = place.files()
        self.entries = place.entries()
        self.kept = place.kept_snapshots()

    def but_for_content(self, disks):
        """Return a State without the content of the disks called ``disks``, and what depends on it."""
        found = copy.copy(self)
        found.objects = [_without_content(thing, disks) for thing in self.objects] if disks else self.objects
        return found

    def difference(self, now):
        """Return in words what ``now``, another State, has otherwise; "" where nothing."""
        words = [name + ": " + _difference(getattr(self, name), getattr(now, name)) for name in self.NAMES
                 if getattr(self, name) != getattr(now, name)]
        return "; ".join(words)[:600]


def _without_content(thing, disks):
    left_out = ("free_bytes", "used_bytes") + (("sha256",) if thing["name"] in disks else ())
    return dict((key, value) for key, value in thing.items() if key not in left_out)


def _difference(one, other):
    one, other = _by_key(one), _by_key(other)
    words = ["%s is gone" % key for key in sorted(set(one) - set(other))]
    words += ["%s is new" % key for key in sorted(set(other) - set(one))]
    for key in sorted(set(one) & set(other)):
        if one[key] != other[key]:
            words.append("%s %s" % (key, _fields(one[key], other[key])))
    return ", ".join(words)


def _by_key(things):
    if isinstance(things, dict):
        return things
    return dict(("%s %s" % (each["id"], each["name"]) if isinstance(each, dict) else each, each) for each in things)


def _fields(one, other):
    if not isinstance(one, dict):
        return "has changed"
    return " ".join("%s=%r (was %r)" % (key, other.get(key), one.get(key)) for key in sorted(set(one) | set(other))
                    if one.get(key) != other.get(key))


def _copy_tree(source, target):
    """Have the folder ``target`` hold what ``source`` holds, and nothing else."""
    source, target = compat.native(source), compat.native(target)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
