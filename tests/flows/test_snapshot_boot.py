# -*- coding: utf-8 -*-
"""snapshot-boot: a snapshot boots from a live CD that backs it up and shuts down, as in the paper's appendix."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from tests.flows.helpers import compat, demo, named, small, stage  # noqa: F401
from tests.flows.sweeps import stop_everywhere
from vibackup.flows import snapshot_boot

STEPS = ["snapshot", "boot device", "start", "wait until stopped", "delete snapshot"]


def images(stage):
    """Return ``{name of the disk: bytes}`` of what the live CD has written."""
    names = dict((thing["id"], thing["name"]) for thing in stage.objects())
    found = {}
    for where, _folders, files in os.walk(compat.native(os.path.join(compat.text(stage.lab.folder), "images"))):
        for name in files:
            with open(os.path.join(where, name), "rb") as stream:
                found[names[compat.text(name[:-len(".img")])]] = stream.read()
    return found


@pytest.mark.parametrize("events", ["after-call", "backlog"])
def test_the_live_cd_writes_an_image_of_every_byte_and_nothing_is_left(stage, events):
    stage.open(dict(demo(), events=events))
    before = stage.objects()
    for vs, disks in (("web01", ["web01-system"]), ("db01", ["db01-system", "db01-data"])):
        ran = stage.snapshot_boot(vs=vs)
        assert ran.status == 0 and ran.steps == STEPS
        for name in disks:
            assert images(stage)[name] == stage.content(name)
    assert stage.objects() == before


def test_the_catalog_has_it(stage):
    ran = stage.snapshot_boot()
    [entry] = stage.catalog()
    assert entry["id"] == ran.document["backup"]["id"] and entry["agent"] == "backup.iso" and entry["mode"] == "boot"
    assert [(disk["name"], disk["bytes"]) for disk in entry["disks"]] == [("web01-system", 262144)]


def test_the_option_may_be_spelled_as_in_the_appendix(stage):
    assert stage.vibackup("snapshot-boot", "--vs=web01", "--bootDevice=backup.iso").status == 0


def test_the_server_itself_runs_on_all_the_while(stage):
    stage.snapshot_boot()
    powered = [call.thing for call in stage.calls if call.method in ("start", "stop", "reboot")]
    assert powered and "web01" not in powered


def test_a_logical_disk_may_be_the_boot_device(stage):
    inventory = demo()
    inventory["disks"].append({"name": "rescue", "group": "bulkGroup", "bytes": 65536, "content": {"boot": True}})
    stage.open(inventory)
    before = stage.objects()
    ran = stage.snapshot_boot("--timeout=600", boot_device="rescue")  # this one never shuts down
    assert ran.status == 1 and ran.error_class == "TimedOut"
    assert "DISK" in [call.words[0] for call in stage.calls if call.method == "setBootType"]
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.parametrize("options, words", [
    ({"vs": "nobody"}, "no virtual server is called nobody"),
    ({"boot_device": "nothing.iso"}, "no storage device is called nothing.iso"),
    ({"boot_device": "raw01-lun"}, "raw01-lun is neither a network block device nor a logical disk"),
    ({"vs": "raw01"}, "raw01 has no logical disk")])
def test_what_cannot_work_is_refused_before_any_change(stage, options, words):
    ran = stage.snapshot_boot(**options)
    assert ran.status == 3 and words in ran.error and stage.changes() == []
    dry = stage.snapshot_boot("--dry-run", **options)
    assert (dry.status, dry.error) == (ran.status, ran.error)


def test_a_disk_group_that_is_too_full_is_refused(stage):
    inventory = small()
    inventory["data_centers"][0]["disk_groups"][0]["bytes"] = 3 * 262144
    stage.open(inventory)
    ran = stage.snapshot_boot()
    assert ran.status == 3 and "fastGroup has 0 bytes free" in ran.error and stage.changes() == []


def test_a_snapshot_that_is_not_ours_is_refused_and_untouched(stage):
    stage.fault("deleteLogicalDisk", times=None)
    assert stage.snapshot_boot().status == 6  # leaves one behind
    stage.lab.faults = []
    before = stage.objects()
    ran = stage.vibackup("snapshot-boot", "--vs=web01", "--boot-device=backup.iso",
                         "--state=" + os.path.join(stage.folder, "of another"))
    assert ran.status == 3 and "web01 has a snapshot already" in ran.error
    assert stage.changes() == [] and stage.objects() == before


def test_space_that_runs_out_while_the_snapshot_runs_is_a_failure(stage):
    inventory = demo()
    named(inventory["servers"], "web01")["write_bytes_per_second"] = 1000
    taken = sum(disk["bytes"] for disk in inventory["disks"] if disk.get("group") == "fastGroup")
    inventory["data_centers"][0]["disk_groups"][0]["bytes"] = taken + 100 * 1000  # it runs for 150 seconds
    stage.open(inventory)
    before = stage.objects()
    ran = stage.snapshot_boot()
    assert ran.status == 1 and ran.error_class == "SnapshotLost"
    assert stage.objects() == before and stage.catalog() == []


def test_a_dry_run_changes_nothing(stage):
    before = stage.lab.dump()
    ran = stage.snapshot_boot("--dry-run")
    assert ran.status == 0 and len(ran.document["plan"]) == 5 and ran.document["backup"] is None
    assert stage.changes() == [] and stage.lab.dump() == before


@pytest.mark.parametrize("call", ["snapshot", "getSnapshot", "deleteSnapshot", "addStorageDeviceFirst", "setBootType",
                                  "start", "stop", "deleteLogicalDisk", "getFreeBytes", "getBytes", "getStatusEvent",
                                  "getFoundryContext", "getEventLog", "listenForEvents", "getStorageDevices"])
def test_a_call_that_the_flow_needs_and_the_manager_lacks_is_refused_before_any_change(stage, call):
    stage.open(dict(small(), missing=[call]))
    ran = stage.snapshot_boot()
    assert ran.status == 3 and ran.error == "this manager has no %s (see: vibackup probe)" % call
    assert stage.changes() == []


@pytest.mark.parametrize("call", ["setName", "getId", "getTime", "getSnapshotUsedPercent", "reboot",
                                  "getManagedNode", "getOperatingSystem"])
def test_a_call_that_the_flow_can_do_without_may_be_missing(stage, call):
    stage.open(dict(small(), missing=[call]))
    before = stage.objects()
    assert stage.snapshot_boot().status == 0
    assert stage.objects() == before


def test_a_stop_at_any_moment_leaves_nothing(stage):
    stage.open(small())
    before = stage.objects()
    stopped = stop_everywhere(stage, "snapshot-boot", lambda run: snapshot_boot.snapshot_boot(
        run, snapshot_boot.Plan(run, "web01", "backup.iso")), before)
    assert stopped >= 5 and stage.objects() == before
