# -*- coding: utf-8 -*-
"""clone-disk: a consistent copy of a logical disk in another disk group, or none."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from fakes import kinds, storage
from tests.flows.copies import SECONDS, SIZE, clone, full_house, two_groups
from tests.flows.helpers import named, same_by_cmp, stage  # noqa: F401
from vibackup.flows import clone_disk
from vibackup.run import Run
from vibackup.site import connect_lab


# -- a copy

def test_the_clone_has_the_disks_bytes_and_nothing_else_has_changed(stage):
    stage.open(two_groups())
    before, content = stage.objects(), stage.content("web01-system")
    ran = clone(stage)
    assert ran.status == 0 and ran.steps == ["snapshot", "clone disk", "delete snapshot", "keep"]
    assert same_by_cmp(stage.content("copy"), content)
    made, group = stage.object("copy"), stage.object("bulkGroup")
    assert (made["disk_group"], made["bytes"], made["snapshot_parent"]) == (group["id"], SIZE, None)
    group["free_bytes"] += SIZE
    assert [group if thing["id"] == group["id"] else thing for thing in stage.objects() if thing != made] == before


def test_the_document_and_the_last_line_say_what_was_copied_and_there_is_no_backup(stage):
    stage.open(two_groups())
    ran = clone(stage)
    copied = ran.document["copied"]
    assert copied.pop("seconds") >= SECONDS
    assert copied == {"name": "copy", "of": "web01-system", "bytes": SIZE, "group": "bulkGroup"}
    assert "done: web01-system is copied to copy in bulkGroup" in ran.errors
    assert ran.document["backup"] is None and stage.catalog() == []


def test_what_the_server_writes_meanwhile_is_not_in_the_clone(stage):
    lab = stage.open(two_groups())
    content = stage.content("web01-system")
    disk = lab.world.named({kinds.LOGICAL_DISK.name}, "web01-system")
    lab.clock.call_after(SECONDS // 2, lambda: storage.write(lab, disk, 0, b"written meanwhile"))
    assert clone(stage).status == 0
    assert stage.content("copy") == content and stage.content("web01-system") != content


def test_a_stopped_servers_disk_is_copied_from_a_snapshot_too(stage):
    stage.open(two_groups(power="Stopped"))
    assert clone(stage).steps[0] == "snapshot"
    assert stage.content("copy") == stage.content("web01-system")
    assert stage.object("web01")["power"] == "Stopped"


def test_a_disk_that_no_server_has_is_read_without_a_snapshot(stage):
    stage.open(two_groups())
    ran = clone(stage, disk="spare")
    assert ran.status == 0 and ran.steps == ["clone disk", "keep"]
    assert stage.content("copy") == stage.content("spare")


@pytest.mark.parametrize("disk", ["db01-data", "mixed01-system"])
def test_of_a_server_with_several_disks_the_one_that_is_asked_for_is_copied(stage, disk):
    assert clone(stage, disk=disk).status == 0
    assert stage.content("copy") == stage.content(disk)


def test_a_clone_can_stay_in_the_disks_own_group(stage):
    assert clone(stage, to_group="fastGroup").status == 0
    assert stage.object("copy")["disk_group"] == stage.object("fastGroup")["id"]


def test_a_clone_can_be_cloned(stage):
    stage.open(two_groups())
    clone(stage)
    assert clone(stage, disk="copy", name="copy of the copy", to_group="fastGroup").status == 0
    assert stage.content("copy of the copy") == stage.content("web01-system")


@pytest.mark.parametrize("name", ["Web=01 'disk'", "größe", "-n", "two\nlines"])
def test_any_name_will_do(stage, name):
    description = two_groups()
    named(description["disks"], "spare")["name"] = name
    stage.open(description)
    assert clone(stage, disk=name, name=name + " copy").status == 0
    assert stage.content(name + " copy") == stage.content(name)


def test_how_far_the_copy_is_is_shown(stage):
    stage.open(two_groups())
    shown = []
    with Run(connect_lab(stage.lab), os.path.join(stage.folder, "state"), "clone-disk",
             lambda what, value: shown.append((what, value))) as run:
        clone_disk.clone_disk(run, clone_disk.Plan(run, "web01-system", "bulkGroup", "copy"))
    figures = [value["figure"] for what, value in shown if what == "progress"]
    assert len(figures) == SECONDS // 10 and figures == sorted(figures) and 10 < figures[0] < figures[-1] < 100
    assert set(value["unit"] for what, value in shown if what == "progress") == {"percent"}


def test_a_manager_that_tells_no_percent_copies_all_the_same(stage):
    stage.open(dict(two_groups(), missing=["getCopyPercent"]))
    assert clone(stage).status == 0
    assert stage.content("copy") == stage.content("web01-system")


# -- a copy that is worth nothing

def test_a_snapshot_that_is_lost_while_it_is_copied_makes_the_clone_worthless_and_it_is_removed(stage):
    description = two_groups(write_bytes_per_second=SIZE // 4)
    group = named(description["data_centers"][0]["disk_groups"], "fastGroup")
    group["bytes"] = 4 * SIZE + SIZE // 2
    stage.open(description)
    before = stage.objects()
    ran = clone(stage)
    assert (ran.status, ran.error_class) == (1, "SnapshotLost") and "disk group fastGroup" in ran.error
    assert "copied" not in ran.document and stage.objects() == before


def test_a_clone_that_is_too_small_is_removed(stage, monkeypatch):
    stage.open(two_groups())
    before = stage.objects()
    real = clone_disk.making.Making.cloned_disk
    monkeypatch.setattr(clone_disk.making.Making, "cloned_disk", lambda *given: real(*given)._replace(bytes=SIZE - 512))
    ran = clone(stage)
    assert ran.status == 1 and ran.error == ("the clone of web01-system has 261632 of its 262144 bytes, so it is not "
                                             "kept: try again, or use export-disk and import-disk")
    assert stage.objects() == before


# -- refusals

@pytest.mark.parametrize("options, words", [
    ({"disk": "nothing"}, "no logical disk is called nothing"),
    ({"disk": "raw01-lun"}, "raw01-lun is a raw disk, which the manager cannot copy: have the storage array copy it"),
    ({"disk": "mixed01-lun"}, "mixed01-lun is a raw disk"),
    ({"disk": "backup.iso"}, "backup.iso is no logical disk"),
    ({"disk": "twin"}, "two disks are called twin: give each a name of its own"),
    ({"to_group": "nowhere"}, "no disk group is called nowhere"),
    ({"name": "db01-data"}, "there is a storage device called db01-data already: choose another name"),
    ({"name": "web01-system"}, "there is a storage device called web01-system already")])
def test_what_cannot_be_copied_is_refused_and_nothing_has_changed(stage, options, words):
    stage.open(full_house())
    before = stage.lab.dump()
    for more in ((), ("--dry-run",)):
        ran = clone(stage, *more, **options)
        assert ran.status == 3 and words in ran.error
        assert stage.changes() == [] and stage.lab.dump() == before


def test_a_snapshot_disk_is_refused_and_so_is_the_disk_of_a_server_that_has_a_snapshot(stage):
    stage.open(two_groups())
    stage.fault("deleteLogicalDisk", times=None)
    assert stage.proxy_backup().status == 6
    stage.lab.faults = []
    ran = clone(stage, disk="Snapshot of web01-system")
    assert ran.status == 3 and "is a snapshot disk: give the name of the disk that it is a snapshot of" in ran.error
    ran = clone(stage)
    assert (ran.status, ran.error_class) == (6, "Leftovers") and stage.changes() == []
    ran = clone(stage, "--state=" + os.path.join(stage.folder, "another"))
    assert ran.status == 3 and "web01 has a snapshot already" in ran.error and stage.changes() == []


@pytest.mark.parametrize("group, size, free, wanted", [
    ("bulkGroup", SIZE - 512, SIZE - 512, SIZE),
    ("fastGroup", 5 * SIZE, SIZE, SIZE + SIZE // 10)])
def test_the_space_for_the_clone_and_for_the_snapshot_must_be_there(stage, group, size, free, wanted):
    description = two_groups()
    named(description["data_centers"][0]["disk_groups"], group)["bytes"] = size
    stage.open(description)
    ran = clone(stage, to_group=group)
    assert ran.status == 3 and stage.changes() == []
    assert "the disk group %s has %d bytes free where %d are wanted" % (group, free, wanted) in ran.error


@pytest.mark.parametrize("disk, call", [
    ("web01-system", "snapshot"), ("web01-system", "cloneTo"), ("spare", "cloneTo"), ("spare", "getObjects"),
    ("spare", "deleteLogicalDisk"), ("spare", "getFreeBytes"), ("spare", "getBytes")])
def test_a_manager_that_lacks_a_call_is_told_so_before_any_change(stage, disk, call):
    stage.open(dict(two_groups(), missing=[call]))
    ran = clone(stage, disk=disk)
    assert (ran.status, ran.error_class) == (3, "MissingCall") and "this manager has no %s" % call in ran.error
    assert stage.changes() == []


@pytest.mark.parametrize("missing", ["--disk", "--to-group", "--name"])
def test_each_option_must_be_given(stage, missing):
    words = [word for word in ["--disk=web01-system", "--to-group=bulkGroup", "--name=copy"] if missing not in word]
    ran = stage.vibackup("clone-disk", *words)
    assert ran.status == 2 and missing in ran.error and stage.calls == []


def test_an_empty_name_is_refused(stage):
    ran = clone(stage, name="")
    assert (ran.status, ran.error) == (2, "clone-disk: --name is given, and empty") and stage.calls == []


# -- the dry run

@pytest.mark.parametrize("disk", ["web01-system", "spare"])
def test_the_plan_of_a_dry_run_is_what_the_run_then_does(stage, disk):
    stage.open(two_groups())
    before = stage.lab.dump()
    dry = clone(stage, "--dry-run", disk=disk)
    assert dry.status == 0 and stage.changes() == [] and stage.lab.dump() == before
    assert "clone disk: copy, 262144 bytes in bulkGroup, of %s" % disk in dry.document["plan"]
    assert [line.partition(":")[0] for line in dry.document["plan"]] == clone(stage, disk=disk).steps


@pytest.mark.parametrize("disk, lock", [("web01-system", "web01"), ("spare", "spare")])
def test_another_run_at_the_same_disk_waits_for_nothing_and_is_busy(stage, disk, lock):
    stage.open(two_groups())
    state = os.path.join(stage.folder, "state")
    with Run(connect_lab(stage.lab), state, "another") as run:
        with run.held(clone_disk.Plan(run, disk, "bulkGroup", "other").holds()):
            ran = clone(stage, "--state=" + state, disk=disk)
    assert ran.status == 4 and ran.error.startswith("%s is busy" % lock) and stage.changes() == []


def test_two_runs_do_not_make_one_disk_each_of_the_same_name(stage):
    state = os.path.join(stage.folder, "state")
    with Run(connect_lab(stage.lab), state, "another") as run:
        with run.held(clone_disk.Plan(run, "db01-data", "bulkGroup", "copy").holds()):
            ran = clone(stage, "--state=" + state)
    assert ran.status == 4 and ran.error.startswith("copy is busy")
