# -*- coding: utf-8 -*-
"""restore --to: the files of a backup come back into a folder of a guest, all of them or none."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os

import pytest

from tests.flows import sweeps
from tests.flows.helpers import (Stage, compat, demo, kept_lab, named, objects_in, process, same_by_cmp, small, stage,
                                 vibackup_in)  # noqa: F401
from vibackup import agents
from vibackup.flows import file_restore

pytestmark = pytest.mark.needs("tar")


class Share(object):
    """A folder that every guest of a lab sees, and what was backed up onto it."""

    def __init__(self, folder):
        self.path = compat.text(folder)
        self.folder = folder

    def backed_up(self, stage, *words, **options):
        """Back the files of web01 up by tar in the server itself; return the backup's id."""
        given = dict({"vs": "web01", "agent": "tar", "mode": "file", "location": self.path + "/archives"}, **options)
        ran = stage.vibackup("agent-backup", *(["--%s=%s" % pair for pair in sorted(given.items())] + list(words)))
        assert ran.status in (0, 5), ran.errors
        return ran.document["backup"]["id"]

    def restore(self, stage, backup, *words, **options):
        given = dict({"backup": backup, "proxy": "pbh01", "to": self.path + "/back"}, **options)
        return stage.vibackup("restore", *(["--%s=%s" % pair for pair in sorted(given.items())] + list(words)))

    def names(self):
        """Return what is on the share beside the archives."""
        return sorted(each.basename for each in self.folder.listdir() if each.basename != "archives")

    def content(self, path="back"):
        """Return ``{path: content}`` of the files below a folder of the share."""
        top = self.folder.join(path)
        return dict((each.relto(top), each.read_binary()) for each in top.visit() if each.isfile())


@pytest.fixture
def share(tmpdir):
    return Share(tmpdir.mkdir("share"))


WEB01 = {"etc/hostname": b"web01\n", "srv/www/index.html": b"<h1>It works</h1>\n"}


def refused(stage, share, ran, words, status=3, there=()):
    assert ran.status == status and words in ran.error, ran.errors
    assert "\n" not in ran.error and stage.changes() == [] and share.names() == sorted(there)
    assert not [call for call in stage.calls if call.words[:1] in (["mkdir"], ["rm"], ["mv"], ["env"])]


# -- success

def test_files_come_back_into_a_new_folder_and_nothing_else_is_left(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage)
    before = stage.objects()
    ran = share.restore(stage, backup)
    assert ran.status == 0, ran.errors
    assert share.content() == WEB01 and share.names() == ["back"]
    assert same_by_cmp(share.path + "/back/srv/www/index.html", WEB01["srv/www/index.html"])
    assert stage.objects() == before and stage.changes() == []
    assert ran.document["restored"]["parts"] == [{"name": "/mnt/system", "folder": share.path + "/back"}]
    assert ran.steps == ["make folder", "restore", "move to its place"]


def test_a_folder_that_is_there_and_empty_will_do(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage)
    share.folder.mkdir("back")
    assert share.restore(stage, backup, to=share.path + "/back/").status == 0
    assert share.content() == WEB01 and share.names() == ["back"]


def test_a_folder_that_is_there_keeps_its_owner_and_its_mode(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage)
    path = compat.native(share.folder.mkdir("back").strpath)
    os.chmod(path, 0o2750)
    if os.getuid() == 0:
        os.chown(path, 65534, 65534)
    was = os.stat(path)
    assert share.restore(stage, backup).status == 0
    now = os.stat(path)
    assert (now.st_mode, now.st_uid, now.st_gid) == (was.st_mode, was.st_uid, was.st_gid)
    assert share.content() == WEB01 and share.names() == ["back"]


def test_nobody_else_looks_into_the_files_while_they_come(stage, share):
    stage.open(small())
    table = stage.write("agents.ini", NEWEST.replace("cp -r -T {origin} {target}", """
    cp -r -T {origin} {target}
    sh -c 'stat --format=%%a "$(dirname "$1")" >"%s/mode"' sh {target}""" % share.path))
    backup = share.backed_up(stage, "--path=/mnt/system/etc", "--agents=" + table, agent="newest")
    assert share.restore(stage, backup, "--agents=" + table, proxy="web01").status == 0
    assert share.folder.join("mode").read() == "700\n"


def test_several_folders_come_back_into_one_each(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage, "--path=/mnt/system/etc", "--path=/mnt/system/srv")
    assert share.restore(stage, backup).status == 0
    assert share.content() == {"mnt%2Fsystem%2Fetc/hostname": b"web01\n",
                               "mnt%2Fsystem%2Fsrv/www/index.html": b"<h1>It works</h1>\n"}


def test_one_folder_of_several_comes_back_alone(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage, "--path=/mnt/system/etc", "--path=/mnt/system/srv")
    assert share.restore(stage, backup, disk="/mnt/system/etc").status == 0
    assert share.content() == {"hostname": b"web01\n"}


def test_files_that_a_proxy_backed_up_come_back_as_well(stage, share):
    inventory = demo()
    for name in ("db01", "pbh01"):
        named(inventory["servers"], name)["operating_system"] = "Linux"
    stage.open(inventory)
    ran = stage.proxy_backup("--mode=file", "--location=" + share.path + "/archives", agent="tar", vs="db01")
    assert ran.status == 0, ran.errors
    assert share.restore(stage, ran.document["backup"]["id"]).status == 0
    assert share.content() == {"db01-system/Windows/win.ini": b"; db01\n", "db01-system/boot.ini": b"[boot loader]\n",
                               "db01-data/data/orders.mdf": b"orders 1 2 3\n"}


def test_a_share_that_is_mounted_elsewhere_now_is_told_by_its_location(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage)
    share.folder.join("archives").move(share.folder.join("moved"))
    assert share.restore(stage, backup).status == 1
    assert share.restore(stage, backup, location=share.path + "/moved").status == 0
    assert share.content() == WEB01


# -- refusals

def test_a_folder_that_holds_something_is_refused(stage, share):
    stage.open(small())
    backup = share.backed_up(stage)
    share.folder.mkdir("back").join("mine").write("mine")
    refused(stage, share, share.restore(stage, backup), "is not empty", there=["back"])


def test_what_is_no_folder_is_refused(stage, share):
    stage.open(small())
    backup = share.backed_up(stage)
    share.folder.join("back").write("a file")
    refused(stage, share, share.restore(stage, backup), "is no folder", there=["back"])


def test_a_link_is_refused_wherever_it_leads(stage, share):
    stage.open(small())
    backup = share.backed_up(stage)
    share.folder.join("back").mksymlinkto("nowhere")
    refused(stage, share, share.restore(stage, backup), "is no folder", there=["back"])


def test_a_folder_in_none_is_refused_because_a_share_may_not_be_mounted(stage, share):
    stage.open(small())
    backup = share.backed_up(stage)
    refused(stage, share, share.restore(stage, backup, to=share.path + "/not mounted/back"), "make it first, or mount")


def test_the_root_of_a_mounted_file_system_is_refused(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage)
    ran = share.restore(stage, backup, to="/mnt/system")
    refused(stage, share, ran, "a file system is mounted on /mnt/system: choose a folder below it")


@pytest.mark.parametrize("folder", ["back", "/", "//back", "C:\\back"])
def test_a_folder_that_is_not_written_in_full_is_a_bad_command_line(stage, share, folder):
    stage.open(small())
    backup = share.backed_up(stage)
    refused(stage, share, share.restore(stage, backup, to=folder), "give a folder of pbh01 in full", status=2)


@pytest.mark.parametrize("folder", ["/back", "/srv/back", "/tmp/back", "/usr/lib/back", "/etc/deeper/back"])
def test_a_guest_of_a_lab_has_none_of_this_machines_own_folders(stage, share, folder):
    """Otherwise a rehearsal would make them here, and remove them again."""
    stage.open(small())
    backup = share.backed_up(stage)
    for words in ([], ["--dry-run"]):
        refused(stage, share, share.restore(stage, backup, *words, to=folder), "pbh01 has no folder /")


def test_a_name_may_be_as_long_as_a_guest_can_have_it(stage, share):
    stage.open(small())
    backup = share.backed_up(stage)
    longest = "n" * 255
    assert share.restore(stage, backup, to=share.path + "/" + longest).status == 0
    assert share.names() == [longest] and share.content(longest) == {"etc/motd": b"hello\n"}


@pytest.mark.parametrize("name", ["n" * 256, "\u00fc" * 128, "/".join(["n" * 200] * 21)], ids=["256", "bytes", "path"])
def test_a_name_that_is_too_long_is_refused_before_any_change(stage, share, name):
    stage.open(small())
    backup = share.backed_up(stage)
    for words in ([], ["--dry-run"]):
        refused(stage, share, share.restore(stage, backup, *words, to=share.path + "/" + name),
                "too long, a name has 255 bytes at most", status=2)


@pytest.mark.parametrize("words", [
    [], ["--new-vs=x", "--to=/x"], ["--overwrite=x", "--to=/x"], ["--to=/x", "--isolated"]])
def test_one_way_to_restore_must_be_chosen(stage, share, words):
    stage.open(small())
    ran = stage.vibackup("restore", "--backup=x", "--proxy=pbh01", *words)
    refused(stage, share, ran, "restore: ", status=2)


def test_a_windows_guest_is_refused(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage)
    refused(stage, share, share.restore(stage, backup, proxy="pbhwin"), "pbhwin is not a Linux guest")


def test_a_server_that_does_not_run_is_refused(stage, share):
    inventory = small()
    named(inventory["servers"], "pbh01")["power"] = "Stopped"
    stage.open(inventory)
    backup = share.backed_up(stage)
    refused(stage, share, share.restore(stage, backup), "pbh01 does not run: start it, or choose another server")


def test_images_are_no_files(stage, share):
    stage.open(small())
    backup = stage.proxy_backup().document["backup"]["id"]
    refused(stage, share, share.restore(stage, backup), "holds no files (mode image)")


def test_a_part_that_the_backup_does_not_have_is_refused(stage, share):
    stage.open(small())
    backup = share.backed_up(stage)
    refused(stage, share, share.restore(stage, backup, disk="/srv"), "has no /srv; it has: /mnt/system")


def test_a_backup_that_is_not_there_is_refused(stage, share):
    stage.open(small())
    refused(stage, share, share.restore(stage, "nothing"), "the catalog has no backup nothing")


def test_an_agent_that_cannot_is_refused(stage, share):
    stage.open(small())
    backup = share.backed_up(stage, agent="model")
    refused(stage, share, share.restore(stage, backup), "agent model has no file_restore; agents that have it: borg")


NEWEST = """
[newest]
file_backup = sleep 2
file_restore = cp -r -T {origin} {target}
"""


def test_where_an_agent_has_the_newest_files_alone_no_other_backup_can_be_asked_for(stage, share):
    stage.open(small())
    words = ["--agents=" + stage.write("agents.ini", NEWEST), "--path=/mnt/system/etc"]
    older, newer = [share.backed_up(stage, *words, agent="newest") for _number in range(2)]
    ran = share.restore(stage, older, words[0], proxy="web01")
    refused(stage, share, ran, "newest restores the newest files alone")
    assert share.restore(stage, newer, words[0], proxy="web01").status == 0
    assert share.content() == {"motd": b"hello\n"}


# -- an entry of the catalog that somebody has changed

def damaged(stage, identity, **changes):
    """Change what the catalog's entry ``identity`` has of its one disk: of its files, or where there is no such key."""
    path = os.path.join(compat.native(stage.state()), "catalog", compat.native(identity + ".json"))
    with io.open(path, encoding="utf-8") as stream:
        entry = json.load(stream)
    [disk] = entry["disks"]
    for key, value in changes.items():
        holder = disk["files"] if key in ("id", "mount", "origin") else disk
        holder[key] = value
        if value is GONE:
            del holder[key]
    with io.open(path, "w", encoding="utf-8") as stream:
        stream.write(compat.text(json.dumps(entry)))


GONE = "(gone)"
UP = "/.." * 30


@pytest.mark.parametrize("changes", [
    {"mount": UP + "/tmp"}, {"mount": "/../victim"}, {"mount": "/mnt/../victim"}, {"mount": "mnt"}, {"mount": "//mnt"},
    {"mount": "/mnt/"}, {"mount": ""}, {"mount": "/a\0b"}, {"mount": 3}, {"mount": None}, {"mount": ["/mnt"]},
    {"mount": GONE}, {"mount": "C:\\..\\victim"}, {"mount": "C:victim"}, {"mount": "C:/victim"},
    {"origin": UP + "/tmp"}, {"origin": 3}, {"origin": GONE}, {"id": 5}, {"id": None}, {"id": ""}, {"id": GONE},
    {"files": ["x"]}, {"files": "x"}, {"files": 7}, {"backup_id": None}, {"backup_id": GONE}, {"backup_id": ""},
], ids=json.dumps)
def test_an_entry_of_which_the_files_are_not_as_they_were_written_is_refused(stage, share, changes):
    stage.open(small())
    backup = share.backed_up(stage)
    damaged(stage, backup, **changes)
    ran = share.restore(stage, backup)
    refused(stage, share, ran, "the catalog's entry of the backup %s is damaged" % backup)


@pytest.mark.parametrize("changes", [
    {"mount": "/"}, {"mount": "G:\\"}, {"mount": "E:\\Data", "origin": "C:"}, {"origin": "\\\\web01\\web01-system.1"}])
def test_every_form_of_a_folder_that_backups_are_made_of_is_let_through(stage, share, changes):
    stage.open(small())
    backup = share.backed_up(stage)
    damaged(stage, backup, **changes)
    assert share.restore(stage, backup).status == 0 and share.content() == {"etc/motd": b"hello\n"}


# -- the dry run

def test_the_dry_run_says_what_comes_where_and_changes_nothing(stage, share):
    stage.open(demo())
    backup = share.backed_up(stage)
    ran = share.restore(stage, backup, "--dry-run")
    assert ran.document["plan"] == ["restore: /mnt/system, by tar in pbh01 from %s/archives to %s/back" % (
        share.path, share.path)]
    assert share.names() == [] and stage.changes() == []


# -- when things go wrong

def test_an_archive_that_is_damaged_brings_nothing_back(stage, share):
    stage.open(small())
    backup = share.backed_up(stage)
    [archive] = [each for each in share.folder.join("archives").visit() if each.isfile()]
    archive.write_binary(archive.read_binary()[:700])
    ran = share.restore(stage, backup)
    assert ran.status == 1 and ran.error_class == "AgentFailed" and share.names() == []


def test_an_agent_that_brought_nothing_back_did_not_restore(stage, share):
    stage.open(small())
    words = ["--agents=" + stage.write("agents.ini", NEWEST.replace("cp -r -T {origin} {target}", "true {id}"))]
    backup = share.backed_up(stage, "--path=/mnt/system", *words, agent="newest")
    ran = share.restore(stage, backup, *words)
    assert ran.status == 1 and "brought nothing back" in ran.error and share.names() == []


def test_somebody_who_puts_something_there_meanwhile_keeps_it(stage, share):
    stage.open(small())
    table = stage.write("agents.ini", NEWEST.replace("cp -r -T {origin} {target}", """
    mkdir -- '%s/back'
    touch -- '%s/back/mine' {target}/ours""" % (share.path, share.path)))
    backup = share.backed_up(stage, "--path=/mnt/system", "--agents=" + table, agent="newest")
    ran = share.restore(stage, backup, "--agents=" + table)
    assert ran.status == 1 and "mv" in ran.error and share.names() == ["back"] and share.content() == {"mine": b""}


def test_a_stop_at_any_moment_leaves_nothing(stage, share):
    stage.open(small())
    backup = share.backed_up(stage)

    def act(run):
        assert share.names() == []
        file_restore.file_restore(run, file_restore.Plan(run, backup, "pbh01", share.path + "/back", agents.load()))
    assert sweeps.stop_everywhere(stage, "restore", act, stage.objects()) >= 3
    assert share.names() == ["back"]


@pytest.mark.parametrize("program, phase", [("mkdir", "after"), ("env", "after"), ("mv", "before"), ("mv", "after")])
def test_what_a_killed_run_left_is_refused_listed_and_removed(tmpdir, share, program, phase):
    lab = compat.text(tmpdir.join("lab"))
    number = number_of(tmpdir, program)
    kept_lab(lab, small())
    made = vibackup_in(lab, "agent-backup", "--vs=web01", "--agent=tar", "--mode=file",
                       "--location=" + share.path + "/archives")
    before = objects_in(lab)
    words = ["--backup=" + made.document["backup"]["id"], "--proxy=pbh01", "--to=" + share.path + "/back"]
    ran = process("vibackup", "restore", "--lab=" + lab, "--lab-fault=%d:%s:crash" % (number, phase), *words)
    assert ran.status in (-9, 137), ran.errors
    again = vibackup_in(lab, "restore", *words)
    assert again.status == 6 and "a half-restored %s/back in pbh01" % share.path in again.error
    assert vibackup_in(lab, "reconcile", "--fix").status == 0
    assert share.names() == (["back"] if (program, phase) == ("mv", "after") else []) and objects_in(lab) == before
    assert vibackup_in(lab, "reconcile", "--fix").document["released"] == 0


def number_of(tmpdir, program):
    """Return which call of a restore runs ``program`` for the last time."""
    stage_, share_ = Stage(tmpdir), Share(tmpdir.mkdir("elsewhere"))
    try:
        stage_.open(small())
        assert share_.restore(stage_, share_.backed_up(stage_)).status == 0
        return [place for place, call in enumerate(stage_.calls, 1) if call.words[:1] == [program]][-1]
    finally:
        stage_.close()
