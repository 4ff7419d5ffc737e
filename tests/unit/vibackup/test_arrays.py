# -*- coding: utf-8 -*-
"""The table of storage arrays: its commands, what it refuses, and when a listing shows a snapshot."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from tests.runs import find
from vibackup import arrays, compat
from vibackup import manager as api
from vibackup.errors import ArrayFailed, Refused, UsageError
from vibackup.flows import array_backup

TAG = "vibackup-20261122-140548-2e58367f"
WHOLE = "[site]\nsnapshot = take {lun} {tag}\nlist = show {lun}\ndelete = drop {tag}\n"


def table(tmpdir, words):
    path = os.path.join(compat.text(tmpdir), "arrays.ini")
    with io.open(compat.native(path), "w", encoding="utf-8") as stream:
        stream.write(words)
    return path


def argv_of(array, lun):
    return [[command.argv for command in array.commands(operation, lun, TAG)]
            for operation in (arrays.SNAPSHOT, arrays.LIST, arrays.DELETE)]


# -- the shipped table

def test_the_table_has_lvm_zfs_one_vendors_and_the_labs_model():
    known = arrays.load()
    assert sorted(known) == ["lvm", "model", "ontap", "zfs"]
    assert all(array.description for array in known.values())
    assert [name for name, array in sorted(known.items()) if array.for_lab] == ["model"]
    assert [name for name, array in sorted(known.items()) if array.is_example] == ["ontap"]


def test_lvm_takes_a_classic_snapshot_of_a_tenth_and_removes_that_one_by_its_whole_name():
    assert argv_of(arrays.load()["lvm"], "vg0/lun17") == [
        [["lvcreate", "--yes", "--snapshot", "--extents", "10%ORIGIN", "--name", TAG, "vg0/lun17"]],
        [["lvs", "--noheadings", "--options", "lv_name", "vg0/lun17"], ["lvs", "--noheadings", "--options", "lv_name"]],
        [["lvremove", "--yes", "--select", "lv_name=" + TAG]]]


def test_zfs_destroys_the_one_snapshot_and_nothing_recursively():
    assert argv_of(arrays.load()["zfs"], "tank/lun17") == [
        [["zfs", "snapshot", "tank/lun17@" + TAG]],
        [["zfs", "list", "-H", "-t", "snapshot", "-o", "name", "-d", "1", "tank/lun17"]],
        [["zfs", "destroy", "tank/lun17@" + TAG]]]


def test_a_console_behind_ssh_gets_its_command_as_one_word():
    for (argv,) in argv_of(arrays.load()["ontap"], "lun17"):
        assert argv[:-1] == ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "backup@cluster.example"]
        assert "-volume lun17" in argv[-1]


# -- a site's own

def test_a_site_adds_arrays_and_replaces_whole_sections(tmpdir):
    known = arrays.load(table(tmpdir, WHOLE + "\n" + WHOLE.replace("[site]", "[zfs]")))
    assert sorted(known) == ["lvm", "model", "ontap", "site", "zfs"]
    for name in ("site", "zfs"):
        assert argv_of(known[name], "LUN-17") == [[["take", "LUN-17", TAG]], [["show", "LUN-17"]], [["drop", TAG]]]
        assert known[name].for_lab is False


@pytest.mark.parametrize("old, new, message", [
    ("list = show {lun}\n", "", "[site] list: missing: an array needs snapshot, list and delete"),
    ("drop {tag}", "drop all", "[site] delete: must hold {tag}, so that it speaks of this one snapshot"),
    ("take {lun} {tag}", "take {lun}", "[site] snapshot: must hold {tag}"),
    ("take {lun} {tag}", "take {tag}", "[site] snapshot: must hold {lun}"),
    ("show {lun}", "show", "[site] list: must hold {lun}"),
    ("show {lun}", "show {tag}", "[site] list: unknown placeholder {tag}; there are {lun}"),
    ("drop {tag}", "drop {tag} | cat", "[site] delete: no shell reads |"),
    ("[site]\n", "[site]\nlab = perhaps\n", "[site] lab: perhaps: neither yes nor no"),
    ("[site]\n", "[site]\nrevert = x\n",
     "[site] revert: unknown key; there are delete, description, example, lab, list, snapshot")])
def test_a_section_that_would_be_dangerous_or_useless_is_a_fault(tmpdir, old, new, message):
    path = table(tmpdir, WHOLE.replace(old, new))
    with pytest.raises(UsageError) as caught:
        arrays.load(path)
    assert caught.value.message.startswith(path + ": " + message)


@pytest.mark.parametrize("lun", ["LUN-17", "vg0/lun17", "/vol/vol1/lun1", "naa.60a98000486e2f34", "tank/a:b",
                                 "iqn.1992-08.com.netapp:sn.1,t=1"])
def test_names_of_luns_as_arrays_have_them_are_handed_over(lun):
    assert argv_of(arrays.load()["model"], lun)[0] == [["mkdir", "-p", "--", "./%s/%s" % (lun, TAG)]]


@pytest.mark.parametrize("lun", ["", "-rf", "a b", "a;reboot", "$(reboot)", "a'b", "a\nb", "a*", "../../etc", "a/../b",
                                 "é", "a\0b", "a|b", "{tag}", "a\\b", "lun\n"])
def test_a_name_that_a_shell_on_the_array_could_misread_is_refused(lun):
    for name, array in sorted(arrays.load().items()):
        for operation in (arrays.SNAPSHOT, arrays.LIST, arrays.DELETE):
            with pytest.raises(Refused) as caught:
                array.commands(operation, lun, TAG)
            assert caught.value.message.startswith("array %s: the LUN " % name) and "\n" not in caught.value.message


def test_the_tags_of_one_server_differ_and_are_fit_for_every_array():
    tags = [arrays.tag_of("20261122-140548-2e58367f", number) for number in (1, 2, 10)]
    assert tags == [TAG, TAG + "-lun2", TAG + "-lun10"]


# -- what a run does with an array

def site_array(tmpdir, **commands):
    lines = dict({"snapshot": "true {lun} {tag}", "list": "true {lun}", "delete": "true {tag}"}, **commands)
    words = "[site]\n" + "".join("%s = %s\n" % pair for pair in sorted(lines.items()))
    return arrays.load(table(tmpdir, words))["site"]


@pytest.mark.parametrize("listing, shown", [
    (TAG, True), ("  %s  " % TAG, True), ("tank/lun17@%s" % TAG, True), ("one\n%s\nthree" % TAG, True),
    ("a.%s" % TAG, True), ("[%s]" % TAG, True),
    ("", False), (TAG + "-lun2", False), (TAG + "0", False), (TAG + ".old", False), ("my-" + TAG, False),
    (TAG[:-1], False), (TAG + "%20", False)])
def test_a_listing_shows_a_snapshot_by_its_whole_name_alone(run, tmpdir, listing, shown):
    path = os.path.join(compat.text(tmpdir), "listing")
    with io.open(compat.native(path), "w", encoding="utf-8") as stream:
        stream.write(listing)
    facts = arrays.facts_of(site_array(tmpdir, list="sh -c 'cat \"$1\"' {lun} '%s'" % path), "LUN-17", TAG)
    if shown:
        arrays.prove(run, facts)
        return
    with pytest.raises(ArrayFailed) as caught:
        arrays.prove(run, facts)
    assert caught.value.message == "array site ended well, but does not list the snapshot %s of the LUN LUN-17" % TAG


def test_a_listing_is_read_to_its_end_however_long_it_is(run, tmpdir):
    long = "sh -c 'echo %s; yes a-snapshot-of-some-other-volume | head -n 100000' {lun}" % TAG
    arrays.prove(run, arrays.facts_of(site_array(tmpdir, list=long), "LUN-17", TAG))


def test_a_listing_that_is_longer_than_can_be_read_says_nothing(run, tmpdir, monkeypatch):
    monkeypatch.setattr(arrays, "LISTED_BYTES", 1000)
    facts = arrays.facts_of(site_array(tmpdir, list="sh -c 'yes other | head -n 1000' {lun}"), "LUN-17", TAG)
    with pytest.raises(ArrayFailed) as caught:
        arrays.release(run, dict(facts, backup="b1"))
    assert caught.value.message == ("array site: sh: printed more than 1000 bytes, the first of which are lost: "
                                    "have it list the snapshots of one LUN alone")


def test_what_was_taken_and_never_listed_is_deleted_and_said(run, tmpdir):
    witness = tmpdir.join("witness")
    array = site_array(tmpdir, delete="touch '%s' {tag}" % witness, list="true {lun}")
    facts = dict(arrays.facts_of(array, "LUN-17", TAG), backup="b1", taken=True)
    with pytest.raises(ArrayFailed) as caught:
        arrays.take_back(run, facts)
    doubt = ("array site ended well, but does not list the snapshot %s of the LUN LUN-17; its delete ended well: "
             "look on the array whether it is there" % TAG)
    assert caught.value.message == doubt and witness.check()
    arrays.release(run, facts)
    assert run.warnings == [doubt]


def test_what_was_taken_and_listed_and_is_so_no_more_is_gone(run, tmpdir):
    witness = tmpdir.join("witness")
    array = site_array(tmpdir, delete="touch '%s' {tag}" % witness)
    arrays.take_back(run, dict(arrays.facts_of(array, "LUN-17", TAG), backup="b1", taken=True, listed=True))
    assert not witness.check() and run.warnings == []


def test_what_is_on_standard_error_is_no_listing(run, tmpdir):
    array = site_array(tmpdir, list="sh -c 'echo %s >&2' {lun}" % TAG)
    with pytest.raises(ArrayFailed):
        arrays.prove(run, arrays.facts_of(array, "LUN-17", TAG))


@pytest.mark.parametrize("command, words", [
    ("false {lun} {tag}", "array site: false: exit status 1"),
    ("sh -c 'echo no space >&2; exit 5' {lun} {tag}", "array site: sh: no space (exit status 5)"),
    ("no-such-program-here {lun} {tag}", "array site: no-such-program-here: ")])
def test_a_command_that_fails_is_told_with_its_own_words(run, tmpdir, command, words):
    with pytest.raises(ArrayFailed) as caught:
        arrays.take(run, site_array(tmpdir, snapshot=command), "LUN-17", TAG)
    assert caught.value.message.startswith(words)


def test_an_array_that_cannot_list_is_refused(run, tmpdir):
    with pytest.raises(Refused) as caught:
        arrays.answers(run, site_array(tmpdir, list="false {lun}"), "LUN-17")
    assert caught.value.message == "array site: false: exit status 1; look at it before a backup relies on it"


def test_an_array_that_does_not_know_the_lun_is_refused(run, tmpdir):
    known = site_array(tmpdir, list="\n    test {lun} = LUN-17\n    true")  # as lvm asks first, and zfs alone
    arrays.answers(run, known, "LUN-17")
    with pytest.raises(Refused) as caught:
        arrays.answers(run, known, "LUN-18")
    assert caught.value.message == "array site: test: exit status 1; look at it before a backup relies on it"


def test_an_example_is_refused_and_none_of_its_commands_is_run(run, tmpdir):
    witness = tmpdir.join("witness")
    array = site_array(tmpdir, example="yes", list="touch '%s' {lun}" % witness)
    with pytest.raises(Refused) as caught:
        arrays.answers(run, array, "LUN-17")
    assert "array site is an example: copy its section into a file of yours" in caught.value.message
    assert not witness.exists()


def test_in_a_lab_commands_run_in_a_folder_of_the_lab(run, lab, tmpdir):
    arrays.take(run, site_array(tmpdir, snapshot="mkdir {lun}.{tag}"), "LUN-17", TAG)
    assert os.path.isdir(os.path.join(compat.native(lab.folder), arrays.LAB_FOLDER, compat.native("LUN-17." + TAG)))


@pytest.mark.parametrize("lun", ["LUN-17", "vg0/lun17", "/vol/vol1/lun1", "iqn.1992-08.com.netapp:sn.1,t=1"])
def test_the_labs_model_lists_what_it_was_told_and_changes_nothing_by_it(run, lab, lun):
    array = arrays.load()["model"]
    facts = dict(arrays.facts_of(array, lun, TAG), backup="b1", taken=True)
    arrays.answers(run, array, lun)
    assert os.listdir(os.path.join(compat.native(lab.folder), arrays.LAB_FOLDER)) == []
    arrays.take(run, array, lun, TAG)
    arrays.prove(run, facts)
    arrays.release(run, facts)
    with pytest.raises(ArrayFailed):
        arrays.prove(run, facts)


def test_a_model_is_refused_on_a_real_manager_where_it_would_protect_nothing(run, monkeypatch):
    monkeypatch.setattr(run.manager, "lab", None)
    plan = array_backup.Plan(run, "raw01", arrays.load()["model"])
    with pytest.raises(Refused) as caught:
        array_backup.check(run, plan)
    assert "array model is a model for labs and protects nothing" in caught.value.message


def test_a_real_array_is_let_through_on_a_real_manager(run, tmpdir, monkeypatch):
    monkeypatch.setattr(run.manager, "lab", None)
    plan = array_backup.Plan(run, "raw01", site_array(tmpdir))
    array_backup.check(run, plan)
    assert plan.luns == [array_backup.Lun("raw01-lun", api.lun_of(api.devices_of(find(run, "raw01").handle)[0]))]
