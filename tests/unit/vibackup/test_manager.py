# -*- coding: utf-8 -*-
"""The management API: errors of one kind, calls that are missing, and nothing half-way."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes.events import MODES
from fakes.faults import ConnectionLost, ManagementException
from tests.runs import Calls, fail, objects, server, small_lab
from vibackup import compat, errors, manager, site
from vibackup.clock import SystemClock
from vibackup.job import job


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
                                        ("VirtualServer", "web01-system"), ("StorageDevice", "web01"),
                                        ("LogicalDisk", "raw01-lun")])
def test_what_is_not_there_is_said_by_kind_and_name(api, kind, name):
    with pytest.raises(errors.NotFound) as caught:
        api.find(kind, name)
    words = {"VirtualServer": "virtual server", "StorageDevice": "storage device", "LogicalDisk": "logical disk"}[kind]
    assert caught.value.message.startswith("no %s is called %s; there is: " % (words, name))


def test_what_is_not_there_is_said_with_the_five_names_that_are_most_like_it(api):
    def said(name):
        with pytest.raises(errors.NotFound) as caught:
            api.find("VirtualServer", name)
        return caught.value.message.partition("; there is: ")[2].split(", ")
    assert said("wbe01")[0] == "web01" and said("pbh1")[0] == "pbh01"
    assert all(len(set(said(name))) == 5 for name in ("wbe01", "", "nobody"))


def test_what_is_not_there_is_not_found_also_where_nothing_can_be_listed():
    for missing in ([], ["getObjects"]):
        with small_lab(missing=missing) as lab:
            api = site.connect_lab(lab)
            fail(lab, "getObjects", times=None)
            with pytest.raises(errors.NotFound) as caught:
                api.find("VirtualServer", "web0")
            assert caught.value.message == "no virtual server is called web0"


@pytest.mark.parametrize("kind, name, words", [("VirtualServer", "web01", "virtual server"),
                                               ("LvmDiskGroup", "twin", "disk group")])
def test_of_two_objects_of_one_name_none_is_taken(kind, name, words):
    def two_of_them(description):
        if kind == "VirtualServer":
            server(description, "db01")["name"] = name
        else:
            description["data_centers"].extend(
                {"name": center, "nodes": [], "disk_groups": [{"name": name, "bytes": 1 << 20}]}
                for center in ("West", "North"))
    with small_lab(two_of_them) as lab:
        with pytest.raises(errors.Refused) as caught:
            site.connect_lab(lab).find(kind, name)
        assert caught.value.message == "two %ss are called %s, and only one is meant: give each a name of its own" % (
            words, name)


def test_an_object_that_goes_away_while_all_are_asked_does_not_matter(api, lab):
    identity = manager.identity_of(api.find("VirtualServer", "web01"))
    for method in ("getName", "getId", "getObjects"):
        gone = fail(lab, method)
        assert manager.name_of(site.connect_lab(lab).find("VirtualServer", "web01")) == "web01"
        assert api.find_by_id("VirtualServer", identity) is not None
        assert gone.times == 0


def test_where_objects_cannot_be_asked_at_all_none_is_found(api, lab):
    for method in ("getId", "getObjects"):
        fail(lab, method, times=None)
        with pytest.raises(errors.ApiError):
            api.find_by_id("VirtualServer", "vs-1")
        lab.faults = []


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


@pytest.mark.parametrize("missing", [[], ["getObjects"]], ids=["listed", "by name"])
def test_a_server_is_found_by_its_id_also_where_nothing_is_listed(missing):
    with small_lab(missing=missing) as lab:
        api = site.connect_lab(lab)
        identity = manager.identity_of(api.find_server("web01"))
        assert manager.identity_of(api.server_by_id(identity, "web01")) == identity
        assert api.server_by_id("vs-99999", "web01") is None  # another one of that name
        assert api.server_by_id("vs-99999", "nobody") is None


@pytest.mark.parametrize("missing, found", [([], True), (["getObjects"], False)], ids=["listed", "by name"])
def test_a_server_that_was_renamed_is_found_by_its_id_where_the_api_lists_servers(missing, found):
    with small_lab(missing=missing) as lab:
        api = site.connect_lab(lab)
        server = api.find_server("web01")
        with job(api, "rename", lambda: False):
            manager.set_name(server, "web99")
        assert (api.server_by_id(manager.identity_of(server), "web01") is not None) == found


def test_who_has_a_disk_is_told_by_name(api):
    assert manager.name_of(api.holder_of(api.find_device("web01-system"))) == "web01"
    assert manager.name_of(api.holder_of(api.find_device("mixed01-lun"))) == "mixed01"
    assert api.holder_of(api.find_device("backup.iso")) is None


def test_who_has_a_disk_cannot_be_told_where_nothing_is_listed():
    with small_lab(missing=["getObjects"]) as lab:
        api = site.connect_lab(lab)
        with pytest.raises(errors.MissingCall) as caught:
            api.holder_of(api.find_device("web01-system"))
        assert "getObjects" in caught.value.message


@pytest.mark.parametrize("name, kind", [("web01-system", manager.LOGICAL), ("raw01-lun", manager.RAW),
                                        ("backup.iso", manager.NETWORK)])
def test_a_device_is_logical_raw_or_on_the_network(api, name, kind):
    assert api.device_kind(api.find_device(name)) == kind


def test_a_snapshot_disk_is_told_from_the_disk_that_it_is_of(api):
    server = api.find_server("mixed01")
    with job(api, "drop the raw disk", lambda: False):
        manager.remove_device(server, api.find_device("mixed01-lun"))
    with job(api, "snapshot", lambda: False):
        snapshot = manager.snapshot(server)
    disk = manager.devices_of(snapshot)[0]
    assert api.is_snapshot_disk(disk)
    assert api.device_kind(disk) == manager.LOGICAL
    for name in ("mixed01-system", "mixed01-lun", "backup.iso"):
        assert not api.is_snapshot_disk(api.find_device(name))


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


def error_of(module, base=Exception):
    """Return an error whose class is one of ``module``, as Java's are of their package."""
    return type(str("Odd"), (base,), {str("__module__"): str(module)})("connection reset")


class Throws(object):
    """An object of the API, all of whose calls throw."""

    def __init__(self, error):
        self.error = error

    def getName(self):
        raise self.error


@pytest.mark.parametrize("error", [
    error_of("java.net"), error_of("java.rmi"), error_of("java.io"), error_of("java.rmi.server"),
    error_of("com.virtualiron.rpc", type(error_of("java.io"))), ConnectionLost("connection reset")],
    ids=lambda error: "%s %s" % (type(error).__module__, type(error).__name__))
def test_an_error_of_the_network_says_that_the_manager_is_gone(error):
    with pytest.raises(errors.ManagerGone) as caught:
        manager.name_of(Throws(error))
    assert caught.value.exit_status == errors.UNAVAILABLE
    assert (caught.value.call, caught.value.message) == ("getName", "getName failed: connection reset")


@pytest.mark.parametrize("error", [
    error_of("java.lang"), error_of("java.network"), error_of("java"), error_of("io"), error_of("com.java.net"),
    ManagementException("connection reset"), IOError("connection reset"), ValueError("connection reset")],
    ids=lambda error: "%s %s" % (type(error).__module__, type(error).__name__))
def test_any_other_error_says_that_the_call_failed(error):
    with pytest.raises(errors.ApiError) as caught:
        manager.name_of(Throws(error))
    assert caught.value.exit_status == errors.FAILED
    assert caught.value.cause is error


def test_an_error_of_ours_stays_what_it_is():
    error = errors.Stopped(130)
    with pytest.raises(errors.Stopped) as caught:
        manager.name_of(Throws(error))
    assert caught.value is error


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
        server = site.connect_lab(lab).find("VirtualServer", "web01")
        assert not manager.can_name(server)
        manager.set_name(server, "x")
        assert manager.name_of(server) == "web01"


def test_where_names_can_be_set_that_is_told_too(api):
    server = api.find("VirtualServer", "web01")
    assert manager.can_name(server)
    with job(api, "rename", lambda: False):
        manager.set_name(server, "x")
    assert manager.name_of(server) == "x"


def requirements(api):
    """Require what a proxy backup and a boot need, of web01 with its disk."""
    server = api.find_server("web01")
    manager.require_for("snapshot", server)
    manager.require_for("snapshot of a disk", api.find_device("web01-system"))
    manager.require_for("boot", server)
    manager.require_for("proxy", server)
    api.require_events()


def test_an_api_that_has_all_calls_has_those_that_are_required(lab, api):
    calls = Calls(lab)
    requirements(api)
    assert "createJob" not in calls


@pytest.mark.parametrize("call", [
    "snapshot", "getSnapshot", "deleteSnapshot", "getBytes", "getParentLvmDiskGroup", "getSnapshotParent",
    "addStorageDeviceFirst", "setBootType", "start", "stop", "getStatusEvent", "addStorageDevice",
    "removeStorageDevice", "reboot", "listenForEvents"])
def test_a_call_that_is_required_and_missing_is_named(call):
    with small_lab(missing=[call]) as lab:
        with pytest.raises(errors.MissingCall) as caught:
            requirements(site.connect_lab(lab))
        assert "no %s (" % call in caught.value.message


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
    assert manager.can_tell_lost(disk)
    assert manager.loss_of(disk) is None
    lab.world.named({"LogicalDisk"}, "Snapshot of web01-system")["lost"] = True
    assert "out of space" in manager.loss_of(disk)


class SnapshotDisk(object):
    """A disk of a manager that tells nothing but how much of its space is used."""

    def __init__(self, percent):
        self.percent = percent

    def getSnapshotUsedPercent(self):
        if isinstance(self.percent, compat.FAULTS):
            raise self.percent
        return self.percent


@pytest.mark.parametrize("percent, why", [(0, None), (99, None), (100, "its space is used up"),
                                          (101, "its space is used up"), (ValueError("gone"), "gone")])
def test_a_snapshot_whose_space_is_used_up_is_lost_and_one_that_cannot_be_asked_too(percent, why):
    assert manager.loss_of(SnapshotDisk(percent)) == why


def test_a_snapshot_that_a_manager_cannot_be_asked_of_because_it_went_away_is_not_called_lost():
    with pytest.raises(errors.ManagerGone):
        manager.loss_of(SnapshotDisk(ConnectionLost("no answer")))


def test_where_the_manager_cannot_say_nothing_is_lost():
    with small_lab(missing=["getSnapshotUsedPercent"]) as lab:
        disk = site.connect_lab(lab).find("LogicalDisk", "web01-system")
        assert not manager.can_tell_lost(disk)
        assert manager.loss_of(disk) is None


def test_every_call_in_the_probes_list_is_one_that_the_lab_has(api):
    for kind, known, assumed in manager.CALLS:
        for thing in api.samples(kind):
            assert [call for call in known + assumed if not manager.has(thing, call)] == []
