# -*- coding: utf-8 -*-
"""Steps: each makes one thing, says so in the ledger first, and takes it back whatever happens."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

import pytest

from tests import labs
from tests.runs import Calls, fail, find, make_run, objects, server, small_lab
from vibackup import errors, ledger, power, steps
from vibackup import manager as api
from vibackup.job import job
from vibackup.quiesce import not_quiesced


def names(run):
    return [step["name"] for step in run.steps]


def keep(run, vs):
    return steps.kept_snapshot(run, vs, not_quiesced(), "2008-06-01T22:00:01Z")


def snapshot_by_hand(run, vs):
    """What an administrator does in the Virtualization Manager."""
    with job(run.manager, "by hand", lambda: False):
        return api.snapshot(vs.handle)


def detach_by_hand(run, proxy):
    with job(run.manager, "by hand", lambda: False):
        for disk in api.devices_of(proxy.handle)[1:]:
            api.remove_device(proxy.handle, disk)


# -- what a plan says of it

def test_the_lines_of_a_plan_stand_between_those_of_the_attachment_and_the_start(run, proxy):
    lines = steps.attached_lines(["one", "two"], proxy, ["backup: one"])
    assert lines == ["attach: one, two to pbh01", "reboot: pbh01", "find disks: pbh01", "backup: one",
                     "detach: one, two from pbh01", "reboot: pbh01", "check disks: pbh01"]
    assert power.running_lines(proxy, api.RUNNING, lines) == lines
    assert power.running_lines(proxy, api.STOPPED, lines) == ["start: pbh01"] + lines + ["stop: pbh01"]


# -- snapshot

def test_a_snapshot_is_there_in_the_body_and_gone_after_it(lab, run, vs):
    before = objects(lab)
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        assert api.identity_of(api.snapshot_of(vs.handle)) == snapshot.id
        assert [disk.original for disk in steps.snapshot_disks(run.manager, snapshot)] == ["web01-system"]
    assert objects(lab) == before
    assert names(run) == ["snapshot", "delete snapshot"]


def test_of_a_snapshot_the_disks_that_are_asked_for_are_found_or_it_is_an_error(run, vs):
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        found = steps.snapshot_disks_of(run.manager, vs, snapshot, ["web01-system"])
        assert [disk.original for disk in found] == ["web01-system"]
        with pytest.raises(errors.VibackupError) as caught:
            steps.snapshot_disks_of(run.manager, vs, snapshot, ["web01-system", "web01-data"])
    assert caught.value.message == ("the snapshot of web01 has the disks web01-system where these were to be "
                                    "backed up: web01-system, web01-data")


def test_a_snapshot_carries_the_id_of_its_run_in_its_name(run, vs):
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        assert run.id in api.name_of(snapshot.handle)


def test_a_snapshot_is_in_the_ledger_before_it_is_made(lab, run, vs):
    fail(lab, "snapshot")
    opened = []
    intend = run.ledger.intend
    run.ledger.intend = lambda *kind, **facts: opened.append(api.snapshot_of(vs.handle)) or intend(*kind, **facts)
    with pytest.raises(errors.ApiError):
        with steps.snapshotted(run, vs, not_quiesced()):
            pytest.fail("there is no snapshot")
    assert opened == [None]
    assert run.ledger.open_facts(ledger.SNAPSHOT) == []


@pytest.mark.parametrize("error", [ValueError("own"), KeyboardInterrupt(), errors.AgentFailed("own")],
                         ids=lambda error: type(error).__name__)
def test_a_snapshot_goes_away_where_the_body_fails(lab, run, vs, error):
    before = objects(lab)
    with pytest.raises(type(error)) as caught:
        with steps.snapshotted(run, vs, not_quiesced()):
            raise error
    assert caught.value is error
    assert objects(lab) == before
    assert run.leftovers == []


def test_a_snapshot_that_cannot_be_deleted_is_a_leftover_and_the_bodys_error_still_comes_out(lab, run, vs):
    fail(lab, "deleteSnapshot", times=None)
    with pytest.raises(errors.AgentFailed):
        with steps.snapshotted(run, vs, not_quiesced()):
            raise errors.AgentFailed("own")
    assert [left["what"] for left in run.leftovers] == ["the snapshot of web01"]
    assert len(run.ledger.open_facts(ledger.SNAPSHOT)) == 1


def test_a_snapshot_that_somebody_deleted_meanwhile_is_released(lab, run, vs):
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        with job(run.manager, "by hand", lambda: False):
            for disk in api.devices_of(snapshot.handle):
                api.delete_disk(api.group_of(disk), disk)
            api.delete_snapshot(vs.handle, snapshot.handle)
    assert run.leftovers == []
    assert run.ledger.open_facts(ledger.SNAPSHOT) == []


def test_a_snapshot_of_somebody_else_in_its_place_is_not_touched(run, vs):
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        with job(run.manager, "by hand", lambda: False):
            for disk in api.devices_of(snapshot.handle):
                api.delete_disk(api.group_of(disk), disk)
            api.delete_snapshot(vs.handle, snapshot.handle)
        theirs = snapshot_by_hand(run, vs)
    assert api.identity_of(api.snapshot_of(vs.handle)) == api.identity_of(theirs)
    assert run.leftovers == []


def test_a_snapshot_that_merely_has_our_name_is_not_touched(run, vs):
    facts = {"name": "vibackup x web01", "snapshot": "vs-99999"}
    theirs = snapshot_by_hand(run, vs)
    with job(run.manager, "by hand", lambda: False):
        api.set_name(theirs, facts["name"])
    steps.release_snapshot(run, vs, facts)
    assert api.snapshot_of(vs.handle) is not None


def rename(run, thing, name):
    with job(run.manager, "by hand", lambda: False):
        api.set_name(thing, name)


def test_a_snapshot_that_somebody_renamed_is_refused_and_not_touched(lab, run, vs):
    """It is the one that we made, but somebody has a use for it now."""
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        rename(run, snapshot.handle, "before the upgrade")
        before = objects(lab)
    assert objects(lab) == before
    assert run.leftovers[0]["reason"] == (
        "somebody has renamed it to before the upgrade, so it is not touched: call it %s again, or delete it" %
        snapshot.name)
    assert len(run.ledger.open_facts(ledger.SNAPSHOT)) == 1


@pytest.mark.parametrize("missing", [[], ["setName"], ["getId"]], ids=["both", "id alone", "name alone"])
def test_a_snapshot_is_ours_by_its_id_and_its_name_as_far_as_there_are_any(tmpdir, missing):
    with small_lab(missing=missing) as lab:
        run = make_run(lab, tmpdir)
        before = objects(lab)
        with steps.snapshotted(run, find(run, "web01"), not_quiesced()):
            pass
        assert objects(lab) == before
        assert run.leftovers == []


@pytest.mark.parametrize("known, name, ours", [
    ("its own", "vibackup x web01", True), ("vs-99999", "vibackup x web01", False), (None, "vibackup x web01", True),
    (None, "vibackup y web01", False), ("vs-99999", "vibackup y web01", False)])
def test_id_and_name_of_a_snapshot_have_to_agree(lab, run, vs, known, name, ours):
    handle = snapshot_by_hand(run, vs)
    rename(run, handle, name)
    facts = {"name": "vibackup x web01"}
    if known is not None:
        facts["snapshot"] = api.identity_of(handle) if known == "its own" else known
    before = objects(lab)
    steps.release_snapshot(run, vs, facts)
    assert (api.snapshot_of(vs.handle) is None) == ours
    assert ours or objects(lab) == before


def test_a_snapshot_disk_of_another_that_was_added_to_ours_survives(lab, run, vs):
    """Only the disks that came with our snapshot are ours."""
    theirs = snapshot_by_hand(run, find(run, "db01"))
    foreign = api.devices_of(theirs)[1]
    before = objects(lab)
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        with job(run.manager, "by hand", lambda: False):
            api.add_device(snapshot.handle, foreign)
        after = objects(lab)
    assert objects(lab) == after
    assert "still has the snapshot disk Snapshot of db01-data" in run.leftovers[0]["reason"]
    with job(run.manager, "by hand", lambda: False):
        api.remove_device(snapshot.handle, foreign)
    steps.release_snapshot(run, vs, run.ledger.open_facts(ledger.SNAPSHOT)[0])
    assert objects(lab) == before


def test_a_device_that_is_no_snapshot_disk_is_never_deleted_whatever_the_ledger_has(lab, run, monkeypatch):
    """A manager may list the raw disks and network block devices of the server with its snapshot."""
    vs, spare = find(run, "mixed01"), run.manager.find("LogicalDisk", "db01-data")
    listed, shared = api.devices_of, api.devices_of(vs.handle)[1:] + [run.manager.find_device("backup.iso"), spare]
    ours = {"name": "vibackup x mixed01"}
    before = objects(lab)
    handle = snapshot_by_hand(run, vs)
    rename(run, handle, ours["name"])
    monkeypatch.setattr(api, "devices_of", lambda each: listed(each) + (shared if each == handle else []))
    ours["disks"] = [api.identity_of(device) for device in api.devices_of(handle)]
    steps.release_snapshot(run, vs, ours)
    assert len(ours["disks"]) == 4 and objects(lab) == before


def test_a_snapshot_whose_disks_were_not_yet_known_goes_away_with_those_it_has(lab, run, vs):
    """The process was killed between the job's end and the ledger's next line."""
    before = objects(lab)
    handle = snapshot_by_hand(run, vs)
    rename(run, handle, "vibackup x web01")
    steps.release_snapshot(run, vs, {"name": "vibackup x web01"})
    assert objects(lab) == before


def test_a_snapshot_whose_commit_alone_was_lost_is_ours_and_goes_away(lab, run, vs):
    before = objects(lab)
    fail(lab, "commit", "after")
    with steps.snapshotted(run, vs, not_quiesced()):
        pass
    assert objects(lab) == before


def attachment_of(run, *disks):
    """Have an attachment of ``disks`` (ids) in the run's ledger that was not released."""
    return run.ledger.intend(ledger.ATTACHMENT, proxy="vs-9", proxy_name="pbh01", disks=list(disks), disk_names="x",
                             sizes=[], before=[])


def test_a_snapshot_stays_while_a_disk_of_it_may_be_on_the_proxy(run, vs):
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        attachment_of(run, api.identity_of(snapshot.devices[0]))
    assert api.snapshot_of(vs.handle) is not None
    assert "still on the proxy" in run.leftovers[0]["reason"]


def test_a_snapshot_does_not_stay_for_the_disk_of_another_that_is_on_the_proxy(lab, run, vs):
    before = objects(lab)
    with steps.snapshotted(run, vs, not_quiesced()):
        attachment_of(run, "disk-99999")
    assert run.leftovers == []
    assert objects(lab) == before


def test_a_snapshot_that_may_still_run_stays(run, vs):
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        run.ledger.intend(ledger.POWER, vs=snapshot.id, vs_name=snapshot.name)
    assert api.snapshot_of(vs.handle) is not None
    assert run.leftovers[0]["reason"] == "kept, because it may still be running"


def test_a_snapshot_does_not_stay_for_another_server_that_may_still_run(lab, run, vs, proxy):
    before = objects(lab)
    with steps.snapshotted(run, vs, not_quiesced()):
        run.ledger.intend(ledger.POWER, vs=proxy.id, vs_name=proxy.name)
    assert objects(lab) == before


@contextlib.contextmanager
def thaw_that_fails():
    yield
    raise errors.GuestError("web01 is still frozen")


@pytest.mark.parametrize("missing", [[], ["setName"]], ids=["names", "no names"])
def test_a_snapshot_goes_away_where_the_thaw_failed(tmpdir, missing):
    """Where the manager has no names to set, the id in the ledger alone proves it ours."""
    with small_lab(missing=missing) as lab:
        run = make_run(lab, tmpdir)
        vs = find(run, "web01")
        before = objects(lab)
        with pytest.raises(errors.GuestError):
            with steps.snapshotted(run, vs, thaw_that_fails()):
                pytest.fail("not quiesced, so not backed up")
        assert run.leftovers == []
        assert objects(lab) == before


def test_a_snapshot_that_nothing_proves_ours_is_kept_and_reported(tmpdir):
    with small_lab(missing=["setName", "getId"]) as lab:
        run = make_run(lab, tmpdir)
        vs = find(run, "web01")
        with pytest.raises(errors.GuestError):
            with steps.snapshotted(run, vs, not_quiesced()):
                raise errors.GuestError("own")
        assert "no way to prove ours" in run.leftovers[0]["reason"]


def test_a_snapshot_that_is_kept_outlives_its_run_with_all_that_proves_it_ours(lab, run, vs, tmpdir):
    with keep(run, vs) as snapshot:
        assert len(run.ledger.open_facts(ledger.SNAPSHOT)) == 1
    run.close()
    later = make_run(lab, tmpdir)
    [record] = later.ledger.kept(ledger.SNAPSHOT)
    assert record.facts == {"vs": vs.id, "vs_name": "web01", "name": "vibackup %s web01" % run.id,
                            "taken": "2008-06-01T22:00:01Z", "snapshot": snapshot.id,
                            "disks": [api.identity_of(disk) for disk in snapshot.devices]}
    assert api.identity_of(steps.our_snapshot(vs, record.facts)) == snapshot.id


@pytest.mark.parametrize("error", [ValueError("own"), KeyboardInterrupt()], ids=lambda error: type(error).__name__)
def test_a_snapshot_is_not_kept_where_the_body_fails(lab, run, vs, error):
    before = objects(lab)
    with pytest.raises(type(error)):
        with keep(run, vs):
            raise error
    assert objects(lab) == before and run.leftovers == []


# -- the proxy's disks

@contextlib.contextmanager
def attached(run, vs, proxy):
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        disks = steps.snapshot_disks(run.manager, snapshot)
        with steps.attached(run, disks, proxy, steps.guest_of(run, proxy)) as devices:
            yield devices


def test_the_proxy_sees_the_disk_in_the_body_and_not_after_it(lab, run, vs, proxy):
    before = objects(lab)
    shown = steps.guest_of(run, proxy).disks()
    with attached(run, vs, proxy) as devices:
        assert [device.path for device in devices] == ["/dev/sdb"]
    assert steps.guest_of(run, proxy).disks() == shown
    assert objects(lab) == before
    assert names(run) == ["snapshot", "attach", "reboot", "find disks", "detach", "reboot", "check disks",
                          "delete snapshot"]


def test_the_disk_is_found_where_the_guest_turns_its_letters_round(tmpdir):
    with small_lab(lambda found: server(found, "pbh01").update(device_naming="reversed")) as lab:
        run = make_run(lab, tmpdir)
        with attached(run, find(run, "db01"), find(run, "pbh01")) as devices:
            assert [(device.path, device.bytes) for device in devices] == [("/dev/sdb", 2 ** 20), ("/dev/sda", 2 ** 21)]


def test_a_disk_that_cannot_be_told_from_the_proxys_own_is_refused_and_taken_back(tmpdir):
    """Both have a MiB, and this guest tells no positions."""
    with small_lab(lambda found: server(found, "pbh01").update(hide_positions=True)) as lab:
        run = make_run(lab, tmpdir)
        before = objects(lab)
        with pytest.raises(errors.GuestError) as caught:
            with attached(run, find(run, "web01"), find(run, "pbh01")):
                pytest.fail("which disk?")
        assert "cannot tell" in caught.value.message
        assert objects(lab) == before
        assert run.leftovers == []


def test_where_the_detach_fails_disk_and_snapshot_are_kept_and_named(lab, run, vs, proxy):
    fail(lab, "removeStorageDevice", times=None)
    with attached(run, vs, proxy):
        pass
    assert [left["what"] for left in run.leftovers] == ["Snapshot of web01-system on pbh01", "the snapshot of web01"]
    assert api.snapshot_of(vs.handle) is not None


def test_a_disk_that_somebody_detached_meanwhile_is_released(lab, run, vs, proxy):
    before = objects(lab)
    with attached(run, vs, proxy):
        detach_by_hand(run, proxy)
    assert run.leftovers == []
    assert objects(lab) == before


def test_a_reboot_after_which_the_proxy_does_not_come_back_takes_the_disk_back(lab, run, vs, proxy):
    def never_again():
        lab.world.named({"VirtualServer"}, "pbh01")["boot_ms"] = 10 ** 9
    never_again()
    with pytest.raises(errors.TimedOut):
        with attached(run, vs, proxy):
            pytest.fail("it does not run")
    assert len(api.devices_of(proxy.handle)) == 1
    assert run.leftovers  # the guest could not be asked again whether it forgot the disk


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_reboot_that_was_refused_once_is_tried_again(lab, run, vs, proxy, phase):
    before = objects(lab)
    fail(lab, "reboot", phase)
    with attached(run, vs, proxy) as devices:
        assert len(devices) == 1
    assert objects(lab) == before


@pytest.mark.parametrize("phase", ["before", "after"])
def test_an_attachment_that_fails_is_taken_back(lab, run, vs, proxy, phase):
    before = objects(lab)
    fail(lab, "addStorageDevice", phase)
    with pytest.raises(errors.ApiError):
        with attached(run, vs, proxy):
            pytest.fail("not attached")
    assert objects(lab) == before
    assert run.leftovers == []


class Renumbering(object):
    """A way into guests whose host adapter has another number after each boot, as far as lsblk tells."""

    def __init__(self, run):
        self.guests = run.manager.guests
        self.number = 0
        run.manager.guests = self

    def run(self, name, command, *more):
        completed = self.guests.run(name, command, *more)
        if command.argv[0] != "lsblk":
            return completed
        self.number += 1
        return completed._replace(output=completed.output.replace('HCTL="0:', 'HCTL="%d:' % self.number))


def test_a_host_adapter_of_another_number_after_the_boot_changes_nothing(lab, run, vs, proxy):
    before = objects(lab)
    numbers = Renumbering(run)
    with attached(run, vs, proxy) as devices:
        assert [device.path for device in devices] == ["/dev/sdb"]
    assert numbers.number > 2
    assert run.leftovers == []
    assert objects(lab) == before


def test_where_names_alone_tell_devices_one_of_that_name_on_the_proxy_is_not_taken_for_ours(tmpdir):
    """It would be detached with ours."""
    def change(found):
        found["disks"].append(labs.disk("Snapshot of web01-system", 3 * labs.MEGABYTE))
        server(found, "pbh01")["devices"].append("Snapshot of web01-system")

    with small_lab(change, missing=["getId"]) as lab:
        run = make_run(lab, tmpdir)
        before = objects(lab)
        with pytest.raises(errors.VibackupError) as caught:
            with attached(run, find(run, "web01"), find(run, "pbh01")):
                pytest.fail("attached")
        assert caught.value.message == "pbh01 has a device called like one of these already: Snapshot of web01-system"
        assert objects(lab) == before
        assert run.leftovers == []


# -- file systems

@contextlib.contextmanager
def mounted(run):
    with attached(run, find(run, "web01"), find(run, "pbh01")) as devices:
        guest_of_proxy = steps.guest_of(run, find(run, "pbh01"))
        with steps.mounted(run, guest_of_proxy, devices[0], "/mnt/vibackup/web01/system") as mounts:
            yield mounts


def test_a_file_system_is_mounted_below_the_folder_and_unmounted_again(lab, run):
    before = objects(lab)
    with mounted(run) as mounts:
        assert mounts == [(1, "/mnt/vibackup/web01/system/1")]
        assert lab.world.named({"VirtualServer"}, "pbh01")["mounts"] == {"/mnt/vibackup/web01/system/1": "/dev/sdb1"}
    assert objects(lab) == before
    assert run.warnings == []


def test_a_mount_that_says_it_worked_and_did_not_is_no_backup_of_an_empty_folder(tmpdir):
    """A fake mount of the inventory: it ends with 0 and mounts nothing."""
    with small_lab(lambda found: server(found, "pbh01").update(commands={"mount": {}})) as lab:
        run = make_run(lab, tmpdir)
        before = objects(lab)
        with pytest.raises(errors.GuestError) as caught:
            with mounted(run):
                pytest.fail("an empty folder")
        assert caught.value.message == "pbh01: mountpoint: exit status 32"
        assert caught.value.step == "mount"
        assert objects(lab) == before
        assert run.leftovers == []


# -- booting the snapshot

def boot(run, vs, seconds=600):
    with steps.snapshotted(run, vs, not_quiesced()) as snapshot:
        device = run.manager.find("StorageDevice", "backup.iso")
        steps.boot_from(run, snapshot, device, "backup.iso", run.manager.boot_type(device))
        with power.running_until_it_stops(run, snapshot, seconds):
            return names(run)


def test_a_snapshot_boots_from_the_device_and_stops_by_itself(lab, run, vs):
    before = objects(lab)
    assert boot(run, vs) == ["snapshot", "boot device", "start", "wait until stopped"]
    assert objects(lab) == before


def test_a_snapshot_is_not_started_where_its_boot_device_was_not_set(lab, run, vs):
    fail(lab, "setBootType")
    calls = Calls(lab)
    with pytest.raises(errors.ApiError):
        boot(run, vs)
    assert not [line for line in calls.lines if line.endswith(" start")]


def test_a_snapshot_that_crashes_is_no_backup(tmpdir):
    devices = [{"name": "backup.iso", "live_cd": {"seconds": 120, "crashes": True}}]
    with small_lab(network_block_devices=devices) as lab:
        run = make_run(lab, tmpdir)
        before = objects(lab)
        with pytest.raises(errors.ServerFailed):
            boot(run, find(run, "web01"))
        assert objects(lab) == before


def test_a_snapshot_that_runs_too_long_is_stopped_before_it_is_deleted(lab, run, vs):
    before = objects(lab)
    with pytest.raises(errors.TimedOut):
        boot(run, vs, seconds=10)
    assert names(run)[-2:] == ["stop", "delete snapshot"]
    assert objects(lab) == before
