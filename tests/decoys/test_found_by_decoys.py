# -*- coding: utf-8 -*-
"""What the decoys have found, each as the smallest example of it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import kinds
from tests.flows.helpers import small, stage  # noqa: F401


def left_on_the_proxy(stage):
    """Have a run leave web01's snapshot disk on pbh01; returns the lab's world, the proxy's record and the disk's."""
    found = small()
    found["servers"].append({"name": "payroll", "node": "node2", "devices": []})
    for name in ("payroll-data", "other"):
        found["disks"].append({"name": name, "group": "fastGroup", "bytes": 262144, "content": {"fill": name}})
    stage.open(found)
    stage.fault("removeStorageDevice", times=None)
    assert stage.proxy_backup().status == 6
    stage.lab.faults = []
    world = stage.lab.world
    proxy = world.named({kinds.VIRTUAL_SERVER.name}, "pbh01")
    return world, proxy, world.get(proxy["devices"][1])


def give_instead(world, proxy, ours, other):
    """The disk ``ours`` goes off the proxy, and ``other`` takes its place."""
    world.settle(proxy, devices=[other["id"] if each == ours["id"] else each for each in proxy["devices"]])


def test_a_disk_that_got_the_id_of_ours_is_not_detached(stage):
    """L2: the id alone proves nothing; the ledger knows the name too."""
    world, proxy, ours = left_on_the_proxy(stage)
    world.settle(ours, name="payroll's own")  # as good as another one with that id
    before = list(proxy["devices"])
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 6 and proxy["devices"] == before and stage.changes() == []
    assert ran.document["leftovers"][0]["reason"] == (
        "somebody has renamed Snapshot of web01-system to payroll's own, so it stays on pbh01: call it Snapshot of "
        "web01-system again, or take it off, and reconcile")
    world.settle(ours, name="Snapshot of web01-system")
    assert stage.vibackup("reconcile", "--fix").status == 0


@pytest.mark.parametrize("booted", [False, True])
def test_another_disk_of_the_same_size_in_the_place_of_ours_is_no_leftover(stage, booted):
    """L4: it is not taken for ours for ever, with a reboot of the proxy each time."""
    world, proxy, ours = left_on_the_proxy(stage)
    other = world.named({kinds.LOGICAL_DISK.name}, "other")
    give_instead(world, proxy, ours, other)
    if booted:
        world.settle(proxy, visible=[dict(seen, disk=device) for seen, device in zip(
            proxy["visible"], proxy["devices"])])
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 0, ran.errors
    assert other["id"] in proxy["devices"] and ours["id"] not in world.objects
    again = stage.vibackup("reconcile", "--fix")
    assert again.status == 0 and stage.changes() == []


def test_no_command_runs_in_the_guest_of_another_server_that_has_the_proxys_name(stage):
    """L2: ssh goes by the name, and nobody knows to which of the two."""
    world, _proxy, _ours = left_on_the_proxy(stage)
    world.settle(world.named({kinds.VIRTUAL_SERVER.name}, "payroll"), name="pbh01")
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 6 and stage.changes() == []
    assert "two virtual servers are called pbh01" in ran.document["leftovers"][0]["reason"]
    assert [call for call in stage.calls if call.method == "run"] == []


def test_a_server_that_got_the_id_of_a_snapshot_that_ran_is_not_stopped(stage):
    """L2: the name that we gave it has to be its own still."""
    found = small()
    found["network_block_devices"][0]["live_cd"]["seconds"] = 10 ** 6
    stage.open(found)
    stage.fault("stop", times=None)
    assert stage.snapshot_boot("--timeout=60").status == 6
    stage.lab.faults = []
    world = stage.lab.world
    ours = world.get(world.named({kinds.VIRTUAL_SERVER.name}, "web01")["snapshot"])
    name, events = ours["name"], len(world.events)
    assert ours["power"] == "Running"
    world.settle(ours, name="payroll")  # as good as another one with that id
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 6 and ours["power"] == "Running" and len(world.events) == events and stage.changes() == []
    assert "somebody has renamed it to payroll, so it is not touched" in ran.document["leftovers"][0]["reason"]
    world.settle(ours, name=name)
    assert stage.vibackup("reconcile", "--fix").status == 0 and ours["id"] not in world.objects
