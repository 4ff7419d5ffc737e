# -*- coding: utf-8 -*-
"""export-disk: a logical disk as a VHD file, which has its name only when it is whole and good."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from fakes import kinds, storage
from tests.flows.copies import SECONDS, SIZE, export, files, full_house, target, two_groups
from tests.flows.helpers import named, process, same_by_cmp, stage  # noqa: F401
from tests.vhds import content
from vibackup import compat, vhd
from vibackup.flows import export_disk
from vibackup.run import Run
from vibackup.site import connect_lab


# -- a file

def test_the_vhd_has_the_disks_bytes_and_nothing_has_changed(stage):
    stage.open(two_groups())
    before = stage.objects()
    ran = export(stage)
    assert ran.status == 0 and ran.steps == ["snapshot", "export disk", "delete snapshot"]
    assert same_by_cmp(content(target(stage)), stage.content("web01-system"))
    assert stage.objects() == before and files(stage) == ["disk.vhd"]


def test_the_document_and_the_last_line_say_what_was_exported_and_there_is_no_backup(stage):
    stage.open(two_groups())
    ran = export(stage)
    exported = ran.document["exported"]
    assert exported.pop("seconds") >= SECONDS
    assert exported == {"name": "web01-system", "bytes": SIZE, "file": target(stage)}
    assert "done: web01-system is exported to %s" % target(stage) in ran.errors
    assert ran.document["backup"] is None and stage.catalog() == []


def test_what_the_server_writes_meanwhile_is_not_in_the_file(stage):
    lab = stage.open(two_groups())
    before = stage.content("web01-system")
    disk = lab.world.named({kinds.LOGICAL_DISK.name}, "web01-system")
    lab.clock.call_after(SECONDS // 2, lambda: storage.write(lab, disk, 0, b"written meanwhile"))
    assert export(stage).status == 0
    assert content(target(stage)) == before and stage.content("web01-system") != before


def test_a_disk_that_no_server_has_is_read_without_a_snapshot(stage):
    stage.open(two_groups())
    assert export(stage, disk="spare").steps == ["export disk"]
    assert content(target(stage)) == stage.content("spare")


@pytest.mark.parametrize("disk", ["db01-data", "mixed01-system"])
def test_of_a_server_with_several_disks_the_one_that_is_asked_for_is_exported(stage, disk):
    assert export(stage, disk=disk).status == 0
    assert content(target(stage)) == stage.content(disk)


def test_until_it_is_whole_and_good_the_file_has_another_name(stage):
    lab = stage.open(two_groups())
    seen = []
    lab.clock.call_after(SECONDS // 2, lambda: seen.extend(files(stage)))
    ran = export(stage)
    assert seen == ["disk.vhd.partial-" + ran.document["run"]] and files(stage) == ["disk.vhd"]


def test_how_far_the_export_is_is_shown(stage):
    stage.open(two_groups())
    shown = []
    with Run(connect_lab(stage.lab), os.path.join(stage.folder, "state"), "export-disk",
             lambda what, value: shown.append((what, value))) as run:
        export_disk.export_disk(run, export_disk.Plan(run, "web01-system", target(stage)))
    figures = [value["figure"] for what, value in shown if what == "progress"]
    assert len(figures) == SECONDS // 10 and figures == sorted(figures) and 10 < figures[0] < figures[-1] < 100


# -- names of files

@pytest.mark.parametrize("name", [
    "a disk's \"copy\".vhd", "two\nlines.vhd", "-o.vhd", "größe.vhd", "no suffix", "x" * 200])
def test_any_file_name_will_do(stage, name):
    stage.open(two_groups())
    ran = export(stage, to=target(stage, name))
    assert ran.status == 0, ran.errors
    assert files(stage) == [name] and content(target(stage, name)) == stage.content("web01-system")
    assert len(ran.errors.splitlines()) == 5  # nothing in a name breaks a line


def test_a_relative_path_is_made_absolute_for_the_manager(tmpdir):
    ran = process("vibackup", "export-disk", "--lab", "--json", "--disk=web01-system", "--to=disk.vhd",
                  cwd=compat.native(compat.text(tmpdir)))
    assert ran.status == 0, ran.errors
    assert ran.document["exported"]["file"] == os.path.join(os.path.realpath(compat.text(tmpdir)), "disk.vhd")
    assert vhd.check(compat.text(tmpdir.join("disk.vhd")))


def test_a_folder_may_be_a_link(stage):
    stage.open(two_groups())
    target(stage)
    os.symlink("exports", os.path.join(stage.folder, "link"))
    assert export(stage, to=os.path.join(stage.folder, "link", "disk.vhd")).status == 0
    assert files(stage) == ["disk.vhd"]


# -- a file that is worth nothing

def test_a_snapshot_that_is_lost_while_it_is_exported_makes_the_file_worthless_and_it_is_removed(stage):
    description = two_groups(write_bytes_per_second=SIZE // 4)
    named(description["data_centers"][0]["disk_groups"], "fastGroup")["bytes"] = 4 * SIZE + SIZE // 2
    stage.open(description)
    before = stage.objects()
    ran = export(stage)
    assert (ran.status, ran.error_class) == (1, "SnapshotLost") and "disk group fastGroup" in ran.error
    assert "exported" not in ran.document and stage.objects() == before and files(stage) == []


@pytest.mark.parametrize("damage, words", [
    (lambda data: data[:-1], "no good VHD"),
    (lambda data: data[:-512], "no good VHD"),
    (lambda data: b"", "no good VHD"),
    (lambda data: data[:1024] + b"broken" + data[1030:], "no good VHD")])
def test_a_file_that_the_manager_wrote_badly_is_no_export(stage, damage, words):
    lab = stage.open(two_groups())
    before = stage.objects()

    def spoil():
        path = target(stage, files(stage)[0])
        with io.open(compat.native(path), "rb") as stream:
            data = stream.read()
        with io.open(compat.native(path), "wb") as stream:
            stream.write(damage(data))
    lab.clock.call_after(SECONDS // 2, spoil)
    ran = export(stage)
    assert (ran.status, ran.error_class) == (1, "BadImage") and words in ran.error
    assert files(stage) == [] and stage.objects() == before


def test_a_file_of_another_disks_size_is_no_export(stage):
    lab = stage.open(two_groups())
    lab.clock.call_after(SECONDS // 2, lambda: vhd.write(target(stage, files(stage)[0]), SIZE + 512, []))
    ran = export(stage)
    assert ran.status == 1 and "its disk has 262656 bytes, not 262144" in ran.error and files(stage) == []


def test_a_file_that_comes_into_being_meanwhile_is_not_replaced(stage):
    lab = stage.open(two_groups())
    lab.clock.call_after(SECONDS // 2, lambda: stage.write("exports/disk.vhd", "somebody else's"))
    ran = export(stage)
    assert ran.status == 1 and "has come into being meanwhile: choose another name" in ran.error
    assert files(stage) == ["disk.vhd"]
    with io.open(compat.native(target(stage)), "rb") as stream:
        assert stream.read() == b"somebody else's"


# -- refusals

@pytest.mark.parametrize("options, words", [
    ({"disk": "nothing"}, "no logical disk is called nothing"),
    ({"disk": "raw01-lun"}, "raw01-lun is a raw disk, which the manager cannot copy"),
    ({"disk": "backup.iso"}, "backup.iso is no logical disk"),
    ({"disk": "twin"}, "two disks are called twin")])
def test_what_cannot_be_exported_is_refused_and_nothing_has_changed(stage, options, words):
    stage.open(full_house())
    before = stage.lab.dump()
    for more in ((), ("--dry-run",)):
        ran = export(stage, *more, **options)
        assert ran.status == 3 and words in ran.error
        assert stage.changes() == [] and stage.lab.dump() == before and files(stage) == []


@pytest.mark.parametrize("what", ["file", "folder", "link to nothing"])
def test_a_name_that_is_taken_is_refused(stage, what):
    path = target(stage)
    {"file": lambda: stage.write("exports/disk.vhd", "mine"), "folder": lambda: os.mkdir(path),
     "link to nothing": lambda: os.symlink("nothing", path)}[what]()
    ran = export(stage)
    assert ran.status == 3 and "is there already: choose another name, or move it away" in ran.error
    assert stage.changes() == [] and files(stage) == ["disk.vhd"]


def test_a_folder_that_is_not_there_is_refused(stage):
    ran = export(stage, to=target(stage, "deeper/disk.vhd"))
    assert ran.status == 3 and "there is no folder" in ran.error and stage.changes() == []


def test_a_file_name_that_would_be_too_long_is_refused(stage):
    ran = export(stage, to=target(stage, "ö" * 101))
    assert ran.status == 3 and "is too long: choose one of 200 bytes at most" in ran.error and stage.changes() == []


def test_too_little_space_for_the_file_is_refused(stage, monkeypatch):
    monkeypatch.setattr(compat, "free_bytes", lambda folder: 1000)
    ran = export(stage)
    assert ran.status == 3 and "has 1000 bytes free where up to" in ran.error and stage.changes() == []


def test_where_nobody_can_tell_how_much_is_free_the_disk_is_exported(stage, monkeypatch):
    monkeypatch.setattr(compat, "free_bytes", lambda folder: None)
    assert export(stage).status == 0


def test_too_little_space_for_the_snapshot_is_refused(stage):
    description = two_groups()
    named(description["data_centers"][0]["disk_groups"], "fastGroup")["bytes"] = 4 * SIZE + 512
    stage.open(description)
    ran = export(stage)
    assert ran.status == 3 and "the disk group fastGroup has 512 bytes free" in ran.error and stage.changes() == []


@pytest.mark.parametrize("call", ["exportVhd", "getObjects", "snapshot"])
def test_a_manager_that_lacks_a_call_is_told_so_before_any_change(stage, call):
    stage.open(dict(two_groups(), missing=[call]))
    ran = export(stage)
    assert (ran.status, ran.error_class) == (3, "MissingCall") and "this manager has no %s" % call in ran.error
    assert stage.changes() == []


# -- the dry run

@pytest.mark.parametrize("disk", ["web01-system", "spare"])
def test_the_plan_of_a_dry_run_is_what_the_run_then_does(stage, disk):
    stage.open(two_groups())
    before = stage.lab.dump()
    dry = export(stage, "--dry-run", disk=disk)
    assert dry.status == 0 and stage.changes() == [] and stage.lab.dump() == before and files(stage) == []
    assert "export disk: %s, 262144 bytes to %s" % (disk, target(stage)) in dry.document["plan"]
    assert [line.partition(":")[0] for line in dry.document["plan"]] == export(stage, disk=disk).steps


def test_two_runs_do_not_export_to_one_file(stage):
    state = os.path.join(stage.folder, "state")
    with Run(connect_lab(stage.lab), state, "another") as run:
        with run.held(export_disk.Plan(run, "db01-data", target(stage)).holds()):
            ran = export(stage, "--state=" + state)
    assert ran.status == 4 and ran.error.startswith("%s is busy" % target(stage)) and stage.changes() == []
