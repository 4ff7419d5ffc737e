# -*- coding: utf-8 -*-
"""Runs that are killed from outside, with SIGKILL, at a moment that nobody has chosen; and what must hold after it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import glob
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings

from tests.flows import helpers
from tests.flows.helpers import JYTHON, compat, content_in, kept_lab, named, objects_in, vibackup_in
from tests.flows.sweeps import GOOD
from vibackup import cli

SIZE = 256 * helpers.KIB
SECONDS = 4  # of virtual time, that a copy of its disk takes
WAIT_SECONDS = 180  # then a run hangs, and is killed
LATEST = 1.05  # of a run's length: the very end has to be hit too

# One flow to be killed. start: the lab that it begins in, see Ground. words(ground): its command line. whole(ground,
# objects before): checks what there is where not all is as before, so that this flow was done with its work.
Scenario = collections.namedtuple("Scenario", "name start words whole")


def read(path):
    """Return the bytes of a file."""
    with io.open(compat.native(path), "rb") as stream:
        return stream.read()


def wait_for(holds):
    """Wait until ``holds()``; for so long that what does not hold then never will."""
    end = compat.monotonic() + WAIT_SECONDS
    while not holds():
        assert compat.monotonic() < end
        time.sleep(0.002)


# -- a run that is killed

class Forked(object):
    """A run in a child of this warm process, which has all modules loaded: it begins at once."""

    def __init__(self, words, said):
        self._said = said
        self._status = None
        self._alive, mine = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that pytest's workers have threads, which hold nothing here
            self.pid = os.fork()
        if self.pid == 0:
            self._be_the_child(words)
        os.close(mine)

    def _be_the_child(self, words):
        status = 99
        try:
            output = os.open(self._said, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            status = cli.main(None, ["vibackup"] + [helpers._argument(word) for word in words])
        finally:
            os._exit(status)

    def wait_until_it_works(self):
        """It does so from the beginning."""

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def has_ended(self):
        """Tell whether it has, without waiting."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is not None

    def wait(self):
        """Wait for its end; returns its exit status, None where it was killed before."""
        try:
            wait_for(self.has_ended)
        finally:
            if self._status is None:
                self.kill()
        return None if os.WIFSIGNALED(self._status) else os.WEXITSTATUS(self._status)

    def wait_for_children(self, folder):
        """Wait until no agent works below ``folder`` that the run has started.

        One that begins only after the clean-up is out of reach of any: it may leave an unfinished file.
        """
        os.read(self._alive, 1)  # ends when the last copy of the run has become another program, or has ended
        os.close(self._alive)
        while any(_folder_of(number).startswith(folder) for number in os.listdir("/proc") if number.isdigit()):
            time.sleep(0.002)

    def said(self):
        return read(self._said)


def _folder_of(number):
    """Return the folder that a process works in, or nothing where it has ended."""
    try:
        return compat.text(os.readlink("/proc/%s/cwd" % number))
    except OSError:
        return ""


class Started(object):
    """The same as a process of its own, where there is no fork; ``wait_until_it_works``: that takes seconds."""

    def __init__(self, words, said):
        self._said = said
        self._child = helpers.start("vibackup", *[word for word in words if word != "--json"])

    def wait_until_it_works(self):
        self._child.stdout.readline()

    def kill(self):
        subprocess.call(["kill", "-KILL", str(self._child.pid)], stderr=subprocess.PIPE)

    def wait_for_children(self, _folder):
        """They hold its output, for whose end ``wait`` has waited."""

    def has_ended(self):
        """Tell whether it has, without waiting."""
        return self._child.poll() is not None

    def wait(self):
        words = self._child.communicate()
        helpers.write_bytes(self._said, b"".join(words))
        return None if self._child.returncode in (-9, 137) else self._child.returncode

    def said(self):
        return read(self._said)


Run = Forked if hasattr(os, "fork") and not JYTHON else Started


# -- where it happens

class Ground(object):
    """A folder with one lab in it, and copies of that lab to begin anew from.

    starts: ``base``, with a backup of web01 in the catalog; ``taken``, with a snapshot of it that rollback keeps;
    ``left``, with what a proxy-backup left that was killed while dd had read its disk.
    """

    def __init__(self, folder):
        self.folder = compat.text(folder)
        self.lab = os.path.join(self.folder, "lab")
        self.archive = os.path.join(self.folder, "archive of web01")
        self._lengths = {}
        self._is = None
        self._make_starts()

    def _make_starts(self):
        description = helpers.small(size=SIZE)
        groups = description["data_centers"][0]["disk_groups"]
        groups.append({"name": "bulkGroup", "bytes": 8 * SIZE})
        for group in groups:
            group["bytes_per_second"] = SIZE // SECONDS
        kept_lab(self.lab, description)
        trace = os.path.join(self.folder, "calls")
        self.backup = self.must(*BACK_UP + ["--lab-trace=" + trace])["backup"]["id"]
        self._keep("base")
        self.must("rollback", "--vs=web01", "--take")
        self._keep("taken")
        self.begin("base", anew=True)
        reads = [line.split()[0] for line in compat.text(read(trace)).splitlines() if " dd if=" in line]
        assert self.run(BACK_UP + ["--lab-fault=%s:after:crash" % reads[0]]).wait() is None
        assert self.vibackup("reconcile").status == 6
        self._keep("left")

    def _keep(self, start):
        shutil.copytree(compat.native(self.lab), compat.native(self._start(start)))

    def _start(self, start):
        return os.path.join(self.folder, "start-" + start)

    def begin(self, start, anew=False):
        """Have the lab be as in ``start``; unless ``anew``, one that is so is left as it is, litter and all."""
        if anew or start == "left" or self._is != start:
            shutil.rmtree(compat.native(self.lab))
            shutil.copytree(compat.native(self._start(start)), compat.native(self.lab))
        shutil.rmtree(compat.native(self.archive), ignore_errors=True)
        self._is = start

    def vibackup(self, verb, *words):
        """Run a verb in this process in the lab."""
        return vibackup_in(self.lab, verb, *words)

    def must(self, verb, *words):
        """Run a verb that must succeed, and return its document."""
        ran = self.vibackup(verb, *words)
        assert ran.status in GOOD, (verb, ran.errors)
        return ran.document

    def run(self, words):
        """Start a run in the lab, and return it when it works."""
        run = Run([words[0], "--lab=" + self.lab] + words[1:], compat.native(os.path.join(self.folder, "said")))
        run.wait_until_it_works()
        return run

    # -- one kill

    def length(self, scenario):
        """Return how many seconds a whole run takes, and check that it ends well."""
        if scenario.name not in self._lengths:
            self.begin(scenario.start, anew=True)
            run = self.run(scenario.words(self))
            begun = compat.monotonic()
            status = run.wait()
            self._lengths[scenario.name] = compat.monotonic() - begun
            assert status in GOOD, (scenario.name, status, run.said())
            self._is = None
        return self._lengths[scenario.name]

    def kill(self, scenario, part):
        """Kill a run when that ``part`` (0 to 1) of its length is over, then check all; tells whether it was alive."""
        seconds = self.length(scenario) * part * LATEST
        self.begin(scenario.start)
        before = objects_in(self.lab)
        run = self.run(scenario.words(self))
        time.sleep(seconds)
        run.kill()
        status = run.wait()
        run.wait_for_children(self.home())
        place = "%s killed after %.4f s" % (scenario.name, seconds)
        assert status is None or status in GOOD, (place, status, run.said())
        try:
            self._all_is_well(scenario, before)
        except Exception:
            print(place)
            raise
        return status is None

    def _all_is_well(self, scenario, before):
        assert self.vibackup("reconcile").status in (0, 6)  # all is there to be read, whatever there is
        fixed = self.vibackup("reconcile", "--fix")
        assert fixed.status == 0, fixed.errors
        saved = self._saved()
        again = self.vibackup("reconcile", "--fix")
        assert (again.status, again.document["released"]) == (0, 0) and self._saved() == saved
        litter = self.litter()
        assert litter == [], litter
        if objects_in(self.lab) != before or scenario.name in ALWAYS_LOOKED_AT:
            scenario.whole(self, before)

    def _saved(self):
        """Return the lab as it is on disk: what changes nothing does not write it."""
        return read(os.path.join(self.lab, "lab.json"))

    def home(self):
        """Return the folder in which agents on the proxy run."""
        return os.path.join(self.lab, "guests", named(objects_in(self.lab), "pbh01")["id"], "home")

    def litter(self):
        """Return the paths of files of the state folder and of agents that belong to nothing.

        A lock that was killed between the making of its file and the first byte in it is nobody's, and stays.
        """
        state = os.path.join(self.lab, "state")
        found = [path for path in paths_in(os.path.join(state, "locks")) if not _is_unwritten(path)]
        backups = [entry["id"] for entry in self.must("backups")["backups"]]
        found += [path for path in paths_in(os.path.join(state, "catalog"))
                  if os.path.basename(path) not in [each + ".json" for each in backups]]
        found += [path for path in paths_in(os.path.join(state, "ledger")) if not _is_of_kept(path)]
        images = glob.glob(compat.native(os.path.join(self.home(), "*", "*", "*", "*")))
        return found + [path for path in images if os.path.basename(path) not in [each + ".img" for each in backups]]


BACK_UP = ["proxy-backup", "--json", "--vs=web01", "--proxy=pbh01", "--agent=dd"]


def paths_in(pattern):
    """Return the paths of all that is in the folders that ``pattern`` matches."""
    return [path for folder in glob.glob(compat.native(pattern)) for path in glob.glob(os.path.join(folder, "*"))]


def _is_unwritten(lock):
    return ".new-" in lock and [os.path.getsize(path) for path in paths_in(lock)] == [0]


def _is_of_kept(path):
    return b'"kept"' in read(path)


# -- the flows

def _as_before(_ground, _before):
    raise AssertionError("the objects are not as before")


def _backup_is_whole(ground, before):
    """Objects as before; each entry of the catalog has an image with the very bytes of the disk (L1)."""
    assert objects_in(ground.lab) == before
    content = content_in(ground.lab, "web01-system")
    for entry in ground.must("backups")["backups"]:
        images = glob.glob(compat.native(os.path.join(ground.home(), "*", "*", "*", entry["id"] + ".img")))
        assert len(images) == 1 and read(images[0]) == content
    ground.begin("base", anew=True)


def _is_restored(ground, before):
    _only_new(ground, before, "back")
    found = named(objects_in(ground.lab), "back")
    new = [thing for thing in objects_in(ground.lab) if thing["id"] in found["devices"]][0]
    assert found["power"] == "Running"
    assert new["sha256"] == named(before, "web01-system")["sha256"]


def _is_cloned(ground, before):
    _only_new(ground, before, "copy")
    assert content_in(ground.lab, "copy") == content_in(ground.lab, "web01-system")


def _only_new(ground, before, name):
    """Check that nothing changed but what is new, and that something called ``name`` is."""
    ids = [thing["id"] for thing in before]
    now = objects_in(ground.lab)
    assert name in [thing["name"] for thing in now if thing["id"] not in ids]
    assert _without_space([thing for thing in now if thing["id"] in ids]) == _without_space(before)
    ground._is = None


def _without_space(objects):
    return [dict(thing, free_bytes=None, disks=None) for thing in objects]


def _archive_is_whole(ground, before):
    assert objects_in(ground.lab) == before
    if os.path.lexists(compat.native(ground.archive)):
        ground.must("archive", "--verify", "--from=" + ground.archive)


def _is_taken(ground, before):
    """The snapshot is there and kept, so that it can be discarded; else all is as before."""
    if objects_in(ground.lab) != before:
        ground.must("rollback", "--vs=web01", "--discard")
    assert objects_in(ground.lab) == before


def _is_discarded(ground, _before):
    discarded = objects_in(ground.lab)
    ground.begin("base", anew=True)
    assert discarded == objects_in(ground.lab)


def _all_released(ground, _before):
    now = objects_in(ground.lab)
    ground.begin("base", anew=True)
    assert now == objects_in(ground.lab)


def _words(*words):
    return lambda ground: [word.format(backup=ground.backup, archive=ground.archive) for word in words]


SCENARIOS = [
    Scenario("proxy-backup", "base", _words(*BACK_UP), _backup_is_whole),
    Scenario("restore", "base", _words("restore", "--json", "--backup={backup}", "--proxy=pbh01", "--new-vs=back"),
             _is_restored),
    Scenario("archive", "base", _words("archive", "--json", "--vs=web01", "--to={archive}"), _archive_is_whole),
    Scenario("take", "base", _words("rollback", "--json", "--vs=web01", "--take"), _is_taken),
    Scenario("revert", "taken", _words("rollback", "--json", "--vs=web01", "--revert"), _as_before),
    Scenario("discard", "taken", _words("rollback", "--json", "--vs=web01", "--discard"), _is_discarded),
    Scenario("clone-disk", "base", _words("clone-disk", "--json", "--disk=web01-system", "--to-group=bulkGroup",
                                          "--name=copy"), _is_cloned),
    Scenario("verify", "base", _words("verify", "--json", "--backup={backup}", "--proxy=pbh01"), _as_before),
    Scenario("snapshot-boot", "base", _words("snapshot-boot", "--json", "--vs=web01", "--boot-device=backup.iso"),
             _as_before),
    Scenario("reconcile", "left", _words("reconcile", "--json", "--fix"), _all_released)]

# Of these, more than the lab's objects has to be looked at, also where those are as before.
ALWAYS_LOOKED_AT = ("proxy-backup", "archive", "reconcile", "take")
