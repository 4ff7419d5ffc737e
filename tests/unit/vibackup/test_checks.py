# -*- coding: utf-8 -*-
"""What must hold before anything is changed."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests import labs
from tests.labs import MEGABYTE
from tests.runs import Calls, find, make_run, server, small_lab
from vibackup import checks, errors, ledger, locks, steps
from vibackup import manager as api
from vibackup.checks import Disk
from vibackup.manager import LOGICAL, RAW
from vibackup.job import job


def disks(run, name):
    return checks.disks_of(run.manager, find(run, name))


def choose(run, name, names=(), skip_raw=False):
    chosen, skipped = checks.choose_disks(find(run, name), disks(run, name), names, skip_raw)
    return [disk.name for disk in chosen], [disk.name for disk in skipped]


# -- which disks

def test_the_disks_of_a_server_are_its_logical_and_raw_ones_in_order(run):
    assert [(disk.name, disk.kind) for disk in disks(run, "mixed01")] == [
        ("mixed01-system", LOGICAL), ("mixed01-lun", RAW)]


def test_a_network_block_device_is_no_disk(tmpdir):
    with small_lab(lambda found: server(found, "web01")["devices"].append("backup.iso")) as lab:
        assert [disk.name for disk in disks(make_run(lab, tmpdir), "web01")] == ["web01-system"]


def test_all_logical_disks_are_chosen_where_none_is_named(run):
    assert choose(run, "db01") == (["db01-system", "db01-data"], [])


def test_the_disks_that_are_named_are_chosen(run):
    assert choose(run, "db01", ["db01-data"]) == (["db01-data"], [])
    assert choose(run, "db01", ["db01-data", "db01-data"]) == (["db01-data"], [])


def test_a_disk_of_another_server_is_not_found(run):
    with pytest.raises(errors.NotFound) as caught:
        choose(run, "db01", ["web01-system"])
    assert caught.value.message == "db01 has no disk called web01-system; it has: db01-system, db01-data"


@pytest.mark.parametrize("name, names", [("raw01", []), ("mixed01", []), ("mixed01", ["mixed01-lun"])])
def test_a_raw_disk_is_refused_by_name(run, name, names):
    with pytest.raises(errors.Refused) as caught:
        choose(run, name, names)
    assert "%s-lun is a raw disk" % name in caught.value.message
    assert "use array-backup" in caught.value.message and "--skip-raw" in caught.value.message


def test_a_raw_disk_can_be_left_out_or_not_be_named(run):
    assert choose(run, "mixed01", skip_raw=True) == (["mixed01-system"], ["mixed01-lun"])
    assert choose(run, "mixed01", ["mixed01-system"]) == (["mixed01-system"], [])


def test_a_disk_that_is_left_out_is_a_warning(run):
    vs = find(run, "mixed01")
    checks.warn_of_skipped(run, vs, checks.choose_disks(vs, checks.disks_of(run.manager, vs), (), True)[1])
    assert run.warnings == ["mixed01: the raw disk mixed01-lun is left out"]


def test_a_snapshot_has_the_logical_disks_and_there_must_be_one(run):
    vs, raw = find(run, "mixed01"), find(run, "raw01")
    assert [disk.name for disk in checks.some_logical(vs, checks.disks_of(run.manager, vs))] == ["mixed01-system"]
    with pytest.raises(errors.Refused) as caught:
        checks.some_logical(raw, checks.disks_of(run.manager, raw))
    assert caught.value.message == "raw01 has no logical disk, so there is no snapshot of it"


def test_a_server_with_nothing_but_raw_disks_has_nothing_to_back_up(run):
    with pytest.raises(errors.Refused) as caught:
        choose(run, "raw01", skip_raw=True)
    assert "no logical disk" in caught.value.message


def test_two_disks_of_one_name_are_refused_for_one_backup_would_overwrite_the_other(run):
    twins = [Disk(None, "data", LOGICAL, 1, "group1"), Disk(None, "data", LOGICAL, 1, "group1")]
    with pytest.raises(errors.Refused):
        checks.choose_disks(find(run, "web01"), twins, [], False)
    with pytest.raises(errors.NotFound):
        checks.choose_disks(find(run, "web01"), twins, ["data"], False)


# -- snapshots and their space

def test_a_server_without_a_snapshot_is_fine(run):
    checks.no_snapshot(run, find(run, "web01"))


def test_a_snapshot_of_somebody_else_is_refused_by_name(run):
    vs = find(run, "web01")
    with job(run.manager, "by hand", lambda: False):
        api.set_name(api.snapshot(vs.handle), "before the upgrade")
    with pytest.raises(errors.Refused) as caught:
        checks.no_snapshot(run, vs)
    assert "before the upgrade" in caught.value.message


def can_snapshot(run, name="web01"):
    checks.can_snapshot(run, find(run, name), disks(run, name))


def test_a_server_whose_snapshot_can_be_made_kept_and_taken_back_is_fine(lab, run):
    calls = Calls(lab)
    can_snapshot(run)
    can_snapshot(run, "db01")
    assert "createJob" not in calls
    assert run.warnings == []


@pytest.mark.parametrize("call", ["getId", "setName"])
def test_either_ids_or_names_prove_a_snapshot_ours(tmpdir, call):
    with small_lab(missing=[call]) as lab:
        can_snapshot(make_run(lab, tmpdir))


def test_where_neither_ids_nor_names_would_prove_a_snapshot_ours_none_is_made(tmpdir):
    with small_lab(missing=["getId", "setName"]) as lab:
        with pytest.raises(errors.MissingCall) as caught:
            can_snapshot(make_run(lab, tmpdir))
        assert "neither getId nor setName" in caught.value.message


@pytest.mark.parametrize("call", ["snapshot", "deleteSnapshot", "deleteLogicalDisk", "getFreeBytes", "listenForEvents"])
def test_where_a_snapshot_could_not_be_made_or_taken_back_none_is_made(tmpdir, call):
    with small_lab(missing=[call]) as lab:
        with pytest.raises(errors.MissingCall) as caught:
            can_snapshot(make_run(lab, tmpdir))
        assert call in caught.value.message


def test_a_manager_that_cannot_say_whether_a_snapshot_ran_out_of_space_is_a_warning(tmpdir):
    with small_lab(missing=["getSnapshotUsedPercent"]) as lab:
        run = make_run(lab, tmpdir)
        can_snapshot(run)
        assert run.warnings == ["this manager cannot say whether a snapshot ran out of space: watch the disk groups of "
                                "web01 yourself"]


def take_snapshot(run, name):
    """Have an administrator take a snapshot; return its first disk."""
    with job(run.manager, "by hand", lambda: False):
        return api.devices_of(api.snapshot(find(run, name).handle))[0]


def test_a_snapshot_that_ran_out_of_space_is_told_with_its_group(lab, run):
    disk = take_snapshot(run, "web01")
    checks.still_valid([disk])
    lab.world.named({"LogicalDisk"}, "Snapshot of web01-system")["lost"] = True
    with pytest.raises(errors.SnapshotLost) as caught:
        checks.still_valid([disk])
    assert "Snapshot of web01-system was lost" in caught.value.message and "group1" in caught.value.message


# -- whose a snapshot seems to be

def taken(run, name="web01", words=None):
    """Have a snapshot be there, called ``words``; return it and the facts of its ledger."""
    vs = find(run, name)
    with job(run.manager, "by hand", lambda: False):
        handle = api.snapshot(vs.handle)
        api.set_name(handle, words or "vibackup before web01")
    return handle, {"vs": vs.id, "vs_name": name, "name": "vibackup before web01"}


def before(run, monkeypatch, manager=None, **more):
    """Return the ledger of a run that is over."""
    with monkeypatch.context() as patched:
        me = dict(locks.this_process(), started="gone", **more)
        patched.setattr(locks, "this_process", lambda: me)
        return ledger.Ledger(run.folder, "before", "rollback", manager or run.manager.name)


def whose(run, handle):
    return checks.whose_snapshot(run, handle)


def test_a_snapshot_that_is_kept_is_told_with_its_run_its_moment_and_what_ends_it(run, monkeypatch):
    handle, facts = taken(run)
    mine = before(run, monkeypatch)
    mine.keep(mine.intend(ledger.SNAPSHOT, snapshot=api.identity_of(handle), taken="2008-06-01T22:00:01Z", **facts))
    assert whose(run, handle) == (
        "taken 2008-06-01T22:00:01Z by the run before to roll back to: end that with vibackup rollback --discard, "
        "after --revert if the change is to be undone")


@pytest.mark.parametrize("known", [True, False], ids=["by its id", "by its name"])
def test_a_snapshot_that_a_dead_run_left_is_for_reconcile(run, monkeypatch, known):
    handle, facts = taken(run)
    more = {"snapshot": api.identity_of(handle)} if known else {}
    before(run, monkeypatch).intend(ledger.SNAPSHOT, **dict(facts, **more))
    assert whose(run, handle) == "left behind by the run before: release it with vibackup reconcile --fix"


def test_a_snapshot_of_a_run_on_another_host_may_be_under_way(run, monkeypatch):
    handle, facts = taken(run)
    far = before(run, monkeypatch, host="another.example")
    far._owner["started"] = "another-boot/1"
    far.take("vs-1", "web01")
    far.intend(ledger.SNAPSHOT, **facts)
    assert whose(run, handle) == (
        "made by the run before on the host another.example: if that is over, reconcile there")


@pytest.mark.parametrize("facts, manager", [({"snapshot": "vs-99999"}, None), ({}, "another manager")])
def test_a_snapshot_that_is_merely_called_like_one_of_a_run_is_not_taken_for_it(run, monkeypatch, facts, manager):
    handle, recorded = taken(run)
    before(run, monkeypatch, manager).intend(ledger.SNAPSHOT, **dict(recorded, **facts))
    assert whose(run, handle).startswith("called vibackup before web01, as another vibackup would call it")


def test_a_snapshot_of_somebody_is_told_by_its_name(run):
    handle, _facts = taken(run, words="before the upgrade")
    assert whose(run, handle).startswith("called before the upgrade, which this run did not make: delete it in the ")


# -- what to boot from

def nobodys_disk(run, name):
    checks.nobodys_disk(run.manager, run.manager.find_device(name), name)


def test_a_disk_of_nobody_and_a_network_block_device_can_be_booted_from(tmpdir):
    with small_lab(lambda found: found["disks"].append(labs.disk("spare"))) as lab:
        run = make_run(lab, tmpdir)
        calls = Calls(lab)
        nobodys_disk(run, "spare")
        nobodys_disk(run, "backup.iso")
        assert "createJob" not in calls


def test_a_network_block_device_of_many_servers_can_be_booted_from(tmpdir):
    with small_lab(lambda found: server(found, "web01")["devices"].append("backup.iso")) as lab:
        nobodys_disk(make_run(lab, tmpdir), "backup.iso")


@pytest.mark.parametrize("power", ["Running", "Stopped"])
@pytest.mark.parametrize("name, holder", [("db01-data", "db01"), ("web01-system", "web01"), ("mixed01-lun", "mixed01")])
def test_a_disk_that_a_server_has_is_not_booted_from(tmpdir, name, holder, power):
    """Booting writes to it, also where its own server does not run at the moment."""
    with small_lab(lambda found: server(found, holder).update(power=power)) as lab:
        with pytest.raises(errors.Refused) as caught:
            nobodys_disk(make_run(lab, tmpdir), name)
        assert "%s is a disk of %s" % (name, holder) in caught.value.message


def test_a_snapshot_disk_is_not_booted_from(run):
    take_snapshot(run, "web01")
    with pytest.raises(errors.Refused) as caught:
        nobodys_disk(run, "Snapshot of web01-system")
    assert "is a snapshot disk" in caught.value.message


def with_group_of(size, tmpdir, names=("web01",)):
    """Check the space in a disk group of ``size`` bytes, of which the seven logical disks of the lab take six MiB."""
    centers = [{"name": "East", "nodes": [{"name": "node1"}, {"name": "node2"}],
                "disk_groups": [{"name": "group1", "bytes": size}]}]
    with small_lab(data_centers=centers) as lab:
        run = make_run(lab, tmpdir)
        checks.snapshot_space([disk for name in names for disk in disks(run, name) if disk.kind == LOGICAL])


TAKEN = 6 * MEGABYTE


@pytest.mark.parametrize("free, enough", [(MEGABYTE // 10 - 1, False), (MEGABYTE // 10, True), (MEGABYTE, True)])
def test_a_tenth_of_the_disk_must_be_free_for_its_snapshot(tmpdir, free, enough):
    if enough:
        with_group_of(TAKEN + free, tmpdir)
    else:
        with pytest.raises(errors.Refused) as caught:
            with_group_of(TAKEN + free, tmpdir)
        assert "the disk group group1 has %d bytes free" % free in caught.value.message


def test_the_disks_of_one_group_want_their_space_together(tmpdir):
    with_group_of(TAKEN + MEGABYTE // 4, tmpdir, ["web01"])
    with pytest.raises(errors.Refused):
        with_group_of(TAKEN + MEGABYTE // 4, tmpdir, ["db01"])  # three MiB in two disks


# -- the proxy

def other_place(data_center):
    """Put the proxy's node into ``data_center``."""
    def change(description):
        if data_center != "East":
            description["data_centers"][0]["nodes"] = [{"name": "node1"}]
            description["data_centers"].append({"name": data_center, "nodes": [{"name": "node2"}]})
    return change


def test_a_proxy_on_another_node_of_the_data_center_is_fine(run):
    checks.placement(run, find(run, "web01"), find(run, "pbh01"))
    assert run.warnings == []


def test_a_proxy_on_the_same_node_is_a_warning(tmpdir):
    with small_lab(lambda found: server(found, "pbh01").update(node="node1")) as lab:
        run = make_run(lab, tmpdir)
        checks.placement(run, find(run, "web01"), find(run, "pbh01"))
        assert run.warnings == ["web01 and the proxy pbh01 are both on node1: its load stays on that managed node"]


def test_a_proxy_in_another_data_center_is_refused(tmpdir):
    with small_lab(other_place("West")) as lab:
        run = make_run(lab, tmpdir)
        with pytest.raises(errors.Refused) as caught:
            checks.placement(run, find(run, "web01"), find(run, "pbh01"))
        assert "East" in caught.value.message and "West" in caught.value.message


def test_a_server_cannot_be_its_own_proxy(run):
    with pytest.raises(errors.Refused) as caught:
        checks.placement(run, find(run, "web01"), find(run, "web01"))
    assert caught.value.message == "web01 cannot be its own proxy: give another one with --proxy"


def test_files_want_the_same_operating_system(run):
    checks.same_operating_system(find(run, "web01"), find(run, "pbh01"))
    with pytest.raises(errors.Refused) as caught:
        checks.same_operating_system(find(run, "db01"), find(run, "pbh01"))
    assert "Windows" in caught.value.message and "Linux" in caught.value.message


def test_two_kinds_of_linux_are_the_same_operating_system(tmpdir):
    with small_lab(lambda found: server(found, "web01").update(operating_system="SLES 10")) as lab:
        run = make_run(lab, tmpdir)
        checks.same_operating_system(find(run, "web01"), find(run, "pbh01"))


@pytest.mark.parametrize("power, state", [("Running", api.RUNNING), ("Stopped", api.STOPPED)])
def test_a_server_that_runs_or_is_stopped_is_fine(tmpdir, power, state):
    with small_lab(lambda found: server(found, "pbh01").update(power=power)) as lab:
        run = make_run(lab, tmpdir)
        assert checks.power(run.manager, find(run, "pbh01")) == state


def test_a_server_that_is_starting_is_refused(tmpdir):
    with small_lab(lambda found: server(found, "pbh01").update(power="Stopped")) as lab:
        run = make_run(lab, tmpdir)
        proxy = find(run, "pbh01")
        with job(run.manager, "start", lambda: False):
            api.start(proxy.handle)
        with pytest.raises(errors.Refused) as caught:
            checks.power(run.manager, proxy)
        assert "Starting" in caught.value.message


def test_a_server_that_has_failed_is_neither_running_nor_on_its_way(tmpdir):
    def change(found):
        server(found, "pbh01").update(power="Stopped")
        found["disks"] = [labs.disk(disk["name"], boot=False) if disk["name"] == "pbh01-system" else disk
                          for disk in found["disks"]]

    with small_lab(change) as lab:
        run = make_run(lab, tmpdir)
        proxy = find(run, "pbh01")
        with job(run.manager, "start", lambda: False):
            api.start(proxy.handle)
        run.manager.clock.sleep(600)
        assert checks.power(run.manager, proxy) == api.FAILED


def test_a_server_of_which_nothing_is_known_is_refused(lab, run, monkeypatch):
    monkeypatch.setattr(api, "status", lambda _server: None)
    with pytest.raises(errors.Refused) as caught:
        checks.power(run.manager, find(run, "pbh01"))
    assert "pbh01 is neither running nor stopped" in caught.value.message


# -- the guest

def answers(run, name="pbh01"):
    checks.answers(steps.guest_of(run, find(run, name)))


@pytest.mark.parametrize("name", ["pbh01", "db01"])
def test_a_guest_that_lists_its_disks_is_fine(lab, run, name):
    calls = Calls(lab)
    answers(run, name)
    assert "createJob" not in calls


@pytest.mark.parametrize("change, words", [
    ({"power": "Stopped"}, "no route to host"),
    ({"commands": {"lsblk": {"output": "what?\n"}}}, "not understood: what?"),
    ({"commands": {"lsblk": {"exit_status": 127}}}, "lsblk: exit status 127")], ids=["off", "nonsense", "no lsblk"])
def test_a_guest_that_does_not_list_its_disks_is_refused_before_any_change(tmpdir, change, words):
    with small_lab(lambda found: server(found, "pbh01").update(change)) as lab:
        with pytest.raises(errors.Refused) as caught:
            answers(make_run(lab, tmpdir))
        assert caught.value.message.startswith("pbh01: ") and words in caught.value.message


def test_a_proxy_that_runs_must_answer_and_its_power_is_told(run):
    proxy = find(run, "pbh01")
    assert checks.proxy_answers(run, proxy, steps.guest_of(run, proxy)) == api.RUNNING


@pytest.mark.parametrize("power, refused", [("Running", True), ("Stopped", False)])
def test_a_proxy_is_refused_where_it_runs_and_does_not_answer(tmpdir, power, refused):
    silent = {"power": power, "commands": {"lsblk": {"exit_status": 127}}}
    with small_lab(lambda found: server(found, "pbh01").update(silent)) as lab:
        run = make_run(lab, tmpdir)
        proxy = find(run, "pbh01")
        try:
            assert checks.proxy_answers(run, proxy, steps.guest_of(run, proxy)) == api.STOPPED and not refused
        except errors.Refused as error:
            assert refused and "lsblk: exit status 127" in error.message


def test_a_guest_without_linux_is_refused_with_the_reason(run):
    checks.linux(steps.guest_of(run, find(run, "pbh01")), "why it must")
    with pytest.raises(errors.Refused) as caught:
        checks.linux(steps.guest_of(run, find(run, "db01")), "why it must")
    assert caught.value.message == "db01 is not a Linux guest: why it must"


def test_no_check_changes_anything(lab, run):
    calls = Calls(lab)
    checks.choose_disks(find(run, "db01"), disks(run, "db01"), [], False)
    checks.no_snapshot(run, find(run, "db01"))
    checks.snapshot_space(disks(run, "db01"))
    checks.placement(run, find(run, "db01"), find(run, "pbh01"))
    assert "createJob" not in calls


def test_disks_are_named_whatever_kind_they_are(run):
    mixed = disks(run, "mixed01")
    assert checks.named_disks(find(run, "mixed01"), mixed, []) == mixed
    assert checks.named_disks(find(run, "mixed01"), mixed, ["mixed01-lun"]) == mixed[1:]


def test_a_server_that_does_not_run_is_refused_with_what_else_can_be_done(run, tmpdir):
    checks.runs(run.manager, find(run, "web01"), "choose another one")
    with small_lab(lambda description: server(description, "web01").update(power="Stopped")) as lab:
        stopped = make_run(lab, tmpdir)
        with pytest.raises(errors.Refused) as caught:
            checks.runs(stopped.manager, find(stopped, "web01"), "choose another one")
    assert caught.value.message == "web01 does not run: start it, or choose another one"
