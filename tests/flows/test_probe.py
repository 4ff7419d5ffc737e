# -*- coding: utf-8 -*-
"""probe: which calls a manager has. It changes nothing."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.flows.helpers import demo, run_main, stage  # noqa: F401
from vibackup import manager as api


def answers(ran):
    return dict(((row["kind"], row["call"]), row["present"]) for row in ran.document["calls"])


def test_the_lab_has_every_call(stage):
    ran = stage.vibackup("probe")
    assert ran.status == 0 and ran.document["verb"] == "probe"
    assert len(ran.document["calls"]) == sum(len(known) + len(assumed) for _kind, known, assumed in api.CALLS)
    assert set(answers(ran).values()) == {True}


def test_a_call_that_the_manager_lacks_is_named(stage):
    stage.open(dict(demo(), missing=["setName", "getSnapshotUsedPercent"]))
    ran = stage.vibackup("probe")
    assert ran.status == 0
    assert sorted(key for key, present in answers(ran).items() if not present) == [
        ("LogicalDisk", "getSnapshotUsedPercent"), ("VirtualServer", "setName")]


def test_each_call_is_said_to_be_known_or_assumed(stage):
    ran = stage.vibackup("probe")
    status = dict(((row["kind"], row["call"]), row["status"]) for row in ran.document["calls"])
    assert status["VirtualServer", "snapshot"] == "known" and status["VirtualServer", "reboot"] == "assumed"


def test_it_changes_nothing(stage):
    before = stage.lab.dump()
    stage.vibackup("probe")
    assert stage.changes() == [] and stage.lab.dump() == before


def test_a_manager_that_cannot_list_its_objects_is_no_error(stage):
    stage.open(dict(demo(), missing=["getObjects"]))
    ran = stage.vibackup("probe")
    assert ran.status == 0 and answers(ran)["VirtualServer", "snapshot"] is None


def test_an_empty_manager_is_no_error(stage):
    inventory = demo()
    inventory.update(servers=[], disks=[], network_block_devices=[])
    stage.open(inventory)
    ran = stage.vibackup("probe")
    assert ran.status == 0 and answers(ran)["VirtualServer", "snapshot"] is None


def test_the_table_is_for_people(stage):
    stage.open(dict(demo(), missing=["reboot"]))
    lines = run_main("probe", ["--lab"]).output.splitlines()
    assert ["VirtualServer", "reboot", "assumed", "MISSING"] in [line.split() for line in lines]
