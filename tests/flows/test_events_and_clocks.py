# -*- coding: utf-8 -*-
"""Whatever happens to events and clocks, a run ends as it does without: same outcome, steps and objects (L1, L7).

An event is only a hint to look. Where none comes, a wait takes no longer than one more listening for each look.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import shutil
import time

import pytest

from fakes.events import MODES, Disturbance
from tests.flows.helpers import EVERY, compat, named, scribble, small, stage, stop  # noqa: F401
from vibackup import clock, events, run, vhd_format

FEW = 1 if EVERY == 1 else 3  # of three disturbances, on the slower interpreters
TEN_YEARS = 10 * 365 * 24 * 3600  # seconds
# The steps that end with a wait. Each looks at most four times: when it begins to wait, and at Stopped, Starting
# and Running, which it is told of late; or not, and then it listens in vain.
WAITS = ("reboot", "start", "stop", "wait until stopped")
LOOKS = 4
TAKES = {"reboot": 35, "start": 30, "stop": 5}  # seconds: a wait that ends sooner believed what was true before


# -- runs that wait for power

def _running_proxy(stage, inventory):
    stage.open(inventory)
    return lambda: stage.proxy_backup()


def _stopped_proxy(stage, inventory):
    named(inventory["servers"], "pbh01")["power"] = "Stopped"
    return _running_proxy(stage, inventory)


def _snapshot_boot(stage, inventory):
    stage.open(inventory)
    return lambda: stage.snapshot_boot()


def _restore(stage, inventory):
    backup = _backup(stage, inventory)
    return lambda: stage.vibackup("restore", "--backup=" + backup, "--proxy=pbh01", "--new-vs=web01-back")


def _verify(stage, inventory):
    backup = _backup(stage, inventory)
    return lambda: stage.vibackup("verify", "--backup=" + backup, "--proxy=pbh01")


def _backup(stage, inventory):
    stage.open(inventory)
    return stage.proxy_backup(agent="dd").document["backup"]["id"]


def _revert(stage, inventory):
    stage.open(inventory)
    assert stage.vibackup("rollback", "--vs=web01", "--take").status == 0
    scribble(stage, "web01-system", 4096)
    return lambda: stage.vibackup("rollback", "--vs=web01", "--revert")


def _reconcile(stage, inventory):
    """What is left is a disk on a proxy, which has to be rebooted without it."""
    stage.open(inventory)
    stage.fault("removeStorageDevice", times=None)
    assert stage.proxy_backup().status == 6
    del stage.lab.faults[:]
    return lambda: stage.vibackup("reconcile", "--fix")


def _overwrite(stage, inventory):
    backup = _backup(stage, inventory)
    stop(stage, "web01")
    return lambda: stage.vibackup("restore", "--backup=" + backup, "--proxy=pbh01", "--overwrite=web01-system")


def _archive(stage, inventory):
    """Of a server that runs: it goes on running, and nothing is waited for but the copy."""
    stage.open(inventory)
    target = os.path.join(stage.folder, "archive")
    shutil.rmtree(compat.native(target), ignore_errors=True)
    return lambda: stage.vibackup("archive", "--vs=web01", "--to=" + target)


RUNS = {"proxy-backup, running proxy": _running_proxy, "proxy-backup, stopped proxy": _stopped_proxy,
        "snapshot-boot": _snapshot_boot, "restore": _restore, "restore over a disk": _overwrite, "verify": _verify,
        "rollback --revert": _revert, "reconcile --fix": _reconcile, "archive": _archive}


class _Seen(object):
    """What one run came to: all that must be the same with and without a disturbance."""

    def __init__(self, stage, ran):
        document = ran.document
        self.what = {"status": ran.status, "outcome": document["outcome"], "error": document["error"],
                     "steps": [(step["name"], step["outcome"]) for step in document["steps"]],
                     "backup": document["backup"] is not None, "released": document.get("released"),
                     "warnings": document["warnings"], "leftovers": document["leftovers"],
                     "objects": [_nameless(thing) for thing in stage.objects()]}
        self.too_short = [step for step in document["steps"] if step["seconds"] < TAKES.get(step["name"], 0)]
        self.waits = len([step for step in document["steps"] if step["name"] in WAITS])


def _nameless(thing):
    """Leave out of a name the id of the run, which no two have in common."""
    return dict(thing, name=" ".join(word for word in thing["name"].split() if not word[:8].isdigit()))


def _run(stage, name, mode, disturb=lambda: None, change=lambda inventory: None):
    """Run in a new lab; ``disturb()`` is called right before. Returns _Seen and how many virtual seconds it took."""
    inventory = dict(small(), events=mode)
    change(inventory)
    act = RUNS[name](stage, inventory)
    del stage.calls[:]
    disturb()
    begun = stage.lab.world.now_ms
    ran = act()
    return _Seen(stage, ran), (stage.lab.world.now_ms - begun) / 1000.0


@pytest.fixture(autouse=True)
def no_power_cut(monkeypatch):
    """Nobody waits for disks here."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


# -- events

DISTURBANCES = {
    "never told": [()], "told twice": [(0, 0)], "told again later": [(0, 20000)], "late": [(45000,)],
    "later than any listening": [(200000,)], "out of order": [(50000,), (0,), (20000,)], "some lost": [(), (0,), ()]}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(RUNS))
def test_events_that_are_lost_doubled_late_or_out_of_order_change_nothing(stage, name, mode):
    good, seconds = _run(stage, name, mode)
    assert good.what["status"] == 0 and good.too_short == [] and good.waits >= (0 if name == "archive" else 1)
    for words in sorted(DISTURBANCES)[::FEW]:
        def disturb():
            stage.lab.disturbed_events = Disturbance(DISTURBANCES[words])
        seen, took = _run(stage, name, mode, disturb)
        assert seen.what == good.what and seen.too_short == [], words
        assert took <= seconds + good.waits * LOOKS * events.LISTEN_SECONDS, (words, took, seconds)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_manager_that_tells_everything_again_at_each_call_is_waited_for_all_the_same(stage, name, mode):
    """Such a listening ends at once: a wait that only listened would never let any time pass."""
    good, seconds = _run(stage, name, mode)

    def disturb():
        stage.lab.disturbed_events = Disturbance([(0,)], again=True)
        _at_most(stage, CALLS)
    seen, took = _run(stage, name, mode, disturb)
    assert seen.what == good.what and seen.too_short == []
    assert took <= seconds + good.waits * LOOKS * events.LISTEN_SECONDS


CALLS = 3000  # more than any of these runs makes: about 1 a second while it waits


def _at_most(stage, calls):
    def look():
        assert len(stage.calls) < calls, "it calls the manager without end"
    stage.watch(look, "listenForEvents")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(RUNS))
def test_all_that_happens_before_the_listening_begins_is_seen(stage, name, mode):
    """A server that is up again before the commit has even returned."""
    def at_once(inventory):
        inventory["job_ms"] = 100000
        for server in inventory["servers"]:
            server.update(boot_seconds=0, stop_seconds=0)
    good, _seconds = _run(stage, name, mode)
    seen, _took = _run(stage, name, mode, change=at_once)
    for quick in (good, seen):
        for thing in quick.what["objects"]:
            thing.pop("boot_ms", None), thing.pop("stop_ms", None)
    assert seen.what == good.what


# -- clocks

JUMPS = {"forward": [TEN_YEARS], "back": [-TEN_YEARS], "forward and back": [TEN_YEARS, -TEN_YEARS]}
MOMENTS = 4  # of each run, at which the clocks jump
DURING_SECONDS = 2  # after the begin of a listening, where it is one


class _OwnTime(object):
    """The module ``time`` of a process whose clock has been set."""

    offset = 0

    def time(self):
        return time.time() + self.offset

    def gmtime(self, seconds=None):
        return time.gmtime(self.time() if seconds is None else seconds)

    def __getattr__(self, name):
        return getattr(time, name)


class _Clocks(object):
    """The manager's wall clock and this process's own, which jump at a call of a run."""

    def __init__(self, stage, monkeypatch):
        self._stage = stage
        self._own = _OwnTime()
        for module in (run, clock, vhd_format):
            monkeypatch.setattr(module, "time", self._own)

    def jump_at(self, number, jumps):
        """Have them jump at call ``number`` from now on, by the first of ``jumps``, and so on at those that follow."""
        left, count, calls = list(jumps), self._stage.lab.count_call, [0]

        def counted(handle, method, arguments):
            calls[0] += 1
            if calls[0] >= number and left:
                self._jump(left.pop(0), DURING_SECONDS if method == "listenForEvents" else 0)
            return count(handle, method, arguments)
        self._stage.lab.count_call = counted

    def _jump(self, seconds, later):
        def jump():
            self._own.offset += seconds
            self._stage.lab.world.wall_offset_ms += seconds * 1000
        if later:
            self._stage.lab.clock.call_after(later, jump)
        else:
            jump()


def _moments(stage):
    """Return the numbers of some calls of the last run: its first, and those around its waits."""
    around = [number for number, call in enumerate(stage.calls, 1)
              if call.method in ("reboot", "start", "stop", "commit", "listenForEvents", "getStatusEvent")]
    return [1] + around[::max(1, EVERY * len(around) // MOMENTS)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(RUNS))
def test_clocks_that_jump_ten_years_change_nothing(stage, monkeypatch, name, mode):
    """Before the action, between the action and the look, in the middle of a listening, and after it."""
    good, seconds = _run(stage, name, mode)
    clocks = _Clocks(stage, monkeypatch)
    for moment in _moments(stage):
        for words in sorted(JUMPS)[::FEW]:
            seen, took = _run(stage, name, mode, lambda: clocks.jump_at(moment, JUMPS[words]))
            assert seen.what == good.what and seen.too_short == [], (moment, words)
            assert abs(took - seconds) < good.waits + 1, (moment, words, took, seconds)


@pytest.mark.parametrize("name", sorted(RUNS))
def test_clocks_that_jump_while_events_are_lost_change_nothing(stage, monkeypatch, name):
    good, seconds = _run(stage, name, MODES[0])
    clocks = _Clocks(stage, monkeypatch)
    moments = _moments(stage)

    def disturb():
        stage.lab.disturbed_events = Disturbance([(), (45000,)])
        clocks.jump_at(moments[len(moments) // 2], JUMPS["back"])
    seen, took = _run(stage, name, MODES[0], disturb)
    assert seen.what == good.what
    assert took <= seconds + good.waits * LOOKS * events.LISTEN_SECONDS
