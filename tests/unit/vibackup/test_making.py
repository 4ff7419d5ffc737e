# -*- coding: utf-8 -*-
"""Making: new disks and servers are kept all together, or taken back all together."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import kinds
from tests import labs
from tests.runs import Calls, fail, make_run, objects
from vibackup import compat, errors, ledger, making, power
from vibackup import manager as api

SETTINGS = {"memory_bytes": 1 << 30, "processors": 2, "networks": ["lan"], "operating_system": "SUSE Linux"}


@pytest.fixture
def group(run):
    return run.manager.find("LvmDiskGroup", "group1")


@pytest.fixture
def node(run):
    return run.manager.find("ManagedNode", "node1")


def steps_of(run):
    return [step["name"] for step in run.steps]


def exists(run, name, kind="LogicalDisk"):
    return run.manager.by_name(kind, name) is not None


def test_what_was_made_has_its_own_name_when_all_went_well(run, group, node):
    with making.kept(run) as made:
        disk = made.disk(group, "new-disk", labs.MEGABYTE)
        server = made.server(node, "new-server", SETTINGS, [disk])
        assert not exists(run, "new-disk") and not exists(run, "new-server", "VirtualServer")
    assert api.name_of(disk.handle) == "new-disk" and api.name_of(server.handle) == "new-server"
    assert [api.identity_of(each) for each in api.devices_of(server.handle)] == [disk.id]
    assert run.ledger.open_facts(ledger.DISK) == run.ledger.open_facts(ledger.SERVER) == []


def test_until_then_its_name_holds_the_id_of_the_run(run, group, node):
    with making.kept(run) as made:
        disk = made.disk(group, "new-disk", labs.MEGABYTE)
        server = made.server(node, "new-server", {}, [disk])
        assert api.name_of(disk.handle) == "vibackup %s new-disk" % run.id
        assert api.name_of(server.handle) == "vibackup %s new-server" % run.id
        assert (disk.name, disk.original, server.name) == ("new-disk", "new-disk", "new-server")


def test_a_new_server_has_the_settings_that_were_recorded(run, node):
    with making.kept(run) as made:
        server = made.server(node, "new-server", SETTINGS, [])
    found = run.manager.settings_of(server.handle)
    assert found == dict(SETTINGS, boot_type="DISK", node="node1")


def test_what_the_api_cannot_set_is_said_by_name(lab, run, node):
    lab.world.settings["missing"] = ["setMemoryBytes", "setNetworks"]
    with making.kept(run) as made:
        made.server(node, "new-server", SETTINGS, [])
    assert run.warnings == ["new-server: this manager has no call to set memory_bytes, networks: set it in the "
                            "Virtualization Manager"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_everything_is_taken_back_where_the_body_fails_the_newest_first(lab, run, group, node, error):
    before = objects(lab)
    with pytest.raises(type(error)):
        with making.kept(run) as made:
            disk = made.disk(group, "new-disk", labs.MEGABYTE)
            power.start(run, made.server(node, "new-server", SETTINGS, [disk]), (api.RUNNING, api.FAILED))
            raise error
    assert objects(lab) == before and run.leftovers == []
    assert steps_of(run)[-2:] == ["delete server", "delete disk"]


def test_a_server_that_runs_is_stopped_before_it_is_deleted(lab, run, group, node):
    spare = _spare(lab, run)
    before = objects(lab)
    with making.scratch(run) as made:
        disk = made.cloned_disk(group, "new-disk", spare)
        power.start(run, made.server(node, "new-server", SETTINGS, [disk]))
    assert steps_of(run)[-3:] == ["stop", "delete server", "delete disk"]
    assert objects(lab) == before


def _spare(lab, run):
    """Make a bootable disk that nobody has, by hand, and return it."""
    with labs.job(lab):
        run.manager.find_server("web01").stop()
    lab.clock.sleep(60)
    with labs.job(lab):
        labs.find(lab, kinds.LOGICAL_DISK, "web01-system").cloneTo(
            labs.find(lab, kinds.LVM_DISK_GROUP, "group1"), "spare")
    with labs.job(lab):
        run.manager.find_server("web01").start()
    lab.clock.sleep(60)
    return run.manager.find_device("spare")


def test_a_scratch_thing_goes_whatever_happens(lab, run, group):
    before = objects(lab)
    with making.scratch(run) as made:
        made.disk(group, "new-disk", labs.MEGABYTE)
    assert objects(lab) == before and run.leftovers == []


def test_the_intent_is_written_before_the_disk_is_made(lab, run, group):
    fail(lab, "createLogicalDisk")
    with pytest.raises(errors.ApiError):
        with making.kept(run) as made:
            made.disk(group, "new-disk", labs.MEGABYTE)
    assert steps_of(run) == ["create disk"]


@pytest.mark.parametrize("method", ["createLogicalDisk", "commit"])
def test_a_disk_whose_making_failed_after_it_took_effect_is_not_left(lab, run, group, method):
    before = objects(lab)
    fail(lab, method, "after")
    try:
        with making.scratch(run) as made:
            made.disk(group, "new-disk", labs.MEGABYTE)
    except errors.ApiError as error:
        assert method in error.message
    assert objects(lab) == before and run.leftovers == []


def test_a_commit_whose_reply_was_lost_is_believed_when_the_disk_is_there(lab, run, group):
    fail(lab, "commit", "after")
    with making.kept(run) as made:
        made.disk(group, "new-disk", labs.MEGABYTE)
    assert exists(run, "new-disk")


def test_keeping_is_one_job_so_that_a_crash_keeps_all_or_nothing(lab, run, group, node):
    with making.kept(run) as made:
        disk = made.disk(group, "new-disk", labs.MEGABYTE)
        made.server(node, "new-server", SETTINGS, [disk])
        calls = Calls(lab)
    assert len(calls.of("setName")) == 2 and len(calls.of("commit")) == 1


def test_where_keeping_fails_everything_is_taken_back(lab, run, group, node):
    before = objects(lab)
    fail(lab, "setName")
    with pytest.raises(errors.ApiError):
        with making.kept(run) as made:
            made.server(node, "new-server", SETTINGS, [made.disk(group, "new-disk", labs.MEGABYTE)])
    assert objects(lab) == before and run.leftovers == []


def test_where_nothing_can_be_renamed_a_thing_has_its_own_name_at_once(lab, run, group):
    lab.world.settings["missing"] = ["setName"]
    with making.kept(run) as made:
        disk = made.disk(group, "new-disk", labs.MEGABYTE)
        assert api.name_of(disk.handle) == "new-disk"
    assert exists(run, "new-disk")


# -- what is provably ours

def facts_of(run, kind=ledger.DISK):
    return run.ledger.open_facts(kind)[0]


def rename(lab, handle, name):
    with labs.job(lab):
        handle.setName(name)


def test_a_disk_that_has_its_own_name_is_kept_and_never_deleted(lab, run, group):
    with making.kept(run) as made:
        disk = made.disk(group, "new-disk", labs.MEGABYTE)
        facts = dict(facts_of(run))
    making.release_disk(run, facts)
    assert exists(run, "new-disk") and api.identity_of(disk.handle) == facts["disk"]


def test_a_disk_that_somebody_renamed_is_refused(lab, run, group):
    made = making.Making(run)
    disk = made.disk(group, "new-disk", labs.MEGABYTE)
    rename(lab, disk.handle, "precious")
    with pytest.raises(errors.Refused) as caught:
        making.release_disk(run, facts_of(run))
    assert "somebody has renamed it to precious" in caught.value.message and exists(run, "precious")


def test_a_disk_that_somebody_gave_to_a_server_is_kept_and_named(lab, run, group):
    made = making.Making(run)
    disk = made.disk(group, "new-disk", labs.MEGABYTE)
    with labs.job(lab):
        run.manager.find_server("web01").addStorageDevice(disk.handle)
    made.release()
    assert run.leftovers[0]["what"] == "the new disk new-disk"
    assert run.leftovers[0]["reason"] == "kept, because it is a disk of web01: take it off that, and reconcile"


def test_a_disk_that_is_gone_already_is_done(lab, run, group):
    made = making.Making(run)
    disk = made.disk(group, "new-disk", labs.MEGABYTE)
    with labs.job(lab):
        group.deleteLogicalDisk(disk.handle)
    made.release()
    assert run.leftovers == []


def test_another_disk_under_the_working_name_is_not_ours_once_the_id_is_known(lab, run, group):
    made = making.Making(run)
    disk = made.disk(group, "new-disk", labs.MEGABYTE)
    working = api.name_of(disk.handle)
    with labs.job(lab):
        group.deleteLogicalDisk(disk.handle)
    with labs.job(lab):
        group.createLogicalDisk(working, labs.MEGABYTE)
    made.release()
    assert exists(run, working) and run.leftovers == []


def test_without_names_and_without_an_id_nothing_is_deleted_on_suspicion(lab, run, group):
    with labs.job(lab):
        group.createLogicalDisk("new-disk", labs.MEGABYTE)
    with pytest.raises(errors.Refused) as caught:
        making.release_disk(run, {"name": "new-disk", "final_name": "new-disk"})
    assert "no way to prove" in caught.value.message and exists(run, "new-disk")


def test_a_disk_on_the_proxy_is_not_deleted(run, group):
    made = making.Making(run)
    disk = made.disk(group, "new-disk", labs.MEGABYTE)
    run.ledger.intend(ledger.ATTACHMENT, proxy="p", proxy_name="pbh01", disks=[disk.id], disk_names="new-disk")
    with pytest.raises(errors.Refused) as caught:
        making.release_disk(run, facts_of(run))
    assert caught.value.message == "kept, because it is still on the proxy"


# -- progress

def test_a_copy_shows_how_far_it_is(lab, tmpdir, group):
    shown = []
    run = make_run(lab, tmpdir, show=lambda what, value: shown.append(value) if what == "progress" else None)
    percents = iter([10, None, 70])
    with making.copying(run, lambda: next(percents)):
        lab.clock.sleep(35)
    lab.clock.sleep(60)
    assert [(value["unit"], value["figure"]) for value in shown] == [
        ("percent", 10), ("seconds", 20.0), ("percent", 70)]


def test_a_figure_that_cannot_be_read_does_not_end_a_copy(lab, tmpdir):
    shown = []
    run = make_run(lab, tmpdir, show=lambda what, value: shown.append(value) if what == "progress" else None)

    def broken():
        raise errors.ApiError("getCopyPercent", ValueError("no"))
    with making.copying(run, broken):
        lab.clock.sleep(15)
    assert [value["unit"] for value in shown] == ["seconds"]


def test_a_figure_that_could_not_be_read_is_not_asked_for_again(lab, tmpdir):
    """L7: a manager that hangs would hang each time."""
    run, asked = make_run(lab, tmpdir), []

    def broken():
        asked.append(lab.clock.monotonic())
        raise errors.ApiError("getCopyPercent", ValueError("no"))
    with making.copying(run, broken):
        lab.clock.sleep(100 * making.PROGRESS_SECONDS)
    assert len(asked) == 1


def test_the_clone_of_a_disk_has_its_bytes(lab, run, group):
    spare = _spare(lab, run)
    with making.kept(run) as made:
        made.cloned_disk(group, "copy", spare)
    found = dict((thing["name"], thing["sha256"]) for thing in objects(lab) if "sha256" in thing)
    assert found["copy"] == found["spare"] == found["web01-system"]
    assert compat.text(found["copy"]) != found["db01-system"]
