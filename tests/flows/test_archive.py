# -*- coding: utf-8 -*-
"""archive: all disks of a server as VHDs of one moment, and a manifest that is written last."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from fakes import kinds, storage
from tests.flows.archives import (FILES, SECONDS, SIZES, data, exists, files, folder, make, path, put, read_manifest,
                                  sha256, two_disks)
from tests.flows.helpers import FREEZE, KIB, compat, named, process, run_main, same_by_cmp, stage  # noqa: F401
from tests.vhds import content
from vibackup import __version__, errors, manifest, state
from vibackup.flows import archive
from vibackup.run import Run
from vibackup.site import connect_lab


# -- what an archive holds

def test_each_disk_is_a_vhd_with_its_bytes_and_nothing_else_has_changed(stage):
    stage.open(two_disks())
    before = stage.objects()
    ran = make(stage)
    assert ran.status == 0 and ran.steps == [
        "snapshot", "export disk", "export disk", "delete snapshot", "checksum", "checksum", "write manifest"]
    assert files(stage) == FILES + ["manifest.json"]
    for name, disk in zip(FILES, ("db01-system", "db01-data")):
        assert same_by_cmp(content(os.path.join(folder(stage), name)), stage.content(disk))
    assert stage.objects() == before and stage.vibackup("reconcile").status == 0


def test_the_manifest_says_what_is_needed_to_bring_it_back(stage):
    stage.open(two_disks())
    ran = make(stage)
    found = read_manifest(stage)
    assert found.pop("disks") == [
        {"name": disk, "bytes": SIZES[disk], "group": group, "file": name, "file_bytes": len(data(stage, name)),
         "sha256": sha256(data(stage, name))}
        for disk, group, name in zip(("db01-system", "db01-data"), ("fastGroup", "bulkGroup"), FILES)]
    assert found.pop("settings") == {"memory_bytes": 4 * 1024 ** 3, "processors": 2, "networks": ["lan"],
                                     "operating_system": "Linux", "boot_type": "DISK", "node": "node1"}
    assert found.pop("taken") == ran.document["steps"][1]["started"]
    assert found == {"format": 1, "tool_version": __version__, "vs": "db01", "run": ran.document["run"], "skipped": []}


def test_both_disks_are_of_the_moment_of_the_snapshot(stage):
    lab = stage.open(two_disks())
    before = [stage.content(disk) for disk in ("db01-system", "db01-data")]
    for name in SIZES:
        disk = lab.world.named({kinds.LOGICAL_DISK.name}, name)
        lab.clock.call_after(SECONDS // 2, lambda disk=disk: storage.write(lab, disk, 4096, b"written meanwhile"))
    assert make(stage).status == 0
    assert [content(os.path.join(folder(stage), name)) for name in FILES] == before
    assert stage.content("db01-data") != before[1]


def test_until_it_is_whole_there_is_no_manifest(stage):
    lab = stage.open(two_disks())
    seen = []
    lab.clock.call_after(SECONDS + 10, lambda: seen.extend(files(stage)))
    run = make(stage).document["run"]
    assert seen == [FILES[0], "%s.partial-%s" % (FILES[1], run)]
    assert files(stage)[-1] == "manifest.json"


def test_the_catalog_has_it_and_names_its_folder(stage):
    stage.open(two_disks())
    ran = make(stage)
    entry, = stage.catalog()
    assert (entry["vs"], entry["agent"], entry["mode"], entry["location"]) == ("db01", "vhd", "archive", folder(stage))
    assert [(disk["name"], disk["stored_as"]) for disk in entry["disks"]] == list(zip(
        ("db01-system", "db01-data"), FILES))
    assert [disk["sha256"] for disk in ran.document["backup"]["disks"]] == [sha256(data(stage, name)) for name in FILES]
    assert "done: db01 is archived in %s" % folder(stage) in ran.errors


def test_the_servers_order_of_disks_is_that_of_the_files(stage):
    description = two_disks()
    named(description["servers"], "db01")["devices"] = ["db01-data", "db01-system"]
    stage.open(description)
    assert make(stage).status == 0
    assert files(stage)[:2] == ["00-db01-data.vhd", "01-db01-system.vhd"]


def test_an_empty_folder_will_do_and_a_relative_one(tmpdir):
    tmpdir.mkdir("empty")
    ran = process("vibackup", "archive", "--lab", "--json", "--vs=web01", "--to=empty",
                  cwd=compat.native(compat.text(tmpdir)))
    assert ran.status == 0, ran.errors
    assert sorted(os.listdir(str(tmpdir.join("empty")))) == ["00-web01-system.vhd", "manifest.json"]
    assert ran.document["backup"]["location"] == os.path.join(os.path.realpath(compat.text(tmpdir)), "empty")


@pytest.mark.parametrize("name", ["../../etc/passwd", "größe und\nzeile", "-rf", "..", "x" * 300, 'a"b\\c%2F'])
def test_no_name_of_a_disk_leads_out_of_the_folder(stage, name):
    description = two_disks()
    named(description["disks"], "db01-data")["name"] = name
    named(description["servers"], "db01")["devices"] = ["db01-system", name]
    stage.open(description)
    assert make(stage).status == 0
    assert len(files(stage)) == 3 and os.listdir(compat.native(stage.folder)).count("db01 archive") == 1
    assert read_manifest(stage)["disks"][1]["name"] == name
    assert stage.vibackup("archive", "--verify", "--from=" + folder(stage)).status == 0


def test_a_server_is_frozen_for_the_moment_of_the_snapshot_alone(stage):
    stage.open(two_disks())
    ran = make(stage, *FREEZE)
    assert ran.status == 0 and ran.steps[:4] == ["freeze", "snapshot", "thaw", "export disk"]


# -- raw disks

def test_a_raw_disk_is_refused(stage):
    stage.open(two_disks(raw=True))
    ran = make(stage)
    assert ran.status == 3 and "db01-lun is a raw disk, which has no snapshot: use array-backup" in ran.error
    assert stage.changes() == [] and not exists(stage)


def test_a_raw_disk_that_is_left_out_is_a_warning_and_in_the_manifest(stage):
    stage.open(two_disks(raw=True))
    ran = make(stage, "--skip-raw")
    assert ran.status == 5 and ran.document["outcome"] == "warning"
    assert ran.document["warnings"] == ["db01: the raw disk db01-lun is left out"]
    assert read_manifest(stage)["skipped"] == ["db01-lun"] and len(files(stage)) == 3


# -- refusals

def test_a_folder_that_is_not_empty_is_refused_and_keeps_what_it_has(stage):
    stage.open(two_disks())
    assert make(stage).status == 0
    kept = [data(stage, name) for name in files(stage)]
    ran = make(stage)
    assert ran.status == 3 and "is not empty: each archive wants one of its own" in ran.error
    assert stage.changes() == [] and [data(stage, name) for name in files(stage)] == kept


@pytest.mark.parametrize("prepare, words", [
    (lambda where: open(where, "w").close(), "is no folder: give one that is new or empty"),
    (lambda where: os.symlink("nothing", where), "is no folder: give one that is new or empty")])
def test_what_is_no_folder_is_refused(stage, prepare, words):
    prepare(compat.native(folder(stage)))
    ran = make(stage)
    assert ran.status == 3 and words in ran.error and stage.changes() == [] and exists(stage)


def test_a_folder_whose_parent_is_missing_is_refused(stage):
    ran = stage.vibackup("archive", "--vs=db01", "--to=" + os.path.join(stage.folder, "not there", "x"))
    assert ran.status == 3 and "there is no folder" in ran.error and stage.changes() == []


def test_too_little_space_for_all_files_together_is_refused(stage, monkeypatch):
    stage.open(two_disks())
    wanted = []
    monkeypatch.setattr(compat, "free_bytes", lambda where: wanted.append(where) or 16 * 1024 * KIB)
    assert make(stage, "--dry-run").status == 0 and wanted == [stage.folder]
    monkeypatch.setattr(compat, "free_bytes", lambda where: sum(SIZES.values()))
    ran = make(stage)
    assert ran.status == 3 and "has 393216 bytes free where up to" in ran.error and stage.changes() == []


def test_too_little_space_for_the_snapshot_is_refused(stage):
    description = two_disks()
    named(description["data_centers"][0]["disk_groups"], "bulkGroup")["bytes"] = SIZES["db01-data"] + KIB
    stage.open(description)
    ran = make(stage)
    assert ran.status == 3 and "the disk group bulkGroup has 1024 bytes free" in ran.error
    assert stage.changes() == [] and not exists(stage)


def test_a_server_that_has_a_snapshot_is_refused(stage):
    stage.open(two_disks())
    assert stage.vibackup("rollback", "--take", "--vs=db01").status == 0
    ran = make(stage)
    assert ran.status == 3 and "db01 has a snapshot already" in ran.error and not exists(stage)


def test_a_server_that_is_not_there_is_not_found(stage):
    ran = stage.vibackup("archive", "--vs=nobody", "--to=" + folder(stage))
    assert ran.status == 3 and ran.error.startswith("no virtual server is called nobody") and not exists(stage)


@pytest.mark.parametrize("call", ["exportVhd", "snapshot", "deleteSnapshot", "getFreeBytes"])
def test_a_manager_that_lacks_a_call_is_told_so_before_any_change(stage, call):
    stage.open(dict(two_disks(), missing=[call]))
    ran = make(stage)
    assert (ran.status, ran.error_class) == (3, "MissingCall") and "this manager has no %s" % call in ran.error
    assert stage.changes() == [] and not exists(stage)


@pytest.mark.parametrize("words, told", [
    (["--vs=db01"], "give --vs and --to together"),
    (["--to=x"], "give --vs and --to together"),
    ([], "give --vs and --to together"),
    (["--verify"], "give --verify and --from together"),
    (["--restore", "--from=x"], "give --restore, --from and --new-vs together"),
    (["--restore", "--verify", "--from=x", "--new-vs=y"], "--verify does not go with --restore"),
    (["--vs=db01", "--to=x", "--from=y"], "--from does not go with --vs and --to"),
    (["--vs=db01", "--to=x", "--isolated"], "--isolated does not go with --vs and --to"),
    (["--verify", "--from=x", "--skip-raw"], "--skip-raw does not go with --verify and --from"),
    (["--restore", "--from=x", "--new-vs=y", "--freeze=a", "--thaw=b"], "--freeze does not go with --restore"),
    (["--vs=db01", "--to=x", "--freeze=a"], "--freeze and --thaw go together")])
def test_each_way_to_use_it_has_its_own_options(stage, words, told):
    ran = stage.vibackup("archive", *words)
    assert ran.status == 2 and told in ran.error


# -- the dry run

def test_the_dry_run_says_what_the_run_then_does_and_changes_nothing(stage):
    stage.open(two_disks())
    before = stage.lab.dump()
    planned = make(stage, "--dry-run", *FREEZE)
    assert planned.status == 0 and stage.changes() == [] and not exists(stage)
    assert stage.lab.dump() == before and stage.catalog() == []
    plan = planned.document["plan"]
    assert "export disk: db01-data, 131072 bytes to %s" % os.path.join(folder(stage), FILES[1]) in plan
    assert [line.split(":")[0] for line in plan] == make(stage, *FREEZE).steps


# -- what is worth nothing

def test_a_snapshot_that_is_lost_meanwhile_is_no_archive_and_leaves_nothing(stage):
    description = two_disks(write_bytes_per_second=8 * KIB)
    named(description["data_centers"][0]["disk_groups"], "bulkGroup")["bytes"] = SIZES["db01-data"] + 64 * KIB
    stage.open(description)
    before = stage.objects()
    ran = make(stage)
    assert (ran.status, ran.error_class) == (1, "SnapshotLost") and "disk group bulkGroup" in ran.error
    assert stage.objects() == before and not exists(stage) and stage.catalog() == []


def test_a_file_that_comes_into_being_meanwhile_stays_and_there_is_no_archive(stage):
    lab = stage.open(two_disks())
    lab.clock.call_after(SECONDS // 2, lambda: put(stage, FILES[0], b"somebody else's"))
    ran = make(stage)
    assert ran.status == 1 and "has come into being meanwhile" in ran.error
    assert files(stage) == [FILES[0]] and data(stage, FILES[0]) == b"somebody else's"


def test_a_manifest_that_comes_into_being_meanwhile_stays_and_there_is_no_archive(stage):
    stage.open(two_disks())
    before = stage.objects()
    stage.watch(lambda: put(stage, "manifest.json", b"another run's"), "deleteSnapshot")
    ran = make(stage)
    assert ran.status == 1 and "manifest.json has come into being meanwhile" in ran.error
    assert files(stage) == ["manifest.json"] and data(stage, "manifest.json") == b"another run's"
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.parametrize("vs, other", [("pbh01", "db01"), ("db01", "pbh01")])
def test_of_two_runs_with_other_state_folders_in_one_folder_the_first_alone_makes_an_archive(stage, vs, other):
    stage.open(two_disks())
    ran = []

    def meanwhile():
        if not ran:
            ran.append(None)
            ran[0] = run_main("archive", ["--lab", "--json", "--vs=" + other, "--to=" + folder(stage),
                                          "--state=" + os.path.join(stage.folder, "other state")])
    os.mkdir(compat.native(folder(stage)))
    stage.watch(meanwhile, "createJob")
    second = stage.vibackup("archive", "--vs=" + vs, "--to=" + folder(stage))
    assert (ran[0].status, second.status) == (0, 1), second.errors
    assert read_manifest(stage)["vs"] == other and second.document["leftovers"] == []
    assert files(stage) == [disk["file"] for disk in read_manifest(stage)["disks"]] + ["manifest.json"]
    assert stage.vibackup("archive", "--verify", "--from=" + folder(stage)).status == 0


def test_a_run_that_fails_after_its_manifest_removes_no_file_that_came_in_place_of_its_own(stage, monkeypatch):
    stage.open(two_disks())

    def full(_path, _value):
        for name in (FILES[1], "manifest.json"):
            os.rename(path(stage, name), path(stage, "moved " + name))
            put(stage, name, b"somebody else's")
        raise errors.VibackupError("cannot write the state file")
    with monkeypatch.context() as patched:
        patched.setattr(state, "write_json", full)
        assert make(stage).status == 1
    assert files(stage) == [FILES[1], "manifest.json", "moved " + FILES[1], "moved manifest.json"]
    assert data(stage, "manifest.json") == data(stage, FILES[1]) == b"somebody else's"


def test_a_folder_that_was_there_stays_when_there_is_no_archive(stage):
    stage.open(two_disks())
    os.mkdir(compat.native(folder(stage)))
    stage.fault("exportVhd", name="Snapshot of db01-data")
    assert make(stage).status == 1
    assert files(stage) == []


def test_a_manifest_that_cannot_be_written_is_no_archive(stage, monkeypatch):
    stage.open(two_disks())
    give_name = state.give_name

    def full(source, target):
        raise OSError(28, "No space left on device")
    with monkeypatch.context() as patched:
        patched.setattr(manifest.state, "give_name", lambda unfinished, final: (
            full if final.endswith("manifest.json") else give_name)(unfinished, final))
        ran = make(stage)
    assert ran.status == 1 and "manifest.json: " in ran.error and "No space left on device" in ran.error
    assert not exists(stage)


def test_a_catalog_that_cannot_be_written_is_no_archive(stage, monkeypatch):
    stage.open(two_disks())
    before = stage.objects()

    def full(path, value):
        raise errors.VibackupError("cannot write the state file")
    monkeypatch.setattr(state, "write_json", full)
    assert make(stage).status == 1
    assert not exists(stage) and stage.objects() == before


def test_a_file_that_cannot_be_read_back_is_no_archive(stage, monkeypatch):
    stage.open(two_disks())

    def broken(where, tick):
        raise IOError(5, "Input/output error")
    monkeypatch.setattr(manifest, "sha256", broken)
    ran = make(stage)
    assert ran.status == 1 and "cannot read" in ran.error and "Input/output error" in ran.error and not exists(stage)


def flip(where):
    with io.open(where, "r+b") as stream:
        stream.seek(1024 ** 2)
        stream.write(b"other")


def cut(size):
    def function(where):
        with io.open(where, "r+b") as stream:
            stream.truncate(size)
    return function


def replace(where):
    os.rename(where, where + ".moved")
    os.symlink("/dev/zero", where)


@pytest.mark.parametrize("damage, words, left", [
    (flip, "00-db01-system.vhd has another SHA-256 than was recorded", []),
    (cut(0), "00-db01-system.vhd has 0 bytes, and 2100224 were recorded", []),
    (cut(2100224 - 512), "00-db01-system.vhd has 2099712 bytes, and 2100224 were recorded", []),
    (os.remove, "00-db01-system.vhd is missing", []),
    (replace, "00-db01-system.vhd is no plain file", [FILES[0], FILES[0] + ".moved"])])
def test_a_file_that_changes_after_it_was_checked_is_no_archive(stage, damage, words, left):
    stage.open(two_disks())
    before = stage.objects()
    stage.watch(lambda: damage(path(stage, FILES[0])), "deleteSnapshot")
    ran = make(stage)
    assert (ran.status, ran.error_class) == (1, "BadArchive") and words in ran.error, ran.errors
    assert "is no more what was exported, so there is no archive" in ran.error
    assert (files(stage) if exists(stage) else []) == left and ran.document["leftovers"] == []
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.parametrize("folder_name", ["through", "through/new"])
def test_two_runs_cannot_archive_into_one_folder_by_two_names(stage, folder_name):
    stage.open(two_disks())
    os.mkdir(compat.native(os.path.join(stage.folder, "real")))
    os.symlink("real", compat.native(os.path.join(stage.folder, "through")))
    direct = os.path.join(stage.folder, folder_name.replace("through", "real"))
    with Run(connect_lab(stage.lab), stage.state(), "archive") as run:
        with run.held(archive.Plan(run, "pbh01", direct).holds()):
            ran = stage.vibackup("archive", "--vs=db01", "--to=" + os.path.join(stage.folder, folder_name))
    assert (ran.status, ran.error_class) == (4, "Busy") and stage.changes() == []


def test_two_runs_cannot_archive_into_one_folder_at_once(stage):
    stage.open(two_disks())
    with Run(connect_lab(stage.lab), stage.state(), "archive") as run:
        with run.held(archive.Plan(run, "pbh01", folder(stage)).holds()):
            ran = make(stage)
    assert ran.status == 4 and "is busy" in ran.error and folder(stage) in ran.error
    assert stage.changes() == [] and not exists(stage)
    assert make(stage).status == 0 and os.path.isfile(path(stage, "manifest.json"))
