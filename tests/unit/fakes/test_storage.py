# -*- coding: utf-8 -*-
"""Disk groups and disks: space, copy-on-write snapshots, the rules of the paper."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import disks, kinds, storage
from fakes.disks import PAGE
from tests.labs import MEGABYTE, description, disk, find, job, make_lab, raw_disk, refused

SERVER, DISK, GROUP, RAW = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK, kinds.LVM_DISK_GROUP, kinds.RAW_DISK


def group_of(size, **web01):
    """Return a data center with one group of ``size`` bytes."""
    return [{"name": "East", "nodes": [{"name": "node1"}, {"name": "node2"}],
             "disk_groups": [{"name": "group1", "bytes": size}]}]


def take_snapshot(lab, name="web01"):
    """Take a snapshot in a job of its own; returns the snapshot virtual server and its disks."""
    with job(lab):
        snapshot = find(lab, SERVER, name).snapshot()
    return snapshot, list(snapshot.getStorageDevices())


def delete_snapshot(lab, snapshot, name="web01"):
    with job(lab):
        for each in snapshot.getStorageDevices():
            each.getParentLvmDiskGroup().deleteLogicalDisk(each)
        find(lab, SERVER, name).deleteSnapshot(snapshot)


def record(lab, handle):
    return lab.world.get(handle.getId())


def write(lab, handle, offset, data):
    """Write as a guest would."""
    with lab.exclusive():
        storage.write(lab, record(lab, handle), offset, data)


def read(lab, handle, offset, length):
    return disks.read(lab.pages, record(lab, handle)["layers"], offset, length)


def free(lab):
    return find(lab, GROUP, "group1").getFreeBytes()


# -- what a disk is

def test_a_disk_knows_its_size_and_its_group():
    lab = make_lab()
    system = find(lab, DISK, "web01-system")
    assert system.getBytes() == MEGABYTE
    assert system.getParentLvmDiskGroup() == find(lab, GROUP, "group1")
    assert system.getSnapshotParent() is None
    assert system in find(lab, GROUP, "group1").getLogicalDisks()


def test_a_raw_disk_knows_its_lun_and_is_no_lvm_storage_device():
    lab = make_lab(disks=[raw_disk("lun", lun="LUN-17")], servers=[])
    lun = find(lab, RAW, "lun")
    assert lun.getLun() == "LUN-17"
    assert kinds.STORAGE_DEVICE.isAssignableFrom(lun.getKind())
    assert not kinds.LVM_STORAGE_DEVICE.isAssignableFrom(lun.getKind())
    with pytest.raises(AttributeError):
        lun.getParentLvmDiskGroup()


def test_a_write_beyond_the_end_is_refused_whole():
    lab = make_lab()
    system = find(lab, DISK, "web01-system")
    with refused("is beyond its 1048576 bytes"):
        write(lab, system, MEGABYTE - 1, b"ab")
    assert read(lab, system, MEGABYTE - 1, 1) == b"\0"
    with refused("beyond"):
        write(lab, system, -1, b"ab")


# -- copy on write

def test_a_snapshot_keeps_what_the_disk_held_when_it_was_taken():
    lab = make_lab()
    system = find(lab, DISK, "web01-system")
    write(lab, system, 4096, b"before")
    _snapshot, (copy,) = take_snapshot(lab)
    write(lab, system, 4096, b"after!")
    assert read(lab, copy, 4096, 6) == b"before"
    assert read(lab, system, 4096, 6) == b"after!"
    assert copy.getSnapshotParent() == system


def test_what_is_written_to_a_snapshot_does_not_reach_its_parent():
    lab = make_lab()
    system = find(lab, DISK, "web01-system")
    _snapshot, (copy,) = take_snapshot(lab)
    write(lab, copy, 8192, b"restored by mistake")
    assert read(lab, system, 8192, 8) == b"\0" * 8


def test_a_deleted_snapshot_leaves_the_parent_with_its_own_bytes_in_one_layer():
    lab = make_lab()
    system = find(lab, DISK, "web01-system")
    snapshot, (copy,) = take_snapshot(lab)
    write(lab, system, 4096, b"while it lasted")
    write(lab, copy, 4096, b"never to be seen")
    delete_snapshot(lab, snapshot)
    assert read(lab, system, 4096, 15) == b"while it lasted"
    layers = record(lab, system)["layers"]
    assert [layer for layer in layers if lab.pages.indexes(layer)] == layers[1:2]


def test_a_hundred_snapshots_one_after_another_leave_no_chain_of_layers():
    lab = make_lab()
    system = find(lab, DISK, "web01-system")
    for number in range(100):
        snapshot, _disks = take_snapshot(lab)
        write(lab, system, 4096, str(number).encode("ascii"))
        delete_snapshot(lab, snapshot)
    assert len(record(lab, system)["layers"]) == 2


def test_a_snapshot_taken_anew_in_the_job_that_deletes_the_last_one_sees_no_later_write():
    lab = make_lab()
    web01, system = find(lab, SERVER, "web01"), find(lab, DISK, "web01-system")
    old, (old_copy,) = take_snapshot(lab)
    write(lab, system, 4096, b"first")
    with job(lab):
        old_copy.getParentLvmDiskGroup().deleteLogicalDisk(old_copy)
        web01.deleteSnapshot(old)
        new = web01.snapshot()
        write(lab, system, 4096, b"later")
    (copy,) = new.getStorageDevices()
    assert read(lab, copy, 4096, 5) == b"first"
    assert read(lab, system, 4096, 5) == b"later"


def test_a_disk_and_its_snapshot_can_go_in_one_job():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "power": "Stopped"}])
    web01, system = find(lab, SERVER, "web01"), find(lab, DISK, "web01-system")
    group = system.getParentLvmDiskGroup()
    snapshot, (copy,) = take_snapshot(lab)
    with job(lab):
        group.deleteLogicalDisk(copy)
        web01.deleteSnapshot(snapshot)
        web01.removeStorageDevice(system)
        group.deleteLogicalDisk(system)
    assert [each.getName() for each in group.getLogicalDisks()] == ["pbh01-system"]
    with job(lab):
        pass  # the lab goes on


def test_a_write_while_the_snapshots_job_is_open_survives_its_abort():
    lab = make_lab()
    system = find(lab, DISK, "web01-system")
    made = lab.configuration_manager().createJob("test")
    made.begin()
    find(lab, SERVER, "web01").snapshot()
    write(lab, system, 4096, b"meanwhile")
    made.abort()
    assert read(lab, system, 4096, 9) == b"meanwhile"


def test_an_aborted_deletion_of_a_snapshot_leaves_its_bytes():
    lab = make_lab()
    system = find(lab, DISK, "web01-system")
    snapshot, (copy,) = take_snapshot(lab)
    write(lab, system, 4096, b"after")
    write(lab, copy, 8192, b"own")
    before = lab.dump()["objects"]
    made = lab.configuration_manager().createJob("test")
    made.begin()
    copy.getParentLvmDiskGroup().deleteLogicalDisk(copy)
    find(lab, SERVER, "web01").deleteSnapshot(snapshot)
    made.abort()
    assert read(lab, copy, 8192, 3) == b"own"
    assert read(lab, copy, 4096, 5) == b"\0" * 5
    assert lab.dump()["objects"] == before


# -- the rules of the paper

def test_a_disk_has_one_snapshot_at_the_most():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "power": "Stopped"},
                            {"name": "web02", "node": "node1", "devices": ["web01-system"], "power": "Stopped"}])
    take_snapshot(lab, "web01")
    with refused("web01 has a snapshot already"), job(lab):
        find(lab, SERVER, "web01").snapshot()
    with refused("web01-system has a snapshot already"), job(lab):
        find(lab, SERVER, "web02").snapshot()


def test_a_raw_disk_has_no_snapshot():
    lab = make_lab(disks=[raw_disk("lun"), disk("mixed-system")],
                   servers=[{"name": "raw01", "node": "node1", "devices": ["lun"], "power": "Stopped"},
                            {"name": "mixed01", "node": "node1", "devices": ["mixed-system", "lun"],
                             "power": "Stopped"}])
    with refused("raw01 has no logical disk"), job(lab):
        find(lab, SERVER, "raw01").snapshot()
    _snapshot, copies = take_snapshot(lab, "mixed01")
    assert [copy.getSnapshotParent().getName() for copy in copies] == ["mixed-system"]


def test_a_snapshot_has_no_snapshot():
    lab = make_lab()
    snapshot, _disks = take_snapshot(lab)
    with refused("is a snapshot itself"), job(lab):
        snapshot.snapshot()


def test_a_disk_with_a_snapshot_cannot_be_deleted():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "power": "Stopped"}])
    system = find(lab, DISK, "web01-system")
    take_snapshot(lab)
    with refused("web01-system has a snapshot"), job(lab):
        system.getParentLvmDiskGroup().deleteLogicalDisk(system)


@pytest.mark.parametrize("power", ["Running", "Stopped"])
def test_a_disk_that_a_server_has_cannot_be_deleted(power):
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "power": power}])
    system = find(lab, DISK, "web01-system")
    with refused("web01-system is in use"), job(lab):
        system.getParentLvmDiskGroup().deleteLogicalDisk(system)


def test_a_disk_that_a_guest_still_sees_cannot_be_deleted_before_its_reboot():
    lab = make_lab(disks=[disk("web01-system"), disk("data")],
                   servers=[{"name": "web01", "node": "node1", "devices": ["web01-system", "data"]}])
    web01, data = find(lab, SERVER, "web01"), find(lab, DISK, "data")
    with job(lab):
        web01.removeStorageDevice(data)
    with refused("the guest of web01 sees it"), job(lab):
        data.getParentLvmDiskGroup().deleteLogicalDisk(data)
    with job(lab):
        web01.reboot()
    lab.clock.sleep(60)
    with job(lab):
        data.getParentLvmDiskGroup().deleteLogicalDisk(data)
    assert lab.configuration_manager().findObject(DISK, "data") is None


def test_a_disk_is_deleted_through_its_own_group_alone():
    centers = [{"name": "East", "nodes": [{"name": "node1"}],
                "disk_groups": [{"name": "group1", "bytes": 8 * MEGABYTE}, {"name": "other", "bytes": 8 * MEGABYTE}]}]
    lab = make_lab(data_centers=centers, disks=[disk("spare")], servers=[])
    with refused("spare is not in the group other"), job(lab):
        find(lab, GROUP, "other").deleteLogicalDisk(find(lab, DISK, "spare"))


def test_a_deleted_disk_leaves_no_layer():
    lab = make_lab(disks=[disk("spare", fill="words")], servers=[])
    spare = find(lab, DISK, "spare")
    layers = record(lab, spare)["layers"]
    assert lab.pages.indexes(layers[0])
    with job(lab):
        spare.getParentLvmDiskGroup().deleteLogicalDisk(spare)
    assert not lab.pages.indexes(layers[0])


# -- space

def test_a_disk_takes_its_size_and_a_new_snapshot_nothing():
    lab = make_lab(data_centers=group_of(3 * MEGABYTE))
    assert free(lab) == MEGABYTE
    take_snapshot(lab)
    assert free(lab) == MEGABYTE


def test_a_snapshot_takes_a_page_for_each_that_is_written_on_either_side():
    lab = make_lab(data_centers=group_of(3 * MEGABYTE))
    _snapshot, (copy,) = take_snapshot(lab)
    system = find(lab, DISK, "web01-system")
    write(lab, system, 0, b"1")
    write(lab, system, 1, b"the same page")
    assert free(lab) == MEGABYTE - PAGE
    write(lab, copy, 0, b"still the same page")
    assert free(lab) == MEGABYTE - PAGE
    write(lab, copy, PAGE, b"another")
    assert free(lab) == MEGABYTE - 2 * PAGE
    assert copy.getSnapshotUsedPercent() == 12


def test_a_snapshot_gives_its_space_back_when_it_goes():
    lab = make_lab(data_centers=group_of(3 * MEGABYTE))
    snapshot, _disks = take_snapshot(lab)
    write(lab, find(lab, DISK, "web01-system"), 0, b"x" * (4 * PAGE))
    delete_snapshot(lab, snapshot)
    assert free(lab) == MEGABYTE


def test_a_running_parent_writes_on_and_its_snapshot_grows_with_time():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"],
                             "write_bytes_per_second": 1000}])
    _snapshot, (copy,) = take_snapshot(lab)
    before = free(lab)
    lab.clock.sleep(60)
    assert free(lab) == before - 60000
    assert record(lab, copy)["modelled_bytes"] == 60000


def test_a_snapshot_never_takes_more_than_the_size_of_its_disk():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"],
                             "write_bytes_per_second": 1000000}])
    before = free(lab)
    _snapshot, (copy,) = take_snapshot(lab)
    lab.clock.sleep(3600)
    assert free(lab) == before - MEGABYTE


def test_a_frozen_or_stopped_parent_does_not_write():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"],
                             "write_bytes_per_second": 1000, "stop_seconds": 0}])
    take_snapshot(lab)
    before = free(lab)
    lab.guests.run("web01", command("fsfreeze", "-f", "/"))
    lab.clock.sleep(60)
    lab.guests.run("web01", command("fsfreeze", "-u", "/"))
    assert free(lab) == before
    with job(lab):
        find(lab, SERVER, "web01").stop()
    lab.clock.sleep(60)
    assert free(lab) == before


def command(*words):
    from vibackup.guest import Command
    return Command(list(words), None, None)


def test_a_snapshot_is_lost_when_its_group_is_full():
    lab = make_lab(data_centers=group_of(2 * MEGABYTE + 2 * PAGE))
    _snapshot, (copy,) = take_snapshot(lab)
    system = find(lab, DISK, "web01-system")
    write(lab, system, 0, b"x" * (2 * PAGE))
    assert copy.getSnapshotUsedPercent() == 100
    write(lab, system, 2 * PAGE, b"one page too many")
    with refused("is lost: its group ran out of space"):
        copy.getSnapshotUsedPercent()
    assert read(lab, system, 2 * PAGE, 3) == b"one"
    assert free(lab) == 2 * PAGE


def test_a_lost_snapshot_stays_lost_and_can_be_deleted():
    lab = make_lab(data_centers=group_of(2 * MEGABYTE))
    snapshot, (copy,) = take_snapshot(lab)
    write(lab, find(lab, DISK, "web01-system"), 0, b"x")
    lab.clock.sleep(3600)
    assert record(lab, copy)["lost"]
    delete_snapshot(lab, snapshot)
    assert read(lab, find(lab, DISK, "web01-system"), 0, 1) == b"x"


def test_only_a_snapshot_has_a_use_of_snapshot_space():
    lab = make_lab()
    with refused("web01-system is not a snapshot"):
        find(lab, DISK, "web01-system").getSnapshotUsedPercent()


def test_a_snapshot_of_a_snapshot_disk_on_a_proxy_counts_what_both_hold():
    lab = make_lab()
    _snapshot, (copy,) = take_snapshot(lab)
    with job(lab):
        find(lab, SERVER, "pbh01").addStorageDevice(copy)
    write(lab, find(lab, DISK, "web01-system"), 0, b"x" * (4 * PAGE))
    write(lab, copy, 8 * PAGE, b"y" * PAGE)
    before = free(lab)
    take_snapshot(lab, "pbh01")
    assert free(lab) == before


# -- what a guest calls its disks

@pytest.mark.parametrize("number, name", [(0, "sda"), (25, "sdz"), (26, "sdaa"), (51, "sdaz"), (52, "sdba"),
                                          (701, "sdzz"), (702, "sdaaa")])
def test_linux_goes_on_with_two_letters_after_sdz(number, name):
    assert storage.device_name({"operating_system": "Linux"}, number) == name


def test_windows_counts_its_drives():
    assert storage.device_name({"operating_system": "Windows 2003"}, 12) == "PHYSICALDRIVE12"


def test_a_guest_may_name_its_disks_in_another_order_than_they_are_attached():
    lab = make_lab(disks=[disk("first"), disk("second")],
                   servers=[{"name": "web01", "node": "node1", "devices": ["first", "second"],
                             "device_naming": "reversed"}])
    seen = record(lab, find(lab, SERVER, "web01"))["visible"]
    assert [(each["position"], each["device"]) for each in seen] == [(0, "sdb"), (1, "sda")]


def test_a_group_that_is_too_small_for_its_disks_is_no_inventory():
    from fakes import inventory
    from vibackup.errors import UsageError
    with pytest.raises(UsageError) as caught:
        inventory.check(description(data_centers=group_of(MEGABYTE)), "here")
    assert "disk_groups[0].bytes" in caught.value.message
