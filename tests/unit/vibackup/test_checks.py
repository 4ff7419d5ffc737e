# -*- coding: utf-8 -*-
"""What must hold before anything is changed."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.labs import MEGABYTE
from tests.runs import Calls, find, make_run, server, small_lab
from vibackup import checks, errors
from vibackup import manager as api
from vibackup.checks import Disk
from vibackup.manager import LOGICAL, RAW
from vibackup.job import job


@pytest.fixture
def lab():
    with small_lab() as lab:
        yield lab


@pytest.fixture
def run(lab, tmpdir):
    return make_run(lab, tmpdir)


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
    assert "--skip-raw" in caught.value.message


def test_a_raw_disk_can_be_left_out_or_not_be_named(run):
    assert choose(run, "mixed01", skip_raw=True) == (["mixed01-system"], ["mixed01-lun"])
    assert choose(run, "mixed01", ["mixed01-system"]) == (["mixed01-system"], [])


def test_a_server_with_nothing_but_raw_disks_has_nothing_to_back_up(run):
    with pytest.raises(errors.Refused) as caught:
        choose(run, "raw01", skip_raw=True)
    assert "no logical disk" in caught.value.message


def test_two_disks_of_one_name_are_refused_for_one_backup_would_overwrite_the_other(run):
    twins = [Disk(None, "data", LOGICAL, 1), Disk(None, "data", LOGICAL, 1)]
    with pytest.raises(errors.Refused):
        checks.choose_disks(find(run, "web01"), twins, [], False)
    with pytest.raises(errors.NotFound):
        checks.choose_disks(find(run, "web01"), twins, ["data"], False)


# -- snapshots and their space

def test_a_server_without_a_snapshot_is_fine(run):
    checks.no_snapshot(find(run, "web01"))


def test_a_snapshot_of_somebody_else_is_refused_by_name(run):
    vs = find(run, "web01")
    with job(run.manager, "by hand", lambda: False):
        api.set_name(api.snapshot(vs.handle), "before the upgrade")
    with pytest.raises(errors.Refused) as caught:
        checks.no_snapshot(vs)
    assert "before the upgrade" in caught.value.message


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
    with pytest.raises(errors.Refused):
        checks.placement(run, find(run, "web01"), find(run, "web01"))


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


def test_no_check_changes_anything(lab, run):
    calls = Calls(lab)
    checks.choose_disks(find(run, "db01"), disks(run, "db01"), [], False)
    checks.no_snapshot(find(run, "db01"))
    checks.snapshot_space(disks(run, "db01"))
    checks.placement(run, find(run, "db01"), find(run, "pbh01"))
    assert "createJob" not in calls
