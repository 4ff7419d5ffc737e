# -*- coding: utf-8 -*-
"""Backups of servers that no section of the policy has: none is removed, and that is said."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from tests.flows import fleets
from tests.flows.helpers import compat, in_a_job, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import GOOD, night, rename
from vibackup import manager as api

__all__ = ["stage"]


def lines_of(stage, *words, **keys):
    """Return the lines of a dry run that speak of what is never pruned."""
    printed = stage.printed("fleet", fleets.policy(stage, **keys), "--dry-run", *words)
    return [line.strip() for line in printed.splitlines() if "never pruned" in line or "to remove such" in line]


def of(*names):
    """Return a policy's sections that have the servers of these names, and keep one backup of each."""
    return {"some": {"names": " ".join(names), "keep-last": "1"}}


def test_a_server_that_left_all_sections_has_one_line_and_what_to_do_is_said_once(stage):
    stage.open(fleets.inventory(4))
    assert night(stage).status == GOOD and night(stage).status == GOOD
    assert lines_of(stage) == []
    rename(stage, "web04", "other")  # as good as gone
    found = lines_of(stage, sections=of("web01", "web03"))
    assert found[:2] == ["never pruned: web02, which no section of the policy has: 2 backups",
                         "never pruned: web04, which no section of the policy has: 2 backups"]
    assert found[2].startswith("to remove such backups: see where they are with vibackup backups --vs=NAME --json, ")
    document = stage.vibackup("fleet", fleets.policy(stage, sections=of("web01", "web03")), "--dry-run").document
    assert document["never_pruned"] == {"web02": 2, "web04": 2}
    folder = found[2].split(" in ")[-1]
    assert len(found) == 3 and len(os.listdir(compat.native(folder))) == 8
    assert night(stage, sections=of("web01", "web03")).status == GOOD
    assert len([each for each in stage.catalog() if each["vs"] in ("web02", "web04")]) == 4
    report = stage.printed("report", fleets.policy(stage, sections=of("web01", "web03")))
    assert "NEVER PRUNED" in report and "web02 (2), web04 (2)" in " ".join(report.split())


def test_a_server_that_a_section_has_and_cannot_be_backed_up_now_is_none_of_them(stage):
    """It is pruned again when it can be."""
    stage.open(fleets.inventory(2))
    assert night(stage).status == GOOD
    in_a_job(stage, lambda manager: api.snapshot(manager.find("VirtualServer", "web02")))
    assert "web02 has a snapshot already" in stage.printed("fleet", fleets.policy(stage), "--dry-run")
    assert lines_of(stage) == []


def test_a_part_of_the_policy_tells_of_its_own_servers_alone(stage):
    stage.open(fleets.inventory(6))
    assert night(stage).status == GOOD
    told = [lines_of(stage, "--shard=%d/2" % number, sections=of("web01")) for number in (1, 2)]
    names = [line.split()[2].rstrip(",") for lines in told for line in lines if line.startswith("never pruned")]
    assert sorted(names) == fleets.names(6)[1:] and all(len(lines) < 6 for lines in told)
