# -*- coding: utf-8 -*-
"""A policy that is split over several VM servers: each server is backed up by one of them, and one report tells all."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from tests.flows import fleets
from tests.flows.helpers import stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import FAILED, GOOD, night
from tests.flows.test_fleet_ends import stopping
from vibackup.fleet import journal

__all__ = ["stage"]
PARTS = 3
SERVERS = 9


@pytest.fixture(autouse=True)
def no_power_is_cut(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _file: None)


@pytest.fixture
def states(stage):
    """The paths of a state folder for each part, in a lab of nine servers and two proxies."""
    stage.open(fleets.inventory(SERVERS))
    return [os.path.join(stage.folder, "state %d" % number) for number in range(1, PARTS + 1)]


def part(stage, states, number, *words, **keys):
    """Let a part's night pass, with a state of its own."""
    return night(stage, "--shard=%d/%d" % (number, PARTS), "--state=" + states[number - 1], *words, **keys)


def tried_by(states):
    """Return ``{server: [number of the part by which it was tried]}``."""
    found = {}
    for number, folder in enumerate(states, 1):
        for each in journal.nights(folder)[-1].of("backup"):
            found.setdefault(each["vs"], []).append(number)
    return found


def report(stage, states):
    return stage.vibackup("report", *(["--state=" + folder for folder in states] + [fleets.policy(stage, {
        "all": {"names": "web*", "rpo": "26h"}})]))


def test_the_parts_back_up_each_server_once_and_one_report_has_them_all(stage, states):
    before = stage.objects()
    for number in range(1, PARTS + 1):
        assert part(stage, states, number).status == GOOD
    tried = tried_by(states)
    assert sorted(tried) == fleets.names(SERVERS) and set(map(len, tried.values())) == {1}
    assert stage.objects() == before
    ran = report(stage, states)
    assert ran.status == GOOD, ran.errors
    found = ran.document["report"]
    assert sorted(server["vs"] for server in found["servers"]) == sorted(fleets.names(SERVERS) + ["pbh01", "pbh02"])
    assert sorted(each["shard"] for each in found["nights"]) == ["1/3", "2/3", "3/3"]
    assert sum(each["counts"]["ok"] for each in found["nights"]) == SERVERS
    assert (found["counts"]["within_rpo"], found["counts"]["with_rpo"]) == (SERVERS, SERVERS)


def test_the_report_misses_the_servers_of_a_part_that_has_not_run(stage, states):
    """L1: what no state tells of has no backup."""
    for number in (1, 2):
        assert part(stage, states, number).status == GOOD
    found = report(stage, states[:2]).document["report"]
    told = set(server["vs"] for server in found["servers"])
    assert told < set(fleets.names(SERVERS) + ["pbh01", "pbh02"])
    assert set(tried_by(states[:2])) <= told


def test_the_failure_of_one_part_is_the_reports_and_no_other_parts(stage, states):
    for number in range(1, PARTS + 1):
        with fleets.guests_do(stage, fleets.failing("web03", times=9)):
            ran = part(stage, states, number)
        assert ran.status == (FAILED if "web03" in ran.document["counts"]["without"] else GOOD)
    found = report(stage, states).document["report"]
    assert [server["vs"] for server in found["servers"] if server["outcome"] == "failed"] == ["web03"]


def test_a_part_that_was_stopped_is_taken_up_by_itself(stage, states, monkeypatch):
    with stopping(stage, monkeypatch, 150):
        assert part(stage, states, 1, batch=1).status == 143
    done = [entry["vs"] for entry in stage.vibackup("backups", "--state=" + states[0]).document["backups"]]
    assert part(stage, states, 2).status == GOOD
    resumed = part(stage, states, 1, "--resume", batch=1)
    assert resumed.status == GOOD and resumed.document["done_already"] == done, resumed.errors
    assert part(stage, states, 3).status == GOOD
    ids = [entry["vs"] for folder in states
           for entry in stage.vibackup("backups", "--state=" + folder).document["backups"]]
    assert sorted(ids) == fleets.names(SERVERS), "one is there twice, or never"
    assert sum(each["counts"]["ok"] for each in report(stage, states).document["report"]["nights"]) == SERVERS


def test_a_dry_run_of_a_part_plans_what_the_part_does(stage, states):
    for number in range(1, PARTS + 1):
        planned = part(stage, states, number, "--dry-run").document
        names = sorted(server["vs"] for batch in planned["batches"] for server in batch["servers"])
        assert part(stage, states, number).status == GOOD
        assert names == sorted(vs for vs, parts in tried_by(states[:number]).items() if parts == [number])
