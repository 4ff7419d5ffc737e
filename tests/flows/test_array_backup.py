# -*- coding: utf-8 -*-
"""array-backup: raw disks by their array, and a server with both sorts of disks in one moment."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import sys

import pytest

from tests.flows.arrays import array_of, mixed
from tests.flows.helpers import FREEZE, ROOT, compat, demo, environment, named, same_by_cmp, stage  # noqa: F401
from vibackup import arrays

PROXY = ("--proxy=pbh01", "--agent=dd")


def raw_alone(stage, luns=("LUN-1",)):
    stage.open(mixed(luns, logical=False))
    return array_of(stage, luns)


def both(stage):
    stage.open(mixed())
    return array_of(stage)


def tag_of(ran):
    return "vibackup-" + ran.document["backup"]["id"]


# -- raw disks alone

def test_the_array_has_every_byte_of_the_raw_disk_and_keeps_it(stage):
    array = raw_alone(stage)
    before = stage.objects()
    ran = stage.vibackup("array-backup", "--vs=web01", *(array.options + FREEZE))
    assert ran.status == 0 and ran.document["warnings"] == [] and ran.document["leftovers"] == []
    assert ran.steps == ["freeze", "snapshot LUN", "thaw", "check LUN"]
    assert array.snapshots("LUN-1") == [tag_of(ran)]
    assert same_by_cmp(array.path("LUN-1", tag_of(ran)), stage.content("web01 LUN-1"))
    assert stage.objects() == before and stage.changes() == []


def test_the_catalog_says_which_array_lun_and_snapshot_hold_the_backup(stage):
    array = raw_alone(stage)
    ran = stage.vibackup("array-backup", "--vs=web01", *(array.options + FREEZE))
    entry, = stage.catalog()
    assert entry["id"] == ran.document["backup"]["id"] and entry["verb"] == "array-backup"
    assert (entry["mode"], entry["agent"], entry["outcome"]) == ("array", "files", "ok")
    disk, = entry["disks"]
    assert (disk["name"], disk["bytes"], disk["lun"], disk["tag"], disk["array"]) == (
        "web01 LUN-1", None, "LUN-1", tag_of(ran), "files")
    assert entry["server"]["node"] == "node1"


def test_several_luns_have_snapshots_of_different_names_within_one_freeze(stage):
    array = raw_alone(stage, ("LUN-1", "LUN-2", "LUN-3"))
    ran = stage.vibackup("array-backup", "--vs=web01", *(array.options + FREEZE))
    assert ran.status == 0
    assert ran.steps == ["freeze"] + ["snapshot LUN"] * 3 + ["thaw"] + ["check LUN"] * 3
    tags = [disk["tag"] for disk in stage.catalog()[0]["disks"]]
    assert tags == [tag_of(ran), tag_of(ran) + "-lun2", tag_of(ran) + "-lun3"]
    for lun, tag in zip(("LUN-1", "LUN-2", "LUN-3"), tags):
        assert array.content(lun, tag) == stage.content("web01 " + lun)


def test_a_second_backup_leaves_the_first_alone(stage):
    array = raw_alone(stage)
    tags = [tag_of(stage.vibackup("array-backup", "--vs=web01", *array.options)) for _number in range(2)]
    assert array.snapshots("LUN-1") == sorted(tags) and len(stage.catalog()) == 2


def test_a_restore_refuses_what_the_array_alone_can_bring_back(stage):
    array = raw_alone(stage)
    ran = stage.vibackup("array-backup", "--vs=web01", *array.options)
    back = stage.vibackup("restore", "--backup=" + ran.document["backup"]["id"], "--proxy=pbh01", "--new-vs=web02")
    assert back.status == 3 and "array-backup with files" in back.error and stage.changes() == []


# -- both sorts

def test_a_server_with_both_sorts_of_disks_is_one_backup_and_each_byte_is_there(stage):
    array = both(stage)
    before = stage.objects()
    ran = stage.vibackup("array-backup", "--vs=web01", *(array.options + list(PROXY) + FREEZE))
    assert ran.status == 0 and ran.document["leftovers"] == []
    assert array.content("LUN-1", tag_of(ran)) == stage.content("web01 LUN-1")
    assert stage.image(ran.document["backup"], "web01-system") == stage.content("web01-system")
    entry, = stage.catalog()
    assert (entry["mode"], entry["agent"]) == ("image", "dd")
    assert [(disk["name"], disk.get("tag")) for disk in entry["disks"]] == [
        ("web01-system", None), ("web01 LUN-1", tag_of(ran))]
    assert stage.objects() == before


def test_both_snapshots_are_taken_between_freeze_and_thaw_and_the_array_is_asked_after_it(stage, monkeypatch):
    array = both(stage)
    told = []
    count, run_all = stage.lab.count_call, arrays._run_all

    def called(handle, method, arguments):
        told.append(" ".join(arguments[:2]) if method == "run" else method)
        return count(handle, method, arguments)

    def commanded(run, name, commands):
        told.append("array " + commands[0][0][3])
        return run_all(run, name, commands)
    monkeypatch.setattr(stage.lab, "count_call", called)
    monkeypatch.setattr(arrays, "_run_all", commanded)
    assert stage.vibackup("array-backup", "--vs=web01", *(array.options + list(PROXY) + FREEZE)).status == 0
    mattering = [word for word in told if word in (
        "fsfreeze -f", "fsfreeze -u", "array list", "array snapshot", "array delete", "snapshot", "addStorageDevice")]
    assert mattering == ["array list", "fsfreeze -f", "array snapshot", "snapshot", "fsfreeze -u", "array list",
                         "addStorageDevice", "array list"]
    assert "commit" in told[told.index("snapshot"):told.index("fsfreeze -u")]


def test_a_restore_brings_the_logical_disks_of_such_a_backup_back(stage):
    array = both(stage)
    ran = stage.vibackup("array-backup", "--vs=web01", *(array.options + list(PROXY) + FREEZE))
    back = stage.vibackup("restore", "--backup=" + ran.document["backup"]["id"], "--proxy=pbh01", "--new-vs=web02")
    assert back.status == 0, back.errors
    assert stage.content("web02-system") == stage.content("web01-system")


@pytest.mark.parametrize("vs", ["raw01", "mixed01"])
def test_the_demo_can_be_rehearsed_with_the_labs_model_of_an_array(stage, vs):
    ran = stage.vibackup("array-backup", "--vs=" + vs, "--array=model", *(PROXY + tuple(FREEZE)))
    assert ran.status == 0 and stage.catalog()[0]["disks"][-1]["array"] == "model"
    folder = os.path.join(compat.text(stage.lab.folder), "model-array", stage.catalog()[0]["disks"][-1]["lun"])
    assert os.listdir(compat.native(folder)) == [compat.native(tag_of(ran))]


# -- quiet or not

def test_without_a_freeze_the_run_says_what_the_snapshot_is_worth(stage):
    array = raw_alone(stage)
    ran = stage.vibackup("array-backup", "--vs=web01", *array.options)
    assert ran.status == 0 and ran.document["warnings"] == [
        "web01 is not frozen (no --freeze): a snapshot is what a power failure would leave, at best"]


def test_without_a_freeze_several_disks_are_not_of_one_moment(stage):
    array = both(stage)
    ran = stage.vibackup("array-backup", "--vs=web01", *(array.options + list(PROXY)))
    assert ran.status == 0 and ran.document["warnings"][-1].endswith("those of its 2 disks are not of one moment")


def test_a_server_that_does_not_run_is_not_frozen(stage):
    inventory = mixed(logical=False)
    named(inventory["servers"], "web01")["power"] = "Stopped"
    stage.open(inventory)
    array = array_of(stage)
    ran = stage.vibackup("array-backup", "--vs=web01", *(array.options + FREEZE))
    assert ran.status == 0 and ran.document["warnings"] == ["web01 does not run, so it is not frozen"]
    assert stage.vibackup("array-backup", "--vs=web01", *array.options).document["warnings"] == []


# -- dry run

@pytest.mark.parametrize("power", ["Running", "Stopped"])
@pytest.mark.parametrize("words", [[], FREEZE], ids=["plain", "frozen"])
@pytest.mark.parametrize("vs", ["raw01", "mixed01"])
def test_the_plan_of_a_dry_run_is_what_the_run_then_does(stage, vs, words, power):
    description = demo()
    named(description["servers"], "pbh01")["power"] = power
    stage.open(description)
    words = ["--vs=" + vs, "--array=model", "--proxy=pbh01", "--agent=model"] + words
    before = stage.objects()
    planned = stage.vibackup("array-backup", "--dry-run", *words)
    assert planned.status == 0 and planned.document["backup"] is None
    assert stage.changes() == [] and stage.objects() == before and stage.catalog() == []
    done = stage.vibackup("array-backup", *words)
    assert [line.partition(":")[0] for line in planned.document["plan"]] == done.steps


def test_a_dry_run_asks_the_array_and_takes_nothing(stage):
    array = both(stage)
    assert stage.vibackup("array-backup", "--vs=web01", "--dry-run", *(array.options + list(PROXY))).status == 0
    assert array.commands == ["list"] and array.snapshots("LUN-1") == []


# -- refused

def refused(stage, words, *options):
    ran = stage.vibackup("array-backup", *options)
    assert ran.status == 3 and ran.error.startswith(words)
    assert ran.steps == [] and stage.changes() == []


def test_a_server_with_logical_disks_alone_is_refused(stage):
    refused(stage, "web01 has no raw disk, and an array protects no others: use proxy-backup",
            "--vs=web01", "--array=model")


def test_logical_disks_want_a_proxy_and_an_agent(stage):
    refused(stage, "mixed01: mixed01-system is a logical disk, which goes through a proxy: give --proxy and --agent",
            "--vs=mixed01", "--array=model")


def test_a_server_that_is_not_there_is_refused(stage):
    refused(stage, "no virtual server is called nobody", "--vs=nobody", "--array=model")


def test_an_array_that_does_not_answer_is_refused(stage):
    array = both(stage)
    array.breaks("list")
    refused(stage, "array files: sh: array: list is not to be had (exit status 1); look at it before a backup relies "
            "on it", "--vs=web01", *(array.options + list(PROXY)))
    assert array.commands == ["list"]


@pytest.mark.parametrize("name", ["lvm", "zfs", "ontap"])
def test_a_lab_does_not_run_the_commands_of_a_real_array(stage, name):
    refused(stage, "array %s is a real one, whose commands a lab does not run: rehearse with --array=model" % name,
            "--vs=raw01", "--array=" + name)


def test_a_raw_disk_for_which_the_manager_names_no_lun_is_refused(stage):
    for record in stage.lab.world.objects.values():
        if record["name"] == "raw01-lun":
            record["lun"] = None
    refused(stage, "raw01: the manager names no LUN for the raw disk raw01-lun, so no array can be asked for it",
            "--vs=raw01", "--array=model")


def test_a_manager_without_getlun_is_refused(stage):
    stage.open(dict(demo(), missing=["getLun"]))
    refused(stage, "this manager has no getLun (see: vibackup probe)", "--vs=raw01", "--array=model")


@pytest.mark.parametrize("words, message", [
    (["--array=nothing"], "--array=nothing: not known; known: lvm, model, ontap, zfs"),
    (["--array=model", "--proxy=pbh01"], "--proxy and --agent go together: they back up the logical disks"),
    (["--array=model", "--agent=dd"], "--proxy and --agent go together: they back up the logical disks"),
    (["--array=model", "--freeze=true"], "--freeze and --thaw go together"),
    (["--array=model", "--arrays=/nowhere.ini"], "/nowhere.ini: cannot be read")])
def test_a_wrong_command_line_touches_nothing(stage, words, message):
    ran = stage.vibackup("array-backup", "--vs=raw01", *words)
    assert ran.status == 2 and message in ran.error and stage.calls == []


def test_the_script_is_the_verb():
    child = subprocess.Popen([sys.executable, os.path.join(ROOT, "scripts", "arrayBackup.py"), "--lab", "--vs=raw01",
                              "--array=model"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, _errors = child.communicate()
    assert child.returncode == 0 and "done: raw01 is backed up as " in compat.text(output)
