# -*- coding: utf-8 -*-
"""agent-backup: the agent in the virtual server itself; nothing changes in the manager."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows import sweeps
from tests.flows.helpers import (Stage, compat, content_in, demo, demo_with_two_linux_disks, kept_lab, named,
                                 objects_in, process, same_by_cmp, site_agent, small, stage,  # noqa: F401
                                 vibackup_in)
from tests.flows.test_proxy_backup_files import extracted
from vibackup import agents
from vibackup import manager as api
from vibackup.flows import agent_backup
from vibackup.job import job
from vibackup.run import Run
from vibackup.site import connect_lab


def run(stage, *words, **options):
    """Back up web01 by the lab's model of an agent, where ``options`` say nothing else."""
    given = dict({"vs": "web01", "agent": "model"}, **options)
    return stage.vibackup("agent-backup", *(["--%s=%s" % pair for pair in sorted(given.items())] + list(words)))


def refused(stage, ran, words, status=3):
    assert ran.status == status and words in ran.error, ran.errors
    assert "\n" not in ran.error
    assert stage.changes() == [] and agent_calls(stage) == [] and stage.catalog() == []


def agent_calls(stage):
    return [call for call in stage.calls if call.words[:1] in (["model-agent"], ["dd"], ["env"], ["sh"], ["mkdir"])]


# -- images

@pytest.mark.needs("dd")
def test_an_image_of_each_disk_is_on_the_share_byte_for_byte_and_the_manager_is_as_it_was(stage, tmpdir):
    stage.open(demo_with_two_linux_disks())
    before = stage.objects()
    ran = run(stage, vs="db01", agent="dd", location=tmpdir)
    assert ran.status == 0, ran.errors
    assert stage.objects() == before and stage.changes() == []
    for name in ("db01-system", "db01-data"):
        path = tmpdir.join("db01", name, ran.document["backup"]["id"] + ".img")
        assert same_by_cmp(compat.text(path), stage.content(name))
    [entry] = stage.catalog()
    assert (entry["verb"], entry["mode"], entry["agent"], entry["outcome"]) == ("agent-backup", "image", "dd", "ok")
    assert [(disk["name"], disk["group"], disk["bytes_read"], disk["partitions"]) for disk in entry["disks"]] == [
        ("db01-system", "fastGroup", 262144, [[1, "labfs"]]), ("db01-data", "fastGroup", 524288, [[1, "labfs"]])]
    assert entry["server"]["node"] == "node1" and entry["location"] == compat.text(tmpdir)


def test_that_a_running_servers_image_may_not_be_consistent_is_said(stage):
    stage.open(small())
    ran = run(stage)
    assert ran.status == 0 and "the image may not be consistent" in ran.document["warnings"][0]


@pytest.mark.needs("dd")
def test_a_raw_disk_is_read_as_any_other(stage, tmpdir):
    stage.open(demo())
    ran = run(stage, vs="mixed01", agent="dd", location=tmpdir)
    assert ran.status == 0, ran.errors
    path = tmpdir.join("mixed01", "mixed01-lun", ran.document["backup"]["id"] + ".img")
    assert path.read_binary() == stage.content("mixed01-lun")
    assert [disk["group"] for disk in ran.document["backup"]["disks"]] == ["fastGroup", None]


def test_one_disk_alone_is_read_from_its_own_device(stage):
    stage.open(demo_with_two_linux_disks())
    ran = run(stage, "--disk=db01-data", vs="db01")
    assert [disk["name"] for disk in ran.document["backup"]["disks"]] == ["db01-data"]
    assert [call.words[2] for call in stage.calls if call.words[:1] == ["model-agent"]] == ["/dev/sdb"]


def test_a_device_that_is_no_disk_does_not_count(stage):
    inventory = small()
    named(inventory["servers"], "web01")["devices"].insert(0, "backup.iso")
    stage.open(inventory)
    assert run(stage).status == 0


@pytest.mark.needs("dd")
def test_an_image_made_in_the_guest_is_restored_through_a_proxy_that_sees_the_share(stage, tmpdir):
    stage.open(small())
    before = stage.content("web01-system")
    backup_ = run(stage, agent="dd", location=tmpdir).document["backup"]
    ran = stage.vibackup("restore", "--backup=" + backup_["id"], "--proxy=pbh01", "--new-vs=web01-back")
    assert ran.status == 0, ran.errors
    assert stage.content("web01-back-system") == before and stage.object("web01-back")["power"] == "Running"


@pytest.mark.needs("sh")
@pytest.mark.parametrize("script, status, words", [
    ("echo read 262144", 0, None),
    ("echo read 262144; exit 3", 1, "exit status 3"),
    ("echo read 262143", 1, "read 262143 bytes of web01/web01-system where the disk has 262144"),
    ("echo done", 1, "did not say how many bytes"),
    ("echo read 262144; exit 1", 1, "exit status 1"),
    ("kill -9 $$", 1, "exit status 137"),
])
def test_only_the_agents_status_and_figures_make_a_backup(stage, script, status, words):
    stage.open(small())
    ran = run(stage, *site_agent(stage, script))
    assert ran.status == status, ran.errors
    assert (words is None) == (len(stage.catalog()) == 1) and (words is None or words in ran.error)


# -- files

@pytest.mark.needs("tar")
def test_the_files_below_a_folder_are_backed_up(stage, tmpdir):
    stage.open(demo())
    ran = run(stage, "--mode=file", "--path=/mnt/system/srv/", "--path=/mnt/system/etc", agent="tar", location=tmpdir)
    assert ran.status == 0, ran.errors
    assert stage.changes() == [] and ran.document["warnings"] == []
    parts = ran.document["backup"]["disks"]
    assert [part["name"] for part in parts] == ["/mnt/system/srv", "/mnt/system/etc"]
    found = [extracted(tmpdir.join(part["stored_as"], part["backup_id"] + ".tar").read_binary()) for part in parts]
    assert found == [{"www/index.html": b"<h1>It works</h1>\n"}, {"hostname": b"web01\n"}]


@pytest.mark.needs("tar")
def test_without_a_folder_each_mounted_file_system_is_backed_up(stage, tmpdir):
    stage.open(demo())
    ran = run(stage, "--mode=file", agent="tar", location=tmpdir)
    assert ran.status == 0, ran.errors
    [part] = ran.document["backup"]["disks"]
    assert part["name"] == "/mnt/system" and part["files"] == {
        "id": ran.document["backup"]["id"] + ".1", "mount": "/mnt/system", "origin": "/mnt/system"}
    assert sorted(extracted(tmpdir.join(part["stored_as"], part["backup_id"] + ".tar").read_binary())) == [
        "etc/hostname", "srv/www/index.html"]
    assert any("--one-file-system" in call.words for call in stage.calls if call.method == "run")


def test_the_drives_of_a_windows_server_are_backed_up_in_it(stage):
    stage.open(demo())
    ran = run(stage, "--mode=file", vs="db01")
    assert ran.status == 0, ran.errors
    assert [part["name"] for part in ran.document["backup"]["disks"]] == ["C:\\", "D:\\"]
    assert [call.words[2] for call in stage.calls if call.words[:1] == ["model-agent"]] == ["C:\\", "D:\\"]


def test_a_folder_of_a_windows_server_is_backed_up_in_it(stage):
    stage.open(demo())
    ran = run(stage, "--mode=file", "--path=C:\\Data\\", vs="db01")
    assert [part["name"] for part in ran.document["backup"]["disks"]] == ["C:\\Data"]


@pytest.mark.needs("sh")
def test_a_warning_of_the_agent_is_a_backup_with_warnings(stage):
    stage.open(small())
    ran = run(stage, "--mode=file", "--path=/mnt/system", *site_agent(stage, "echo read 7; exit 3"))
    assert ran.status == 5 and stage.catalog()[0]["outcome"] == "warning"


@pytest.mark.needs("tar")
def test_where_one_folder_fails_the_others_are_not_kept(stage, tmpdir):
    stage.open(small())
    table = stage.write("agents.ini", """
[half]
file_backup =
    mkdir -p -- {folder}
    touch -- {file}
    test {origin} != /mnt/system
file_discard = rm -f -- {file}
""")
    ran = run(stage, "--mode=file", "--path=/mnt/system/etc", "--path=/mnt/system", "--agents=" + table, agent="half",
              location=tmpdir.join("share"))
    assert ran.status == 1 and ran.error_class == "AgentFailed" and stage.catalog() == []
    assert [each for each in tmpdir.join("share").visit() if each.isfile()] == []


# -- refusals

def test_a_server_that_does_not_run_is_refused(stage):
    inventory = small()
    inventory["servers"][0]["power"] = "Stopped"
    stage.open(inventory)
    refused(stage, run(stage), "web01 does not run: start it, or back it up with proxy-backup")


@pytest.mark.parametrize("mode, words", [
    ("file", "web01 has no file system of its disks mounted: say what to back up with --path"),
    ("image", "web01 has no disk to back up")])
def test_a_server_without_disks_is_refused(stage, mode, words):
    inventory = demo()
    named(inventory["servers"], "web01")["devices"] = []
    stage.open(inventory)
    ran = stage.vibackup("agent-backup", "--vs=web01", "--agent=tsm" if mode == "file" else "--agent=dd",
                         "--location=/mnt/nas", "--mode=" + mode)
    assert ran.status == 3 and ran.error == words and stage.changes() == []


def test_a_windows_servers_disks_are_not_read_in_it(stage):
    stage.open(demo())
    refused(stage, run(stage, vs="db01"), "db01 is not a Linux guest")


def test_no_agent_writes_to_the_disks_that_it_protects_unless_told(stage):
    stage.open(small())
    refused(stage, run(stage, agent="dd"), "give --location")
    refused(stage, run(stage, "--mode=file", agent="tar"), "give --location")


@pytest.mark.parametrize("options, words", [
    (dict(vs="nobody"), "no virtual server is called nobody"),
    (dict(disk="other"), "web01 has no disk called other; it has: web01-system"),
    (dict(agent="tar", location="/srv"), "agent tar has no image_backup"),
    (dict(agent="networker"), "give --location"),
    (dict(mode="file", path="/mnt/system/nothing"), "web01 has no folder /mnt/system/nothing"),
    (dict(mode="file", path="/mnt/system/etc/motd"), "web01 has no folder /mnt/system/etc/motd"),
    (dict(mode="file", agent="dd", location="/srv"), "agent dd has no file_system_backup; agents that have it: borg"),
])
def test_what_cannot_be_is_refused(stage, options, words):
    stage.open(small())
    refused(stage, run(stage, **options), words)


@pytest.mark.parametrize("options, words", [
    (dict(path="/srv"), "--path is for files"), (dict(mode="file", disk="x"), "--disk is for images"),
    (dict(mode="file", path="srv"), "give a folder of web01 in full"),
    (dict(mode="file", path="/srv/../etc"), "give a folder of web01 in full"),
    (dict(mode="file", path="//srv"), "give a folder of web01 in full"),
    (dict(mode="file", path="C:\\Data"), "such as /srv/data"), (dict(agent="unknown"), "--agent=unknown: not known"),
])
def test_a_bad_command_line_touches_nothing(stage, options, words):
    stage.open(small())
    refused(stage, run(stage, **options), words, status=2)


def test_a_folder_given_twice_is_refused(stage):
    stage.open(small())
    refused(stage, run(stage, "--path=/mnt/system/etc", "--path=/mnt/system/etc/", mode="file"), "is given twice", 2)


def test_a_symbolic_link_is_refused_because_an_agent_would_keep_the_link_alone(stage, tmpdir):
    stage.open(small())
    tmpdir.join("link").mksymlinkto(tmpdir.mkdir("folder"))
    refused(stage, run(stage, mode="file", path=tmpdir.join("link")), "is a symbolic link")


def test_a_guest_that_shows_other_disks_than_the_manager_has_is_refused(stage):
    inventory = small()
    inventory["disks"].append({"name": "new disk", "group": "fastGroup", "bytes": 65536})
    stage.open(inventory)
    manager = connect_lab(stage.lab)
    with job(manager, "an administrator's own", lambda: True):
        api.add_device(manager.find_server("web01"), manager.find_device("new disk"))
    refused(stage, run(stage), "web01: shows 1 disks where the manager has 2: reboot it")


def test_a_server_that_has_a_snapshot_is_backed_up_all_the_same(stage):
    stage.open(small())
    manager = connect_lab(stage.lab)
    with job(manager, "an administrator's own", lambda: True):
        api.snapshot(manager.find_server("web01"))
    assert run(stage).status == 0


# -- the dry run

def test_the_dry_run_says_what_the_real_one_then_does_and_changes_nothing(stage):
    stage.open(demo_with_two_linux_disks())
    before = stage.objects()
    plan = run(stage, "--dry-run", vs="db01").document["plan"]
    assert agent_calls(stage) == [] and stage.changes() == [] and stage.objects() == before and stage.catalog() == []
    assert plan == ["backup: db01-system, as image, by model in db01 to model",
                    "backup: db01-data, as image, by model in db01 to model"]
    steps = run(stage, vs="db01").document["steps"]
    assert ["%s: %s" % (step["name"], step["object"]) for step in steps] == [line.split(",")[0] for line in plan]


# -- when things go wrong

def wrong_location(tmpdir, kind):
    """Return a location in which nothing can be made."""
    path = tmpdir.join(kind)
    if kind == "a file":
        path.write("mine")
    elif kind in ("a loop", "nowhere"):
        path.mksymlinkto(path if kind == "a loop" else tmpdir.join("gone", "away"))
    return path.join("x" * 300) if kind == "too long" else path


@pytest.mark.parametrize("kind", ["nothing there", "a file", "a loop", "nowhere", "too long"])
@pytest.mark.parametrize("agent, mode", [
    pytest.param("dd", "image", marks=pytest.mark.needs("dd")),
    pytest.param("tar", "file", marks=pytest.mark.needs("tar")),
    pytest.param("borg", "image", marks=pytest.mark.needs("borg")),
    pytest.param("borg", "file", marks=pytest.mark.needs("borg"))])
def test_a_location_in_which_nothing_can_be_made_leaves_nothing_and_holds_up_nobody(stage, tmpdir, agent, mode, kind):
    stage.open(small())
    ran = run(stage, agent=agent, mode=mode, location=wrong_location(tmpdir, kind))
    made = kind == "nothing there" and agent != "borg"  # their folders are made; a repository is not
    assert (ran.status, ran.document["leftovers"]) == (0 if made else 1, []), ran.errors
    assert run(stage).status == 0


def test_a_stop_at_any_moment_leaves_nothing(stage):
    stage.open(small())

    def act(run_):
        agent_backup.agent_backup(run_, agent_backup.Plan(run_, "web01", agents.load()["model"]))
    assert sweeps.stop_everywhere(stage, "agent-backup", act, stage.objects()) >= 1


@pytest.mark.needs("sh")
def test_ctrl_c_while_the_agent_runs_ends_it_and_leaves_nothing(stage, tmpdir):
    agent = site_agent(stage, "kill -INT $PPID; exec tail -f /dev/null")
    ran = process("vibackup", "agent-backup", "--lab=%s" % tmpdir.join("lab"), "--json", "--vs=web01", *agent)
    assert ran.status == 130 and ran.error == "stopped by Ctrl-C" and ran.document["leftovers"] == []


@pytest.mark.needs("dd")
@pytest.mark.parametrize("phase", ["before", "after"])
def test_what_a_killed_run_left_on_the_share_is_refused_listed_and_removed(tmpdir, phase):
    lab, share = compat.text(tmpdir.join("lab")), tmpdir.join("share")
    before = kept_lab(lab, small())
    words = ["--vs=web01", "--agent=dd", "--location=%s" % share]
    fault = "--lab-fault=%d:%s:crash" % (number_of_dd(tmpdir), phase)
    ran = process("vibackup", "agent-backup", "--lab=" + lab, fault, *words)
    assert ran.status in (-9, 137), ran.errors
    again = vibackup_in(lab, "agent-backup", *words)
    assert again.status == 6 and "an unfinished backup of web01, made on web01" in again.error
    assert vibackup_in(lab, "reconcile").status == 6
    assert vibackup_in(lab, "reconcile", "--fix").status == 0
    assert [each for each in share.visit() if each.isfile()] == [] and objects_in(lab) == before
    assert vibackup_in(lab, "reconcile", "--fix").document["released"] == 0
    assert vibackup_in(lab, "agent-backup", *words).status == 0
    assert content_in(lab, "web01-system") == [each for each in share.visit() if each.isfile()][0].read_binary()


def number_of_dd(tmpdir):
    """Return which call of a backup runs dd."""
    stage_ = Stage(tmpdir)
    try:
        stage_.open(small())
        assert run(stage_, agent="dd", location=tmpdir.join("elsewhere")).status == 0
        return [place for place, call in enumerate(stage_.calls, 1) if "dd" in call.words[:3]][0]
    finally:
        stage_.close()


def test_two_at_once_on_one_server_is_busy(stage):
    stage.open(small())
    with Run(connect_lab(stage.lab), stage.state(), "agent-backup") as other:
        plan = agent_backup.Plan(other, "web01", agents.load()["model"])
        with other.held(plan.holds()):
            ran = run(stage)
    assert ran.status == 4 and "web01 is busy" in ran.error
