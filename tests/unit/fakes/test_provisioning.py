# -*- coding: utf-8 -*-
"""Virtual servers made and deleted, and logical disks made from nothing."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from fakes import disks, kinds, storage
from fakes.faults import Fault, ManagementException
from fakes.guests import Guest
from fakes.kinds import VirtualServer_BootInfo as BootInfo
from tests.labs import MEGABYTE, description, disk, find, job, make_lab, refused, run

SERVER, DISK, GROUP = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK, kinds.LVM_DISK_GROUP
CENTER, NODE = kinds.VIRTUAL_DATA_CENTER, kinds.MANAGED_NODE
TWO_CENTERS = description()["data_centers"] + [{"name": "West", "nodes": [{"name": "node3"}]}]


def make_server(lab, name="new01", node="node1"):
    return find(lab, CENTER, "East").createVirtualServer(name, find(lab, NODE, node))


def delete_server(lab, server):
    find(lab, CENTER, "East").deleteVirtualServer(server)


def make_disk(lab, name="new01-system", size=MEGABYTE):
    return find(lab, GROUP, "group1").createLogicalDisk(name, size)


def open_job(lab):
    made = lab.configuration_manager().createJob("test")
    made.begin()
    return made


def undone(lab, change):
    """Tell whether an abort takes back what ``change()`` did."""
    before = lab.dump()
    made = open_job(lab)
    change()
    assert lab.dump() == before  # what is committed
    made.abort()
    return lab.dump() == before


# -- virtual servers

def test_a_new_server_is_stopped_and_has_nothing_yet():
    lab = make_lab()
    with job(lab):
        made = make_server(lab, node="node2")
    assert find(lab, SERVER, "new01") == made
    assert made.getManagedNode() == find(lab, NODE, "node2")
    assert list(made.getStorageDevices()) == [] and list(made.getNetworks()) == []
    assert made.getProcessors() == 1 and made.getMemoryBytes() == 1024 * MEGABYTE
    assert made.getOperatingSystem() == "Linux" and made.getBootType() is BootInfo.VS_BOOT_DEVICE_DISK
    assert made.getStatusEvent().getKind() is kinds.STOPPED_EVENT


def test_a_new_server_has_its_event_from_the_commit_on():
    lab = make_lab()
    count = len(lab.world.events)
    with job(lab):
        made = make_server(lab)
        assert made.getStatusEvent() is None and len(lab.world.events) == count
    assert made.getStatusEvent().getTime() == lab.configuration_manager().getLocalTime()


def test_a_new_server_boots_from_a_disk_that_is_bootable():
    lab = make_lab()
    with job(lab):
        made = make_server(lab)
        made.addStorageDevice(make_disk(lab))
    with job(lab):
        made.start()
    lab.clock.sleep(60)
    assert made.getStatusEvent().getKind() is kinds.FAILED_EVENT
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, "new01-system"), 510, b"\x55\xaa")
    with job(lab):
        made.start()
    lab.clock.sleep(60)
    assert made.getStatusEvent().getKind() is kinds.RUNNING_EVENT
    assert run(lab, "new01", "lsblk").output.startswith('NAME="sda" SIZE="1048576"')


def test_a_server_can_be_made_and_started_in_one_job():
    lab = make_lab(disks=[disk("web01-system"), disk("pbh01-system"), disk("spare")])
    with job(lab):
        made = make_server(lab)
        made.addStorageDevice(find(lab, DISK, "spare"))
        made.start()
    lab.clock.sleep(60)
    assert made.getStatusEvent().getKind() is kinds.RUNNING_EVENT


def test_an_aborted_server_was_never_there():
    lab = make_lab()
    assert undone(lab, lambda: make_server(lab).addStorageDevice(make_disk(lab)))
    assert lab.configuration_manager().findObject(SERVER, "new01") is None


def test_a_server_made_and_deleted_in_one_job_leaves_nothing():
    lab = make_lab()
    before = lab.dump()
    with job(lab):
        delete_server(lab, make_server(lab))
    assert lab.dump() == before


@pytest.mark.parametrize("name, words", [("web01", "a VirtualServer called web01 already"), ("", "cannot be empty")])
def test_a_server_needs_a_name_of_its_own(name, words):
    lab = make_lab()
    with refused(words), job(lab):
        make_server(lab, name)


def test_a_server_is_made_and_deleted_in_the_data_center_of_its_node():
    lab = make_lab(data_centers=TWO_CENTERS)
    with refused("the node node3 is not in the data center East"), job(lab):
        make_server(lab, node="node3")
    with job(lab):
        made = make_server(lab)
    with refused("the node node1 is not in the data center West"), job(lab):
        find(lab, CENTER, "West").deleteVirtualServer(made)


def test_a_deleted_server_leaves_its_disks_and_nothing_else():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "stop_seconds": 0}])
    run(lab, "web01", "touch", "something")
    web01 = find(lab, SERVER, "web01")
    folder = Guest(lab, web01.getId()).folder
    assert os.path.isdir(folder)
    with job(lab):
        web01.stop()
    lab.clock.sleep(1)
    with job(lab):
        delete_server(lab, web01)
    assert lab.configuration_manager().findObject(SERVER, "web01") is None
    assert not os.path.exists(folder)
    with job(lab):
        find(lab, GROUP, "group1").deleteLogicalDisk(find(lab, DISK, "web01-system"))


def test_a_failed_server_can_be_deleted():
    lab = make_lab()
    with job(lab):
        made = make_server(lab)
        made.start()
    lab.clock.sleep(60)
    with job(lab):
        delete_server(lab, made)
    assert lab.configuration_manager().findObject(SERVER, "new01") is None


def test_a_server_that_runs_or_has_or_is_a_snapshot_is_not_deleted():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "power": "Stopped"},
                            {"name": "pbh01", "node": "node2", "devices": ["pbh01-system"]}])
    with refused("pbh01 is Running and cannot be deleted"), job(lab):
        delete_server(lab, find(lab, SERVER, "pbh01"))
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
    with refused("web01 has a snapshot"), job(lab):
        delete_server(lab, find(lab, SERVER, "web01"))
    with refused("is a snapshot"), job(lab):
        delete_server(lab, snapshot)


def test_an_aborted_deletion_of_a_server_leaves_it_and_its_files():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "power": "Stopped"}])
    folder = Guest(lab, find(lab, SERVER, "web01").getId()).folder
    os.makedirs(folder)
    assert undone(lab, lambda: delete_server(lab, find(lab, SERVER, "web01")))
    assert os.path.isdir(folder)


# -- logical disks

def test_a_new_disk_takes_its_size_of_its_group_and_is_all_zeros():
    lab = make_lab()
    group = find(lab, GROUP, "group1")
    free = group.getFreeBytes()
    with job(lab):
        made = make_disk(lab, size=2 * MEGABYTE)
    assert made.getBytes() == 2 * MEGABYTE and made.getParentLvmDiskGroup() == group
    assert made.getSnapshotParent() is None and made in group.getLogicalDisks()
    assert group.getFreeBytes() == free - 2 * MEGABYTE
    assert disks.written(lab.pages, lab.world.get(made.getId())["layers"]) == []


@pytest.mark.parametrize("size", [0, -512, 511, 513])
def test_a_disk_has_whole_sectors(size):
    lab = make_lab()
    with refused("%d bytes: a disk has a multiple of 512 bytes" % size), job(lab):
        make_disk(lab, size=size)


def test_a_disk_needs_a_name_of_its_own_and_room():
    lab = make_lab()
    with refused("called web01-system already"), job(lab):
        make_disk(lab, "web01-system")
    with refused("called backup.iso already"), job(lab):
        make_disk(lab, "backup.iso")
    with refused("a name cannot be empty"), job(lab):
        make_disk(lab, "")
    with refused("do not fit in the group group1, which has %d free" % (62 * MEGABYTE)), job(lab):
        make_disk(lab, size=62 * MEGABYTE + 512)
    with job(lab):
        make_disk(lab, size=62 * MEGABYTE)
    assert find(lab, GROUP, "group1").getFreeBytes() == 0


def test_an_aborted_disk_leaves_no_byte():
    lab = make_lab()
    layers = set(lab.pages._layers)

    def change():
        made = make_disk(lab)
        with lab.exclusive():
            storage.write(lab, lab.world.get(made.getId()), 0, b"words")

    assert undone(lab, change)
    assert set(lab.pages._layers) == layers


# -- the gate

@pytest.mark.parametrize("method, change", [
    ("createVirtualServer", make_server), ("createLogicalDisk", make_disk),
    ("deleteVirtualServer", lambda lab: delete_server(lab, find(lab, SERVER, "off01")))])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_fault_strikes_and_an_abort_takes_back_what_was_done(method, change, phase):
    lab = make_lab(servers=[{"name": "off01", "node": "node1", "power": "Stopped"}])
    before = lab.dump()
    lab.faults.append(Fault(phase, "throw", method=method))
    with pytest.raises(ManagementException), job(lab):
        change(lab)
    assert lab.dump() == before


def test_nothing_is_made_or_deleted_outside_a_job():
    lab = make_lab()
    for change in (make_server, make_disk):
        with refused("no job is begun"):
            change(lab)


def test_data_centers_and_groups_are_found_as_scripts_find_them():
    make_lab()
    from com.virtualiron.vce.mgmt.api import VirtualizationManager
    from com.virtualiron.vce.mgmt.api.physical import LvmDiskGroup, VirtualDataCenter
    manager = VirtualizationManager.getConfigurationManager()
    assert manager.findObject(VirtualDataCenter, "East").getName() == "East"
    assert manager.findObject(LvmDiskGroup, "group1").getName() == "group1"
    assert manager.findObject(LvmDiskGroup, "East") is None
