# -*- coding: utf-8 -*-
"""A night of a fleet in which a proxy lets it down: its servers go to another one, and nothing of ours stays on it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import re

import pytest

from fakes import kinds, storage
from tests import labs
from tests.flows import fleets, helpers
from tests.flows.helpers import KIB, named, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import FAILED, GOOD, LEFTOVERS, night
from vibackup import site
from vibackup.guest import Command, Completed
from vibackup.run import Run

__all__ = ["stage"]


def tried_on(stage):
    """Return ``{server: [proxy of each try]}`` of the last night."""
    found = {}
    for each in fleets.last(stage).of("backup"):
        found.setdefault(each["vs"], []).append(each["proxy"])
    return found


def all_are_good_in_the_end(stage, ran, servers):
    """Check that each server's last try was good, and nothing is left."""
    assert ran.status == GOOD and ran.document["leftovers"] == [], ran.errors
    last = dict((vs, outcomes[-1]) for vs, outcomes in fleets.outcomes(fleets.last(stage)).items())
    assert last == dict((name, "ok") for name in fleets.names(servers))


def test_the_servers_of_a_proxy_that_does_not_come_back_from_its_reboot_go_to_another_one(stage):
    """L3, L4: what may be on it still is named."""
    stage.open(fleets.inventory(6))
    before = stage.objects()
    with fleets.guests_do(stage, lambda name, _argv: Completed(255, "", "no route to host") if name == "pbh01" and
                          "pbh01" in fleets.reboots(stage) else None):
        ran = night(stage)
    assert ran.status == LEFTOVERS and any("not used any more: pbh01" in words for words in ran.document["warnings"])
    last = dict((vs, outcomes[-1]) for vs, outcomes in fleets.outcomes(fleets.last(stage)).items())
    left = [each["vs"] for each in fleets.last(stage).of("backup") if each["leftovers"]]
    assert last == dict((name, "failed" if name in left else "ok") for name in fleets.names(6))
    assert 0 < len(left) <= 4 and len(ran.document["leftovers"]) == 2 * len(left)
    assert stage.vibackup("reconcile", "--fix").status == GOOD and stage.objects() == before


def test_a_proxy_that_fails_when_it_boots_is_named_and_another_one_does_its_work(stage):
    """L3, L5: it is started once more; then it is for a person to look at."""
    stage.open(fleets.inventory(6))
    scribbled = stage.lab.world.named({kinds.LOGICAL_DISK.name}, "pbh01-disk")
    storage.write(stage.lab, scribbled, 0, b"\0" * 512)
    ran = night(stage)
    assert ran.status == LEFTOVERS and [each["what"] for each in ran.document["leftovers"]] == ["pbh01 stopped"]
    last = dict((vs, outcomes[-1]) for vs, outcomes in fleets.outcomes(fleets.last(stage)).items())
    assert last == dict((name, "ok") for name in fleets.names(6))
    assert not [thing for thing in stage.objects() if thing["name"].startswith("vibackup ")]


def test_a_proxy_that_is_busy_is_left_alone_and_another_one_does_its_work(stage):
    """L6: and no server has lost a try by it."""
    stage.open(fleets.inventory(6))
    before = stage.objects()
    with Run(site.connect_lab(stage.lab), stage.state(), "proxy-backup") as other:
        with other.held([(stage.object("pbh01")["id"], "pbh01")]):
            ran = night(stage, retries=0)
    all_are_good_in_the_end(stage, ran, 6)
    assert set(sum(tried_on(stage).values(), [])) == {"pbh02"} and stage.objects() == before


def test_where_no_proxy_is_left_the_servers_are_skipped_and_the_journal_says_why(stage):
    stage.open(fleets.inventory(2, proxies=1))
    with Run(site.connect_lab(stage.lab), stage.state(), "proxy-backup") as other:
        with other.held([(stage.object("pbh01")["id"], "pbh01")]):
            ran = night(stage)
    assert ran.status == FAILED
    assert [each["vs"] for each in fleets.last(stage).of("skipped")] == fleets.names(2)
    assert all("pbh01 is busy" in each["why"] for each in fleets.last(stage).of("skipped"))


@pytest.mark.parametrize("change", ["few", "many"])
def test_a_proxy_that_shows_one_disk_too_few_or_too_many_reads_none_of_them(stage, change):
    """L1: nobody knows which is which; another proxy does it."""
    stage.open(fleets.inventory(4))
    before = stage.objects()

    def listing(name, argv):
        if (name, argv[0]) != ("pbh01", "lsblk"):
            return None
        found = real(name, argv)
        lines = found.output.splitlines(True)
        shown = [line for line in lines if 'TYPE="disk"' in line]
        if len(shown) < 2:
            return found
        last = re.search('NAME="([a-z]+)"', shown[-1]).group(1)
        fewer = [line for line in lines if last not in line]
        more = fewer if change == "few" else lines + [shown[-1].replace(last, "sdx")]
        return found._replace(output="".join(more))
    run = stage.lab.guests.run

    def real(name, argv):
        return run(name, Command(argv, None, None))
    with fleets.guests_do(stage, listing), fleets.agents_under_way(stage) as seen:
        ran = night(stage)
    all_are_good_in_the_end(stage, ran, 4)
    assert set(proxy for now in seen for _disk, proxy in now) == {"pbh02"} and stage.objects() == before


def once_an_agent_reads_on(stage, proxy, act):
    done = []

    def look(name, argv):
        if name == proxy and fleets.agent_of(argv) and not done:
            done.append(True)
            act()
    return fleets.guests_do(stage, look)


def test_a_proxy_that_somebody_stops_meanwhile_stays_stopped_and_another_one_does_its_work(stage):
    """L5: whoever stopped it knows why."""
    stage.open(fleets.inventory(6))
    before = stage.objects()
    with once_an_agent_reads_on(stage, "pbh01", lambda: helpers.stop(stage, "pbh01")):
        ran = night(stage)
    all_are_good_in_the_end(stage, ran, 6)
    assert stage.object("pbh01")["power"] == "Stopped"
    assert [thing for thing in stage.objects() if thing["name"] != "pbh01"] == [
        thing for thing in before if thing["name"] != "pbh01"]
    assert "pbh01" not in fleets.reboots(stage)[fleets.reboots(stage).index("pbh01") + 1:]


def test_a_proxy_that_is_rebooted_by_somebody_while_agents_read_costs_no_backup_that_is_whole(stage):
    """L1: what was read across a boot is not believed."""
    stage.open(fleets.inventory(4))
    before = stage.objects()

    def reboot():
        with labs.job(stage.lab):
            labs.find(stage.lab, kinds.VIRTUAL_SERVER, "pbh01").reboot()
        stage.lab.clock.sleep(60)
    with once_an_agent_reads_on(stage, "pbh01", reboot):
        ran = night(stage)
    all_are_good_in_the_end(stage, ran, 4)
    assert stage.objects() == before


def test_a_proxy_that_did_not_run_is_started_for_the_night_and_stopped_after_it(stage):
    """L5."""
    stage.open(fleets.inventory(6, pbh01={"power": "Stopped"}))
    before = stage.objects()
    all_are_good_in_the_end(stage, night(stage), 6)
    assert stage.objects() == before and "pbh01" in fleets.reboots(stage)


def test_a_proxy_with_a_raw_disk_of_its_own_leaves_nothing_behind(stage):
    """Of a raw disk the manager tells no size; and the next batch's disks take the places of the last one's."""
    inventory = fleets.inventory(6, proxies=1)
    inventory["disks"].append({"name": "lun", "lun": "LUN-1", "bytes": 64 * KIB, "content": {}})
    named(inventory["servers"], "pbh01")["devices"].append("lun")
    stage.open(inventory)
    before = stage.objects()
    all_are_good_in_the_end(stage, night(stage, batch=2), 6)
    assert stage.objects() == before


def test_proxies_are_backed_up_through_each_other_when_they_have_nothing_to_do(stage):
    """L6: their runs never hold what another one holds."""
    stage.open(fleets.inventory(4))
    before = stage.objects()
    ran = night(stage, sections={"all": {"names": "web*, pbh01, pbh02"}}, retries=0)
    assert ran.status == GOOD, ran.errors
    assert fleets.outcomes(fleets.last(stage)) == fleets.all_good(fleets.names(4) + ["pbh01", "pbh02"])
    assert tried_on(stage)["pbh01"] == ["pbh02"] and tried_on(stage)["pbh02"] == ["pbh01"]
    assert stage.objects() == before


def test_a_proxy_that_is_backed_up_by_its_own_agent_waits_for_it(stage):
    stage.open(fleets.inventory(4, proxies=1))
    before = stage.objects()
    ran = night(stage, retries=0, sections={
        "all": {"names": "web*"}, "own": {"names": "pbh01", "technique": "agent-backup", "proxies": None}})
    assert ran.status == 5, ran.errors
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(4), pbh01=["warning"])
    assert stage.objects() == before


def test_a_detach_that_always_fails_is_named_for_each_server_and_one_reconcile_releases_all(stage):
    """L3, L4."""
    stage.open(fleets.inventory(3, proxies=1))
    before = stage.objects()
    stage.fault("removeStorageDevice", times=None)
    ran = night(stage)
    assert ran.status == LEFTOVERS
    stage.lab.faults = []
    left = collections.Counter(each["what"].split(" ")[1] for each in ran.document["leftovers"])
    assert sum(left.values()) == len(ran.document["leftovers"]) >= 6
    assert stage.vibackup("reconcile", "--fix").status == GOOD and stage.objects() == before
    assert stage.vibackup("reconcile", "--fix").document["released"] == 0 and stage.changes() == []
