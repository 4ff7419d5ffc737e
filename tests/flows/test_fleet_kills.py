# -*- coding: utf-8 -*-
"""Nights of a fleet that are killed with SIGKILL at any moment, then reconciled, then resumed; see ``test_kills``.

By hand, as many as one likes, from whichever seed::

    VIBACKUP_KILLS=200 VIBACKUP_SEED=7 python -m pytest -s tests/flows/test_fleet_kills.py
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import random
import shutil
import time

import pytest

from tests.flows import fleets, kills
from tests.flows.helpers import EVERY, JYTHON, compat, kept_lab, objects_in, vibackup_in
from tests.flows.helpers import stage  # noqa: F401  (a fixture)

__all__ = ["stage"]
KILLS = int(os.environ.get("VIBACKUP_KILLS", 1 if JYTHON else 3 if EVERY == 1 else 2))
SEED = int(os.environ.get("VIBACKUP_SEED", 20260131))
MOST_TRIES = 3  # for each kill: one that comes after the end of a night does not count
SERVERS = 4
GOOD, LEFTOVERS = 0, 6


class Ground(object):
    """A lab kept on disk, in which a night of four servers on two proxies may be killed again and again."""

    def __init__(self, stage, folder):
        self.lab = compat.text(folder.join("lab"))
        self._start, self._said = compat.text(folder.join("start")), compat.text(folder.join("said"))
        self.before = kept_lab(self.lab, fleets.inventory(SERVERS))
        shutil.copytree(compat.native(self.lab), compat.native(self._start))
        self.policy = fleets.policy(stage, batch=2)
        self.seconds = self._length()

    def begin(self):
        """Have the lab be as it was at first."""
        shutil.rmtree(compat.native(self.lab))
        shutil.copytree(compat.native(self._start), compat.native(self.lab))

    def _length(self):
        """Return how many seconds a whole night takes."""
        run = self._run()
        begun = compat.monotonic()
        assert run.wait() == GOOD, run.said()
        return compat.monotonic() - begun

    def _run(self, *words):
        run = kills.Run(["fleet", "--lab=" + self.lab, "--json", self.policy] + list(words),
                        compat.native(self._said))
        run.wait_until_it_works()
        return run

    def kill(self, part, *words):
        """Kill a night when that ``part`` of its length is over; tells whether it was alive."""
        run = self._run(*words)
        time.sleep(self.seconds * part * kills.LATEST)
        run.kill()
        status = run.wait()
        assert status in (None, GOOD) or b"is done: there is nothing to resume" in run.said(), run.said()
        return status is None

    def vibackup(self, verb, *words):
        return vibackup_in(self.lab, verb, *words)

    def backed_up(self):
        """Return the names of the servers in the catalog, sorted: one that is there twice is twice."""
        return sorted(each["vs"] for each in self.vibackup("backups").document["backups"])

    def reconcile(self):
        """Release what the night has left; a second one must find nothing and write nothing."""
        listed = self.vibackup("reconcile")
        assert listed.status in (GOOD, LEFTOVERS), listed.errors
        fixed = self.vibackup("reconcile", "--fix")
        assert fixed.status == GOOD and objects_in(self.lab) == self.before, fixed.errors
        assert fixed.document["released"] >= len(listed.document["leftovers"])
        saved = kills.read(os.path.join(self.lab, "lab.json"))
        again = self.vibackup("reconcile", "--fix")
        assert (again.status, again.document["released"]) == (GOOD, 0)
        assert kills.read(os.path.join(self.lab, "lab.json")) == saved

    def resume(self):
        """Take up the night; afterwards all is done, and nobody was backed up twice.

        One that was killed before its first line, or after its last backup was good, cannot be resumed.
        """
        done = self.backed_up()
        resumed = self.vibackup("fleet", self.policy, "--resume")
        if resumed.status == 3:
            assert "has had no night yet" in resumed.error or "is done: there is nothing" in resumed.error
            assert done in ([], fleets.names(SERVERS))
            resumed = self.vibackup("fleet", self.policy) if not done else None
        else:
            assert sorted(resumed.document["done_already"]) == done, resumed.errors
        assert resumed is None or resumed.status == GOOD, resumed.errors
        assert self.backed_up() == fleets.names(SERVERS) and objects_in(self.lab) == self.before


@pytest.fixture
def ground(stage, tmpdir, monkeypatch):  # noqa: F811
    monkeypatch.setattr(os, "fsync", lambda _file: None)  # a kill loses nothing that was written, and a night is short
    return Ground(stage, tmpdir)


def test_after_a_kill_at_any_moment_one_fix_leaves_nothing_and_the_night_is_resumed(ground):
    """L1, L4, L5: every other one is resumed without a reconcile before it, which the night then does itself."""
    chance = random.Random(SEED)
    alive = tried = 0
    print("seed %d, %.3f seconds a night" % (SEED, ground.seconds))
    while alive < KILLS and tried < MOST_TRIES * KILLS:
        ground.begin()
        part = chance.random()
        print("killed after %.4f of a night" % part)
        killed = ground.kill(part)
        if tried % 2:
            ground.reconcile()
        if killed:
            ground.resume()
        alive += killed
        tried += 1
    print("%d kills, %d of them while the night was alive" % (tried, alive))
    assert alive >= KILLS


def test_a_night_that_is_killed_again_and_again_is_done_in_the_end(ground):
    """Each time it is taken up where it was, however short it lives."""
    chance = random.Random(SEED + 1)
    ground.begin()
    ground.kill(0.3 + chance.random() / 4)
    for _kill in range(1 if JYTHON else 2):
        ground.kill(0.2 + chance.random() / 3, *(["--resume"] if _has_a_night(ground) else []))
    assert len(set(ground.backed_up())) == len(ground.backed_up())
    ground.resume()
    ground.reconcile()


def _has_a_night(ground):
    return bool(kills.paths_in(os.path.join(ground.lab, "state", "fleet")))
