# -*- coding: utf-8 -*-
"""Reverting a virtual server to its snapshot: the bytes, the space, and the way back."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import disks, kinds, storage
from fakes.disks import PAGE
from fakes.faults import Fault
from tests.labs import MEGABYTE, disk, find, job, make_lab, raw_disk, refused

SERVER, DISK, GROUP = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK, kinds.LVM_DISK_GROUP


def stopped_lab(power="Stopped", **more):
    return make_lab(disks=[disk("system", fill="system"), disk("data", fill="data"), raw_disk("lun")],
                    servers=[dict({"name": "web01", "node": "node1", "devices": ["system", "data", "lun"],
                                   "power": power}, **more)])


def web01(lab):
    return find(lab, SERVER, "web01")


def take_snapshot(lab):
    with job(lab):
        return web01(lab).snapshot()


def revert(lab):
    with job(lab):
        web01(lab).revertToSnapshot()


def write(lab, name, offset, words):
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk", "RawDisk"}, name), offset, words)


def content(lab, name):
    record = lab.world.named({"LogicalDisk", "RawDisk"}, name)
    return disks.read(lab.pages, record["layers"], 0, record["bytes"])


def free(lab):
    return find(lab, GROUP, "group1").getFreeBytes()


def test_its_logical_disks_hold_again_what_they_held_and_a_raw_disk_stays_as_it_is():
    lab = stopped_lab()
    before = [content(lab, name) for name in ("system", "data")]
    take_snapshot(lab)
    for name in ("system", "data", "lun"):
        write(lab, name, 4096, b"upgraded")
    revert(lab)
    assert [content(lab, name) for name in ("system", "data")] == before
    assert content(lab, "lun")[4096:4104] == b"upgraded"


def test_the_snapshot_stays_and_can_be_reverted_to_again_or_deleted():
    lab = stopped_lab()
    before = content(lab, "system")
    dump = lab.dump()["objects"]
    snapshot = take_snapshot(lab)
    for words in (b"first upgrade", b"second upgrade"):
        write(lab, "system", 4096, words)
        revert(lab)
        assert content(lab, "system") == before
    assert web01(lab).getSnapshot() == snapshot
    with job(lab):
        for copy in snapshot.getStorageDevices():
            copy.getParentLvmDiskGroup().deleteLogicalDisk(copy)
        web01(lab).deleteSnapshot(snapshot)
    assert lab.dump()["objects"] == dump
    used = [layer for record in lab.world.objects.values() for layer in record.get("layers", ())]
    assert set(lab.pages._layers) <= set(used)


def test_reverting_and_deleting_the_snapshot_may_be_one_job():
    lab = stopped_lab()
    before = lab.dump()["objects"]
    snapshot = take_snapshot(lab)
    write(lab, "system", 4096, b"upgraded")
    with job(lab):
        web01(lab).revertToSnapshot()
        for copy in snapshot.getStorageDevices():
            copy.getParentLvmDiskGroup().deleteLogicalDisk(copy)
        web01(lab).deleteSnapshot(snapshot)
    assert lab.dump()["objects"] == before


def test_what_was_written_since_frees_its_space():
    lab = stopped_lab(power="Running", write_bytes_per_second=1000, stop_seconds=0)
    take_snapshot(lab)
    before = free(lab)
    write(lab, "system", 0, b"x" * (4 * PAGE))
    lab.clock.sleep(60)
    assert free(lab) < before - 4 * PAGE
    with job(lab):
        web01(lab).stop()
    lab.clock.sleep(1)
    revert(lab)
    assert free(lab) == before
    write(lab, "system", 0, b"x" * PAGE)
    assert free(lab) == before - PAGE


def test_an_abort_brings_back_what_was_written_since_and_what_is_written_meanwhile():
    lab = stopped_lab()
    snapshot = take_snapshot(lab)
    write(lab, "system", 4096, b"upgraded")
    write(lab, snapshot.getStorageDevices()[0].getName(), 8192, b"of the snapshot")
    dump = lab.dump()
    made = lab.configuration_manager().createJob("revert")
    made.begin()
    web01(lab).revertToSnapshot()
    assert content(lab, "system")[4096:4104] == b"\0" * 8
    made.abort()
    assert lab.dump() == dump
    made = lab.configuration_manager().createJob("revert")
    made.begin()
    web01(lab).revertToSnapshot()
    write(lab, "data", 4096, b"meanwhile")
    made.abort()
    assert content(lab, "system")[4096:4104] == b"upgraded"
    assert content(lab, "data")[4096:4105] == b"meanwhile"


def test_what_was_written_to_the_snapshot_comes_along_and_both_go_their_own_way_from_there():
    lab = stopped_lab()
    copy = take_snapshot(lab).getStorageDevices()[0].getName()
    write(lab, copy, 8192, b"of the snapshot")
    revert(lab)
    assert content(lab, "system") == content(lab, copy)
    assert content(lab, "system")[8192:8207] == b"of the snapshot"
    write(lab, "system", 8192, b"of the original")
    assert content(lab, copy)[8192:8207] == b"of the snapshot"
    revert(lab)
    assert content(lab, "system") == content(lab, copy)


def test_a_failed_server_can_be_reverted_and_boots():
    lab = stopped_lab()
    take_snapshot(lab)
    write(lab, "system", 510, b"\0\0")
    with job(lab):
        web01(lab).start()
    lab.clock.sleep(60)
    assert web01(lab).getStatusEvent().getKind() is kinds.FAILED_EVENT
    revert(lab)
    with job(lab):
        web01(lab).start()
    lab.clock.sleep(60)
    assert web01(lab).getStatusEvent().getKind() is kinds.RUNNING_EVENT


def test_a_disk_that_it_got_since_is_left_alone():
    lab = stopped_lab()
    take_snapshot(lab)
    with job(lab):
        web01(lab).addStorageDevice(find(lab, GROUP, "group1").createLogicalDisk("later", MEGABYTE))
    write(lab, "later", 0, b"kept")
    revert(lab)
    assert content(lab, "later")[:4] == b"kept"


def test_a_server_that_runs_or_has_no_snapshot_is_not_reverted():
    lab = stopped_lab()
    with refused("web01 has no snapshot"), job(lab):
        web01(lab).revertToSnapshot()
    take_snapshot(lab)
    with job(lab):
        web01(lab).start()
    with refused("web01 is Starting and cannot be reverted"), job(lab):
        web01(lab).revertToSnapshot()
    lab.clock.sleep(60)
    with refused("web01 is Running and cannot be reverted"), job(lab):
        web01(lab).revertToSnapshot()


def test_a_disk_that_another_server_uses_by_now_is_not_reverted():
    lab = make_lab(disks=[disk("system")],
                   servers=[{"name": name, "node": "node1", "devices": ["system"], "power": "Stopped"}
                            for name in ("web01", "web02")])
    take_snapshot(lab)
    with job(lab):
        find(lab, SERVER, "web02").start()
    with refused("system is in use by web02"), job(lab):
        web01(lab).revertToSnapshot()


def test_nothing_is_reverted_where_one_disk_of_the_snapshot_is_lost():
    center = {"name": "East", "nodes": [{"name": "node1"}],
              "disk_groups": [{"name": "group1", "bytes": 2 * MEGABYTE}, {"name": "other", "bytes": 4 * MEGABYTE}]}
    lab = make_lab(data_centers=[center],
                   disks=[disk("system", group="other"), disk("data"), disk("takes the rest")],
                   servers=[{"name": "web01", "node": "node1", "devices": ["system", "data"], "power": "Stopped"}])
    take_snapshot(lab)
    write(lab, "system", 4096, b"upgraded")
    write(lab, "data", 4096, b"too much")
    before = lab.dump()
    with refused("Snapshot of data is lost"), job(lab):
        web01(lab).revertToSnapshot()
    assert lab.dump() == before
    assert content(lab, "system")[4096:4104] == b"upgraded"


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_fault_strikes_and_the_abort_leaves_all_as_it_was(phase):
    lab = stopped_lab()
    take_snapshot(lab)
    write(lab, "system", 4096, b"upgraded")
    before = lab.dump()
    lab.faults.append(Fault(phase, "throw", method="revertToSnapshot"))
    with refused("injected fault"), job(lab):
        web01(lab).revertToSnapshot()
    assert lab.dump() == before
