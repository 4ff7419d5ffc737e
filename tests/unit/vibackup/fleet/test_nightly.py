# -*- coding: utf-8 -*-
"""The facts of one night: what became of each server, also of one that nothing is written about."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.nights import CLOSES, HOUR, LIMITS, MORNING, OPENS, ended, night, planned, tried
from vibackup.fleet import nightly


def facts(*chain, **more):
    return nightly.facts(list(chain), "vm1", more.get("now", MORNING))


def only(found):
    assert len(found["servers"]) == 1
    return found["servers"][0]


@pytest.mark.parametrize("outcome", ["ok", "warning", "failed", "stopped"])
def test_the_outcome_of_a_try_is_the_servers_and_is_counted(outcome):
    found = facts(night(tried(outcome=outcome), ended()))
    assert only(found)["outcome"] == outcome and found["counts"][outcome] == 1 and found["counts"]["planned"] == 1
    assert found["bytes"] == (1024 ** 3 if outcome in ("ok", "warning") else 0)


def test_of_several_tries_the_last_one_counts_and_all_are_in_the_timeline():
    found = facts(night(tried(outcome="failed"), tried(after=900, attempt=2), ended()))
    assert only(found)["outcome"] == "ok" and only(found)["attempts"] == 2 and only(found)["why"] is None
    assert found["counts"]["failed"] == 0 and found["tries"] == 2
    assert [each["outcome"] for each in found["proxies"][0]["backups"]] == ["failed", "ok"]


def test_the_cause_of_a_failure_is_in_the_facts():
    """FIELD 17."""
    assert only(facts(night(tried(outcome="failed"), ended())))["why"] == "dd said no"


def test_a_password_in_a_cause_is_masked():
    """L8."""
    found = facts(night(tried(outcome="failed", why="sftp://me:hunter22@host/x: no"), ended()))
    assert "hunter22" not in repr(found) and "********" in only(found)["why"]


def test_a_skipped_server_has_its_reason():
    found = facts(night(("skipped", {"vs": "web01", "section": "web", "why": "the window closed"}), ended()))
    assert (only(found)["outcome"], only(found)["why"]) == ("skipped", "the window closed")


def test_a_server_that_was_left_out_is_not_planned():
    left = [{"vs": "raw01", "section": None, "why": "raw disk", "wanted": True}]
    found = facts(night(tried(), ended(), left_out=left))
    assert found["left_out"] == left and found["counts"]["left_out"] == 1 and found["counts"]["planned"] == 1


def test_a_planned_server_that_nothing_is_written_about_was_never_tried():
    """L1, FIELD 7: no news is no good news."""
    found = facts(night(ended()))
    assert only(found)["outcome"] == "never tried" and "does not say why" in only(found)["why"]


@pytest.mark.parametrize("now, outcome", [(CLOSES + 1800, "running"), (CLOSES + 1801, "cut short")])
def test_a_night_without_an_end_may_run_until_its_grace_is_over(now, outcome):
    found = facts(night(tried("db01"), servers=[planned("web01"), planned("db01")]), now=now)
    assert found["outcome"] == outcome and found["ended"] is None and found["exit_status"] is None
    waiting, done = found["servers"]
    assert done["outcome"] == "ok" and waiting["outcome"] == {
        "running": "not yet tried", "cut short": "never tried"}[outcome]
    assert (waiting["why"] is not None and "not known" in waiting["why"]) == (outcome == "cut short")
    assert found["seconds"] == 660  # as far as anything is written


def test_a_night_without_a_window_may_run_for_a_day():
    def outcome(now):
        return facts(night(opens=None, closes=None), now=now)["outcome"]
    assert outcome(OPENS + 24 * HOUR) == "running" and outcome(OPENS + 24 * HOUR + 1) == "cut short"


def test_a_night_that_was_taken_up_is_one_with_its_beginning():
    """FIELD 10: what was done before the crash stays done."""
    servers = [planned("web01"), planned("db01"), planned("app01")]
    first = night(tried("web01"), tried("db01", "failed"), servers=servers)
    second = night(tried("db01", after=HOUR), ended(), servers=servers[1:], id="n2", resumes="n1", started=OPENS + HOUR)
    found = facts(first, second)
    assert [(server["vs"], server["outcome"]) for server in found["servers"]] == [
        ("web01", "ok"), ("db01", "ok"), ("app01", "never tried")]
    assert found["ids"] == ["n1", "n2"] and found["began"] == OPENS and found["seconds"] == 2 * HOUR
    assert found["outcome"] == "ok"


def test_a_try_that_failed_before_its_agent_began_is_counted_and_has_no_place_in_the_timeline():
    found = facts(night(tried(outcome="failed", started=None, seconds=None, why="no space for a snapshot"), ended()))
    assert only(found)["why"] == "no space for a snapshot" and found["counts"]["failed"] == found["tries"] == 1
    assert found["drawn"] == 0 and found["proxies"][0]["backups"] == [] and found["nodes"] == []


# -- its timeline

def test_backups_at_once_count_for_the_servers_node_and_the_agents():
    found = facts(night(tried(after=0, seconds=100), tried("db01", after=50, seconds=100), ended()))
    assert [(node["name"], node["most"], node["limit"]) for node in found["nodes"]] == [
        ("node1", 2, LIMITS["node"]), ("node2", 2, LIMITS["node"])]
    assert [count for _moment, count in found["nodes"][0]["steps"]] == [1, 2, 1, 0]


def test_a_backup_whose_server_is_on_the_proxys_own_node_counts_once():
    found = facts(night(tried(node="node2"), ended()))
    assert [(node["name"], node["most"]) for node in found["nodes"]] == [("node2", 1)]


def test_what_ends_makes_room_for_what_begins_at_that_moment():
    """A length that was rounded up does not look like a limit that was exceeded."""
    found = facts(night(tried(after=0.0, seconds=100.0004), tried("db01", after=100, seconds=50), ended()))
    assert found["nodes"][0]["most"] == 1 and [count for _moment, count in found["nodes"][0]["steps"]] == [1, 0]


def test_reboots_are_counted_and_shared_out_over_the_good_backups():
    reboot = ("reboot", {"proxy": "pbh01", "node": "node2", "batch": 1, "started": OPENS, "seconds": 60,
                         "outcome": "ok", "why": None})
    found = facts(night(reboot, tried(), tried("db01"), tried("x", "failed"), ended()))
    assert found["reboots"] == 1 and found["reboots_per_server"] == 0.5
    assert [each["started"] for each in found["proxies"][0]["reboots"]] == [OPENS]
    assert facts(night(reboot, ended()))["reboots_per_server"] is None


def test_a_proxy_that_did_nothing_has_its_lane_and_so_has_each_node_whose_servers_run_agents():
    found = facts(night(tried(proxy=None, agent_node="node1"), ended()))
    assert [(lane["name"], lane["node"], len(lane["backups"])) for lane in found["proxies"]] == [
        ("pbh01", "node2", 0), (None, "node1", 1)]


def test_what_retention_could_not_remove_and_what_was_left_behind_is_named():
    left = {"run": "r1", "what": "the snapshot of web01", "reason": "busy"}
    found = facts(night(tried(leftovers=[left]), ("pruned", {"backup": "b1", "vs": "web01"}),
                        ("pruned", {"backup": "b2", "vs": "web01", "why": "the proxy is down"}), ended()))
    assert found["pruned"] == 1 and found["not_pruned"] == [{"backup": "b2", "vs": "web01", "why": "the proxy is down"}]
    assert found["leftovers"] == [dict(left, vs="web01")]
