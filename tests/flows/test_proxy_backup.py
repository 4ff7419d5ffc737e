# -*- coding: utf-8 -*-
"""proxy-backup: the paper's six steps, every byte of the disks, and nothing left afterwards."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from fakes import storage
from tests.flows.helpers import demo, named, same_by_cmp, stage  # noqa: F401

PAPER = ["snapshot", "attach", "reboot", "find disks", "backup", "detach", "reboot", "check disks", "delete snapshot"]


# -- a good backup

def test_the_steps_are_those_of_the_paper_in_its_order(stage):
    assert stage.proxy_backup().steps == PAPER


def test_an_image_holds_every_byte_of_the_disk(stage):
    before = stage.content("web01-system")
    ran = stage.proxy_backup(agent="dd")
    assert ran.status == 0 and ran.document["outcome"] == "ok" and ran.document["lab"] is True
    assert same_by_cmp(stage.image(ran.document["backup"], "web01-system"), before)


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


def test_the_document_has_what_a_program_looks_for(stage):
    document = stage.proxy_backup().document
    assert set(document) >= {"outcome", "exit_status", "verb", "run", "vs", "lab", "steps", "backup", "error",
                             "leftovers"}
    assert all(set(step) == {"name", "object", "started", "seconds", "outcome", "detail"} for step in document["steps"])
    assert set(document["backup"]) == {"id", "agent", "disks", "location"}
    assert (document["verb"], document["exit_status"], document["error"]) == ("proxy-backup", 0, None)


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
