# -*- coding: utf-8 -*-
"""What a night has left on its proxies is taken off them by a reboot each, however many servers it is of."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

import pytest

from fakes import kinds
from tests.flows import fleets, kills
from tests.flows.helpers import KIB, compat, kept_lab, named, objects_in, stage, vibackup_in  # noqa: F401  (a fixture)
from tests.flows.test_fleet import GOOD, LEFTOVERS, night
from vibackup import detaching, ledger, site, steps
from vibackup.run import Run

__all__ = ["stage"]


def left_on_proxies(stage, servers, proxies=1):
    """Have a night leave the disks of so many servers on its proxies; return the lab's objects from before it."""
    stage.open(fleets.inventory(servers, proxies))
    before = stage.objects()
    stage.fault("removeStorageDevice", times=None)
    assert night(stage, batch="12").status == LEFTOVERS
    stage.lab.faults = []
    assert len(stage.vibackup("reconcile").document["leftovers"]) == 2 * servers
    return before


def released(stage, before, count):
    """Release all; return which proxies were booted for it."""
    fixed = stage.vibackup("reconcile", "--fix")
    assert fixed.status == GOOD and fixed.document["released"] == count, fixed.errors
    booted = collections.Counter(fleets.reboots(stage))
    assert stage.objects() == before
    again = stage.vibackup("reconcile", "--fix")
    assert again.document["released"] == 0 and stage.changes() == []
    return booted


def disk_on(stage, proxy, number):
    """Return the record of the snapshot disk that is so far behind the proxy's own."""
    world = stage.lab.world
    return world.get(world.named({kinds.VIRTUAL_SERVER.name}, proxy)["devices"][number])


def test_twelve_servers_go_off_a_proxy_by_one_reboot(stage):
    """L4."""
    before = left_on_proxies(stage, 12)
    assert released(stage, before, 24) == {"pbh01": 1}
    assert night(stage).status == GOOD


def test_each_proxy_is_booted_once(stage):
    """L4."""
    before = left_on_proxies(stage, 6, proxies=2)
    assert released(stage, before, 12) == {"pbh01": 1, "pbh02": 1}


def test_a_disk_that_cannot_be_taken_off_keeps_its_own_leftover_and_no_other(stage):
    """L2, L3, L4: the other servers' disks go all the same, by one reboot; and its own by another, when it can."""
    before = left_on_proxies(stage, 4)
    theirs = disk_on(stage, "pbh01", 2)
    name = theirs["name"]
    stage.lab.world.settle(theirs, name="payroll's own")
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == LEFTOVERS and fleets.reboots(stage) == ["pbh01"], ran.errors
    assert ran.document["released"] == 6
    vs = name[len("Snapshot of "):-len("-disk")]
    assert [each["what"] for each in ran.document["leftovers"]] == [
        "%s on pbh01" % name, "the snapshot of %s" % vs]
    assert "somebody has renamed" in ran.document["leftovers"][0]["reason"]
    assert ran.document["leftovers"][1]["reason"] == "kept, because of %s on pbh01" % name
    assert [stage.object(each)["snapshot"] is None for each in fleets.names(4)].count(False) == 1
    assert stage.vibackup("reconcile", "--fix").status == LEFTOVERS and stage.changes() == []
    stage.lab.world.settle(theirs, name=name)
    assert released(stage, before, 2) == {"pbh01": 1}


def test_one_that_another_takes_off_after_that_is_forgotten_by_a_boot_too(stage):
    """L4: since the boot with it, it is at another place than the one at which it was found."""
    before = left_on_proxies(stage, 3)
    know_places(stage)
    theirs = disk_on(stage, "pbh01", 3)
    name = theirs["name"]
    stage.lab.world.settle(theirs, name="payroll's own")
    assert stage.vibackup("reconcile", "--fix").status == LEFTOVERS and fleets.reboots(stage) == ["pbh01"]
    stage.lab.world.settle(theirs, name=name)
    proxy = stage.lab.world.named({kinds.VIRTUAL_SERVER.name}, "pbh01")
    stage.lab.world.settle(proxy, devices=proxy["devices"][:1])
    assert released(stage, before, 2) == {"pbh01": 1}


def know_places(stage):
    """Have the ledgers of a night say where its disks were found, as those of a night do that was killed then."""
    with Run(site.connect_lab(stage.lab), stage.state(), "reconcile") as run:
        shown = detaching.places(steps.guest_of(run, steps.find_server(run.manager, "pbh01")).disks())
        left = [intent for intent in run.ledger.leftovers() if intent.kind == ledger.ATTACHMENT]
        attached = [each["id"] for each in (disk_on(stage, "pbh01", number + 1) for number in range(len(left)))]
        for intent in left:
            [disk] = intent.facts["disks"]
            run.ledger.made_of(intent, places=[shown[attached.index(disk) + 1]])


def test_a_proxy_that_does_not_boot_keeps_all_that_was_on_it_and_stops_no_other(stage):
    """L3, L4."""
    before = left_on_proxies(stage, 6, proxies=2)
    stage.fault("reboot", name="pbh01", times=None)
    ran = stage.vibackup("reconcile", "--fix")
    left = ran.document["leftovers"]
    on_proxy = [each["reason"] for each in left if each["what"].endswith(" on pbh01")]
    assert ran.status == LEFTOVERS and len(left) == 2 * len(on_proxy) < 12, ran.errors
    assert ran.document["released"] == 12 - len(left)
    assert all("reboot failed" in reason for reason in on_proxy)
    assert len([each for each in left if each["reason"].startswith("kept, because of ")]) == len(on_proxy)
    stage.lab.faults = []
    assert released(stage, before, len(left)) == {"pbh01": 1}


def test_a_proxy_that_is_held_keeps_all_that_was_on_it(stage):
    """L6: and nothing of it is touched."""
    before = left_on_proxies(stage, 2)
    with fleets.held(stage, "pbh01"):
        ran = stage.vibackup("reconcile", "--fix")
        assert ran.status == LEFTOVERS and ran.document["released"] == 0 and stage.changes() == [], ran.errors
        assert all("pbh01 is busy" in each["reason"] or "kept, because of" in each["reason"]
                   for each in ran.document["leftovers"])
    assert released(stage, before, 4) == {"pbh01": 1}


@pytest.mark.needs("dd")
def test_a_proxy_that_a_killed_night_has_started_is_stopped_after_all_else_is_done_in_it(stage, tmpdir):
    """L4, L5: what its agents had begun to write is removed by its guest, which must run for that."""
    folder = compat.text(tmpdir.join("lab"))
    inventory = fleets.inventory(3, proxies=1, pbh01={"power": "Stopped"})
    stage.open(inventory)
    policy = fleets.policy(stage, {"all": {"names": "web*", "agent": "dd", "location": tmpdir.mkdir("share")}})
    assert stage.vibackup("fleet", policy).status == GOOD
    reading = [place for place, call in enumerate(stage.calls, 1) if "dd" in call.words[:3]][1]
    stage.close()
    before = kept_lab(folder, inventory)
    killed = kills.Run(["fleet", "--lab=" + folder, "--json", policy, "--lab-fault=%d:after:crash" % reading],
                       folder + ".said")
    assert killed.wait() is None
    left = [each["what"] for each in vibackup_in(folder, "reconcile").document["leftovers"]]
    assert "pbh01 running" in left and [each for each in left if each.startswith("an unfinished backup of ")], left
    fixed = vibackup_in(folder, "reconcile", "--fix")
    assert fixed.status == GOOD, fixed.errors
    assert objects_in(folder) == before
    assert [step["name"] for step in fixed.document["steps"]].count("reboot") == 1
    again = vibackup_in(folder, "reconcile", "--fix")
    assert again.status == GOOD and again.document["released"] == 0


def test_a_disk_that_stays_on_a_proxy_with_a_raw_disk_keeps_no_other_there(stage):
    """L3, L4: how many disks the guest of such a proxy has to show, its manager does not say."""
    inventory = fleets.inventory(4, 1)
    inventory["disks"].append({"name": "lun", "lun": "LUN-1", "bytes": 64 * KIB, "content": {}})
    named(inventory["servers"], "pbh01")["devices"].append("lun")
    stage.open(inventory)
    stage.fault("removeStorageDevice", times=None)
    assert night(stage, batch="12").status == LEFTOVERS
    stage.lab.faults = []
    stage.lab.world.settle(disk_on(stage, "pbh01", 3), name="payroll's own")
    assert stage.vibackup("reconcile", "--fix").document["released"] == 6
    assert fleets.reboots(stage) == ["pbh01"]
    assert stage.vibackup("reconcile", "--fix").document["released"] == 0 and fleets.reboots(stage) == []
