# -*- coding: utf-8 -*-
"""Virtual servers: power, boot signature, devices, snapshots."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from fakes import kinds, storage
from fakes.faults import Fault
from fakes.kinds import VirtualServer_BootInfo as BootInfo
from tests.labs import MEGABYTE, disk, find, job, make_lab, raw_disk, refused
from vibackup import compat

SERVER, DISK, NBD = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK, kinds.NETWORK_BLOCK_DEVICE


def status(lab, name="web01"):
    return find(lab, SERVER, name).getStatusEvent().getKind().getName()[len("VirtualServer"):-len("Event")]


def change(lab, method, name="web01"):
    with job(lab):
        getattr(find(lab, SERVER, name), method)()


def happened(lab, name="web01"):
    identity = find(lab, SERVER, name).getId()
    return [event["kind"][len("VirtualServer"):-len("Event")] for event in lab.world.events
            if event["server"] == identity][1:]


def stopped_lab(**more):
    return make_lab(servers=[dict({"name": "web01", "node": "node1", "devices": ["web01-system"],
                                   "power": "Stopped"}, **more)])


# -- power

def test_a_start_is_starting_at_once_and_running_after_the_boot():
    lab = stopped_lab(boot_seconds=40)
    change(lab, "start")
    assert status(lab) == "Starting"
    lab.clock.sleep(39)
    assert status(lab) == "Starting"
    lab.clock.sleep(1)
    assert status(lab) == "Running"


def test_a_stop_takes_a_few_seconds():
    lab = make_lab()
    change(lab, "stop")
    assert status(lab) == "Running"
    lab.clock.sleep(5)
    assert status(lab) == "Stopped"


def test_a_reboot_passes_through_every_state():
    lab = make_lab()
    change(lab, "reboot")
    lab.clock.sleep(60)
    assert happened(lab) == ["Stopped", "Starting", "Running"]


def test_what_runs_cannot_be_started_and_what_is_stopped_cannot_be_stopped():
    lab = make_lab()
    with refused("web01 is Running and cannot be started"):
        change(lab, "start")
    change(lab, "stop")
    with refused("web01 is Stopping and cannot be stopped"):
        change(lab, "stop")
    lab.clock.sleep(60)
    for method in ("stop", "reboot"):
        with refused("web01 is Stopped and cannot be"):
            change(lab, method)


def test_a_server_that_starts_can_be_stopped_and_never_runs():
    lab = stopped_lab()
    change(lab, "start")
    change(lab, "stop")
    lab.clock.sleep(600)
    assert happened(lab) == ["Starting", "Stopped"]


def test_events_tell_their_moment_by_the_managers_wall_clock():
    lab = make_lab(clock_ms=5000)
    change(lab, "stop")
    lab.clock.sleep(60)
    assert find(lab, SERVER, "web01").getStatusEvent().getTime() == 10000


# -- what boots

@pytest.mark.parametrize("data", [b"\0\0", b"\x55\0", b"\0\xaa", b"\xaa\x55"])
def test_a_disk_without_its_boot_signature_does_not_boot(data):
    lab = stopped_lab()
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 510, data)
    change(lab, "start")
    lab.clock.sleep(60)
    assert happened(lab) == ["Starting", "Failed"]
    assert lab.world.named({"VirtualServer"}, "web01")["visible"] == []


def test_a_failed_server_can_be_started_again_once_it_is_mended():
    lab = make_lab(disks=[disk("web01-system", boot=False), disk("pbh01-system")])
    change(lab, "reboot")
    lab.clock.sleep(60)
    assert status(lab) == "Failed"
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 510, b"\x55\xaa")
    change(lab, "start")
    lab.clock.sleep(60)
    assert status(lab) == "Running"


def test_a_server_boots_from_its_first_disk_alone():
    lab = make_lab(disks=[disk("data", boot=False), disk("system")],
                   servers=[{"name": "web01", "node": "node1", "devices": ["data", "system"], "power": "Stopped"}])
    change(lab, "start")
    lab.clock.sleep(60)
    assert status(lab) == "Failed"


def test_a_server_without_a_disk_does_not_boot():
    lab = stopped_lab(devices=[])
    change(lab, "start")
    lab.clock.sleep(60)
    assert status(lab) == "Failed"


def test_a_raw_disk_boots_as_well():
    lab = make_lab(disks=[raw_disk("lun", boot=True)],
                   servers=[{"name": "web01", "node": "node1", "devices": ["lun"], "power": "Stopped"}])
    change(lab, "start")
    lab.clock.sleep(60)
    assert status(lab) == "Running"


def test_a_lost_snapshot_does_not_boot():
    lab = make_lab(data_centers=[{"name": "East", "nodes": [{"name": "node1"}, {"name": "node2"}],
                                  "disk_groups": [{"name": "group1", "bytes": 2 * MEGABYTE}]}])
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 9000, b"x")
    with job(lab):
        snapshot.start()
    lab.clock.sleep(60)
    assert snapshot.getStatusEvent().getKind() is kinds.FAILED_EVENT


# -- the live CD

def boot_from_cd(lab):
    """Boot a snapshot of web01 from the live CD, as the paper's appendix does; returns the snapshot."""
    web01 = find(lab, SERVER, "web01")
    with job(lab):
        snapshot = web01.snapshot()
    with job(lab):
        snapshot.addStorageDeviceFirst(find(lab, NBD, "backup.iso"))
        snapshot.setBootType(BootInfo.VS_BOOT_DEVICE_CDROM)
        snapshot.start()
    return snapshot


def test_a_live_cd_leaves_an_image_of_each_disk_and_shuts_down():
    lab = make_lab()
    snapshot = boot_from_cd(lab)
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 0, b"written later")
    lab.clock.sleep(30 + 120)
    assert snapshot.getStatusEvent().getKind() is kinds.STOPPED_EVENT
    folder = os.path.join(compat.native(compat.text(lab.folder)), "images", str(snapshot.getId()))
    (name,) = os.listdir(folder)
    assert name == find(lab, DISK, "web01-system").getId() + ".img"
    with io.open(os.path.join(folder, name), "rb") as stream:
        image = stream.read()
    assert len(image) == MEGABYTE and image[510:512] == b"\x55\xaa" and image[:13] == b"\0" * 13


def test_a_live_cd_may_crash():
    lab = make_lab(network_block_devices=[{"name": "backup.iso", "live_cd": {"seconds": 9, "crashes": True}}])
    snapshot = boot_from_cd(lab)
    lab.clock.sleep(600)
    assert snapshot.getStatusEvent().getKind() is kinds.FAILED_EVENT
    assert not os.path.exists(os.path.join(lab.folder, "images"))


def test_a_cd_that_is_no_live_cd_runs_on():
    lab = make_lab(network_block_devices=[{"name": "backup.iso"}])
    snapshot = boot_from_cd(lab)
    lab.clock.sleep(86400)
    assert snapshot.getStatusEvent().getKind() is kinds.RUNNING_EVENT


def test_a_server_told_to_boot_from_a_cd_that_it_does_not_have_fails():
    lab = stopped_lab()
    with job(lab):
        find(lab, SERVER, "web01").setBootType(BootInfo.VS_BOOT_DEVICE_CDROM)
        find(lab, SERVER, "web01").start()
    lab.clock.sleep(60)
    assert status(lab) == "Failed"


def test_a_stop_during_the_live_cd_leaves_no_image():
    lab = make_lab()
    snapshot = boot_from_cd(lab)
    lab.clock.sleep(60)
    with job(lab):
        snapshot.stop()
    lab.clock.sleep(600)
    assert snapshot.getStatusEvent().getKind() is kinds.STOPPED_EVENT
    assert not os.path.exists(os.path.join(lab.folder, "images"))


# -- devices

def test_devices_keep_their_order():
    lab = make_lab(disks=[disk("web01-system"), disk("pbh01-system"), disk("one"), disk("two")])
    web01 = find(lab, SERVER, "web01")
    with job(lab):
        web01.addStorageDevice(find(lab, DISK, "one"))
        web01.addStorageDeviceFirst(find(lab, DISK, "two"))
    assert [each.getName() for each in web01.getStorageDevices()] == ["two", "web01-system", "one"]
    with job(lab):
        web01.removeStorageDevice(find(lab, DISK, "web01-system"))
    assert [each.getName() for each in web01.getStorageDevices()] == ["two", "one"]


@pytest.mark.parametrize("method", ["addStorageDevice", "addStorageDeviceFirst"])
def test_a_disk_of_a_running_server_cannot_be_attached_to_another(method):
    lab = make_lab()
    with refused("web01-system is in use by web01"), job(lab):
        getattr(find(lab, SERVER, "pbh01"), method)(find(lab, DISK, "web01-system"))


def test_a_device_is_attached_once_and_only_what_is_there_is_detached():
    lab = make_lab()
    web01, system = find(lab, SERVER, "web01"), find(lab, DISK, "web01-system")
    with refused("web01 has the device web01-system already"), job(lab):
        web01.addStorageDevice(system)
    with refused("web01 does not have the device pbh01-system"), job(lab):
        web01.removeStorageDevice(find(lab, DISK, "pbh01-system"))


def test_of_two_servers_with_one_disk_the_second_does_not_start():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "power": "Stopped"},
                            {"name": "web02", "node": "node1", "devices": ["web01-system"], "power": "Stopped"}])
    change(lab, "start", "web01")
    with refused("web01-system is in use by web01"):
        change(lab, "start", "web02")


def test_what_is_no_device_and_no_boot_type_is_refused_loudly():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    for method, argument in (("addStorageDevice", web01), ("addStorageDevice", "web01-system"),
                             ("addStorageDevice", None), ("setBootType", "DISK"), ("setBootType", None)):
        with pytest.raises(TypeError), job(lab):
            getattr(web01, method)(argument)


# -- snapshots

def test_a_snapshot_server_is_a_stopped_copy_with_snapshot_disks():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "memory_bytes": 77,
                             "processors": 3, "networks": ["lan"], "operating_system": "SUSE"}])
    web01 = find(lab, SERVER, "web01")
    with job(lab):
        snapshot = web01.snapshot()
    assert web01.getSnapshot() == snapshot and snapshot.getSnapshot() is None
    assert snapshot.getStatusEvent() is None
    assert snapshot.getOperatingSystem() == "SUSE"
    assert snapshot.getManagedNode() == web01.getManagedNode()
    assert [each.getSnapshotParent().getName() for each in snapshot.getStorageDevices()] == ["web01-system"]
    record = lab.world.get(snapshot.getId())
    assert (record["memory_bytes"], record["processors"], record["networks"]) == (77, 3, ["lan"])


def test_a_snapshot_is_deleted_after_its_disks_and_not_before():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    before = lab.dump()["objects"]
    with job(lab):
        snapshot = web01.snapshot()
    with refused("still has the snapshot disk"), job(lab):
        web01.deleteSnapshot(snapshot)
    with job(lab):
        for copy in snapshot.getStorageDevices():
            copy.getParentLvmDiskGroup().deleteLogicalDisk(copy)
        web01.deleteSnapshot(snapshot)
    assert web01.getSnapshot() is None
    assert lab.dump()["objects"] == before


def test_a_snapshot_that_runs_is_deleted_neither_whole_nor_in_parts():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    with job(lab):
        snapshot = web01.snapshot()
        snapshot.start()
    lab.clock.sleep(60)
    (copy,) = snapshot.getStorageDevices()
    with refused("is in use"), job(lab):
        copy.getParentLvmDiskGroup().deleteLogicalDisk(copy)
    with refused("is Running"), job(lab):
        web01.deleteSnapshot(snapshot)


def test_a_snapshot_disk_on_a_proxy_cannot_be_deleted():
    lab = make_lab()
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
        (copy,) = snapshot.getStorageDevices()
        find(lab, SERVER, "pbh01").addStorageDevice(copy)
    with refused("is in use by pbh01"), job(lab):
        copy.getParentLvmDiskGroup().deleteLogicalDisk(copy)


def test_only_its_own_snapshot_is_deleted_through_a_server():
    lab = make_lab()
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
    with refused("is not the snapshot of pbh01"), job(lab):
        find(lab, SERVER, "pbh01").deleteSnapshot(snapshot)


def test_a_deleted_snapshot_still_has_a_name_and_nothing_else():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    with job(lab):
        snapshot = web01.snapshot()
    with job(lab):
        for copy in snapshot.getStorageDevices():
            copy.getParentLvmDiskGroup().deleteLogicalDisk(copy)
        web01.deleteSnapshot(snapshot)
    assert snapshot.getName() == "Snapshot of web01"
    with refused("does not exist any more"):
        snapshot.getStorageDevices()
    with refused("does not exist any more"), job(lab):
        web01.deleteSnapshot(snapshot)


# -- settings

SETTINGS = [("MemoryBytes", 512 * MEGABYTE), ("Processors", 4), ("Networks", ["lan", "dmz"]), ("Networks", []),
            ("BootType", BootInfo.VS_BOOT_DEVICE_CDROM), ("OperatingSystem", "Windows 2003")]


@pytest.mark.parametrize("setting, value", SETTINGS)
def test_a_setting_is_what_it_was_set_to_and_what_it_was_after_an_abort(setting, value):
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    before = getattr(web01, "get" + setting)()
    made = lab.configuration_manager().createJob("test")
    made.begin()
    getattr(web01, "set" + setting)(value)
    made.abort()
    assert getattr(web01, "get" + setting)() == before
    with job(lab):
        getattr(web01, "set" + setting)(value)
    assert getattr(web01, "get" + setting)() == value


@pytest.mark.parametrize("setting, value", SETTINGS)
def test_a_setting_is_not_changed_by_a_fault_or_outside_a_job(setting, value):
    lab = make_lab()
    before = lab.dump()
    with refused("no job is begun"):
        getattr(find(lab, SERVER, "web01"), "set" + setting)(value)
    lab.faults.append(Fault("after", "throw", method="set" + setting))
    with refused("injected fault after the call"), job(lab):
        getattr(find(lab, SERVER, "web01"), "set" + setting)(value)
    assert lab.dump() == before


@pytest.mark.parametrize("setting, value", [("MemoryBytes", 0), ("MemoryBytes", -1), ("Processors", 0),
                                            ("OperatingSystem", ""), ("Networks", ["lan", ""])])
def test_a_setting_that_makes_no_sense_is_refused(setting, value):
    lab = make_lab()
    with refused("web01"), job(lab):
        getattr(find(lab, SERVER, "web01"), "set" + setting)(value)


@pytest.mark.parametrize("setting, value", [("MemoryBytes", "1"), ("Processors", None), ("Processors", True),
                                            ("OperatingSystem", 3), ("BootType", "CDROM")])
def test_a_setting_of_another_type_is_a_loud_error(setting, value):
    lab = make_lab()
    with pytest.raises(TypeError), job(lab):
        getattr(find(lab, SERVER, "web01"), "set" + setting)(value)


def test_a_list_of_networks_that_was_handed_out_is_the_clients_own():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "networks": ["lan"]}])
    find(lab, SERVER, "web01").getNetworks().append("dmz")
    assert find(lab, SERVER, "web01").getNetworks() == ["lan"]
