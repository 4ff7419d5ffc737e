# -*- coding: utf-8 -*-
"""archive --restore: a new server from an archive, made only once all of the archive is checked; and --verify alone."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import sys

import pytest

from tests.flows.archives import (FILES, SECONDS, SIZES, change_manifest, data, folder, make, path, put, restore,
                                  two_disks, verify)
from tests.flows.helpers import (KIB, ROOT, compat, environment, named, process, run_main, same_by_cmp,
                                 stage)  # noqa: F401
from vibackup import vhd


@pytest.fixture
def archived(stage):
    """A stage whose db01 is archived."""
    stage.open(two_disks())
    assert make(stage).status == 0
    return stage


def flip(stage, name, place):
    """Change one bit of a file of the archive."""
    content = bytearray(data(stage, name))
    content[place] ^= 1
    put(stage, name, bytes(content))


def once(act):
    """Return a function that calls ``act`` the first time, and then has ``done`` set."""
    def function():
        if not function.done:
            function.done = True
            act()
    function.done = False
    return function


# -- a new server

def test_the_new_server_runs_with_the_same_bytes_and_settings_and_the_original_is_not_touched(archived):
    before = archived.objects()
    ran = restore(archived)
    assert ran.status == 0 and ran.steps == [
        "check file", "check file", "import disk", "import disk", "check file", "check file", "create server", "start",
        "keep"]
    for disk in ("system", "data"):
        assert same_by_cmp(archived.content("db02-" + disk), archived.content("db01-" + disk))
    old, new = archived.object("db01"), archived.object("db02")
    assert new["power"] == "Running" and old == [thing for thing in before if thing["name"] == "db01"][0]
    for key in ("memory_bytes", "processors", "networks", "operating_system", "managed_node"):
        assert new[key] == old[key], key
    assert [archived.object(name)["disk_group"] for name in ("db02-system", "db02-data")] == [
        archived.object(name)["disk_group"] for name in ("db01-system", "db01-data")]


@pytest.mark.needs("cmp", "qemu-img")
def test_real_programs_find_the_same_bytes_in_the_archive_and_in_the_new_disk(archived):
    assert restore(archived).status == 0
    for name, disk in zip(FILES, ("system", "data")):
        raw = compat.native(os.path.join(archived.folder, "raw"))
        subprocess.check_call(["qemu-img", "convert", "-f", "vpc", "-O", "raw", path(archived, name), raw])
        assert same_by_cmp(compat.text(raw), archived.content("db02-" + disk))


def test_the_document_says_what_was_restored(archived):
    found = restore(archived).document["restored"]
    assert found.pop("seconds") >= SECONDS and found.pop("taken").startswith("2")
    assert found == {
        "vs": "db02", "of": "db01", "node": "node1", "archive": folder(archived), "disks": [
            {"name": "db02-system", "of": "db01-system", "bytes": SIZES["db01-system"], "group": "fastGroup"},
            {"name": "db02-data", "of": "db01-data", "bytes": SIZES["db01-data"], "group": "bulkGroup"}]}


def test_an_archive_comes_back_under_another_manager_with_another_node_and_group(archived):
    description = two_disks()
    description["disks"] = [disk for disk in description["disks"] if "db01" not in disk["name"]]
    description["servers"] = [server for server in description["servers"] if server["name"] != "db01"]
    contents = [archived.content(name) for name in ("db01-system", "db01-data")]
    archived.open(description)
    ran = archived.vibackup("archive", "--restore", "--from=" + folder(archived), "--new-vs=db01", "--to-node=node2",
                            "--to-group=bulkGroup", "--isolated")
    assert ran.status == 0 and ran.document["warnings"] == []
    assert [archived.content(name) for name in ("db01-system", "db01-data")] == contents
    bulk = archived.object("bulkGroup")["id"]
    assert archived.object("db01-system")["disk_group"] == archived.object("db01-data")["disk_group"] == bulk
    assert archived.object("db01")["networks"] == []
    assert archived.object("db01")["managed_node"] == archived.object("node2")["id"]


def test_the_originals_network_is_a_warning_unless_it_is_isolated(archived):
    words = "db01 still exists, and db02 will have its networks and its address: see --isolated"
    assert restore(archived, "--dry-run").document["warnings"] == [words]
    assert restore(archived, "--dry-run", "--isolated").document["warnings"] == []


def test_a_disk_that_was_left_out_is_a_warning(stage):
    stage.open(two_disks(raw=True))
    assert make(stage, "--skip-raw").status == 5
    ran = verify(stage)
    assert ran.status == 0 and ran.document["warnings"] == ["the archive %s has no db01-lun" % folder(stage)]
    ran = restore(stage, "--isolated")
    assert ran.status == 0
    assert ran.document["warnings"] == ["the archive %s has no db01-lun: db02 comes without it" % folder(stage)]


def test_a_server_that_does_not_boot_is_no_restore_and_leaves_nothing(stage):
    description = two_disks()
    named(description["servers"], "db01")["devices"] = ["db01-data", "db01-system"]
    stage.open(description)
    assert make(stage).status == 0
    before = stage.objects()
    ran = restore(stage)
    assert (ran.status, ran.error_class) == (1, "ServerFailed") and "restored" not in ran.document
    assert stage.objects() == before


def test_the_dry_run_says_what_the_run_then_does_and_changes_nothing(archived):
    before = archived.objects()
    ran = restore(archived, "--dry-run")
    assert ran.status == 0 and archived.changes() == [] and archived.objects() == before
    checked = [step for step in ran.steps if step == "check file"]
    plan = ran.document["plan"]
    assert plan[1] == "import disk: db02-data, 131072 bytes in bulkGroup from %s" % os.path.join(
        folder(archived), FILES[1])
    assert checked + [line.split(":")[0] for line in plan] == restore(archived).steps


# -- refusals

def test_what_is_no_archive_is_not_found(stage):
    for look in (verify, restore):
        ran = look(stage)
        assert (ran.status, ran.error_class) == (3, "NotFound") and "there is no folder" in ran.error
    os.mkdir(compat.native(folder(stage)))
    put(stage, FILES[0], b"a VHD, perhaps, and no manifest")
    for look in (verify, restore):
        ran = look(stage)
        assert (ran.status, ran.error_class) == (3, "NotFound")
        assert "is no archive, for it has no manifest.json" in ran.error


@pytest.mark.parametrize("words, told", [
    (["--new-vs=db01"], "there is a virtual server called db01 already"),
    (["--new-vs=taken"], "there is a storage device called taken-data already"),
    (["--new-vs=db02", "--to-node=node9"], "no managed node is called node9"),
    (["--new-vs=db02", "--to-group=nothing"], "no disk group is called nothing"),
    (["--new-vs=db02", "--to-group=tiny"], "the disk group tiny has 204800 bytes free where 393216 are wanted")])
def test_where_it_cannot_go_is_refused_before_any_change(stage, words, told):
    description = two_disks()
    description["data_centers"][0]["disk_groups"].append({"name": "tiny", "bytes": 200 * KIB})
    description["disks"].append({"name": "taken-data", "group": "bulkGroup", "bytes": 64 * KIB})
    stage.open(description)
    assert make(stage).status == 0
    ran = stage.vibackup("archive", "--restore", "--from=" + folder(stage), *words)
    assert ran.status == 3 and told in ran.error and stage.changes() == []


@pytest.mark.parametrize("call", ["importLogicalDisk", "createVirtualServer", "deleteVirtualServer"])
def test_a_manager_that_lacks_a_call_is_told_so_before_any_change(stage, call):
    stage.open(dict(two_disks(), missing=[call]))
    assert make(stage).status == 0
    ran = restore(stage)
    assert (ran.status, ran.error_class) == (3, "MissingCall") and "this manager has no %s" % call in ran.error
    assert stage.changes() == []


def link_out(stage):
    os.rename(path(stage, FILES[1]), compat.native(os.path.join(stage.folder, "outside.vhd")))
    os.symlink(compat.native(os.path.join(stage.folder, "outside.vhd")), path(stage, FILES[1]))


def pipe(stage):
    os.remove(path(stage, FILES[1]))
    subprocess.check_call(["mkfifo", path(stage, FILES[1])])


DAMAGES = [
    (lambda stage: flip(stage, FILES[1], 1024 ** 2), "01-db01-data.vhd has another SHA-256 than was recorded"),
    (lambda stage: flip(stage, FILES[1], 20), "the checksum of its copy of the footer is wrong"),
    (lambda stage: put(stage, FILES[1], data(stage, FILES[1])[:-1]),
     "01-db01-data.vhd has 2100223 bytes, and 2100224 were recorded"),
    (lambda stage: os.remove(path(stage, FILES[1])), "01-db01-data.vhd is missing"),
    (link_out, "01-db01-data.vhd is no plain file"),
    (pipe, "01-db01-data.vhd is no plain file"),
    (lambda stage: change_manifest(stage, lambda found: found["disks"][1].update(bytes=64 * KIB)),
     "its disk has 131072 bytes, not 65536"),
    (lambda stage: change_manifest(stage, lambda found: found["disks"][1].update(sha256="0" * 64)),
     "01-db01-data.vhd has another SHA-256 than was recorded")]


@pytest.mark.parametrize("damage, words", DAMAGES)
def test_a_file_that_is_not_as_it_was_is_found_and_nothing_is_made_of_any(archived, damage, words):
    damage(archived)
    before = archived.objects()
    ran = restore(archived)
    assert (ran.status, ran.error_class) == (3, "Refused"), ran.errors
    assert ran.error.startswith("the archive %s is damaged: " % folder(archived)) and words in ran.error
    assert archived.changes() == [] and archived.objects() == before
    ran = verify(archived)
    assert (ran.status, ran.error_class) == (1, "BadArchive") and words in ran.error
    assert [file["wrong"] is None for file in ran.document["files"]] == [True, False] and ran.error.count("/01-") == 0
    assert words in ran.document["files"][1]["wrong"]


@pytest.mark.parametrize("damage", [damage for damage, _words in DAMAGES[:-2]])
def test_a_file_that_changes_between_its_check_and_its_import_makes_no_server(archived, damage):
    before = archived.objects()
    first = once(lambda: damage(archived))
    archived.watch(first, "importLogicalDisk")
    ran = restore(archived)
    assert first.done and ran.status == 1 and "restored" not in ran.document, ran.errors
    assert archived.objects() == before


def test_one_bit_that_changes_between_check_and_import_is_found_by_its_file(archived):
    archived.watch(once(lambda: flip(archived, FILES[1], 1024 ** 2)), "importLogicalDisk")
    ran = restore(archived)
    assert (ran.status, ran.error_class) == (1, "BadArchive")
    assert "01-db01-data.vhd has another SHA-256 than was recorded" in ran.error


def test_a_vhd_that_the_manifest_does_not_name_is_a_warning(archived):
    change_manifest(archived, lambda found: found["disks"].pop(1))
    words = "the archive %s has no disk in 01-db01-data.vhd, though the file is in its folder: its manifest does not " \
        "name it" % folder(archived)
    ran = verify(archived)
    assert ran.status == 0 and ran.document["warnings"] == [words]
    ran = restore(archived, "--isolated", "--dry-run")
    assert ran.status == 0 and ran.document["warnings"] == [words]


# -- check alone

def test_a_good_archive_is_told_so_file_by_file_and_nothing_is_asked_of_a_manager(archived, tmpdir):
    del archived.calls[:]
    ran = run_main("archive", ["--verify", "--json", "--from=" + folder(archived), "--state=%s" % tmpdir.join("state")])
    assert ran.status == 0 and ran.document["lab"] is False and archived.calls == []
    assert ran.document["files"] == [
        {"file": name, "disk": disk, "bytes": SIZES[disk], "wrong": None}
        for name, disk in zip(FILES, ("db01-system", "db01-data"))]
    assert ran.document["archive"]["vs"] == "db01" and ran.document["archive"]["skipped"] == []
    shown = run_main("archive", ["--verify", "--from=" + folder(archived), "--state=%s" % tmpdir.join("state")]).output
    assert "00-db01-system.vhd  256.0 KiB, good\n01-db01-data.vhd  128.0 KiB, good\n" in shown
    assert "the archive of db01 of " in shown and shown.endswith(" is good, 2 disks\n")


def test_all_wrong_files_are_in_the_document_and_the_first_is_named_on_one_line(archived):
    for name in FILES:
        os.remove(path(archived, name))
    ran = verify(archived)
    assert ran.status == 1 and "00-db01-system.vhd is missing" in ran.error and FILES[1] not in ran.error
    shown = archived.printed("archive", "--verify", "--from=" + folder(archived))
    assert "WRONG: 01-db01-data.vhd is missing\n" in shown
    assert [file["wrong"] for file in ran.document["files"]] == ["%s is missing" % name for name in FILES]


def test_a_folder_that_was_moved_is_an_archive_still(archived):
    moved = os.path.join(archived.folder, "moved")
    os.rename(compat.native(folder(archived)), compat.native(moved))
    assert archived.vibackup("archive", "--verify", "--from=" + moved).status == 0
    assert archived.vibackup("archive", "--restore", "--from=" + moved, "--new-vs=db02").status == 0


def test_the_script_does_the_same(tmpdir):
    where = str(tmpdir.join("archive"))
    script = os.path.join(ROOT, "scripts", "archive.py")
    ended = [subprocess.call([sys.executable, script] + words, env=environment()) for words in (
        ["--lab", "--vs=web01", "--to=" + where],
        ["--verify", "--from=" + where, "--state=%s" % tmpdir.join("state")])]
    assert ended == [0, 0]


def test_a_restore_after_the_lab_is_gone_brings_the_server_back(tmpdir):
    where = compat.text(tmpdir.join("archive"))
    assert process("vibackup", "archive", "--lab", "--vs=web01", "--to=" + where).status == 0
    lab = "--lab=" + compat.text(tmpdir.join("lab"))
    ran = process("vibackup", "archive", lab, "--json", "--restore", "--from=" + where, "--new-vs=web02")
    assert ran.status == 0 and vhd.check(os.path.join(where, "00-web01-system.vhd")).bytes == 4194304
    assert ran.document["restored"]["vs"] == "web02"
