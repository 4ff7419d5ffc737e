# -*- coding: utf-8 -*-
"""proxy-backup refuses what cannot work before it changes anything, and says why."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.helpers import KIB, demo, named, small, stage  # noqa: F401
from vibackup import manager as api
from vibackup.site import connect_lab


# -- what is asked for

def test_a_disk_that_is_not_there_is_refused_with_those_that_are(stage):
    ran = stage.proxy_backup("--disk=nothing", vs="db01")
    assert ran.status == 3 and ran.error == "db01 has no disk called nothing; it has: db01-system, db01-data"
    assert stage.changes() == []


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
    assert ran.status == 3 and ran.error == "web01 cannot be its own proxy: give another one with --proxy"
    assert stage.changes() == []


@pytest.mark.parametrize("options, words", [({"vs": "nobody"}, "no virtual server is called nobody"),
                                            ({"proxy": "nowhere"}, "no virtual server is called nowhere")])
def test_a_server_that_is_not_there_is_refused(stage, options, words):
    ran = stage.proxy_backup(**options)
    assert ran.status == 3 and ran.error.startswith(words) and stage.changes() == []


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


# -- snapshots and space

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
