# -*- coding: utf-8 -*-
"""The management API: errors of one kind, calls that are missing, and nothing half-way."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes.events import MODES
from tests.runs import Calls, fail, objects, small_lab
from vibackup import compat, errors, manager, site
from vibackup.clock import SystemClock
from vibackup.job import job


@pytest.fixture
def lab():
    with small_lab() as lab:
        yield lab


@pytest.fixture
def api(lab):
    return site.connect_lab(lab)


# -- connecting

def test_where_there_is_no_api_that_is_said(monkeypatch):
    with pytest.raises(errors.Unavailable):
        manager.connect(SystemClock(), None)


def test_connecting_changes_nothing(lab):
    before = objects(lab)
    assert site.connect_lab(lab).lab
    assert objects(lab) == before


# -- finding

@pytest.mark.parametrize("kind, name", [("VirtualServer", "web01"), ("LogicalDisk", "web01-system"),
                                        ("StorageDevice", "backup.iso"), ("StorageDevice", "raw01-lun")])
def test_an_object_is_found_by_class_and_name(api, kind, name):
    assert manager.name_of(api.find(kind, name)) == name


@pytest.mark.parametrize("kind, name", [("VirtualServer", "web0"), ("VirtualServer", "web011"), ("VirtualServer", ""),
                                        ("VirtualServer", "web01-system"), ("LogicalDisk", "raw01-lun")])
def test_what_is_not_there_is_said_by_kind_and_name(api, kind, name):
    with pytest.raises(errors.NotFound) as caught:
        api.find(kind, name)
    assert caught.value.message == "no %s is called %s" % (kind, name)


def test_an_object_is_found_by_its_id_and_none_by_another(api):
    identity = manager.identity_of(api.find("VirtualServer", "web01"))
    assert manager.name_of(api.find_by_id("VirtualServer", identity)) == "web01"
    assert api.find_by_id("VirtualServer", "vs-99999") is None


def test_without_ids_the_name_tells_an_object(tmpdir):
    with small_lab(missing=["getId"]) as lab:
        assert manager.identity_of(site.connect_lab(lab).find("VirtualServer", "web01")) == "web01"


def test_a_class_is_found_in_whichever_package_has_it(api):
    assert api.kind("VirtualServer") is not None
    assert api.kind("LogicalDisk") is not None
    assert api.kind("NoSuchClass") is None


@pytest.mark.parametrize("name, kinds", [
    ("backup.iso", ["StorageDevice", "NetworkBlockDevice"]), ("raw01-lun", ["StorageDevice"]),
    ("web01-system", ["StorageDevice", "LvmStorageDevice", "LogicalDisk"])])
def test_an_object_is_of_its_class_and_those_above_it(api, name, kinds):
    asked = ("StorageDevice", "NetworkBlockDevice", "LvmStorageDevice", "LogicalDisk", "NoSuchClass")
    assert [kind for kind in asked if api.is_a(api.find("StorageDevice", name), kind)] == kinds


@pytest.mark.parametrize("name, boot_type", [("backup.iso", "CDROM"), ("web01-system", "DISK")])
def test_what_a_server_boots_from_has_its_boot_type(api, name, boot_type):
    assert compat.text(api.boot_type(api.find("StorageDevice", name))) == boot_type


def test_nothing_boots_from_a_raw_disk(api):
    with pytest.raises(errors.Refused) as caught:
        api.boot_type(api.find("StorageDevice", "raw01-lun"))
    assert "raw01-lun" in caught.value.message


# -- errors and missing calls

def test_an_error_of_the_manager_leaves_as_one_of_ours(lab, api):
    handle = api.find("VirtualServer", "web01")
    fail(lab, "getName")
    with pytest.raises(errors.ApiError) as caught:
        manager.name_of(handle)
    assert caught.value.call == "getName"
    assert "injected fault" in caught.value.message


def test_a_change_outside_a_job_is_the_managers_refusal(api):
    with pytest.raises(errors.ApiError) as caught:
        manager.stop(api.find("VirtualServer", "web01"))
    assert "job" in caught.value.message


@pytest.mark.parametrize("call", ["reboot", "stop", "addStorageDevice", "getOperatingSystem"])
def test_a_missing_call_is_a_clear_refusal(call):
    with small_lab(missing=[call]) as lab:
        handle = site.connect_lab(lab).find("VirtualServer", "web01")
        assert not manager.has(handle, call)
        with pytest.raises(errors.MissingCall) as caught:
            manager.require(handle, "getName", call)
        assert caught.value.message == "this manager has no %s (see: vibackup probe)" % call


def test_a_missing_call_in_a_job_is_no_attribute_error_and_is_taken_back():
    with small_lab(missing=["reboot"]) as lab:
        api = site.connect_lab(lab)
        server = api.find("VirtualServer", "web01")
        before = objects(lab)
        with pytest.raises(errors.MissingCall):
            with job(api, "half-way", lambda: False):
                manager.set_name(server, "renamed")
                manager.reboot(server)
        assert objects(lab) == before


def test_where_names_cannot_be_set_that_is_told_and_nothing_thrown():
    with small_lab(missing=["setName"]) as lab:
        assert manager.set_name(site.connect_lab(lab).find("VirtualServer", "web01"), "x") is False


# -- events

@pytest.mark.parametrize("mode", MODES)
def test_listening_ends_with_an_event_or_its_time(mode):
    with small_lab(events=mode) as lab:
        api = site.connect_lab(lab)
        server = api.find("VirtualServer", "web01")
        api.event_log()
        begun = api.clock.monotonic()
        api.listen(server, 7)
        assert api.clock.monotonic() - begun == 7
        with job(api, "stop", lambda: False):
            manager.stop(server)
        api.listen(server, 60)
        assert api.clock.monotonic() - begun == 7 + 5  # it takes five seconds to stop


def test_the_event_log_is_subscribed_to_once(lab, api):
    calls = Calls(lab)
    assert api.event_log() is api.event_log()
    assert len(calls.of("getEventLog")) == 1


def test_two_events_of_one_kind_are_told_apart(api):
    server = api.find("VirtualServer", "web01")
    first = manager.event_key(manager.status(server))
    assert first == manager.event_key(manager.status(server))
    with job(api, "reboot", lambda: False):
        manager.reboot(server)
    api.clock.sleep(600)
    assert api.event_kind(manager.status(server)) == manager.RUNNING
    assert manager.event_key(manager.status(server)) != first


# -- disks

def test_a_snapshot_that_ran_out_of_space_is_lost(lab, api):
    server = api.find("VirtualServer", "web01")
    with job(api, "snapshot", lambda: False):
        snapshot = manager.snapshot(server)
    disk = manager.devices_of(snapshot)[0]
    assert manager.is_lost(disk) is False
    lab.world.named({"LogicalDisk"}, "Snapshot of web01-system")["lost"] = True
    assert manager.is_lost(disk) is True


def test_where_the_manager_cannot_say_nothing_is_lost():
    with small_lab(missing=["getSnapshotUsedPercent"]) as lab:
        assert manager.is_lost(site.connect_lab(lab).find("LogicalDisk", "web01-system")) is False


def test_every_call_in_the_probes_list_is_one_that_the_lab_has(api):
    for kind, known, assumed in manager.CALLS:
        for thing in api.samples(kind):
            assert [call for call in known + assumed if not manager.has(thing, call)] == []
