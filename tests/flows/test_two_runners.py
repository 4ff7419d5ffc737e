# -*- coding: utf-8 -*-
"""Two runs that want one server or one proxy: one wins, the other ends with status 4 and has changed nothing (L6)."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import os
import shutil
import subprocess

import pytest

from tests.flows import kills
from tests.flows.copies import delete
from tests.flows.helpers import (
    EVERY, JYTHON, KIB, Stage, compat, kept_lab, named, objects_in, small, stop, vibackup_in, write_bytes)
from tests.flows.turns import Turns
from vibackup import locks

# Two verbs on one thing. words: of the second command line, ``one`` of the first where it is no proxy-backup of
# web01 through pbh01. undo(stage): takes back what the second leaves when it is done.
Pair = collections.namedtuple("Pair", "words undo one")
BACK_UP = ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=model"]


def _pair(words, undo=None, one=BACK_UP):
    return Pair(words, undo or (lambda stage: None), one)


def _discard(stage):
    if stage.object("web01")["snapshot"] is not None:
        assert stage.vibackup("rollback", "--vs=web01", "--discard").status == 0


def _delete_copy(stage):
    if "copy" in [thing["name"] for thing in stage.objects()]:
        delete(stage, "copy")


def _remove_archive(stage):
    shutil.rmtree(compat.native(os.path.join(stage.folder, "archive")), ignore_errors=True)


PAIRS = {
    "same server and proxy": _pair(BACK_UP),
    "same server, other proxy": _pair(BACK_UP[:2] + ["--proxy=pbh02", "--agent=model"]),
    "same proxy, other server": _pair(["proxy-backup", "--vs=web02", "--proxy=pbh01", "--agent=model"]),
    "snapshot-boot": _pair(["snapshot-boot", "--vs=web01", "--boot-device=backup.iso"]),
    "restore over its disk": _pair(["restore", "--backup={backup}", "--proxy=pbh01", "--overwrite=web01-system"]),
    "rollback": _pair(["rollback", "--vs=web01", "--take"], _discard),
    "archive": _pair(["archive", "--vs=web01", "--to={archive}"], _remove_archive),
    "clone-disk": _pair(["clone-disk", "--disk=web01-system", "--to-group=fastGroup", "--name=copy"], _delete_copy),
    "two archives": _pair(["archive", "--vs=web01", "--to={archive}"], _remove_archive,
                          ["archive", "--vs=web02", "--to={archive}"])}


def _inventory():
    found = small()
    for name, node in (("web02", "node1"), ("pbh02", "node2")):
        found["disks"].append({"name": name + "-disk", "group": "fastGroup", "bytes": 256 * KIB,
                               "content": {"boot": True}})
        found["servers"].append({"name": name, "node": node, "devices": [name + "-disk"]})
    found["data_centers"][0]["disk_groups"][0]["bytes"] = 4096 * KIB
    return found


@pytest.fixture
def stage(tmpdir, monkeypatch):
    """A lab in which web01 does not run and has a backup by dd; nobody waits for disks: no power is cut here."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
    made = Stage(tmpdir)
    made.open(_inventory())
    stop(made, "web01")
    made.backup = made.proxy_backup(agent="dd").document["backup"]["id"]
    yield made
    made.close()


def _words(stage, words):
    return [word.format(backup=stage.backup, archive=os.path.join(stage.folder, "archive")) for word in words]


# -- by turns, in one process

class _Contest(object):
    """Plays the two command lines of a pair, from every point of the one and of the other."""

    def __init__(self, stage, one, other, undo):
        self._stage, self._undo = stage, undo
        self._words = _words(stage, one), _words(stage, other)
        self._before = stage.objects()
        self._turns = Turns(stage)
        self.ends = collections.Counter()
        self.after = [self._whole(0, 1), self._whole(1, 0)]  # what the second of two has to say, one after the other

    def _whole(self, first, second):
        """Play one after the other; returns the status of the second."""
        runners = self._play(self._words[first], self._words[second], None, None)
        assert runners[0].status == 0, runners[0].ran().errors
        self._points = runners[0].points
        return runners[1].status

    def _play(self, one, other, first, second):
        with self._turns.installed():
            runners = self._turns.play(one, other, first, second)
        self._undo(self._stage)
        assert self._stage.objects() == self._before, (first, second)
        return runners

    def each(self, order, every, second=None):
        """Have the second come at each point of the first, and go on to its end or its point ``second``."""
        words = self._words if order == 0 else self._words[::-1]
        points = 200  # more than any has here: that many are never reached
        for first in range(1, points, every * EVERY):
            backups = self._backups()
            one, other = self._play(words[0], words[1], first, second)
            self._check(one, other, order, (order, first, second))
            done = [self._makes_backup(words[number]) for number, runner in enumerate((one, other))
                    if runner.status == 0]
            assert self._backups() == backups + sum(done), (order, first, second)
            if one.points < first:
                return

    def _check(self, one, other, order, place):
        busy = [runner for runner in (one, other) if runner.status == 4]
        self.ends[one.status, other.status] += 1
        for runner in busy:
            ran = runner.ran()
            assert runner.changes == [] and ran.document["outcome"] == "busy", (place, ran.errors)
            assert ran.document["backup"] is None and ran.document["leftovers"] == [], place
        if one.changes and other.changes:  # then one was over with what it does before the other took its locks
            assert one.changes[-1] < other.changes[0] or other.changes[-1] < one.changes[0], place
        allowed = ((0, 4), (4, 0), (0, self.after[order]), (self.after[1 - order], 0))
        assert (one.status, other.status) in allowed, (place, one.ran().errors, other.ran().errors)

    def _backups(self):
        return len(os.listdir(compat.native(os.path.join(self._stage.state(), "catalog"))))

    def _makes_backup(self, words):
        return words[0] in ("proxy-backup", "snapshot-boot", "archive")


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_of_two_runs_one_wins_and_the_other_changes_nothing_whenever_it_comes(stage, name):
    pair = PAIRS[name]
    contest = _Contest(stage, pair.one, pair.words, pair.undo)
    contest.each(0, 1 if pair.words == BACK_UP else 5)
    contest.each(1, 9)
    for second in (3, 8, 14, 20, 26, 40):
        contest.each(0, 19, second)
    assert contest.ends[0, 4] > 10 or EVERY > 1
    assert contest.ends[0, 4] > 0 and contest.ends[4, 0] > 0


# -- reconcile --fix, by turns

def _leave_something(stage):
    """Have a run leave the snapshot of web01 behind."""
    stage.fault("deleteLogicalDisk", times=None)
    assert stage.proxy_backup().status == 6
    del stage.lab.faults[:]


def _turns(stage, one, other, every=1):
    """Yield ``(first, runners)`` for the second command line at each point of the first."""
    turns = Turns(stage)
    for first in range(1, 200, every * EVERY):
        with turns.installed():
            runners = turns.play(one, other, first)
        yield first, runners
        if runners[0].points < first:
            return


@pytest.mark.parametrize("name", ["same server and proxy", "snapshot-boot", "restore over its disk", "clone-disk",
                                  "archive", "rollback"])
def test_reconcile_touches_nothing_of_a_run_that_is_under_way(stage, name):
    """L2: whenever it comes, and whatever the run has made and not yet written down."""
    pair, before = PAIRS[name], stage.objects()
    for first, (run, fix) in _turns(stage, _words(stage, pair.words), ["reconcile", "--fix"], 3):
        ran = fix.ran()
        assert (run.status, fix.status) == (0, 0), (first, run.ran().errors, ran.errors)
        assert fix.changes == [] and ran.document["released"] == 0, first
        pair.undo(stage)
        assert stage.objects() == before, first


def test_of_two_that_reconcile_each_leftover_is_released_by_one(stage):
    before = stage.objects()
    ends = collections.Counter()
    _leave_something(stage)
    for first, runners in _turns(stage, ["reconcile", "--fix"], ["reconcile", "--fix"]):
        released = [runner.ran().document.get("released", 0) for runner in runners]
        ends[tuple(runner.status for runner in runners)] += 1
        assert sum(released) == 1 and stage.objects() == before, (first, [each.ran().errors for each in runners])
        _leave_something(stage)
    assert set(ends) <= set([(0, 4), (0, 0)]) and (ends[0, 4] > 0 or EVERY > 1), ends


def test_a_run_that_comes_while_its_server_is_reconciled_is_refused_or_waits_for_its_turn(stage):
    """A fix that finds the server held by a run which is about to be refused names it; the next one releases it."""
    before = stage.objects()
    for first, (fix, run) in _turns(stage, ["reconcile", "--fix"], BACK_UP):
        assert fix.status in (0, 6) and run.status in (0, 4, 6), (first, fix.ran().errors, run.ran().errors)
        assert run.status == 0 or run.changes == [], first
        assert stage.vibackup("reconcile", "--fix").status == 0 and stage.objects() == before, first
        _leave_something(stage)


# -- for real: processes in one lab

WAITING = """
[waiting]
description = holds its server and its proxy until it may go on
default_location = vibackup-images
suffix = .img
image_before = mkdir -p -- {folder}
image_backup =
    sh -c 'until [ -e "$3" ]; do sleep 0.02; done; cat "$1" >"$2"' - {device} {file}.partial "%s"
    mv -T -- {file}.partial {file}
image_after = rm -f -- {file}.partial
image_discard = rm -f -- {file}
"""


def _run_all(lab, folder, commands):
    """Start all ``commands`` at the same moment, those that win hold what they have until half of all have lost.

    Returns their statuses and JSON documents.
    """
    go = os.path.join(folder, "go")
    table = write_bytes(os.path.join(folder, "agents.ini"), (WAITING % go).encode("utf-8"))
    said = [compat.native(os.path.join(folder, "said %d" % number)) for number, _words in enumerate(commands)]
    runs = [kills.Run([words[0], "--lab=" + lab, "--json", "--agents=" + table] + words[1:], path)
            for words, path in zip(commands, said)]
    try:
        kills.wait_for(lambda: [run.has_ended() for run in runs].count(True) >= len(runs) // 2)
    finally:
        write_bytes(go, b"")
    ended = [(run.wait(), run.said()) for run in runs]
    os.remove(compat.native(go))
    return ended


@pytest.mark.parametrize("processes, rounds", [(2, 1 if JYTHON else 6), (4, 1 if JYTHON else 2)])
def test_of_processes_that_start_at_once_one_wins_and_all_is_as_before(tmpdir, processes, rounds):
    """Each round has two neighbours of one server or one proxy."""
    folder, lab = compat.text(tmpdir), compat.text(tmpdir.join("lab"))
    before = kept_lab(lab, _inventory())
    commands = [["proxy-backup", "--vs=" + vs, "--proxy=" + proxy, "--agent=waiting"]
                for vs, proxy in (("web01", "pbh01"), ("web01", "pbh02"), ("web01", "pbh01"), ("web02", "pbh01"))]
    done = 0
    for number in range(rounds):
        ended = _run_all(lab, folder, [commands[(number + each) % 4] for each in range(processes)])
        statuses = [status for status, _said in ended]
        assert set(statuses) == set([0, 4]), ended
        assert statuses.count(0) == 1 or processes > 2, ended
        done += statuses.count(0)
        assert objects_in(lab) == before
        assert kills.paths_in(os.path.join(lab, "state", "locks")) == []
        assert kills.paths_in(os.path.join(lab, "state", "ledger")) == []
        assert len(vibackup_in(lab, "backups").document["backups"]) == done
    assert vibackup_in(lab, "reconcile", "--fix").document["released"] == 0


# -- stale locks

@pytest.fixture
def kept(tmpdir):
    """The folder of a kept lab, and of the lock of its web01."""
    lab = compat.text(tmpdir.join("lab"))
    server = named(kept_lab(lab, small()), "web01")["id"]
    return lab, compat.native(os.path.join(lab, "state", "locks", server))


@pytest.fixture
def sleeper():
    child = subprocess.Popen(["sleep", "600"])
    yield child
    _end(child)


def _end(child):
    if child.poll() is None:
        child.kill()
        child.wait()


def _owner(**facts):
    return dict(locks.this_process(), token="stale", run="20260101-000000-stale", verb="proxy-backup", **facts)


def _back_up(lab):
    return vibackup_in(lab, BACK_UP[0], *BACK_UP[1:])


def test_the_lock_of_a_process_whose_number_is_ours_by_now_is_broken(kept):
    lab, folder = kept
    locks.take(folder, dict(_owner(), started="%s/1" % locks.this_process()["started"].split("/")[0]))
    assert _back_up(lab).status == 0 and not os.path.exists(folder)


def test_the_lock_of_a_living_process_is_never_broken_and_that_of_a_dead_one_is(kept, sleeper):
    lab, folder = kept
    living = dict(_owner(), pid=sleeper.pid, started=locks.started(sleeper.pid))
    locks.take(folder, living)
    for _again in range(2):
        ran = _back_up(lab)
        assert ran.status == 4 and "process %d on" % sleeper.pid in ran.error
        assert vibackup_in(lab, "reconcile", "--fix").status == 0
        assert locks.holder(folder) == living
    _end(sleeper)
    assert _back_up(lab).status == 0 and not os.path.exists(folder)


def test_the_lock_of_another_host_is_never_broken_and_names_it(kept):
    lab, folder = kept
    other = dict(_owner(), host="vmserver2", started="another machine/1")
    locks.take(folder, other)
    ran = _back_up(lab)
    assert ran.status == 4 and "on vmserver2) holds it" in ran.error
    assert vibackup_in(lab, "reconcile", "--fix").status == 0
    assert locks.holder(folder) == other
