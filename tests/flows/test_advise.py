# -*- coding: utf-8 -*-
"""advise: which techniques can protect a server. What it calls possible passes the verb's dry run."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess

import pytest

from tests.flows.helpers import JYTHON, demo, in_a_job, named, run_main, small, stage  # noqa: F401
from vibackup import choices, compat, errors
from vibackup import manager as api
from vibackup.flows import advise as flow
from vibackup.masking import MASK
from vibackup.run import Run
from vibackup.site import connect_lab

HOUR = 3600


@pytest.fixture(autouse=True)
def place(tmpdir, monkeypatch):
    """Commands that write files write them here."""
    monkeypatch.chdir(str(tmpdir))


def advise(stage, vs="web01", *words):
    return stage.vibackup("advise", "--vs=" + vs, *words)


def found(ran, technique, mode=None, disk=None):
    """Return the advice on one technique."""
    [each] = [each for each in ran.document["advice"] if each["technique"] == technique
              and mode in (None, each["mode"]) and disk in (None, each["disk"])]
    return each


def possible(ran):
    return [(each["technique"], each["mode"] or each["disk"]) for each in ran.document["advice"] if each["possible"]]


def typed(stage, command, *more):
    """Run a command line of the advice as a shell would read it."""
    words = compat.split_words(command)
    assert words[0] == "vibackup" and words[-1] == "--lab"
    return stage.vibackup(*(words[1:-1] + list(more)))


# -- inventories

def the_demo(stage):
    stage.open()


def with_a_snapshot(stage):
    stage.open()
    in_a_job(stage, lambda manager: api.snapshot(manager.find("VirtualServer", "web01")))


def with_full_groups(stage):
    inventory = demo()
    for group in inventory["data_centers"][0]["disk_groups"]:
        group["bytes"] = sum(disk["bytes"] for disk in inventory["disks"] if disk.get("group") == group["name"])
    stage.open(inventory)


def with_no_other_server(stage):
    inventory = demo()
    inventory["servers"] = [server for server in inventory["servers"] if server["name"] == "web01"]
    stage.open(inventory)


def with_stopped_servers(stage):
    inventory = demo()
    for server in inventory["servers"]:
        server["power"] = "Stopped"
    stage.open(inventory)


def with_odd_systems(stage):
    inventory = demo()
    for name in ("web01", "db01", "pbhwin"):
        named(inventory["servers"], name)["operating_system"] = "NetWare"
    stage.open(inventory)


def with_odd_names(stage):
    stage.open(small(vs="it's \"web\"; $(touch planted)", disk="-rf 'disk' \u00fc", proxy="p=b h", group="a group"))


def with_two_disks_of_one_name(stage):
    stage.open()
    in_a_job(stage, lambda manager: api.set_name(manager.find_device("db01-data"), "db01-system"))


def with_no_disks(stage):
    inventory = demo()
    named(inventory["servers"], "web01")["devices"] = []
    stage.open(inventory)


def with_guests_that_do_not_answer(stage):
    inventory = demo()
    for server in inventory["servers"]:
        server["commands"] = {"lsblk": {"exit_status": 255}, "hostname": {"exit_status": 255}}
    stage.open(inventory)


def with_no_boot_device(stage):
    inventory = demo()
    inventory["network_block_devices"] = []
    stage.open(inventory)


def with_the_proxies_elsewhere(stage):
    inventory = demo()
    inventory["data_centers"].append({"name": "West", "nodes": [{"name": "node9"}]})
    for name in ("pbh01", "pbhwin"):
        named(inventory["servers"], name)["node"] = "node9"
    stage.open(inventory)


def with_calls_missing(stage):
    stage.open(dict(demo(), missing=["exportVhd", "cloneTo", "deleteSnapshot", "getLun"]))


INVENTORIES = [the_demo, with_a_snapshot, with_full_groups, with_no_other_server,
               with_stopped_servers, with_odd_systems, with_odd_names, with_two_disks_of_one_name, with_no_disks,
               with_guests_that_do_not_answer, with_no_boot_device, with_the_proxies_elsewhere, with_calls_missing]


def stood(stage):
    """Return the lab's objects, but for what a snapshot grows by while time passes."""
    return [dict(thing, free_bytes=None, sha256=None) for thing in stage.objects()]


def attempts(stage, each, vs, names):
    """Return command lines, made without the advice, that would carry out a technique for the server ``vs``."""
    server, disk = ["--vs=" + vs], ["--disk=%s" % each["disk"]]
    agent = {"image": ["--agent=dd"], "file": ["--mode=file", "--agent=tar"]}.get(each["mode"], [])
    proxies = [["--proxy=" + name] for name in names]
    return {"proxy-backup": [server + agent + proxy for proxy in proxies],
            "agent-backup": [server + agent + ["--location=/mnt/nas"]],
            "array-backup": [server + ["--array=model"] + more for more in [[]] + [
                proxy + ["--agent=dd"] for proxy in proxies]],
            "archive": [server + ["--to=new"]],
            "snapshot-boot": [server + ["--boot-device=backup.iso"]],
            "clone-disk": [disk + ["--name=new", "--to-group=" + thing["name"]] for thing in stage.objects()
                           if thing["kind"] == "LvmDiskGroup"],
            "export-disk": [disk + ["--to=new.vhd"]],
            "rollback": [server + ["--take"]]}[each["technique"]]


@pytest.mark.parametrize("make", INVENTORIES[::3] if JYTHON else INVENTORIES, ids=lambda make: make.__name__)
def test_what_is_possible_passes_the_dry_run_and_all_else_is_refused_by_it(stage, make):
    make(stage)
    names = [thing["name"] for thing in stage.objects() if thing["kind"] == "VirtualServer"
             and thing["name"] != "Snapshot of web01"]
    for vs in names if make is the_demo else names[:4]:  # the others are proxies
        before = stood(stage)
        ran = advise(stage, vs)
        assert stage.changes() == [] and stood(stage) == before
        assert ran.status == (0 if possible(ran) else 3)
        for each in ran.document["advice"]:
            if each["possible"]:
                dry = typed(stage, each["command"], "--dry-run")
                assert dry.status == 0 and dry.document["plan"] and each["reasons"] == [], (vs, each, dry.error)
            else:
                assert each["reasons"] and each["command"] is None
                for words in attempts(stage, each, vs, names):
                    assert stage.vibackup(each["technique"], "--dry-run", *words).status == 3, (each, words)
        assert stood(stage) == before


# -- what it says of the servers of the demo

def test_a_server_of_logical_disks(stage):
    ran = advise(stage)
    assert set(possible(ran)) >= {
        ("proxy-backup", "image"), ("proxy-backup", "file"), ("archive", "archive"), ("snapshot-boot", "boot"),
        ("clone-disk", "web01-system"), ("export-disk", "web01-system"), ("rollback", None)}
    [reason] = found(ran, "array-backup")["reasons"]
    assert "web01 has no raw disk" in reason


def test_a_server_of_raw_disks_is_for_the_array(stage):
    ran = advise(stage, "raw01")
    assert found(ran, "array-backup")["possible"] and not found(ran, "archive")["possible"]
    assert "raw01: raw01-lun is a raw disk" in found(ran, "proxy-backup", "image")["reasons"][0]
    assert "raw01-lun is a raw disk" in found(ran, "export-disk")["reasons"][0]


def test_a_server_of_both_goes_to_the_array_and_through_a_proxy(stage):
    array = found(advise(stage, "mixed01"), "array-backup")
    assert array["possible"] and array["proxies"][0]["name"] == "pbh01"
    assert "--array=model" in array["command"] and "--proxy=pbh01" in array["command"]


def test_a_snapshot_without_the_raw_disk_is_no_secret(stage):
    assert found(advise(stage, "mixed01"), "snapshot-boot")["warnings"] == [
        "mixed01-lun is a raw disk, which the snapshot is without"]


def test_each_disk_is_judged_for_itself(stage):
    ran = advise(stage, "mixed01")
    assert found(ran, "clone-disk", disk="mixed01-system")["possible"]
    assert not found(ran, "clone-disk", disk="mixed01-lun")["possible"]


def test_what_is_possible_comes_first(stage):
    flags = [each["possible"] for each in advise(stage, "mixed01").document["advice"]]
    assert flags == sorted(flags, reverse=True) and True in flags and False in flags


def test_every_technique_has_what_the_paper_says_for_and_against_it(stage):
    for each in advise(stage).document["advice"]:
        assert each["advantages"] and each["disadvantages"] and each["title"]


# -- reasons

def test_all_reasons_are_given_and_not_the_first_alone(stage):
    inventory = demo()
    del inventory["servers"][4:]  # the proxies
    named(inventory["data_centers"][0]["disk_groups"], "fastGroup")["bytes"] = sum(
        disk["bytes"] for disk in inventory["disks"] if disk.get("group") == "fastGroup")
    named(inventory["servers"], "mixed01")["operating_system"] = "NetWare"
    stage.open(dict(inventory, missing=["deleteSnapshot"]))
    reasons = "\n".join(found(advise(stage, "mixed01"), "proxy-backup", "file")["reasons"])
    for words in ("this manager has no deleteSnapshot", "the disk group fastGroup has 0 bytes free",
                  "mixed01-lun is a raw disk",
                  "it wants a proxy with the operating system of the virtual server, and there is none"):
        assert words in reasons


def test_a_snapshot_that_is_there_speaks_against_all_that_want_one(stage):
    with_a_snapshot(stage)
    ran = advise(stage)
    for technique in ("proxy-backup", "archive", "snapshot-boot", "clone-disk", "export-disk", "rollback"):
        for each in ran.document["advice"]:
            if each["technique"] == technique:
                assert "web01 has a snapshot already, called Snapshot of web01" in "\n".join(each["reasons"])


def test_a_snapshot_to_roll_back_to_is_named_as_such(stage):
    assert stage.vibackup("rollback", "--vs=web01", "--take").status == 0
    assert "vibackup rollback" in found(advise(stage), "archive")["reasons"][0]


def test_what_a_dead_run_left_speaks_against_everything_until_it_is_released(stage):
    stage.fault("removeStorageDevice", times=None)
    assert stage.proxy_backup().status == 6
    stage.lab.faults = []
    ran = advise(stage)
    assert ran.status == 3 and possible(ran) == []
    assert "release it with: vibackup reconcile --fix" in "\n".join(found(ran, "rollback")["reasons"])
    assert "pbh01" not in [proxy["name"] for proxy in found(advise(stage, "db01"), "proxy-backup", "image")["proxies"]]
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert found(advise(stage), "rollback")["possible"]


def test_no_other_server_is_no_proxy(stage):
    with_no_other_server(stage)
    ran = advise(stage)
    assert found(ran, "proxy-backup", "image")["reasons"] == ["no other virtual server can be its proxy"]
    assert found(ran, "archive")["possible"]


def test_a_manager_that_lists_nothing_cannot_say_which_proxies_there_are(stage):
    stage.open(dict(small(), missing=["getObjects"]))
    ran = advise(stage)
    assert found(ran, "proxy-backup", "image")["reasons"] == [
        "which virtual servers can be its proxy is not known: this manager has no getObjects (see: vibackup probe)"]
    assert found(ran, "rollback")["possible"]


@pytest.mark.parametrize("call", ["getManagedNode", "getOperatingSystem", "getFreeBytes", "getSnapshotParent",
                                  "getBytes", "getStatusEvent", "getStorageDevices", "getVirtualDataCenter",
                                  "snapshot"])
def test_a_call_that_the_manager_lacks_is_a_reason_and_no_error(stage, call):
    stage.open(dict(small(), missing=[call]))
    ran = advise(stage)
    assert ran.status in (0, 3) and stage.changes() == []
    assert "this manager has no %s (see: vibackup probe)" % call in "\n".join(
        found(ran, "proxy-backup", "image")["reasons"])


def test_nothing_that_can_protect_it_is_exit_status_3(stage):
    with_no_disks(stage)
    ran = advise(stage)
    assert ran.status == 3 and ran.error == "web01: nothing here can protect it, for the reasons given"
    assert ran.document["advice"] and possible(ran) == []


def test_a_server_that_is_not_there_is_exit_status_3(stage):
    ran = advise(stage, "nobody")
    assert ran.status == 3 and ran.error.startswith("no virtual server is called nobody")


def test_a_manager_that_fails_is_no_reason_but_an_error(stage):
    stage.fault("getSnapshot", times=None)
    ran = advise(stage)
    assert ran.status == 1 and ran.error_class == "ApiError"


# -- proxies

def test_a_proxy_on_another_managed_node_comes_first(stage):
    proxies = found(advise(stage), "proxy-backup", "image")["proxies"]
    assert proxies[0] == {"name": "pbh01", "node": "node2", "other_node": True, "power": "Running"}
    assert [proxy["other_node"] for proxy in proxies[1:]] == [False] * (len(proxies) - 1)


def test_a_server_that_has_been_a_proxy_comes_before_any_other(stage):
    before = [proxy["name"] for proxy in found(advise(stage), "proxy-backup", "image")["proxies"]]
    assert before[0] == "pbh01" and "raw01" in before
    assert stage.proxy_backup(proxy="raw01").status == 0 and stage.catalog()[0]["proxy"] == "raw01"
    image = found(advise(stage), "proxy-backup", "image")
    assert image["proxies"][0]["name"] == "raw01" and "--proxy=raw01" in image["command"]


def test_files_want_a_proxy_of_the_same_operating_system_and_images_a_linux_one(stage):
    ran = advise(stage, "db01")
    assert [proxy["name"] for proxy in found(ran, "proxy-backup", "file")["proxies"]] == ["pbhwin"]
    assert "pbhwin" not in [proxy["name"] for proxy in found(ran, "proxy-backup", "image")["proxies"]]


def test_a_stopped_proxy_is_better_than_none(stage):
    inventory = small()
    named(inventory["servers"], "pbh01")["power"] = "Stopped"
    stage.open(inventory)
    assert found(advise(stage), "proxy-backup", "image")["proxies"] == [
        {"name": "pbh01", "node": "node2", "other_node": True, "power": "Stopped"}]


def test_no_more_than_a_handful_is_named_and_asked(stage):
    inventory = small()
    for number in range(12):
        name = "p%02d" % number
        inventory["disks"].append({"name": name, "group": "fastGroup", "bytes": 512})
        inventory["servers"].append({"name": name, "node": "node2", "devices": [name]})
    stage.open(inventory)
    ran = advise(stage)
    assert len(found(ran, "proxy-backup", "image")["proxies"]) == 5


# -- the command line

def test_names_are_quoted_for_a_shell(stage, tmpdir):
    with_odd_names(stage)
    ran = advise(stage, "it's \"web\"; $(touch planted)")
    for each in ran.document["advice"]:
        if each["possible"]:
            script = "printf '%%s\\0' %s" % each["command"]
            said = subprocess.check_output(["sh", "-c", compat.native(script)], cwd=str(tmpdir))
            assert [compat.text(word) for word in said.split(b"\0")[:-1]] == compat.split_words(each["command"])
    assert not os.path.exists(str(tmpdir.join("planted")))


def test_the_command_is_for_the_same_state_folder(stage, tmpdir):
    state = compat.text(tmpdir.join("my state"))
    command = found(advise(stage, "web01", "--state=" + state), "rollback")["command"]
    assert command == "vibackup rollback --vs=web01 --take --lab --state='%s'" % state


def test_the_agent_and_the_location_of_the_last_backup_are_taken_again(stage):
    assert "--agent=dd" in found(advise(stage), "proxy-backup", "image")["command"]
    assert stage.proxy_backup("--location=here").status == 0
    command = found(advise(stage), "proxy-backup", "image")["command"]
    assert "--agent=model --location=here" in command
    assert typed(stage, command).status == 0


def test_a_guess_is_called_one_until_there_is_a_backup_of_that_sort(stage):
    def guesses():
        return [words for words in found(advise(stage, "mixed01"), "array-backup")["warnings"] if "is a guess" in words]
    assert guesses() == ["--agent=dd is a guess, as there is no such backup yet: put your own agent and its --location"]
    assert stage.vibackup("array-backup", "--vs=mixed01", "--array=model", "--proxy=pbh01", "--agent=model").status == 0
    assert guesses() == []
    array = found(advise(stage, "mixed01", "--rpo=1h"), "array-backup")
    assert "--array=model --agent=model --proxy=pbh01" in array["command"] and array["rpo"]["met"] is True


def test_an_agent_of_the_sites_own_is_the_first_guess_and_known_when_it_was_used(stage, tmpdir):
    own = tmpdir.join("own agents.ini")
    own.write("[own]\nimage_backup = cmp {device} {device}\n"
              "[wants]\nimage_backup = cmp {device} {device} -i {location}\n")
    given = "--agents=%s" % own
    command = found(advise(stage, "web01", given), "proxy-backup", "image")["command"]
    assert "--agent=own" in command and compat.shell_quote(compat.text(own)) in command
    dry = typed(stage, command, "--dry-run")
    assert dry.status == 0 and "by own" in "".join(dry.document["plan"])
    assert "--agent=tar" in found(advise(stage, "web01", given), "proxy-backup", "file")["command"]
    assert stage.proxy_backup("--agents=%s" % own, "--location=0", agent="wants").status == 0
    assert "--agent=wants --location=0 --agents=" in found(
        advise(stage, "web01", given), "proxy-backup", "image")["command"]
    assert "--agent=dd" in found(advise(stage), "proxy-backup", "image")["command"]


def test_an_array_of_the_sites_own_is_asked_too(stage, tmpdir):
    own = tmpdir.join("arrays.ini")
    words = "lab = yes\nsnapshot = true {lun} {tag}\ndelete = true {tag}\nlist = "
    own.write("[model]\n%sfalse {lun}\n[own]\n%strue {lun}\n" % (words, words))
    array = found(advise(stage, "raw01", "--arrays=%s" % own), "array-backup")
    assert "--array=own --arrays=" in array["command"] and typed(stage, array["command"], "--dry-run").status == 0
    own.write("[model]\n%sfalse {lun}\n" % words)
    assert found(advise(stage, "raw01", "--arrays=%s" % own), "array-backup")["reasons"] == [
        "array model: false: exit status 1; look at it before a backup relies on it",
        "an array of your own can be given with --arrays"]


@pytest.mark.parametrize("option", ["--agents", "--arrays"])
def test_a_table_that_is_not_there_is_exit_status_2(stage, option):
    ran = advise(stage, "web01", option + "=/nowhere.ini")
    assert ran.status == 2 and "/nowhere.ini: cannot be read" in ran.error and stage.calls == []


def test_a_location_with_a_password_is_not_told(stage):
    """Of a version that still took one, and masked it in the catalog."""
    backup = stage.proxy_backup("--location=there").document["backup"]["id"]
    stage.mark(backup, location="sftp://user:%s@host/x" % MASK)
    command = found(advise(stage), "proxy-backup", "image")["command"]
    assert "--agent=model" in command and "--location" not in command


def test_the_boot_device_of_the_last_backup_is_tried_first(stage):
    inventory = demo()
    inventory["network_block_devices"].append({"name": "other.iso", "live_cd": {"seconds": 60}})
    stage.open(inventory)
    assert "--boot-device=backup.iso" in found(advise(stage), "snapshot-boot")["command"]
    assert stage.snapshot_boot(boot_device="other.iso").status == 0
    assert "--boot-device=other.iso" in found(advise(stage), "snapshot-boot")["command"]


def test_a_clone_goes_to_another_disk_group_if_there_is_one_with_space(stage):
    assert "--to-group=bulkGroup" in found(advise(stage), "clone-disk")["command"]
    stage.open(small())
    assert "--to-group=fastGroup" in found(advise(stage), "clone-disk")["command"]


@pytest.mark.parametrize("technique", ["archive", "clone-disk", "export-disk", "rollback", "snapshot-boot"])
def test_the_command_does_what_it_says(stage, technique):
    ran = typed(stage, found(advise(stage), technique)["command"])
    assert ran.status == 0, ran.error


# -- how long a snapshot lives

def test_a_snapshot_lives_until_the_group_is_full_at_the_present_write_rate(stage):
    ran = advise(stage)
    free = stage.object("fastGroup")["free_bytes"]
    assert ran.document["write_bytes_per_second"] == 4096
    assert found(ran, "archive")["snapshot_seconds"] == free // 4096
    assert found(ran, "agent-backup", "file")["snapshot_seconds"] is None


def test_a_windows_guest_is_asked_as_well(stage):
    assert advise(stage, "db01").document["write_bytes_per_second"] == 8192


def test_the_group_that_is_full_first_counts(stage):
    inventory = demo()
    named(inventory["servers"], "web01")["devices"].append("bulk-disk")
    inventory["disks"].append({"name": "bulk-disk", "group": "bulkGroup", "bytes": 65536})
    bulk = named(inventory["data_centers"][0]["disk_groups"], "bulkGroup")
    bulk["bytes"] = sum(disk["bytes"] for disk in inventory["disks"] if disk.get("group") == "bulkGroup") + 40960
    stage.open(inventory)
    each = found(advise(stage), "rollback")
    assert each["snapshot_seconds"] == 10 and "free in bulkGroup" in each["snapshot"]


def test_it_is_compared_with_what_the_last_backup_took(stage):
    assert found(advise(stage), "proxy-backup", "image")["snapshot_lasts"] is None
    assert stage.proxy_backup().status == 0
    assert found(advise(stage), "proxy-backup", "image")["snapshot_lasts"] is True
    stage.lab.world.settle(stage.lab.world.named({"VirtualServer"}, "web01"), write_bytes_per_second=10 ** 9)
    each = found(advise(stage), "proxy-backup", "image")
    assert each["snapshot_lasts"] is False and each["snapshot"].endswith("which is TOO LONG")


def test_a_server_that_writes_nothing_has_no_limit(stage):
    with_stopped_servers(stage)
    ran = advise(stage)
    assert ran.document["write_bytes_per_second"] == 0
    each = found(ran, "archive")
    assert each["snapshot_seconds"] is None and each["snapshot"] == "writes nothing at present"


def test_a_guest_that_does_not_answer_is_a_rate_that_is_not_known(stage):
    with_guests_that_do_not_answer(stage)
    ran = advise(stage)
    assert ran.document["write_bytes_per_second"] is None and "exit status 255" in ran.document["why_no_write_rate"]
    assert "how fast it writes is not known: web01" in found(ran, "rollback")["snapshot"]


# -- recovery objectives

def test_an_rpo_is_held_against_the_age_of_the_last_good_backup(stage):
    assert advise(stage, "web01", "--rpo=4h").document["last_backup"] is None
    backup = stage.proxy_backup().document["backup"]
    last = advise(stage, "web01", "--rpo=4h").document["last_backup"]
    assert last["id"] == backup["id"] and last["technique"] == "proxy-backup" and last["within_rpo"] is True
    stage.lab.clock.sleep(5 * HOUR)
    last = advise(stage, "web01", "--rpo=4h").document["last_backup"]
    assert last["age_seconds"] > 5 * HOUR and last["within_rpo"] is False


def test_a_backup_of_some_of_the_disks_is_none_of_the_server(stage):
    assert stage.proxy_backup("--disk=db01-data", vs="db01").status == 0
    assert advise(stage, "db01").document["last_backup"] is None


def test_a_technique_that_takes_longer_than_the_rpo_cannot_meet_it(stage):
    assert found(advise(stage, "web01", "--rpo=1h"), "proxy-backup", "image")["rpo"]["met"] is None
    assert stage.proxy_backup().status == 0
    assert found(advise(stage, "web01", "--rpo=1h"), "proxy-backup", "image")["rpo"]["met"] is True
    short = found(advise(stage, "web01", "--rpo=30s"), "proxy-backup", "image")["rpo"]
    assert short["met"] is False and "which is longer" in short["why"]
    assert found(advise(stage, "web01"), "proxy-backup", "image")["rpo"] is None


def test_an_rto_is_held_against_the_measured_restore(stage):
    backup = stage.proxy_backup(agent="dd").document["backup"]
    open_ = found(advise(stage, "web01", "--rto=1h"), "proxy-backup", "image")["rto"]
    assert open_ == {"met": None, "why": "not measured: vibackup verify --backup=%s --proxy=pbh01" % backup["id"]}
    assert stage.vibackup("verify", "--backup=" + backup["id"], "--proxy=pbh01").status == 0
    assert found(advise(stage, "web01", "--rto=1h"), "proxy-backup", "image")["rto"]["met"] is True
    assert found(advise(stage, "web01", "--rto=1s"), "proxy-backup", "image")["rto"]["met"] is False


@pytest.mark.parametrize("option", ["--rpo", "--rto"])
@pytest.mark.parametrize("value", ["4", "h", "-1h", "0h", "4 h", "4x", "1e3s"])
def test_a_time_that_is_none_is_exit_status_2(stage, option, value):
    ran = advise(stage, "web01", "%s=%s" % (option, value))
    assert ran.status == 2
    assert ran.error == ("%s: not a time above 0, such as 90s, 30min, 4h or 1d: %s" % (option, value))


# -- for people

def test_the_text_has_a_block_for_each_technique(stage):
    stage.lab
    ran = run_main("advise", ["--lab", "--vs=web01", "--rpo=4h", "--rto=1h"])
    assert ran.status == 0
    lines = ran.output.splitlines()
    assert "web01 writes 4.0 KiB a second at present" in lines
    assert "the catalog has no good backup of all of web01: RPO of 4 h 00 min NOT met" in lines
    assert "YES  archive: the whole virtual server as VHD files" in lines
    assert "NO   array-backup: the storage array's own snapshots of raw disks" in lines
    assert "  run:       vibackup rollback --vs=web01 --take --lab" in lines
    assert lines.index("YES  rollback: a snapshot to go back to after a risky change") < lines.index(
        "NO   array-backup: the storage array's own snapshots of raw disks")


# -- it changes nothing

def test_a_stop_at_any_moment_ends_it(stage):
    stage.open(small())
    before = stage.objects()
    at, stopped, asked = 0, 0, [None]
    while len(asked) >= at:
        at, asked = at + 1, []
        with Run(connect_lab(stage.lab), os.path.join(stage.folder, "state"), "advise",
                 stop_status=lambda: asked.append(None) or (errors.INTERRUPTED if len(asked) >= at else 0)) as run:
            try:
                flow.advise(run, "web01", choices.programs(), lambda _words: run.check_stop() or [])
            except errors.Stopped:
                stopped += 1
    assert stopped >= 5 and stage.objects() == before


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_call_that_fails_is_an_error_or_makes_no_difference(stage, phase):
    stage.open(small())
    expected = possible(advise(stage))
    before, calls = stage.objects(), len(stage.calls)
    for number in range(1, calls, 50 if JYTHON else 15):
        stage.fault_at(number, phase)
        ran = advise(stage)
        assert stage.changes() == [] and stage.objects() == before
        assert ran.status == 1 or possible(ran) == expected, number
        stage.lab.faults = []


def test_nothing_is_written_down(stage):
    advise(stage)
    state = os.path.join(stage.lab.folder, "state")
    assert [name for name in sorted(os.listdir(state)) if os.listdir(os.path.join(state, name))] == []
