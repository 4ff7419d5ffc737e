# -*- coding: utf-8 -*-
"""The report's data: a server is well only where the catalog has a good backup of all of it, young enough."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.nights import (CLOSES, DAY, HOUR, MORNING, OPENS, backup, ended, night, planned, policy, source, tried)
from vibackup import errors
from vibackup.fleet import morning


def report(chains=None, entries=(), policies=None, now=MORNING, **more):
    chains = [[night(tried(), ended())]] if chains is None else chains
    policies = {"nightly": policy()} if policies is None else policies
    return morning.report([source(chains, entries, **more)], policies, now)


def only(found):
    assert len(found["servers"]) == 1
    return found["servers"][0]


# -- objectives

@pytest.mark.parametrize("now, within", [(OPENS + 60 + 30 * HOUR, True), (OPENS + 61 + 30 * HOUR, False)])
def test_the_age_of_a_backup_counts_from_its_beginning(now, within):
    found = report(entries=[backup()], now=now)
    assert only(found)["within_rpo"] is within
    assert only(found)["last_good"]["age"] == now - OPENS - 60
    assert found["counts"]["within_rpo"] == int(within) and found["lists"]["no_good_backup"] == [0] * (not within)


def test_an_ok_in_the_journal_is_no_backup_where_the_catalog_has_none():
    """L1, FIELD 6."""
    found = report(entries=[])
    assert only(found)["outcome"] == "ok" and only(found)["within_rpo"] is False and found["status"] == "critical"


def test_a_failed_night_does_not_hide_an_earlier_backup_nor_make_it_younger():
    found = report([[night(tried(outcome="failed"), ended("failed"))]], [backup(finished=OPENS - 20 * HOUR)])
    assert only(found)["within_rpo"] is True and only(found)["last_good"]["age"] == MORNING - OPENS + 20 * HOUR + 600
    assert found["lists"]["failed"] == [0] and found["status"] == "warning"


@pytest.mark.parametrize("verified, good", [
    ({"outcome": "ok"}, "b-web01"), ({"outcome": "does not boot"}, "older"), (None, "b-web01")])
def test_a_backup_that_a_check_found_bad_is_none(verified, good):
    """L1."""
    entries = [backup("older", finished=OPENS - HOUR), backup(**({"verified": verified} if verified else {}))]
    assert only(report(entries=entries))["last_good"]["backup"] == good


def test_a_backup_of_one_disk_of_two_is_none_of_the_server():
    """FIELD 1: the night's own has both."""
    entries = [backup(disks=("system", "data")), backup("by hand", finished=OPENS + 2 * HOUR, disks=("system",))]
    assert only(report(entries=entries))["last_good"]["backup"] == "b-web01"


def test_without_a_nights_own_backup_the_disks_of_the_last_few_are_the_servers():
    entries = [backup("both", disks=("system", "data")), backup("one", finished=OPENS + HOUR, disks=("system",))]
    assert only(report([[night(tried(outcome="failed"), ended())]], entries))["last_good"]["backup"] == "both"
    gone = [backup("old", disks=("system", "data"))] + [
        backup("new%d" % day, finished=OPENS + HOUR + day, disks=("system",)) for day in range(morning.FEW)]
    assert only(report([[night(tried(outcome="failed"), ended())]], gone))["last_good"]["backup"] == "new4"


def test_a_backup_of_other_files_is_none_of_the_disks():
    entries = [backup(), backup("files", finished=OPENS + HOUR, mode="file", disks=("/etc", "system"))]
    assert only(report(entries=entries))["last_good"]["backup"] == "b-web01"


def test_without_an_rpo_nothing_is_said_but_a_server_without_any_backup_is_named():
    found = report(policies={"nightly": policy(rpo=None)}, entries=[backup()])
    assert only(found)["within_rpo"] is None and found["lists"]["no_good_backup"] == []
    assert report(policies={"nightly": policy(rpo=None)})["lists"]["no_good_backup"] == [0]


@pytest.mark.parametrize("seconds, within", [(2 * HOUR, True), (2 * HOUR + 1, False), (None, None)])
def test_the_measured_restore_is_held_against_the_rto(seconds, within):
    found = report(entries=[backup(verified={"outcome": "ok", "restore_seconds": seconds})])
    assert only(found)["within_rto"] is within and only(found)["restore_seconds"] == seconds
    assert found["lists"]["restore_too_slow"] == [0] * (within is False)
    assert found["lists"]["restore_not_measured"] == [0] * (within is None)


def test_a_restore_that_failed_measures_nothing():
    found = only(report(entries=[backup(verified={"outcome": "does not boot", "restore_seconds": 5})]))
    assert found["restore_seconds"] is None and found["found_bad"] == ["b-web01"]


# -- which servers

def test_every_server_of_the_night_is_in_the_report_with_its_outcome():
    servers = [planned(vs) for vs in ("a", "b", "c", "d", "e")]
    lines = [tried("a"), tried("b", "warning"), tried("c", "failed"), tried("d", "stopped"),
             ("skipped", {"vs": "e", "section": "web", "why": "late"}), ended("failed")]
    found = report([[night(*lines, servers=servers + [planned("f")],
                           left_out=[{"vs": "g", "section": None, "wanted": False, "why": "raw"}])]])
    assert [server["outcome"] for server in found["servers"]] == [
        "ok", "warning", "failed", "stopped", "skipped", "never tried", "left out"]
    assert [found["lists"][name] for name in ("failed", "stopped", "skipped", "never_tried", "left_out")] == [
        [2], [3], [4], [5], [6]]


def test_a_server_that_was_left_out_has_no_objective_to_miss():
    found = only(report([[night(ended(), servers=[], left_out=[
        {"vs": "web9", "section": "web", "why": "excluded by web9", "wanted": False}])]]))
    assert found["within_rpo"] is None and found["outcome"] == "left out" and not found["protected"]


@pytest.mark.parametrize("rpo", [30 * HOUR, None])
def test_a_server_that_a_section_selects_and_cannot_have_is_without_a_backup(rpo):
    """L1: nobody is well only because the plan had no place for him."""
    chains = [[night(ended("failed"), servers=[], left_out=[
        {"vs": "raw01", "section": "web", "why": "a raw disk", "wanted": True}])]]
    found = report(chains, policies={"nightly": policy(rpo=rpo)})
    assert only(found)["outcome"] == "left out" and found["lists"]["no_good_backup"] == [0]
    assert found["status"] == "critical" and only(found)["within_rpo"] is (None if rpo is None else False)
    by_hand = report(chains, [backup("by hand", "raw01", verb="array-backup", mode="array")], {"nightly": policy()})
    assert by_hand["lists"]["no_good_backup"] == [] and only(by_hand)["within_rpo"] is True


def test_a_server_that_one_policy_leaves_out_and_another_backs_up_is_backed_up():
    weekly = night(ended(), name="weekly", id="w1", servers=[], started=OPENS + HOUR,
                   left_out=[{"vs": "web01", "section": None, "wanted": False, "why": "no section selects it"}])
    found = report([[weekly], [night(tried(), ended())]], [backup()])
    assert only(found)["outcome"] == "ok" and only(found)["policy"] == "nightly"


def test_a_backup_of_a_server_that_no_night_knows_is_shown_and_held_against_nothing():
    found = report(entries=[backup(), backup("b2", "gone01")])
    assert [(each["vs"], each["outcome"], each["within_rpo"]) for each in found["servers"]] == [
        ("gone01", "no night", None), ("web01", "ok", True)]
    assert found["lists"]["no_good_backup"] == []


def test_before_the_first_night_names_alone_say_which_section_a_server_is_in():
    found = report([], [backup(finished=OPENS - 3 * DAY), backup("b2", "other", finished=OPENS - 3 * DAY)])
    assert [(each["vs"], each["section"], each["within_rpo"]) for each in found["servers"]] == [
        ("other", None, None), ("web01", "web", False)]


def test_two_servers_of_one_name_are_told_apart_by_their_managers():
    sources = [source([[night(tried(), ended())]], [backup(manager=name)], manager=name) for name in ("vm1", "vm2")]
    sources[1].entries[:] = [backup("old", manager="vm2", finished=OPENS - 3 * DAY)]
    found = morning.report(sources, {"nightly": policy()}, MORNING)
    assert [(each["name"], each["within_rpo"], each["last_good"]["backup"]) for each in found["servers"]] == [
        ("web01 (vm1)", True, "b-web01"), ("web01 (vm2)", False, "old")]
    assert len(found["nights"]) == 2 and found["counts"]["servers"] == 2


def test_shards_in_two_states_of_one_manager_are_one_fleet():
    sources = [source([[night(tried(vs), ended(), shard=shard, servers=[planned(vs)])]], [backup("b-" + vs, vs)])
               for vs, shard in (("web01", "1/2"), ("web02", "2/2"))]
    found = morning.report(sources, {"nightly": policy()}, MORNING)
    assert [each["name"] for each in found["servers"]] == ["web01", "web02"] and found["status"] == "ok"


# -- the judgement

def test_all_well():
    found = report(entries=[backup()])
    assert (found["status"], found["headline"]) == ("ok", "1 server has a good backup within RPO")


def test_the_worst_comes_first_in_one_sentence():
    servers = [planned(vs) for vs in ("a", "b", "c")]
    found = report([[night(tried("a", "failed"), tried("b", "failed"), tried("c"), servers=servers)]],
                   [backup("b-c", "c"), backup("x", "a")])
    assert (found["status"], found["headline"]) == (
        "critical", "1 server without a good backup within RPO, 1 night cut short, 2 servers failed")


def test_a_night_that_is_under_way_raises_no_alarm_for_those_whose_turn_comes():
    found = report([[night(tried("db01"), servers=[planned("db01"), planned("web01")])]],
                   [backup(finished=OPENS - HOUR), backup("b-db01", "db01")], now=OPENS + HOUR)
    assert (found["status"], found["counts"]["not_yet_tried"], found["counts"]["never_tried"]) == ("ok", 1, 0)
    assert report([[night()]], now=OPENS + HOUR)["status"] == "critical"  # it has no good backup all the same


@pytest.mark.parametrize("now, count", [(CLOSES + DAY, 0), (CLOSES + DAY + 1, 1), (OPENS + 10 * DAY, 1)])
def test_a_window_that_passed_without_a_night_is_an_alarm(now, count):
    """FIELD: stuck without alarm, a week missed."""
    found = report(entries=[backup()], now=now, policies={"nightly": policy(rpo=None)})
    assert found["counts"]["missed"] == count and found["status"] == ("critical" if count else "ok")
    if count:
        assert found["missed"][0]["opened"] == OPENS + DAY


def test_a_night_that_overran_the_next_window_was_no_night_missed():
    found = report([[night(tried(seconds=DAY + HOUR), ended(after=DAY + 2 * HOUR))]], [backup()], now=CLOSES + DAY + 1)
    assert found["missed"] == []


def test_where_the_policy_is_not_at_hand_nothing_is_said_to_be_well():
    """L1."""
    found = report(entries=[backup()], policies={})
    assert (found["status"], found["headline"]) == ("unknown", "1 night whose policy is not at hand")


def test_a_policy_that_never_had_a_night_is_not_well_either():
    assert report([], [backup()])["status"] == "unknown"


def test_an_empty_state_is_unknown():
    found = report([], policies={})
    assert found["status"] == "unknown" and "/state" in found["headline"]


def test_what_is_damaged_is_named_and_makes_the_rest_uncertain():
    found = report(entries=[backup()], damaged=[errors.UsageError("catalog: x.json: no JSON")])
    assert found["damaged"] == ["catalog: x.json: no JSON"] and found["status"] == "unknown"
    assert found["counts"]["within_rpo"] == 1


# -- what nobody prunes

def test_backups_of_a_server_that_no_section_has_are_counted_and_others_are_not():
    chains = [[night(tried(), ended(), left_out=[
        {"vs": "gone01", "section": None, "why": "no section of the policy selects it", "wanted": False},
        {"vs": "raw01", "section": "all", "why": "raw01-lun is a raw disk", "wanted": True}])]]
    entries = [backup(), backup("1", vs="gone01"), backup("2", vs="gone01"), backup("3", vs="raw01"),
               backup("4", vs="old01"), backup("5", vs="kept01", verb="archive")]
    found = report(chains, entries)
    assert [(found["servers"][place]["name"], found["servers"][place]["prunable"])
            for place in found["lists"]["never_pruned"]] == [("gone01", 2), ("old01", 1)]
    assert found["counts"]["never_pruned"] == 2 and report(entries=[backup()])["lists"]["never_pruned"] == []
