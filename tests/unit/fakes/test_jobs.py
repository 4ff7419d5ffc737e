# -*- coding: utf-8 -*-
"""Jobs: create, begin, changes, commit or abort."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading

import pytest

from fakes import kinds
from tests.labs import disk, find, job, make_lab, refused, run

SERVER, DISK = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK


def new_job(lab, name="test", begun=True):
    made = lab.configuration_manager().createJob(name)
    if begun:
        made.begin()
    return made


def in_thread(function):
    """Run ``function`` in a thread of its own to its end."""
    failed = []

    def body():
        try:
            function()
        except Exception as error:  # shown by the test
            failed.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert not failed


@pytest.mark.parametrize("change", [
    lambda lab, web01: web01.snapshot(),
    lambda lab, web01: web01.stop(),
    lambda lab, web01: web01.reboot(),
    lambda lab, web01: web01.setName("other"),
    lambda lab, web01: web01.revertToSnapshot(),
    lambda lab, web01: web01.setNetworks(["lan"]),
    lambda lab, web01: find(lab, kinds.LVM_DISK_GROUP, "group1").createLogicalDisk("new", 512),
    lambda lab, web01: find(lab, kinds.LVM_DISK_GROUP, "group1").importLogicalDisk("new", "new.vhd"),
    lambda lab, web01: find(lab, DISK, "web01-system").exportVhd("new.vhd"),
    lambda lab, web01: find(lab, DISK, "web01-system").cloneTo(find(lab, kinds.LVM_DISK_GROUP, "group1"), "new"),
    lambda lab, web01: find(lab, kinds.VIRTUAL_DATA_CENTER, "East").deleteVirtualServer(web01),
    lambda lab, web01: web01.addStorageDevice(find(lab, kinds.NETWORK_BLOCK_DEVICE, "backup.iso")),
    lambda lab, web01: web01.removeStorageDevice(find(lab, DISK, "web01-system")),
    lambda lab, web01: web01.setBootType(kinds.VirtualServer_BootInfo.VS_BOOT_DEVICE_CDROM)])
def test_a_change_outside_a_begun_job_is_refused(change):
    lab = make_lab()
    before = lab.dump()
    web01 = find(lab, SERVER, "web01")
    with refused("no job is begun"):
        change(lab, web01)
    new_job(lab, begun=False)
    with refused("no job is begun"):
        change(lab, web01)
    assert lab.dump() == before


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_a_job_used_after_its_end_is_refused(end):
    lab = make_lab()
    made = new_job(lab)
    getattr(made, end)()
    for call in ("begin", "commit", "abort"):
        with refused("job test cannot %s" % call):
            getattr(made, call)()
    with refused("cannot be described"):
        made.addOperationDescription("late", None, None, None)
    with refused("no job is begun"):
        find(lab, SERVER, "web01").setName("other")


def test_a_job_begins_once():
    made = new_job(make_lab())
    with refused("cannot begin: it is begun"):
        made.begin()


def test_a_job_that_was_not_begun_cannot_commit_but_can_be_aborted():
    made = new_job(make_lab(), begun=False)
    with refused("cannot commit: it is created"):
        made.commit()
    made.abort()
    with refused("cannot begin: it is aborted"):
        made.begin()


def test_an_empty_job_may_commit():
    lab = make_lab()
    before = lab.dump()
    with job(lab):
        pass
    assert lab.dump() == before


def test_abort_leaves_everything_as_it_was():
    lab = make_lab(disks=[disk("web01-system"), disk("pbh01-system"), disk("spare")])
    before = lab.dump()
    made = new_job(lab)
    web01, pbh01, spare = find(lab, SERVER, "web01"), find(lab, SERVER, "pbh01"), find(lab, DISK, "spare")
    snapshot = web01.snapshot()
    snapshot.setName("ours")
    copy = snapshot.getStorageDevices()[0]
    copy.setName("our disk")
    pbh01.addStorageDevice(copy)
    pbh01.reboot()
    web01.stop()
    web01.addStorageDevice(spare)
    web01.setName("renamed")
    made.abort()
    assert lab.dump() == before
    with refused("does not exist any more"):
        copy.getBytes()


def test_an_aborted_object_is_gone_even_by_name():
    lab = make_lab()
    made = new_job(lab)
    snapshot = find(lab, SERVER, "web01").snapshot()
    name = snapshot.getName()
    made.abort()
    assert lab.configuration_manager().findObject(SERVER, name) is None
    assert find(lab, SERVER, "web01").getSnapshot() is None


def test_nothing_is_published_before_the_commit():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    before = web01.getStatusEvent()
    events = len(lab.world.events)
    made = new_job(lab)
    web01.stop()
    lab.clock.sleep(600)
    assert web01.getStatusEvent() == before
    assert len(lab.world.events) == events
    made.commit()
    lab.clock.sleep(600)
    assert web01.getStatusEvent().getKind() is kinds.STOPPED_EVENT


def test_an_aborted_stop_never_happens():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    made = new_job(lab)
    web01.stop()
    made.abort()
    lab.clock.sleep(600)
    assert web01.getStatusEvent().getKind() is kinds.RUNNING_EVENT
    assert run(lab, "web01", "hostname").output == "web01\n"


def test_a_guest_that_boots_while_a_job_is_open_finds_the_devices_that_are_committed():
    lab = make_lab(disks=[disk("web01-system"), disk("pbh01-system"), disk("spare")])
    pbh01 = find(lab, SERVER, "pbh01")
    with job(lab):
        pbh01.reboot()
    made = new_job(lab)
    pbh01.addStorageDevice(find(lab, DISK, "spare"))
    lab.clock.sleep(600)
    made.abort()
    assert "sdb" not in run(lab, "pbh01", "lsblk").output


def test_what_another_open_job_has_changed_is_refused():
    lab = make_lab()
    first = new_job(lab, "the first")
    web01 = find(lab, SERVER, "web01")
    web01.setName("renamed")

    def second():
        made = new_job(lab, "the second")
        with refused("locked by the open job the first"):
            find(lab, SERVER, "renamed").setName("again")
        made.abort()

    in_thread(second)
    first.commit()
    assert web01.getName() == "renamed"


def test_two_open_jobs_on_one_disk_the_second_is_refused():
    lab = make_lab()
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
    (copy,) = snapshot.getStorageDevices()
    pbh01 = find(lab, SERVER, "pbh01")
    with job(lab):
        pbh01.addStorageDevice(copy)
    first = new_job(lab, "the first")
    pbh01.removeStorageDevice(copy)

    def second():
        made = new_job(lab, "the second")
        with refused("locked by the open job the first"):
            copy.getParentLvmDiskGroup().deleteLogicalDisk(copy)
        made.abort()

    in_thread(second)
    first.abort()
    assert copy in pbh01.getStorageDevices()


def test_two_open_jobs_may_share_a_network_block_device():
    lab = make_lab()
    iso = find(lab, kinds.NETWORK_BLOCK_DEVICE, "backup.iso")
    first = new_job(lab, "the first")
    find(lab, SERVER, "web01").addStorageDeviceFirst(iso)

    def second():
        with job(lab, "the second"):
            find(lab, SERVER, "pbh01").addStorageDeviceFirst(iso)

    in_thread(second)
    first.commit()
    assert find(lab, SERVER, "pbh01").getStorageDevices()[0] == iso


def test_two_open_jobs_on_different_servers_end_each_in_its_own_way():
    lab = make_lab()
    first = new_job(lab, "the first")
    find(lab, SERVER, "web01").setName("renamed")

    def second():
        with job(lab, "the second"):
            find(lab, SERVER, "pbh01").setName("proxy")

    in_thread(second)
    first.abort()
    names = [server.getName() for server in lab.configuration_manager().getObjects(SERVER)]
    assert names == ["web01", "proxy"]


def test_a_change_belongs_to_the_job_of_its_own_thread():
    lab = make_lab()
    first = new_job(lab, "the first")

    def second():
        with refused("no job is begun"):
            find(lab, SERVER, "web01").setName("renamed")

    in_thread(second)
    first.abort()


def test_a_dump_shows_nothing_of_an_open_job():
    lab = make_lab(disks=[disk("web01-system"), disk("pbh01-system"), disk("spare")])
    before = lab.dump()
    made = new_job(lab)
    find(lab, SERVER, "web01").snapshot()
    spare = find(lab, DISK, "spare")
    spare.getParentLvmDiskGroup().deleteLogicalDisk(spare)
    assert lab.dump() == before
    made.commit()
    assert lab.dump() != before


def test_a_job_takes_the_time_that_the_inventory_says():
    lab = make_lab(job_ms=1500)
    with job(lab):
        pass
    assert lab.clock.monotonic() == 1.5


def test_a_description_may_name_any_objects():
    lab = make_lab()
    web01 = find(lab, SERVER, "web01")
    with job(lab) as made:
        made.addOperationDescription("Snapshot of " + web01, web01, web01, web01)


def test_two_jobs_never_stand_for_one_another_whatever_other_processes_save(tmpdir):
    from tests.labs import demo_lab
    lab = demo_lab(tmpdir)
    first = new_job(lab, "the first", begun=False)
    state = tmpdir.join("lab", "lab.json").read_binary()
    tmpdir.join("lab", "lab.json").write_binary(state + b"\n")  # as if another process had saved
    second = new_job(lab, "the second", begun=False)
    assert first != second
    second.begin()
    second.commit()
    first.begin()
    first.commit()
