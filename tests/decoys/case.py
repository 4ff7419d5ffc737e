"""One case: a lab full of look-alikes, one run of a verb in it, what an administrator does then, and ``reconcile``."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import json
import os

from fakes import faults
from tests.decoys import acts, agent, names
from tests.decoys.administrator import Administrator
from tests.decoys.chance import Chance
from tests.decoys.death import PHASES, Dying
from tests.decoys.guard import OF_ITS_BOOT, Guard
from tests.decoys.patching import patched
from tests.decoys.scene import Scene
from vibackup import run as runs

MODES = ["clean", "clean", "throw", "hang", "stuck", "killed", "killed", "killed", "killed"]
STUCK = ["removeStorageDevice", "deleteLogicalDisk", "deleteSnapshot", "reboot", "stop", "setName", "commit",
         "deleteVirtualServer"]
GOOD = (0, 5)


class Case(object):
    """Case ``number`` of the cases with ``seed``. ``story``: what happened, in words. ``wrong``: the violations.

    ``trace``: a stream to which each call is written, or None. ``dump``: what the lab held at the end, as JSON.
    """

    def __init__(self, seed, number):
        self.place = "--seed=%s --only=%d" % (seed, number)
        self._chance = Chance("%s %d" % (seed, number))
        self.story = []
        self.wrong = []
        self.trace = None
        self.dump = None

    def run(self):
        """Play it; returns the violations."""
        kept = {}
        with _in_memory(), agent.installed(kept), patched(runs, "new_id", lambda: self._ids.pop(0)):
            self._ids = [names.run_id(self._chance) for _number in range(8)]
            scene = Scene(self._chance, self._ids[0])
            scene.kept = kept
            scene.lab.trace = self.trace
            try:
                self._play(scene)
                self.dump = json.dumps(scene.lab.dump(), sort_keys=True).replace(scene.lab.folder, "LAB")
            finally:
                self.folder = scene.lab.folder
                scene.lab.close()
        return self.wrong

    def _play(self, scene):
        self.scene, self.guard = scene, Guard(scene.lab)
        self.act = acts.choose(scene)
        scene.run = self._ids[0]
        self.before = self.guard.dump()
        self.mode = self._chance.of(MODES)
        self.story.append("%s: %s" % (self.mode, " ".join(self.act.words)))
        self.guard.told = self.act
        ran, died = self._act()
        self.guard.told = None
        scene.lab.faults = []
        if died:
            self._after_a_crash()
        else:
            self._after_a_run(ran)
        self.wrong.extend(self.guard.wrong)

    # -- the run

    def _act(self):
        """Run the verb; returns how it ended, and whether its process died."""
        chance, lab = self._chance, self.scene.lab
        if self.mode == "killed":
            what = chance.of(["call", "change", "change", "line"])
            most = {"call": self.act.calls, "change": self.act.changes, "line": 12}[what]
            moment = (what, 1 + chance.number(most), chance.of(PHASES))
            self.story.append("killed %s %s %d" % (moment[2], what, moment[1]))
            dying = Dying(lab, self.guard, moment)
            ran = None
            with dying.living():
                ran = acts.run(self.act.words)
            return ran, dying.dead
        if self.mode in ("throw", "hang"):
            number = lab.calls + 1 + chance.number(self.act.calls)
            lab.faults = [faults.Fault(chance.of(PHASES), self.mode, number=number)]
        elif self.mode == "stuck":
            method = chance.of(STUCK)
            self.story.append("%s fails for ever" % method)
            lab.faults = [faults.Fault(chance.of(PHASES), "throw", method=method, times=None)]
        return acts.run(self.act.words), False

    def _after_a_run(self, ran):
        self.story.append("status %d: %s" % (ran.status, ran.error))
        left = ran.status == 6
        self._must("internal error" not in ran.errors, "internal error: %s" % ran.errors)
        self._must(left == bool(ran.document["leftovers"]), "status %d with %d leftovers" % (
            ran.status, len(ran.document["leftovers"])))
        done = ran.status in GOOD or (left and ran.document["error"] is None)
        self.guard.told = self.act
        not_known = ran.status not in (2, 3, 4) and "--revert" in self.act.words  # as its error says
        self.guard.compare(self.before, self.act.powers | self.act.commands if left else (),
                           self.act.writes if done or left or not_known else ())
        self.guard.told = None
        self._adopt_what_is_kept()
        if not left:
            self._nothing_is_left(self._kept_to_roll_back_to())
            self._reconcile_does_nothing()
        else:
            self._after_a_crash()

    def _kept_to_roll_back_to(self):
        return self.act.words[0] in ("rollback", "reconcile")

    def _adopt_what_is_kept(self):
        """What has its own name is the administrator's from then on."""
        for record in self.guard.ours():
            if record["name"] in self.act.makes:
                self.guard.foreign.add(record["id"])

    def _nothing_is_left(self, may_be_kept):
        left = [record for record in self.guard.ours() if not may_be_kept]
        self._must(not left, "left behind and not named: %s" % ", ".join(record["name"] for record in left))

    # -- after it

    def _after_a_crash(self):
        scene = self.scene
        self._adopt_what_is_kept()
        if self._chance.happens(70):
            scene.lab.clock.sleep(self._chance.of([1, 20, 600]))
        administrator = Administrator(scene, self.guard)
        administrator.meddle()
        self.story.extend(administrator.done)
        before = self.guard.dump()
        if not administrator.done:
            before = self.before
            new = self.guard.dump()
            before.update((identity, new[identity]) for identity in self.guard.foreign - set(before))
        fixed = self._reconcile("reconcile --fix", before)
        if not administrator.done:
            self._must(fixed.status == 0, "reconcile --fix ends with %d, and nobody has meddled: %s" % (
                fixed.status, fixed.document["leftovers"]))
        self._is_named(fixed, administrator)
        changes = self.guard.changes
        again = self._reconcile("a second reconcile --fix", before)
        self._must(self.guard.changes == changes, "a second reconcile --fix changes something")
        self._must(again.status == fixed.status, "reconcile --fix ends with %d, and a second one with %d" % (
            fixed.status, again.status))

    def _reconcile(self, words, before):
        """Reconcile; returns how that ended. before: the dump that it must leave, but for things of ours."""
        self.guard.told = self.act
        ran = acts.run(["reconcile", "--fix"])
        self.story.append("%s: status %d, released %s, left: %s" % (
            words, ran.status, ran.document.get("released"), ran.document["leftovers"]))
        self._must(ran.status in (0, 6) and "internal error" not in ran.errors, "%s: %s" % (words, ran.errors))
        powers = self.act.powers | self.act.commands if ran.status == 6 else ()
        self._bring_back_what_it_may_change(before)
        self.guard.compare(before, powers, self.act.writes)
        self.guard.told = None
        return ran

    def _bring_back_what_it_may_change(self, before):
        """A server that a run starts or stops has to be as before that run, not as an administrator found it.

        So has its proxy, without the disks that were to be attached to it.
        """
        proxy = before.get(self.act.proxy)
        if proxy is not None:
            proxy["devices"] = [each for each in proxy["devices"] if each not in self.act.attaches]
        for identity in self.act.powers | self.act.commands:
            if identity in before and identity in self.before:
                before[identity].update((key, self.before[identity][key]) for key in OF_ITS_BOOT)

    def _is_named(self, fixed, administrator):
        """What is left of ours is named; what somebody has made its own is there."""
        ours = [record for record in self.guard.ours() if record["id"] not in administrator.hidden]
        if fixed.status == 0 and not self._kept_to_roll_back_to():
            self._must(not ours, "left behind and not named: %s" % ", ".join(record["name"] for record in ours))
        for identity, name in sorted(administrator.stays.items()):
            self._must(identity in self.scene.lab.world.objects, "%s (%s) is gone, and it was somebody's by then" % (
                name, identity))

    def _reconcile_does_nothing(self):
        changes = self.guard.changes
        ran = self._reconcile("reconcile --fix", self.guard.dump())
        self._must(ran.status == 0 and self.guard.changes == changes and ran.document["released"] == 0,
                   "reconcile --fix finds something where nothing was left")

    def _must(self, holds, words):
        if not holds:
            self.wrong.append(words)


def play(seed, number):
    """Play one case; return its violations, each with how to repeat it."""
    case = Case(seed, number)
    found = case.run()
    return ["%s\n    %s\n    again: python -m tests.decoys %s" % (words, "\n    ".join(case.story), case.place)
            for words in found]


def replay(seed, number):
    """Play one case; return every call of it and what the lab held at its end, as text without the lab's own folder."""
    case = Case(seed, number)
    case.trace = _Trace()
    case.run()
    return json.dumps([b"".join(case.trace.lines).decode("utf-8").replace(case.folder, "LAB"), case.dump])


class _Trace(object):
    """A lab's trace, kept here."""

    def __init__(self):
        self.lines = []

    def write(self, line):
        self.lines.append(line)

    def flush(self):
        return

    close = flush


@contextlib.contextmanager
def _in_memory():
    """Nothing is brought to the disk: these processes do not really die."""
    with patched(os, "fsync", lambda _handle: None):
        yield


