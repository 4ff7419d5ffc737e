# -*- coding: utf-8 -*-
"""proxy-backup: the paper's six steps, what may go wrong with each, and what is left afterwards: nothing."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import tarfile

import pytest

from fakes import storage
from tests.flows.helpers import JYTHON, KIB, compat, demo, named, process, small, stage  # noqa: F401
from vibackup import agents, errors
from vibackup import manager as api
from vibackup.flows import proxy
from vibackup.run import Run
from vibackup.site import connect_lab

PAPER = ["snapshot", "attach", "reboot", "find disks", "backup", "detach", "reboot", "check disks", "delete snapshot"]


# -- a good backup

def test_the_steps_are_those_of_the_paper_in_its_order(stage):
    assert stage.proxy_backup().steps == PAPER


def test_an_image_holds_every_byte_of_the_disk(stage):
    before = stage.content("web01-system")
    ran = stage.proxy_backup(agent="dd")
    assert ran.status == 0 and ran.document["outcome"] == "ok" and ran.document["lab"] is True
    assert stage.image(ran.document["backup"], "web01-system") == before


def test_all_disks_of_a_server_are_backed_up_each_as_itself(stage):
    before = dict((name, stage.content(name)) for name in ("db01-system", "db01-data"))
    backup = stage.proxy_backup(vs="db01", agent="dd").document["backup"]
    assert [disk["name"] for disk in backup["disks"]] == ["db01-system", "db01-data"]
    for name, content in before.items():
        assert stage.image(backup, name) == content


def test_a_disk_that_is_named_is_backed_up_alone(stage):
    before = stage.content("db01-data")
    backup = stage.proxy_backup("--disk=db01-data", vs="db01", agent="dd").document["backup"]
    assert [disk["name"] for disk in backup["disks"]] == ["db01-data"]
    assert stage.image(backup, "db01-data") == before
    attached = [call for call in stage.calls if call.method == "addStorageDevice"]
    assert [call.words[0] for call in attached] == ["Snapshot of db01-data"]


def test_a_disk_that_is_not_there_is_refused_with_those_that_are(stage):
    ran = stage.proxy_backup("--disk=nothing", vs="db01")
    assert ran.status == 3 and ran.error == "db01 has no disk called nothing; it has: db01-system, db01-data"
    assert stage.changes() == []


def test_what_is_written_to_the_disk_after_the_snapshot_is_not_in_the_image(stage, monkeypatch):
    before = stage.content("web01-system")
    record = stage.lab.world.named({"LogicalDisk"}, "web01-system")
    real = stage.lab.guests.run

    def write_then_run(name, command, *more):
        if command.argv[0] == "env":  # dd itself
            storage.write(stage.lab, record, 0, b"written after the snapshot" * 5000)
        return real(name, command, *more)
    monkeypatch.setattr(stage.lab.guests, "run", write_then_run)
    backup = stage.proxy_backup(agent="dd").document["backup"]
    assert stage.image(backup, "web01-system") == before
    assert stage.content("web01-system").startswith(b"written after the snapshot")


@pytest.mark.parametrize("events", ["after-call", "backlog"])
def test_everything_is_as_it_was_whichever_events_the_manager_tells(stage, events):
    stage.open(dict(demo(), events=events))
    before = stage.objects()
    for vs in ("web01", "db01"):
        assert stage.proxy_backup(vs=vs).status == 0
        assert stage.objects() == before


def test_the_catalog_has_the_backup_once_it_is_good(stage):
    assert stage.catalog() == []
    ran = stage.proxy_backup()
    [entry] = stage.catalog()
    assert (entry["id"], entry["vs"], entry["outcome"]) == (ran.document["backup"]["id"], "web01", "ok")
    assert entry["disks"][0]["bytes"] == entry["disks"][0]["bytes_read"] == 262144


def test_nothing_of_the_run_stays_in_its_state_folder_but_the_catalog(stage):
    stage.proxy_backup()
    state = os.path.join(stage.lab.folder, "state")
    assert [name for name in sorted(os.listdir(state)) if os.listdir(os.path.join(state, name))] == ["catalog"]


# -- the proxy

def test_a_proxy_that_was_stopped_is_started_and_stopped_again(stage):
    inventory = demo()
    named(inventory["servers"], "pbh01")["power"] = "Stopped"
    stage.open(inventory)
    before = stage.objects()
    ran = stage.proxy_backup()
    assert ran.status == 0 and ran.steps[0] == "start" and ran.steps[-1] == "stop"
    assert stage.object("pbh01")["power"] == "Stopped"
    assert stage.objects() == before


def test_a_proxy_that_was_stopped_is_stopped_again_after_a_failure(stage):
    inventory = demo()
    named(inventory["servers"], "pbh01")["power"] = "Stopped"
    stage.open(inventory)
    before = stage.objects()
    stage.fault("snapshot")
    assert stage.proxy_backup().status == 1
    assert stage.objects() == before


def test_a_proxy_that_ran_runs_afterwards(stage):
    stage.proxy_backup()
    assert stage.object("pbh01")["power"] == "Running" and "stop" not in stage.methods()


def test_the_proxys_own_disks_are_never_touched(stage):
    stage.proxy_backup(vs="db01", agent="dd")
    own = stage.object("pbh01")["devices"]
    touched = [argument for call in stage.changes() for argument in call.arguments]
    assert touched and not [each for each in touched if getattr(each, "_identity", None) in own]
    assert not [call for call in stage.calls if call.method == "run" and "/dev/sda" in " ".join(call.arguments)]


def test_a_proxy_on_the_servers_own_node_is_a_warning(stage):
    inventory = demo()
    named(inventory["servers"], "pbh01")["node"] = "node1"
    stage.open(inventory)
    ran = stage.proxy_backup()
    assert ran.status == 0
    assert ran.document["warnings"] == [
        "web01 and the proxy pbh01 are both on node1: its load stays on that managed node"]


def test_a_proxy_in_another_data_center_is_refused(stage):
    inventory = demo()
    inventory["data_centers"].append({"name": "West", "nodes": [{"name": "node9"}]})
    named(inventory["servers"], "pbh01")["node"] = "node9"
    stage.open(inventory)
    ran = stage.proxy_backup()
    assert ran.status == 3 and "web01 is in the data center East and the proxy pbh01 in West" in ran.error
    assert stage.changes() == []


def test_a_server_is_not_its_own_proxy(stage):
    ran = stage.proxy_backup(proxy="web01")
    assert ran.status == 3 and ran.error == "web01 cannot be its own proxy" and stage.changes() == []


@pytest.mark.parametrize("options, words", [({"vs": "nobody"}, "no virtual server is called nobody"),
                                            ({"proxy": "nowhere"}, "no virtual server is called nowhere")])
def test_a_server_that_is_not_there_is_refused(stage, options, words):
    ran = stage.proxy_backup(**options)
    assert ran.status == 3 and ran.error == words and stage.changes() == []


# -- disks that are not logical disks

def test_a_raw_disk_is_refused_by_name(stage):
    for vs, disk in (("raw01", "raw01-lun"), ("mixed01", "mixed01-lun")):
        ran = stage.proxy_backup(vs=vs)
        assert ran.status == 3 and "%s: %s is a raw disk" % (vs, disk) in ran.error and "--skip-raw" in ran.error
        assert stage.changes() == []


def test_a_raw_disk_that_is_left_out_makes_exit_status_5(stage):
    before = stage.content("mixed01-system")
    ran = stage.proxy_backup("--skip-raw", vs="mixed01", agent="dd")
    assert ran.status == 5 and ran.document["outcome"] == "warning"
    assert "mixed01: the raw disk mixed01-lun is left out" in ran.document["warnings"]
    assert stage.image(ran.document["backup"], "mixed01-system") == before
    [entry] = stage.catalog()
    assert entry["outcome"] == "warning" and entry["skipped"] == ["mixed01-lun"]


def test_a_server_of_raw_disks_alone_is_refused_also_when_they_are_left_out(stage):
    ran = stage.proxy_backup("--skip-raw", vs="raw01")
    assert ran.status == 3 and ran.error == "raw01 has no logical disk to back up" and stage.changes() == []


def test_a_logical_disk_beside_a_raw_one_can_be_named(stage):
    assert stage.proxy_backup("--disk=mixed01-system", vs="mixed01").status == 0


# -- file mode

def extracted(data):
    """Return ``{path: content}`` of the files in a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return dict((member.name.replace("./", "", 1), archive.extractfile(member).read())
                    for member in archive.getmembers() if member.isfile())


@pytest.mark.needs("tar")
def test_the_files_of_a_linux_server_come_out_of_the_archive_as_they_were(stage):
    backup = stage.proxy_backup("--mode=file", agent="tar").document["backup"]
    archive = stage.image(dict(backup, id=backup["id"] + ".1"), "web01-system", suffix=".tar")
    assert extracted(archive) == {"etc/hostname": b"web01\n", "srv/www/index.html": b"<h1>It works</h1>\n"}
    before = stage.object("pbh01")
    assert before["mounts"] == {}


WINDOWS_TAR = """
[wintar]
file_backup =
    mkdir -p -- {folder}
    tar --create --force-local --file={folder}/{id}.tar --directory={mount} .
"""


@pytest.mark.needs("tar")
def test_the_files_of_a_windows_server_are_backed_up_by_a_windows_proxy(stage):
    before = stage.objects()
    table = stage.write("agents.ini", WINDOWS_TAR)
    ran = stage.proxy_backup("--mode=file", "--agents=" + table, "--location=here", vs="db01", proxy="pbhwin",
                             agent="wintar")
    assert ran.status == 0, ran.errors
    found = {}
    for disk in ("db01-system", "db01-data"):
        backup = dict(ran.document["backup"], id=ran.document["backup"]["id"] + ".1")
        found.update(extracted(stage.image(backup, disk, "pbhwin", ".tar")))
    assert found == {"Windows/win.ini": b"; db01\n", "boot.ini": b"[boot loader]\n",
                     "data/orders.mdf": b"orders 1 2 3\n"}
    assert stage.objects() == before


@pytest.mark.parametrize("vs, proxy", [("db01", "pbh01"), ("web01", "pbhwin")])
def test_files_want_the_same_operating_system(stage, vs, proxy):
    ran = stage.proxy_backup("--mode=file", vs=vs, proxy=proxy)
    assert ran.status == 3 and "files want the same operating system" in ran.error
    assert stage.changes() == []


def test_an_image_wants_a_linux_proxy(stage):
    ran = stage.proxy_backup(proxy="pbhwin")
    assert ran.status == 3 and "an image is read by a Linux proxy" in ran.error and stage.changes() == []


def test_a_disk_without_a_file_system_fails_in_file_mode_and_is_taken_back(stage):
    inventory = small()
    del inventory["disks"][0]["content"]["files"]
    stage.open(inventory)
    before = stage.objects()
    ran = stage.proxy_backup("--mode=file")
    assert ran.status != 0 and "no file system found" in ran.error
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.needs("tar")
def test_an_archive_of_a_part_is_not_kept_as_a_backup_where_a_disk_has_no_file_system(stage):
    inventory = demo()
    del named(inventory["disks"], "db01-data")["content"]["files"]
    for name in ("db01", "pbh01"):
        named(inventory["servers"], name)["operating_system"] = "Linux"
    stage.open(inventory)
    assert stage.proxy_backup("--mode=file", vs="db01", agent="tar").status != 0
    assert stage.catalog() == []


# -- which disk is which, in the guest

def two_disks(sizes, **proxy_settings):
    inventory = demo()
    inventory["disks"] += [{"name": "two-%d" % number, "group": "fastGroup", "bytes": size * KIB,
                            "content": {"boot": number == 0, "fill": "disk %d of two" % number}}
                           for number, size in enumerate(sizes)]
    inventory["servers"].append({"name": "two", "node": "node1", "devices": ["two-0", "two-1"]})
    named(inventory["servers"], "pbh01").update(proxy_settings)
    return inventory


def test_a_disk_is_found_although_the_letters_are_reversed(stage):
    stage.open(two_disks([128, 128], device_naming="reversed"))
    before = [stage.content(name) for name in ("two-0", "two-1")]
    ran = stage.proxy_backup(vs="two", agent="dd")
    assert ran.status == 0
    assert [stage.image(ran.document["backup"], name) for name in ("two-0", "two-1")] == before


@pytest.mark.parametrize("naming", ["in order", "reversed"])
def test_a_disk_is_found_by_its_size_where_positions_are_hidden(stage, naming):
    stage.open(two_disks([128, 192], hide_positions=True, device_naming=naming))
    before = [stage.content(name) for name in ("two-0", "two-1")]
    ran = stage.proxy_backup(vs="two", agent="dd")
    assert ran.status == 0
    assert [stage.image(ran.document["backup"], name) for name in ("two-0", "two-1")] == before


def test_two_disks_of_one_size_without_positions_are_not_guessed(stage):
    stage.open(two_disks([128, 128], hide_positions=True))
    before = stage.objects()
    ran = stage.proxy_backup(vs="two", agent="dd")
    assert ran.status == 1 and ran.error == "pbh01: cannot tell new disks of the same size apart"
    assert stage.objects() == before and stage.files() == []


def test_a_disk_of_the_size_of_the_proxys_own_without_positions_is_not_guessed(stage):
    inventory = demo()
    named(inventory["servers"], "pbh01")["hide_positions"] = True
    stage.open(inventory)
    before = stage.objects()
    ran = stage.proxy_backup(agent="dd")  # both have 256 KiB
    assert ran.status == 1 and "cannot tell its own disk of 262144 bytes from a new one" in ran.error
    assert stage.objects() == before and stage.files() == []


# -- detach

def test_the_disk_is_detached_and_out_of_sight_before_the_snapshot_is_deleted(stage):
    stage.proxy_backup()
    methods = stage.methods()
    assert methods == ["snapshot", "setName", "addStorageDevice", "reboot", "removeStorageDevice", "reboot",
                       "deleteLogicalDisk", "deleteSnapshot"]


def test_a_guest_that_still_shows_the_disk_after_the_detach_is_a_leftover(stage, monkeypatch):
    before = stage.objects()
    real = storage.seen_at_boot

    def sticky(lab, server):
        found = real(lab, server)
        return found if len(found) > 1 else found + [{"disk": stage.object("Snapshot of web01-system")["id"],
                                                      "position": 1, "device": "sdb"}]
    with monkeypatch.context() as patch:
        patch.setattr(storage, "seen_at_boot", sticky)
        ran = stage.proxy_backup()
    assert ran.status == 6 and ran.document["outcome"] == "ok" and ran.document["backup"] is not None
    assert [left["reason"] for left in ran.document["leftovers"]] == [
        "pbh01 still shows a disk that was detached from it", "kept, because a disk of it is still on the proxy"]
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert stage.objects() == before


def test_a_detach_that_fails_keeps_the_snapshot_and_names_what_is_left(stage):
    before = stage.objects()
    stage.fault("removeStorageDevice", times=None)
    ran = stage.proxy_backup()
    assert ran.status == 6 and ran.document["backup"] is not None
    assert [left["what"] for left in ran.document["leftovers"]] == [
        "Snapshot of web01-system on pbh01", "the snapshot of web01"]
    assert stage.object("web01")["snapshot"] is not None and "deleteLogicalDisk" not in stage.methods()
    stage.lab.faults = []
    assert stage.vibackup("reconcile").status == 6
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert stage.objects() == before


def test_a_good_backup_with_leftovers_is_in_the_catalog(stage):
    stage.fault("removeStorageDevice", times=None)
    ran = stage.proxy_backup()
    stage.lab.faults = []
    assert [entry["id"] for entry in stage.catalog()] == [ran.document["backup"]["id"]]


# -- refused before any change

def test_a_snapshot_that_is_not_ours_is_refused_and_untouched(stage):
    manager = connect_lab(stage.lab)
    vs = manager.find("VirtualServer", "web01")
    job = manager.create_job("an administrator's own")
    api.begin(job)
    api.snapshot(vs)
    api.commit(job)
    before = stage.objects()
    ran = stage.proxy_backup()
    assert ran.status == 3 and "web01 has a snapshot already, called Snapshot of web01" in ran.error
    assert stage.changes() == [] and stage.objects() == before
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert stage.objects() == before


def test_a_disk_group_that_is_too_full_is_refused(stage):
    inventory = small()
    inventory["data_centers"][0]["disk_groups"][0]["bytes"] = 3 * 256 * KIB + 1000
    stage.open(inventory)
    ran = stage.proxy_backup()
    assert ran.status == 3 and "the disk group fastGroup has 1000 bytes free" in ran.error
    assert stage.changes() == []


# -- the snapshot's space

def filling_up(vs, at_second, disks=1):
    """An inventory whose snapshot of ``vs`` (of so many disks) is lost ``at_second`` after it was taken.

    The read begins at about second 52; 256 KiB take 64 seconds.
    """
    inventory = demo()
    for node in inventory["data_centers"][0]["nodes"]:
        node["bytes_per_second"] = 4 * KIB
    named(inventory["servers"], vs)["write_bytes_per_second"] = 1000
    taken = sum(disk["bytes"] for disk in inventory["disks"] if disk.get("group") == "fastGroup")
    inventory["data_centers"][0]["disk_groups"][0]["bytes"] = taken + disks * at_second * 1000
    return inventory


@pytest.mark.parametrize("agent", ["dd", "model"])
def test_space_that_runs_out_in_the_middle_of_the_read_is_a_failure_that_leaves_nothing(stage, agent):
    stage.open(filling_up("web01", at_second=84))
    before = stage.objects()
    ran = stage.proxy_backup(agent=agent)
    assert ran.status == 1 and ran.error_class == "SnapshotLost"
    assert ran.error == ("Snapshot of web01-system was lost while it was read (Snapshot of web01-system is lost: its "
                         "group ran out of space): look at the space of its disk group fastGroup")
    assert ran.document["backup"] is None and ran.document["leftovers"] == []
    assert stage.objects() == before
    assert stage.catalog() == [] and stage.files() == []


def test_space_that_runs_out_under_the_second_disk_makes_the_first_image_worthless_too(stage):
    stage.open(filling_up("db01", at_second=150, disks=2))
    before = stage.objects()
    ran = stage.proxy_backup(vs="db01", agent="dd")  # the second is read from second 116 on
    assert ran.status == 1 and ran.error_class == "SnapshotLost"
    assert stage.objects() == before and stage.catalog() == [] and stage.files() == []


# -- what the agent says

AGENT = """
[site]
image_backup = sh -c '{script}'
file_backup = sh -c '{script}'
warning_status = 3
warnings_from = sh
bytes = read ([0-9]+)
"""


def site_agent(stage, script):
    """Return the options that have the agent do what the shell ``script`` does."""
    return ["--agents=" + stage.write("agents.ini", AGENT.format(script=script)), "--agent=site", "--location=here"]


def backed_up_by(stage, script, *words):
    given = site_agent(stage, script)
    return stage.vibackup("proxy-backup", "--vs=web01", "--proxy=pbh01", *(given + list(words)))


def test_an_agent_that_skipped_something_makes_exit_status_5(stage):
    stage.open(small())
    before = stage.objects()
    ran = backed_up_by(stage, "echo read 9; exit 3", "--mode=file")
    assert ran.status == 5 and ran.document["outcome"] == "warning"
    assert [entry["outcome"] for entry in stage.catalog()] == ["warning"]
    assert stage.objects() == before


def test_an_image_of_which_something_was_skipped_is_no_image(stage):
    stage.open(small())
    before = stage.objects()
    assert backed_up_by(stage, "echo read 9; exit 3").status == 1
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.parametrize("script, told", [
    ("exit 1", "exit status 1"), ("exit 2", "exit status 2"), ("exit 255", "exit status 255"),
    ("exit 126", "exit status 126"), ("kill -9 $$", "exit status 137"), ("kill -15 $$", "exit status 143"),
    ("echo OK, backup completed; exit 1", "OK, backup completed (exit status 1)"),
    ("echo cannot read >&2; exit 1", "cannot read (exit status 1)")])
def test_an_agent_that_fails_makes_exit_status_1_and_everything_is_taken_back(stage, script, told):
    stage.open(small())
    before = stage.objects()
    ran = backed_up_by(stage, script)
    assert ran.status == 1 and ran.error_class == "AgentFailed" and ran.error == "site: sh: " + told
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.parametrize("said", [0, 262143, 262145])
def test_an_agent_that_read_other_than_the_disks_bytes_has_no_good_image(stage, said):
    stage.open(small())
    before = stage.objects()
    ran = backed_up_by(stage, "echo read %d" % said)
    assert ran.status == 1 and "read %d bytes" % said in ran.error and "has 262144" in ran.error
    assert stage.objects() == before and stage.catalog() == []


def test_an_agent_that_read_the_disks_bytes_has_a_good_image(stage):
    stage.open(small())
    assert backed_up_by(stage, "echo read 262144").status == 0


def test_an_agent_that_is_not_on_the_proxy_is_a_failure(stage):
    stage.open(small())
    before = stage.objects()
    table = stage.write("agents.ini", "[gone]\nimage_backup = no-such-program-anywhere {device}\n")
    ran = stage.proxy_backup("--agents=" + table, "--location=here", agent="gone")
    assert ran.status == 1 and ran.error_class == "AgentFailed"
    assert stage.objects() == before and stage.catalog() == []


def test_an_agent_whose_time_is_up_is_a_failure_that_leaves_nothing(stage):
    before = stage.objects()
    ran = stage.proxy_backup("--timeout=2", agent="dd")  # it wants four seconds
    assert ran.status == 1
    assert stage.objects() == before and stage.catalog() == [] and stage.files() == []


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("program", ["mkdir", "test", "env", "mv", "sync"])
def test_an_agent_that_loses_its_connection_is_a_failure_that_keeps_no_image(stage, program, phase):
    stage.open(small())
    before = stage.objects()
    stage.proxy_backup(agent="dd")
    number = [place for place, call in enumerate(stage.calls, 1)
              if call.method == "run" and call.arguments[0] == program][0]
    stage.fault_at(number, phase)
    ran = stage.proxy_backup(agent="dd")
    assert ran.status == 1 and ran.error_class == "AgentFailed"
    assert stage.objects() == before
    assert len(stage.catalog()) == len(stage.files()) == 1


# -- quiesce

FREEZE = ["--freeze=fsfreeze -f /", "--thaw=fsfreeze -u /"]


def test_the_freeze_lasts_for_the_snapshot_job_alone(stage):
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 0 and ran.steps[:3] == ["freeze", "snapshot", "thaw"]
    told = [call.arguments[1] if call.method == "run" else call.method for call in stage.calls
            if call.changes or (call.method == "run" and call.arguments[0] == "fsfreeze")]
    assert told[:7] == ["-f", "begin", "snapshot", "setName", "commit", "-u", "begin"]


def test_a_server_is_thawed_by_the_second_command_and_not_frozen_afterwards(stage):
    before = stage.objects()
    assert stage.proxy_backup(*FREEZE).status == 0
    assert stage.objects() == before and stage.object("web01")["frozen"] is False


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("method", ["createJob", "begin", "snapshot", "setName", "commit", "addOperationDescription"])
def test_a_server_is_thawed_whichever_call_of_the_snapshot_fails(stage, method, phase):
    stage.open(small())
    before = stage.objects()
    stage.fault(method, phase)
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == (0 if (method, phase) == ("commit", "after") else 1)  # that one only lost its reply
    assert "thaw" in ran.steps
    assert stage.objects() == before


def test_a_server_is_thawed_after_a_freeze_whose_reply_was_lost(stage):
    before = stage.objects()
    stage.proxy_backup(*FREEZE)
    freeze = [place for place, call in enumerate(stage.calls, 1)
              if call.method == "run" and call.arguments[0] == "fsfreeze"][0]
    stage.fault_at(freeze, "after")
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 1 and ran.error_class == "GuestError"
    assert stage.objects() == before


def test_a_freeze_that_fails_is_a_failure_before_the_snapshot(stage):
    ran = stage.proxy_backup("--freeze=false", "--thaw=true")
    assert ran.status == 1 and "web01: false: exit status 1" in ran.error
    assert "snapshot" not in ran.steps and stage.methods() == []


def test_a_thaw_that_fails_once_is_tried_again(stage):
    stage.proxy_backup(*FREEZE)
    thaw = [place for place, call in enumerate(stage.calls, 1)
            if call.method == "run" and call.arguments[:2] == ["fsfreeze", "-u"]][0]
    stage.fault_at(thaw, "before")
    assert stage.proxy_backup(*FREEZE).status == 0
    assert stage.object("web01")["frozen"] is False


def test_a_server_that_cannot_be_thawed_is_a_leftover_that_says_what_to_do(stage):
    ran = stage.proxy_backup("--freeze=true", "--thaw=false")
    assert ran.status == 6 and "web01 is still frozen" in ran.error and "thaw it by hand" in ran.error
    assert [left["what"] for left in ran.document["leftovers"]] == ["web01 frozen"]
    assert stage.proxy_backup().status == 6  # nobody backs it up before somebody has looked
    fixed = stage.vibackup("reconcile", "--fix")
    assert fixed.status == 0
    assert fixed.document["warnings"] == [
        "web01: its thaw failed: exit status 1; make sure that it is not frozen"]


def test_a_server_is_thawed_within_a_minute_where_the_snapshot_hangs(stage):
    before = stage.objects()
    moments = []
    real = stage.lab.guests.run

    def noting(name, command, *more):
        if command.argv[0] == "fsfreeze":
            moments.append((command.argv[1], stage.lab.clock.monotonic()))
        return real(name, command, *more)
    stage.lab.guests.run = noting
    stage.fault("snapshot", action="hang")
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 7
    assert [word for word, _moment in moments] == ["-f", "-u"] and moments[1][1] - moments[0][1] <= 60
    assert stage.objects() == before


def test_a_snapshot_that_was_made_after_the_thaw_is_no_good(stage):
    stage.proxy_backup(*FREEZE)
    before = stage.objects()
    stage.fault_at(stage.nth("commit", 1), "after", "hang")  # done, and the reply lost for an hour
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 1 and "was thawed after 60 seconds, before its snapshot was complete" in ran.error
    assert stage.objects() == before and len(stage.catalog()) == 1


def test_a_server_that_does_not_run_is_not_frozen(stage):
    inventory = demo()
    named(inventory["servers"], "web01")["power"] = "Stopped"
    stage.open(inventory)
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 0 and "freeze" not in ran.steps
    assert ran.document["warnings"] == ["web01 does not run, so it is not frozen"]


def test_a_freeze_without_a_thaw_is_a_wrong_command_line(stage):
    assert stage.proxy_backup("--freeze=true").status == 2
    assert stage.proxy_backup("--thaw=true").status == 2
    assert stage.calls == []


# -- dry run

def test_a_dry_run_makes_its_checks_prints_the_plan_and_changes_nothing(stage):
    before = stage.lab.dump()
    ran = stage.proxy_backup("--dry-run", *FREEZE)
    assert ran.status == 0 and ran.document["dry_run"] is True and ran.document["backup"] is None
    assert stage.changes() == [] and stage.lab.dump() == before
    assert not [call for call in stage.calls if call.method == "run" and call.words[0] not in ("hostname", "lsblk")]


@pytest.mark.parametrize("power", ["Running", "Stopped"])
@pytest.mark.parametrize("words", [(), FREEZE], ids=["plain", "frozen"])
@pytest.mark.parametrize("vs", ["web01", "db01"])
def test_the_plan_of_a_dry_run_is_what_the_run_then_does(stage, vs, words, power):
    description = demo()
    named(description["servers"], "pbh01")["power"] = power
    stage.open(description)
    plan = stage.proxy_backup("--dry-run", *words, vs=vs).document["plan"]
    done = [step["name"] for step in stage.proxy_backup(*words, vs=vs).document["steps"]]
    assert [line.partition(":")[0] for line in plan] == done


@pytest.mark.parametrize("options, words", [
    ({"vs": "raw01"}, ()), ({"vs": "nobody"}, ()), ({"proxy": "web01"}, ()), ({"vs": "db01"}, ("--mode=file",)),
    ({"proxy": "pbhwin"}, ()), ({}, ("--disk=nothing",)), ({"agent": "tar"}, ())])
def test_a_dry_run_refuses_what_the_run_would_refuse_with_the_same_words(stage, options, words):
    dry = stage.proxy_backup("--dry-run", *words, **options)
    real = stage.proxy_backup(*words, **options)
    assert dry.status == real.status == 3 and dry.error == real.error
    assert stage.changes() == []


# -- stopping

def stopping_run(stage, at, status):
    """A run that is asked for a stop when it asks for the ``at``th time, and goes on being asked."""
    asked = []

    def stop_status():
        asked.append(None)
        return status if len(asked) >= at else 0
    run = Run(connect_lab(stage.lab), os.path.join(stage.folder, "state"), "proxy-backup", stop_status=stop_status)
    return run, asked


def test_a_stop_at_any_moment_leaves_nothing(stage):
    stage.open(small())
    before = stage.objects()
    at, stopped = 0, 0
    while True:
        at += 1
        run, asked = stopping_run(stage, at, errors.TERMINATED)
        with run:
            try:
                plan = proxy.Plan(run, "web01", "pbh01", agents.load()["model"], freeze=["true"], thaw=["true"])
                proxy.proxy_backup(run, plan)
            except errors.Stopped as error:
                stopped += 1
                assert error.exit_status == 143
        assert run.leftovers == [] and stage.objects() == before
        if len(asked) < at:
            break
    assert stopped >= 8


def test_a_stop_while_a_freeze_hangs_ends_it_and_thaws(stage):
    stage.open(small())
    before = stage.objects()
    asked = []
    real = stage.lab.guests.run

    def noting(name, command, *more):
        asked.extend([command] if command.argv[0] == "tail" else [])
        return real(name, command, *more)
    stage.lab.guests.run = noting
    run = Run(connect_lab(stage.lab), os.path.join(stage.folder, "state"), "proxy-backup",
              stop_status=lambda: errors.INTERRUPTED if asked else 0)
    with run, pytest.raises(errors.Stopped):
        proxy.proxy_backup(run, proxy.Plan(run, "web01", "pbh01", agents.load()["model"],
                                           freeze=["tail", "-f", "/dev/null"], thaw=["true"]))
    assert run.leftovers == [] and stage.objects() == before
    assert [step["name"] for step in run.steps] == ["freeze", "thaw"]


@pytest.mark.parametrize("signal, status, words", [("INT", 130, "stopped by Ctrl-C"), ("TERM", 143, "stopped by TERM or a closed terminal")])
def test_a_real_signal_while_the_agent_runs_ends_it_and_leaves_nothing(stage, tmpdir, signal, status, words):
    table = stage.write("agents.ini", AGENT.format(script="kill -%s $PPID; exec tail -f /dev/null" % signal))
    folder = compat.text(tmpdir.join("lab"))
    ran = process("vibackup", "proxy-backup", "--lab=" + folder, "--json", "--vs=web01", "--proxy=pbh01",
                  "--agents=" + table, "--agent=site", "--location=here")
    assert ran.status == status, ran.errors
    assert ran.error == words and ran.document["outcome"] == "stopped" and ran.document["leftovers"] == []
    assert ran.steps[-3:] == ["reboot", "check disks", "delete snapshot"]


# -- a manager that lacks a call

NEEDED = ["snapshot", "getSnapshot", "deleteSnapshot", "addStorageDevice", "removeStorageDevice", "start", "stop",
          "reboot", "getBytes", "getParentLvmDiskGroup", "getSnapshotParent", "getFreeBytes", "deleteLogicalDisk",
          "getStorageDevices", "getManagedNode", "getVirtualDataCenter", "getOperatingSystem", "getStatusEvent",
          "findObject", "createJob", "getFoundryContext", "getEventLog", "listenForEvents", "getName", "getKind"]


@pytest.mark.parametrize("call", NEEDED)
def test_a_call_that_the_flow_needs_and_the_manager_lacks_is_refused_before_any_change(stage, call):
    stage.open(dict(small(), missing=[call]))
    ran = stage.proxy_backup()
    assert ran.status == 3 and ran.error == "this manager has no %s (see: vibackup probe)" % call
    assert stage.changes() == []


@pytest.mark.parametrize("calls", [["setName"], ["getId"], ["getTime"], ["getSnapshotUsedPercent"], ["getObjects"]])
def test_a_call_that_the_flow_can_do_without_may_be_missing(stage, calls):
    stage.open(dict(small(), missing=calls))
    before = stage.objects()
    assert stage.proxy_backup().status == 0
    assert stage.objects() == before


# -- every call of the flow fails once

@pytest.mark.parametrize("phase", ["before", "after"])
def test_whichever_call_fails_nothing_is_left_or_reconcile_releases_it(stage, phase):
    stage.open(small())
    before = stage.objects()
    assert stage.proxy_backup(*FREEZE).status == 0
    good = 1
    for number in range(1, len(stage.calls) + 1, 5 if JYTHON else 1):
        stage.lab.faults = []
        stage.fault_at(number, phase)
        ran = stage.proxy_backup(*FREEZE)
        place = "%s call %d: %s" % (phase, number, ran.errors)
        assert ran.status in (0, 1, 3, 6, 7), place
        assert "internal error" not in ran.errors, place
        stage.lab.faults = []
        if ran.status == 6:
            assert ran.document["leftovers"], place
            assert stage.vibackup("reconcile").status == 6, place
            assert stage.vibackup("reconcile", "--fix").status == 0, place
        else:
            assert stage.objects() == before, place
        assert stage.vibackup("reconcile", "--fix").status == 0 and stage.changes() == [], place
        assert stage.objects() == before, place
        good += ran.document["backup"] is not None
        assert (ran.document["backup"] is not None) == (ran.status in (0, 5) or ran.document["error"] is None), place
    assert len(stage.catalog()) == good


@pytest.mark.parametrize("events", ["after-call", "backlog"])
def test_an_event_that_is_lost_is_not_missed(stage, events):
    stage.open(dict(small(), events=events))
    before = stage.objects()
    stage.proxy_backup()
    for number in [place for place, call in enumerate(stage.calls, 1) if call.method in ("commit", "listenForEvents")]:
        stage.fault_at(number, "before", "lose")
        assert stage.proxy_backup().status == 0, number
        assert stage.objects() == before, number


def test_a_manager_that_hangs_for_an_hour_at_a_change_went_away_and_nothing_is_left(stage):
    stage.open(small())
    before = stage.objects()
    stage.proxy_backup()
    for method in ("snapshot", "addStorageDevice"):
        stage.fault(method, action="hang")
        assert stage.proxy_backup().status == 7, method
        assert stage.objects() == before, method


def test_the_document_has_what_a_program_looks_for(stage):
    document = stage.proxy_backup().document
    assert set(document) >= {"outcome", "exit_status", "verb", "run", "vs", "lab", "steps", "backup", "error",
                             "leftovers"}
    assert all(set(step) == {"name", "object", "started", "seconds", "outcome", "detail"} for step in document["steps"])
    assert set(document["backup"]) == {"id", "agent", "disks", "location"}
    assert (document["verb"], document["exit_status"], document["error"]) == ("proxy-backup", 0, None)
