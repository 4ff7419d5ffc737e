# -*- coding: utf-8 -*-
"""A night beside other runs, processes in one lab: no server and no proxy is held by two (L6), and nobody is lost."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import os
import subprocess

import pytest

from tests.flows import fleets, kills
from tests.flows.helpers import compat, kept_lab, named, objects_in, stage, vibackup_in, write_bytes  # noqa: F401
from tests.flows.test_fleet import FAILED, GOOD
from tests.flows.test_two_runners import WAITING
from vibackup import locks
from vibackup.fleet import journal

__all__ = ["stage"]
BUSY = 4


class Ground(object):
    """A lab kept on disk: four servers, three proxies, and an agent that holds what it has until it may go on."""

    def __init__(self, stage, folder):
        self._stage, self.folder = stage, compat.text(folder)
        self.lab = os.path.join(self.folder, "lab")
        self.before = kept_lab(self.lab, fleets.inventory(4, proxies=3))
        self._go = os.path.join(self.folder, "go")
        self.table = write_bytes(os.path.join(self.folder, "agents.ini"), (WAITING % self._go).encode("utf-8"))
        self._runs = []

    def start(self, *words):
        """Start a command that waits, and return it once its agent waits."""
        path = os.path.join(self.folder, "said %d" % len(self._runs))
        run = kills.Run([words[0], "--lab=" + self.lab, "--json"] + list(words[1:]), compat.native(path))
        self._runs.append(run)
        kills.wait_for(lambda: self._agents_wait() or run.has_ended())
        assert not run.has_ended(), run.said()
        return run

    def _agents_wait(self):
        """Tell whether an agent waits: it has made the folder for its image by then."""
        return bool(kills.paths_in(os.path.join(self.lab, "guests", "*", "home", "vibackup-images", "*")))

    def proxy_backup(self, vs, proxy):
        """Start a manual backup that holds both until it may go on."""
        return self.start("proxy-backup", "--vs=" + vs, "--proxy=" + proxy, "--agents=" + self.table,
                          "--agent=waiting")

    def go_on(self):
        """Let all go on, and wait for their ends; returns their statuses."""
        write_bytes(self._go, b"")
        return [run.wait() for run in self._runs]

    def fleet(self, *words, **keys):
        return vibackup_in(self.lab, "fleet", self.policy(**keys), *words)

    def policy(self, name="all", **keys):
        """Write a policy of all servers and two of the proxies."""
        section = dict({"names": "web*", "proxies": "pbh01, pbh02"}, **keys.pop("section", {}))
        return fleets.policy(self._stage, {name: section}, **keys)

    @contextlib.contextmanager
    def held(self, vs):
        """Have a process of its own hold the lock of a server, as a run does before its snapshot."""
        server = named(self.before, vs)["id"]
        folder = compat.native(os.path.join(self.lab, "state", "locks", server))
        sleeper = subprocess.Popen(["sleep", "600"])
        owner = dict(locks.this_process(), pid=sleeper.pid, started=locks.started(sleeper.pid), token="other",
                     run="20260101-000000-other", verb="proxy-backup")
        if not os.path.isdir(os.path.dirname(folder)):
            os.makedirs(os.path.dirname(folder), 0o700)
        assert locks.take(folder, owner) is None
        try:
            yield
            assert locks.holder(folder) == owner
        finally:
            sleeper.kill()
            sleeper.wait()

    def last(self):
        return journal.nights(os.path.join(self.lab, "state"))[-1]

    def backed_up(self):
        """Return the names of the servers in the catalog, sorted: one that is there twice is twice."""
        return sorted(each["vs"] for each in vibackup_in(self.lab, "backups").document["backups"])

    def is_as_before(self):
        """Tell whether nothing is left, of the lab's objects and of locks and ledgers."""
        litter = [path for name in ("locks", "ledger") for path in kills.paths_in(
            os.path.join(self.lab, "state", name))]
        return objects_in(self.lab) == self.before and litter == []


@pytest.fixture
def ground(stage, tmpdir, monkeypatch):  # noqa: F811
    monkeypatch.setattr(os, "fsync", lambda _file: None)
    made = Ground(stage, tmpdir)
    yield made
    made.go_on()


def test_a_server_that_is_backed_up_by_hand_is_left_to_that_and_done_once(ground):
    ground.proxy_backup("web02", "pbh03")
    ran = ground.fleet()
    assert ran.status == FAILED and ran.document["counts"]["without"] == ["web02"], ran.errors
    assert fleets.outcomes(ground.last()) == fleets.all_good(["web01", "web03", "web04"])
    [left_out] = [each["why"] for each in ground.last().facts["left_out"] if each["vs"] == "web02"]
    assert "has a snapshot already" in left_out
    assert ground.go_on() == [GOOD]
    assert ground.backed_up() == fleets.names(4) and ground.is_as_before()
    resumed = ground.fleet("--resume")
    assert resumed.status == GOOD, resumed.errors
    assert resumed.document["done_already"] == ["web01", "web03", "web04"] and ground.is_as_before()


def test_a_server_that_is_taken_by_hand_after_the_plan_was_made_fails_and_the_night_goes_on(ground):
    """Its lock is held, and it has no snapshot yet."""
    with ground.held("web02"):
        ran = ground.fleet()
    assert ran.status == FAILED and "web02" in ran.error, ran.errors
    assert fleets.outcomes(ground.last()) == dict(fleets.all_good(4), web02=["failed", "failed"])
    assert "busy" in fleets.why(ground.last(), "web02")
    resumed = ground.fleet("--resume")
    assert resumed.status == GOOD and ground.backed_up() == fleets.names(4) and ground.is_as_before()


def test_a_proxy_that_is_used_by_hand_is_left_to_that_and_costs_nobody_a_try(ground):
    ground.proxy_backup("pbh03", "pbh01")
    ran = ground.fleet(retries=0)
    assert ran.status == GOOD and any("pbh01 is busy" in words for words in ran.document["warnings"]), ran.errors
    assert fleets.outcomes(ground.last()) == fleets.all_good(4)
    assert set(each["proxy"] for each in ground.last().of("backup")) == {"pbh02"}
    assert ground.go_on() == [GOOD]
    assert ground.backed_up() == ["pbh03"] + fleets.names(4) and ground.is_as_before()


def test_whoever_comes_while_a_night_holds_a_server_or_a_proxy_is_busy_and_changes_nothing(ground):
    ground.start("fleet", ground.policy(section={"agent": "waiting", "agents": ground.table}, retries=0))
    held = objects_in(ground.lab)
    for vs, proxy in (("web01", "pbh03"), ("pbh03", "pbh01"), ("web01", "pbh02")):
        ran = vibackup_in(ground.lab, "proxy-backup", "--vs=" + vs, "--proxy=" + proxy, "--agent=model")
        assert ran.status == BUSY and objects_in(ground.lab) == held, ran.errors
    assert ground.go_on() == [GOOD]
    assert fleets.outcomes(ground.last()) == fleets.all_good(4)
    assert ground.backed_up() == fleets.names(4) and ground.is_as_before()


def test_two_policies_at_once_that_want_the_same_servers_do_each_of_them_once(ground):
    """The second finds both proxies busy and says so for each server."""
    ground.start("fleet", ground.policy(section={"agent": "waiting", "agents": ground.table}, retries=0))
    first, second = ground.last().id, os.path.join(ground.folder, "second.ini")
    os.rename(ground.policy(retries=0).partition("=")[2], second)
    ran = vibackup_in(ground.lab, "fleet", "--policy=" + second)
    assert ran.status == FAILED and ground.backed_up() == [] and ground.last().id != first, ran.errors
    assert sorted(ran.document["counts"]["without"]) == fleets.names(4)
    assert ground.go_on() == [GOOD]
    assert ground.backed_up() == fleets.names(4) and ground.is_as_before()
