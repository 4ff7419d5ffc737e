# -*- coding: utf-8 -*-
"""A night of a fleet: all servers of a policy, few reboots, within the limits; and what one bad server does to it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import re

import pytest

from fakes import kinds
from tests import labs
from tests.flows import fleets, helpers
from tests.flows.helpers import named, stage  # noqa: F401  (a fixture)
from vibackup import site
from vibackup.run import Run

__all__ = ["stage"]
DD = {"all": {"names": "web*", "agent": "dd"}}
GOOD, FAILED, WARNING, LEFTOVERS = 0, 1, 5, 6


def night(stage, *words, **keys):
    """Let a night pass; returns how it ended. keys: as ``fleets.policy`` takes them."""
    return stage.vibackup("fleet", fleets.policy(stage, **keys), *words)


def rename(stage, server, name):
    """Give a virtual server another name."""
    with labs.job(stage.lab):
        labs.find(stage.lab, kinds.VIRTUAL_SERVER, server).setName(name)


# -- all good

def test_a_night_backs_up_every_server_with_one_reboot_for_each_batch_and_one_more_for_each_proxy(stage):
    stage.open(fleets.inventory(12))
    before = stage.objects()
    ran = night(stage)
    assert ran.status == GOOD, ran.errors
    assert fleets.outcomes(fleets.last(stage)) == fleets.all_good(12)
    batches = fleets.batches(fleets.last(stage))
    assert sorted(len(servers) for servers in batches.values()) == [2, 2, 4, 4]
    assert collections.Counter(fleets.reboots(stage)) == {"pbh01": 3, "pbh02": 3}
    assert [each["batch"] for each in fleets.last(stage).of("reboot") if each["batch"]] == sorted(batches)
    assert len(fleets.last(stage).of("reboot")) == 6
    assert stage.objects() == before and sorted(each["vs"] for each in stage.catalog()) == fleets.names(12)


@pytest.mark.needs("dd")
def test_every_image_of_a_night_holds_its_servers_disk_byte_for_byte(stage):
    """L1: also where a disk takes the place, on the proxy, that one of the batch before it had."""
    stage.open(fleets.inventory(7, proxies=1))
    before = stage.objects()
    assert night(stage, sections=DD, batch=2).status == GOOD
    backups = stage.catalog()
    assert sorted(each["vs"] for each in backups) == fleets.names(7) and stage.objects() == before
    for each in backups:
        disk = each["vs"] + "-disk"
        assert helpers.same_by_cmp(stage.image(each, disk), stage.content(disk))


@pytest.mark.parametrize("most", [{"in all": 3}, {"node": 1}, {"proxy": 1}, {"disk group": 2}, {"agent server": 2}, {}],
                         ids=lambda most: "".join(most) or "as they are")
def test_no_limit_is_exceeded_at_any_moment(stage, most):
    stage.open(fleets.inventory(10, rate=4096))
    allowed = dict(fleets.LIMITS, **most)
    keys = dict(("at_once" + ("" if kind == "in all" else "_per_" + kind.replace(" ", "_")), count)
                for kind, count in allowed.items())
    with fleets.agents_under_way(stage) as seen:
        assert night(stage, **keys).status == GOOD
    assert fleets.exceeded(fleets.last(stage), allowed) == {}
    fewest = min(allowed["in all"], allowed["disk group"], allowed["agent server"], 2 * allowed["proxy"],
                 2 * allowed["node"])
    assert max(len(now) for now in seen) == fewest, "limits that are never reached prove nothing"
    for now in seen:
        assert max(collections.Counter(proxy for _server, proxy in now).values()) <= allowed["proxy"]


def test_limits_hold_for_agents_in_the_servers_too_also_when_they_are_tried_again(stage):
    stage.open(fleets.inventory(6))
    allowed = dict(fleets.LIMITS, **{"in all": 2})
    section = {"names": "web*", "technique": "agent-backup", "proxies": None}
    with fleets.agents_under_way(stage) as seen, fleets.guests_do(stage, fleets.failing(*fleets.names(6))):
        ran = night(stage, sections={"all": section}, at_once=2)
    assert ran.status == WARNING, ran.errors
    assert fleets.outcomes(fleets.last(stage)) == dict((name, ["failed", "warning"]) for name in fleets.names(6))
    assert max(len(now) for now in seen) == 2 and fleets.exceeded(fleets.last(stage), allowed) == {}


def test_the_same_fleet_makes_the_same_calls_in_the_same_order_each_night(stage):
    """So that what a night in a lab shows can be shown again."""
    traces = []
    for _night in range(2):
        stage.open(fleets.inventory(6))
        assert night(stage).status == GOOD
        traces.append([re.sub("[0-9]{8}-[0-9]{6}-[0-9a-f]{8}", "RUN", "%r %s" % (call, call.words))
                       for call in stage.calls])
    assert traces[0] == traces[1] and len(traces[0]) > 100


def test_a_dry_run_changes_nothing_and_tells_the_batches_that_the_run_then_does(stage):
    stage.open(fleets.inventory(12))
    planned = night(stage, "--dry-run")
    assert planned.status == GOOD and stage.changes() == []
    assert night(stage).status == GOOD
    tries = fleets.last(stage).of("backup")
    done = collections.defaultdict(list)
    for each in tries:
        done[each["batch"], each["proxy"]].append(each["vs"])
    assert sorted((batch["proxy"], sorted(server["vs"] for server in batch["servers"]))
                  for batch in planned.document["batches"]) == sorted(
                      (proxy, sorted(servers)) for (_number, proxy), servers in done.items())
    assert planned.document["reboots"] == len(fleets.last(stage).of("reboot"))


def test_each_server_is_frozen_for_its_own_snapshot_and_thawed_after_it(stage):
    """L5."""
    stage.open(fleets.inventory(3))
    before = stage.objects()
    section = {"names": "web*", "freeze": "fsfreeze -f /", "thaw": "fsfreeze -u /"}
    assert night(stage, sections={"all": section}).status == GOOD
    for name in fleets.names(3):
        said = [call.words[1] if call.method == "run" else call.method for call in stage.calls
                if call.thing.split(" ")[-1] == name and (call.method == "snapshot" or "fsfreeze" in call.words)]
        assert said == ["-f", "snapshot", "-u"]
    assert stage.objects() == before


# -- one bad server

def test_a_server_whose_agent_fails_stops_no_other_and_is_tried_again_at_the_end(stage):
    """L1, L3."""
    stage.open(fleets.inventory(5, proxies=1))
    before = stage.objects()
    with fleets.guests_do(stage, fleets.failing("web03")):
        ran = night(stage)
    assert ran.status == GOOD, ran.errors
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(5), web03=["failed", "ok"])
    tries = [each["vs"] for each in fleets.last(stage).of("backup")]
    assert tries[-1] == "web03" and stage.objects() == before


@pytest.mark.parametrize("retries", [0, 2])
def test_a_server_that_always_fails_is_tried_so_often_and_the_night_says_so(stage, retries):
    """L1, L3: the cause is written down, and nothing of it stays."""
    stage.open(fleets.inventory(3))
    before = stage.objects()
    with fleets.guests_do(stage, fleets.failing("web02", times=99)):
        ran = night(stage, retries=retries)
    assert (ran.status, ran.document["outcome"]) == (FAILED, "failed") and "web02" in ran.error
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(3), web02=["failed"] * (1 + retries))
    assert "it broke" in fleets.why(fleets.last(stage), "web02")
    assert fleets.last(stage).end["outcome"] == "failed" and fleets.last(stage).end["exit_status"] == FAILED
    assert stage.objects() == before and sorted(each["vs"] for each in stage.catalog()) == ["web01", "web03"]


def test_a_server_whose_snapshot_fails_stops_no_other(stage):
    stage.open(fleets.inventory(3))
    before = stage.objects()
    stage.fault("snapshot", times=None, name="web02")
    ran = night(stage)
    assert ran.status == FAILED and "web02" in ran.error
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(3), web02=["failed", "failed"])
    assert "injected fault" in fleets.why(fleets.last(stage), "web02") and stage.objects() == before


def test_a_server_that_another_run_holds_is_left_to_it_and_the_others_are_done(stage):
    """L6."""
    stage.open(fleets.inventory(3))
    with Run(site.connect_lab(stage.lab), stage.state(), "proxy-backup") as other:
        with other.held([(stage.object("web02")["id"], "web02")]):
            ran = night(stage)
            assert ran.status == FAILED and stage.object("web02")["snapshot"] is None
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(3), web02=["failed", "failed"])
    assert "busy" in fleets.why(fleets.last(stage), "web02")


def test_a_server_with_something_of_ours_left_behind_is_refused_and_the_others_are_done(stage):
    stage.open(fleets.inventory(3))
    with Run(site.connect_lab(stage.lab), stage.state(), "proxy-backup") as other:
        other.ledger.intend("freeze", vs=stage.object("web02")["id"], vs_name="web02", command=["fsfreeze"])
    ran = night(stage)
    assert ran.status == FAILED
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(3), web02=["failed", "failed"])
    assert "reconcile --fix" in fleets.why(fleets.last(stage), "web02")


def test_a_snapshot_that_is_lost_while_it_is_read_is_no_backup(stage):
    """L1."""
    inventory = fleets.inventory(3, web02={"write_bytes_per_second": 65536})
    inventory["data_centers"][0]["disk_groups"].append({"name": "small", "bytes": fleets.SIZE + 128 * helpers.KIB})
    named(inventory["disks"], "web02-disk")["group"] = "small"
    stage.open(inventory)
    before = [thing for thing in stage.objects() if thing["name"] != "web02-disk"]
    ran = night(stage)
    assert ran.status == FAILED, ran.errors
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(3), web02=["failed", "failed"])
    assert "was lost while it was read" in fleets.why(fleets.last(stage), "web02")
    assert [thing for thing in stage.objects() if thing["name"] != "web02-disk"] == before


def test_a_server_that_does_not_run_is_backed_up_and_left_as_it_is(stage):
    """L5."""
    stage.open(fleets.inventory(3, web02={"power": "Stopped"}))
    before = stage.objects()
    assert night(stage).status == GOOD
    assert fleets.outcomes(fleets.last(stage)) == fleets.all_good(3) and stage.objects() == before


def meanwhile(stage, act):
    """Call ``act`` once, when the first agent of the night reads."""
    done = []

    def once(_name, argv):
        if fleets.agent_of(argv) and not done:
            done.append(True)
            act()
    return fleets.guests_do(stage, once)


def in_the_last_batch(stage, **keys):
    """Return the name of a server that comes last in the night."""
    return night(stage, "--dry-run", **keys).document["batches"][-1]["servers"][-1]["vs"]


def test_a_server_that_is_deleted_meanwhile_stops_no_other(stage):
    stage.open(fleets.inventory(4, proxies=1))
    gone = in_the_last_batch(stage, batch=2)
    helpers.stop(stage, gone)
    with meanwhile(stage, lambda: delete_server(stage, gone)):
        ran = night(stage, batch=2)
    assert ran.status == FAILED and gone in ran.error, ran.errors
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(4), **{str(gone): ["failed", "failed"]})


def delete_server(stage, server):
    with labs.job(stage.lab):
        labs.find(stage.lab, kinds.VIRTUAL_DATA_CENTER, "East").deleteVirtualServer(
            labs.find(stage.lab, kinds.VIRTUAL_SERVER, server))


def test_a_server_that_is_renamed_meanwhile_is_left_alone(stage):
    """L2: what its guest is called may be another server's name by now."""
    stage.open(fleets.inventory(4, proxies=1))
    other = in_the_last_batch(stage, batch=2)
    with meanwhile(stage, lambda: rename(stage, other, "new")):
        ran = night(stage, batch=2)
    assert ran.status == FAILED
    assert fleets.outcomes(fleets.last(stage)) == dict(fleets.all_good(4), **{str(other): ["failed", "failed"]})
    assert "is called new by now" in fleets.why(fleets.last(stage), other)


def test_what_cannot_be_taken_back_is_named_and_the_others_are_done(stage):
    """L3: exit status 6, and one reconcile releases it (L4)."""
    stage.open(fleets.inventory(3))
    before = stage.objects()
    stage.fault("deleteSnapshot", times=3, name="web02")
    ran = night(stage)
    assert ran.status == LEFTOVERS and [each["what"] for each in ran.document["leftovers"]] == ["the snapshot of web02"]
    assert fleets.outcomes(fleets.last(stage)) == fleets.all_good(3)
    [tried] = [each for each in fleets.last(stage).of("backup") if each["leftovers"]]
    assert tried["vs"] == "web02" and fleets.last(stage).end["exit_status"] == LEFTOVERS
    assert stage.vibackup("reconcile", "--fix").status == GOOD and stage.objects() == before
