# -*- coding: utf-8 -*-
"""Copies of whole disks: clones, VHDs exported and imported, the time they take, and snapshots lost meanwhile."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from fakes import disks, kinds, storage
from fakes.disks import PAGE
from fakes.faults import Fault, ManagementException
from tests import vhds
from tests.labs import MEGABYTE, disk, find, job, make_lab, raw_disk, refused
from vibackup import compat, vhd

SERVER, DISK, GROUP = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK, kinds.LVM_DISK_GROUP
SPEED = MEGABYTE // 100  # a disk of one megabyte takes 100 seconds


def slow_lab(size=8 * MEGABYTE, power="Stopped", **more):
    """A lab with ``web01``, whose disk takes 100 seconds to copy; ``other`` is the slower of the two groups."""
    center = {"name": "East", "nodes": [{"name": "node1"}],
              "disk_groups": [{"name": "group1", "bytes": size, "bytes_per_second": SPEED},
                              {"name": "other", "bytes": 4 * MEGABYTE, "bytes_per_second": SPEED // 2}]}
    web01 = {"name": "web01", "node": "node1", "devices": ["web01-system"], "power": power}
    return make_lab(data_centers=[center], disks=[disk("web01-system", fill="web01"), raw_disk("lun")],
                    servers=[dict(web01, **more)])


def source(lab, name="web01-system"):
    return find(lab, DISK, name)


def content(lab, handle):
    record = lab.world.get(handle.getId())
    return disks.read(lab.pages, record["layers"], 0, record["bytes"])


def path_in(tmpdir, name="disk.vhd"):
    return compat.text(tmpdir.join(name))


def take_snapshot(lab):
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
    return snapshot.getStorageDevices()[0]


def fill_group(lab, name="web01-system"):
    """Write all over a disk, so that its snapshot has no room."""
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, name), 0, b"x" * MEGABYTE)


def percents(lab, handle, seconds):
    """Watch the copying of a disk from now on; returns a list that fills with ``(second, percent)``."""
    seen = []
    for each in seconds:
        lab.clock.call_after(each, lambda each=each: seen.append((each, handle.getCopyPercent())))
    return seen


# -- clones

def test_a_clone_has_the_bytes_of_its_source_and_lives_its_own_life():
    lab = slow_lab()
    with job(lab):
        clone = source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")
    assert content(lab, clone) == content(lab, source(lab))
    assert clone.getParentLvmDiskGroup() == find(lab, GROUP, "group1") and clone.getSnapshotParent() is None
    with lab.exclusive():
        storage.write(lab, lab.world.get(clone.getId()), 4096, b"other")
    assert content(lab, clone) != content(lab, source(lab))


def test_a_clone_takes_the_time_of_the_slower_group_and_says_how_far_it_is():
    lab = slow_lab()
    made = lab.configuration_manager().createJob("clone")
    made.begin()
    clone = source(lab).cloneTo(find(lab, GROUP, "other"), "clone")
    assert clone.getCopyPercent() == 0
    seen = percents(lab, clone, [1, 50, 100, 150, 199])
    before = lab.clock.monotonic()
    made.commit()
    assert 200 <= lab.clock.monotonic() - before <= 201
    assert [second for second, _percent in seen] == [1, 50, 100, 150, 199]
    assert all(abs(percent - second / 2.0) <= 2 for second, percent in seen)
    assert clone.getCopyPercent() == 100 and source(lab).getCopyPercent() == 100


def test_the_lab_lives_while_a_disk_is_copied():
    lab = slow_lab(power="Running", write_bytes_per_second=1000)
    copy = take_snapshot(lab)
    with job(lab):
        copy.cloneTo(find(lab, GROUP, "group1"), "clone")
    assert 99000 <= lab.world.get(copy.getId())["modelled_bytes"] <= 101000


def test_an_aborted_clone_leaves_no_disk_and_takes_no_time():
    lab = slow_lab()
    before, layers = lab.dump(), set(lab.pages._layers)
    made = lab.configuration_manager().createJob("clone")
    made.begin()
    source(lab).cloneTo(find(lab, GROUP, "other"), "clone")
    made.abort()
    assert lab.dump() == before and set(lab.pages._layers) == layers
    assert source(lab).getCopyPercent() == 100


def test_a_clone_needs_room_and_a_name_of_its_own():
    lab = slow_lab(size=MEGABYTE + 512)
    with refused("do not fit in the group group1"), job(lab):
        source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")
    with refused("called web01-system already"), job(lab):
        source(lab).cloneTo(find(lab, GROUP, "other"), "web01-system")


def test_a_disk_of_a_running_server_is_not_copied_but_its_snapshot_is(tmpdir):
    lab = slow_lab(power="Running")
    with refused("web01-system is in use by web01"), job(lab):
        source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")
    with refused("web01-system is in use by web01"), job(lab):
        source(lab).exportVhd(path_in(tmpdir))
    before = content(lab, source(lab))
    copy = take_snapshot(lab)
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 4096, b"after")
    with job(lab):
        clone = copy.cloneTo(find(lab, GROUP, "group1"), "clone")
    assert content(lab, clone) == before


def test_a_disk_that_a_guest_still_sees_is_not_copied():
    lab = slow_lab(power="Running")
    with job(lab):
        find(lab, SERVER, "web01").removeStorageDevice(source(lab))
    with refused("the guest of web01 sees it"), job(lab):
        source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")


def test_a_raw_disk_cannot_be_copied():
    lun = find(slow_lab(), kinds.RAW_DISK, "lun")
    assert not any(hasattr(lun, call) for call in ("cloneTo", "exportVhd", "getCopyPercent"))


# -- VHDs

def test_an_exported_disk_comes_back_as_it_was(tmpdir):
    lab = slow_lab()
    path = path_in(tmpdir, "süd.vhd")
    before = lab.clock.monotonic()
    with job(lab):
        source(lab).exportVhd(path)
    assert 100 <= lab.clock.monotonic() - before <= 101
    assert vhd.check(path, MEGABYTE).kind == vhd.DYNAMIC
    with job(lab):
        made = find(lab, GROUP, "other").importLogicalDisk("imported", path)
    assert 300 <= lab.clock.monotonic() - before <= 302
    assert made.getBytes() == MEGABYTE
    assert content(lab, made) == content(lab, source(lab)) == vhds.content(path)


def test_a_reader_sees_how_far_an_export_and_an_import_are(tmpdir):
    lab = slow_lab()
    seen = percents(lab, source(lab), [50])
    with job(lab):
        source(lab).exportVhd(path_in(tmpdir))
    assert 48 <= seen[0][1] <= 52
    with job(lab):
        made = find(lab, GROUP, "group1").importLogicalDisk("imported", path_in(tmpdir))
        seen = percents(lab, made, [25])
    assert 23 <= seen[0][1] <= 27
    assert made.getCopyPercent() == 100


def test_an_aborted_export_writes_no_file(tmpdir):
    lab = slow_lab()
    made = lab.configuration_manager().createJob("export")
    made.begin()
    source(lab).exportVhd(path_in(tmpdir))
    assert tmpdir.listdir() == []
    made.abort()
    assert tmpdir.listdir() == []


def test_an_export_overwrites_nothing_and_needs_its_folder(tmpdir):
    lab = slow_lab()
    tmpdir.join("disk.vhd").write("precious")
    with refused("there is a file already"), job(lab):
        source(lab).exportVhd(path_in(tmpdir))
    with refused("there is no such folder"), job(lab):
        source(lab).exportVhd(path_in(tmpdir, os.path.join("none", "disk.vhd")))
    assert tmpdir.join("disk.vhd").read() == "precious"


def test_a_commit_that_cannot_copy_fails_and_can_be_aborted(tmpdir):
    lab = slow_lab()
    before = lab.dump()["objects"]
    made = lab.configuration_manager().createJob("export")
    made.begin()
    find(lab, SERVER, "web01").setName("renamed")
    find(lab, GROUP, "group1").createLogicalDisk("spare", 512)
    source(lab).exportVhd(path_in(tmpdir))
    tmpdir.join("disk.vhd").write("somebody was faster")
    with refused("there is a file already"):
        made.commit()
    made.abort()
    assert lab.dump()["objects"] == before
    assert tmpdir.join("disk.vhd").read() == "somebody was faster"


def test_two_exports_in_one_job_are_made_one_after_the_other_or_not_at_all(tmpdir):
    lab = slow_lab()
    with job(lab):
        spare = find(lab, GROUP, "group1").createLogicalDisk("spare", MEGABYTE)
    made = lab.configuration_manager().createJob("export")
    made.begin()
    source(lab).exportVhd(path_in(tmpdir, "one.vhd"))
    spare.exportVhd(path_in(tmpdir, "two.vhd"))
    tmpdir.join("two.vhd").write("in the way")
    with refused("there is a file already"):
        made.commit()
    made.abort()
    assert [each.basename for each in tmpdir.listdir()] == ["two.vhd"]
    tmpdir.join("two.vhd").remove()
    before = lab.clock.monotonic()
    seen = percents(lab, spare, [50, 150])
    with job(lab):
        source(lab).exportVhd(path_in(tmpdir, "one.vhd"))
        spare.exportVhd(path_in(tmpdir, "two.vhd"))
    assert 200 <= lab.clock.monotonic() - before <= 201
    assert seen[0][1] == 0 and 48 <= seen[1][1] <= 52


@pytest.mark.parametrize("data", [None, b"", b"no VHD at all", b"conectix" * 64])
def test_what_is_no_vhd_is_not_imported(tmpdir, data):
    lab = slow_lab()
    before = lab.dump()
    if data is not None:
        tmpdir.join("disk.vhd").write_binary(data)
    with refused(path_in(tmpdir)), job(lab):
        find(lab, GROUP, "group1").importLogicalDisk("imported", path_in(tmpdir))
    assert lab.dump() == before


def test_a_vhd_that_does_not_fit_or_has_a_taken_name_is_not_imported(tmpdir):
    lab = slow_lab(size=MEGABYTE + 512)
    vhd.write(path_in(tmpdir), MEGABYTE, [])
    with refused("do not fit in the group group1"), job(lab):
        find(lab, GROUP, "group1").importLogicalDisk("imported", path_in(tmpdir))
    with refused("called web01-system already"), job(lab):
        find(lab, GROUP, "other").importLogicalDisk("web01-system", path_in(tmpdir))


# -- two at once

def test_a_disk_is_copied_by_one_job_at_a_time(tmpdir):
    lab = slow_lab()
    made = lab.configuration_manager().createJob("clone")
    made.begin()
    source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")
    other = lab.configuration_manager().createJob("export")
    other.begin()
    with refused("web01-system is being copied"):
        source(lab).exportVhd(path_in(tmpdir))
    other.abort()
    made.abort()


@pytest.mark.parametrize("change", [
    lambda lab: source(lab).cloneTo(find(lab, GROUP, "group1"), "second"),
    lambda lab: source(lab, "clone").cloneTo(find(lab, GROUP, "group1"), "second"),
    lambda lab: find(lab, SERVER, "web01").start(),
    lambda lab: find(lab, GROUP, "group1").deleteLogicalDisk(source(lab, "clone"))])
def test_a_disk_is_left_alone_while_it_is_copied(change):
    lab = slow_lab()
    refusals = []

    def meanwhile():
        with refused("is being copied"), job(lab):
            change(lab)
        refusals.append(True)

    lab.clock.call_after(50, meanwhile)
    with job(lab):
        source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")
    assert refusals == [True]
    with job(lab):
        change(lab)


def test_a_clone_can_be_given_to_a_stopped_server_in_its_own_job_but_not_started_with():
    lab = slow_lab()
    with job(lab):
        new = find(lab, kinds.VIRTUAL_DATA_CENTER, "East").createVirtualServer(
            "new01", find(lab, kinds.MANAGED_NODE, "node1"))
        clone = source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")
        new.addStorageDevice(clone)
    with job(lab):
        new.start()
    lab.clock.sleep(60)
    assert new.getStatusEvent().getKind() is kinds.RUNNING_EVENT
    with refused("second is being copied"), job(lab):
        find(lab, SERVER, "web01").addStorageDevice(source(lab).cloneTo(find(lab, GROUP, "group1"), "second"))
        find(lab, SERVER, "web01").removeStorageDevice(source(lab))
        find(lab, SERVER, "web01").start()


# -- a snapshot that is lost meanwhile

def lost_halfway(lab, change):
    copy = take_snapshot(lab)
    lab.clock.call_after(50, lambda: fill_group(lab))
    with job(lab):
        made = change(copy)
    assert lab.world.get(copy.getId())["lost"]
    return made


def check_cut(found, whole):
    """Check that ``found`` begins as ``whole`` does, and is all zeros from somewhere about its half on."""
    kept = len(found.rstrip(b"\0"))
    assert kept and found[:kept] == whole[:kept]
    assert 0.45 * MEGABYTE - PAGE <= kept <= 0.55 * MEGABYTE


def full_disk_lab():
    lab = slow_lab(size=2 * MEGABYTE, power="Running")
    whole = b"recognise" * (MEGABYTE // 9) + b"!" * (MEGABYTE % 9)
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 0, whole)
    with job(lab):
        find(lab, GROUP, "group1").createLogicalDisk("takes the rest", MEGABYTE - 4 * PAGE)
    return lab, whole


def test_a_clone_of_a_snapshot_that_is_lost_meanwhile_is_zero_from_there_on():
    lab, whole = full_disk_lab()
    clone = lost_halfway(lab, lambda copy: copy.cloneTo(find(lab, GROUP, "other"), "clone"))
    data = content(lab, clone)
    kept = len(data.rstrip(b"\0"))
    assert 0 < kept < 0.3 * MEGABYTE and data[:kept] == whole[:kept]  # 50 of 200 seconds
    assert clone.getCopyPercent() == 100


def test_a_vhd_of_a_snapshot_that_is_lost_meanwhile_is_whole_as_a_file_and_ends_there(tmpdir):
    lab, whole = full_disk_lab()
    lost_halfway(lab, lambda copy: copy.exportVhd(path_in(tmpdir)))
    vhd.check(path_in(tmpdir), MEGABYTE)
    check_cut(vhds.content(path_in(tmpdir)), whole)
    assert [each.basename for each in tmpdir.listdir()] == ["disk.vhd"]


def test_a_snapshot_that_is_lost_afterwards_harms_no_copy(tmpdir):
    lab, whole = full_disk_lab()
    copy = take_snapshot(lab)
    with job(lab):
        clone = copy.cloneTo(find(lab, GROUP, "other"), "clone")
    fill_group(lab)
    assert lab.world.get(copy.getId())["lost"]
    assert content(lab, clone) == whole


def test_a_lost_snapshot_is_not_copied(tmpdir):
    lab, _whole = full_disk_lab()
    copy = take_snapshot(lab)
    fill_group(lab)
    with refused("is lost"), job(lab):
        copy.cloneTo(find(lab, GROUP, "other"), "clone")
    with refused("is lost"), job(lab):
        copy.exportVhd(path_in(tmpdir))


# -- the gate, and what is kept

@pytest.mark.parametrize("method, change", [
    ("cloneTo", lambda lab, path: source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")),
    ("exportVhd", lambda lab, path: source(lab).exportVhd(path + ".new")),
    ("importLogicalDisk", lambda lab, path: find(lab, GROUP, "group1").importLogicalDisk("imported", path))])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_fault_strikes_and_an_abort_takes_back_what_was_done(tmpdir, method, change, phase):
    lab = slow_lab()
    vhd.write(path_in(tmpdir), MEGABYTE, [])
    before = lab.dump()
    lab.faults.append(Fault(phase, "throw", method=method))
    with pytest.raises(ManagementException), job(lab):
        change(lab, path_in(tmpdir))
    assert lab.dump() == before
    assert [each.basename for each in tmpdir.listdir()] == ["disk.vhd"]


def test_a_commit_whose_answer_is_lost_has_copied_all_the_same(tmpdir):
    lab = slow_lab()
    lab.faults.append(Fault("after", "throw", method="commit"))
    made = lab.configuration_manager().createJob("export")
    made.begin()
    source(lab).exportVhd(path_in(tmpdir))
    with refused("injected fault after the call"):
        made.commit()
    assert vhds.content(path_in(tmpdir)) == content(lab, source(lab))


def test_a_copy_that_an_error_of_the_client_ends_is_no_longer_under_way():
    lab = slow_lab()

    def fail():
        raise KeyboardInterrupt()

    lab.clock.call_after(50, fail)
    with pytest.raises(KeyboardInterrupt):
        made = lab.configuration_manager().createJob("clone")
        made.begin()
        source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")
        made.commit()
    assert source(lab, "clone").getCopyPercent() == 100
    with job(lab):
        find(lab, GROUP, "group1").deleteLogicalDisk(source(lab, "clone"))


def test_nothing_of_a_copy_shows_in_the_dump():
    lab = slow_lab()
    dumps = []
    lab.clock.call_after(50, lambda: dumps.append(lab.dump()["objects"]))
    with job(lab):
        source(lab).cloneTo(find(lab, GROUP, "group1"), "clone")
    assert dumps == [lab.dump()["objects"]]
    assert lab.world.copies == []
