# -*- coding: utf-8 -*-
"""A night under way: what it writes down of each try, how it ends, who is tried again, and what a bug costs."""
from __future__ import absolute_import, division, print_function, unicode_literals

import time

import pytest

from tests.flows import fleets
from tests.runs import fail
from vibackup import agents, errors
from vibackup.fleet import run as run_module
from vibackup.flows import agent_backup, proxy_batch

ALL = {"all": {"names": "web*"}}
BY_AGENT = {"all": {"names": "web*", "technique": "agent-backup", "proxies": None}}
READ_SECONDS = fleets.SIZE / fleets.RATE


def window(ground, minutes):
    """Return a policy's window that closes after so many minutes, and the moment when it does."""
    opens = ground.lab.clock.time() // 60 * 60
    return "-".join(time.strftime(str("%H:%M"), time.localtime(each)) for each in (opens, opens + 60 * minutes))


# -- what is written down

def test_of_a_good_try_all_is_written_down_that_the_report_and_the_limits_need(place):
    ground = place(1)
    before = ground.objects()
    ground.pass_({"all": {"names": "web*", "location": "tsm1"}})
    [tried] = ground.tries("web01")
    [entry] = ground.entries()
    [begun] = [facts for kind, facts in ground.told if kind == "begin"]
    assert begun == {"vs": "web01", "proxy": tried["proxy"]}
    assert ground.last().facts["started"] < tried.pop("started") < ground.last().end["at"]
    assert tried == {
        "vs": "web01", "section": "all", "proxy": "pbh01", "node": "node1", "agent_node": "node3",
        "groups": ["fastGroup"], "agent_server": "tsm1", "attempt": 1, "batch": 1, "seconds": READ_SECONDS,
        "outcome": "ok", "backup": entry["id"], "bytes": fleets.SIZE, "why": None, "warnings": [], "leftovers": []}
    assert entry["vs"] == "web01" and ground.objects() == before


def test_of_a_server_with_an_agent_of_its_own_there_is_no_proxy_and_no_batch(place):
    ground = place(1)
    ground.pass_(BY_AGENT)
    [tried] = ground.tries("web01")
    assert (tried["proxy"], tried["batch"], tried["agent_node"], tried["outcome"]) == (None, None, "node1", "warning")
    assert tried["seconds"] == READ_SECONDS and "while they are read" in tried["warnings"][0]
    assert ground.last().of("reboot") == []


def test_of_a_failed_try_its_cause_and_its_time_are_written_down(place):
    """L1, FIELD 17."""
    ground = place(1)
    with fleets.guests_do(ground, fleets.failing("web01")):
        counts = ground.pass_(retries=0)
    [tried] = ground.tries("web01")
    assert (tried["outcome"], tried["backup"], tried["attempt"]) == ("failed", None, 1) and "it broke" in tried["why"]
    assert tried["started"] is not None and ground.entries() == []
    assert counts["without"] == ["web01"] and counts["outcomes"] == {"failed": 1}


def test_a_try_that_failed_before_its_agent_began_has_no_time(place):
    ground = place(2)
    fail(ground.lab, "snapshot", times=None, name="web01")
    ground.pass_(retries=0)
    [tried] = ground.tries("web01")
    assert (tried["started"], tried["seconds"], tried["outcome"], tried["batch"]) == (None, None, "failed", 1)
    assert ground.outcomes()["web02"] == ["ok"]


def stop_at(ground, wanted):
    """Ask for a stop as soon as ``wanted(kind, facts)`` is told."""
    def look(kind, facts):
        if wanted(kind, facts):
            ground.stop = errors.TERMINATED
    ground.on_tell = look


@pytest.mark.parametrize("grace, is_urgent", [("1h", True), ("2min", False)])
def test_what_runs_when_a_stop_comes_is_stopped_and_the_rest_never_had_its_turn(place, grace, is_urgent):
    """L1, L3: after its grace, or at once where the stop is asked for again."""
    ground = place(3, proxies=1, rate=512)  # 512 seconds for each
    before = ground.objects()
    stop_at(ground, lambda kind, facts: kind == "begin")
    ground.is_urgent = is_urgent
    ground.pass_(batch=1, at_once=1, grace=grace)
    [tried] = ground.last().of("backup")
    assert tried["outcome"] == "stopped" and tried["attempt"] == 1 and tried["backup"] is None
    assert tried["why"] == "stopped by TERM or a closed terminal"
    assert 0 <= tried["seconds"] < 60 if is_urgent else 120 <= tried["seconds"] < 180
    assert dict((each["vs"], each["why"]) for each in ground.last().of("skipped")) == dict(
        (name, "the night was stopped before its turn") for name in fleets.names(3) if name != tried["vs"])
    assert (ground.last().end["outcome"], ground.last().end["exit_status"]) == ("stopped", errors.TERMINATED)
    assert ground.objects() == before and ground.entries() == []


def test_what_runs_when_a_stop_comes_is_finished_within_its_grace_and_nothing_new_begins(place):
    ground = place(3, proxies=1)
    before = ground.objects()
    stop_at(ground, lambda kind, facts: kind == "begin")
    ground.pass_(batch=1, at_once=1)
    [tried] = ground.last().of("backup")
    assert tried["outcome"] == "ok" and len(ground.last().of("skipped")) == 2
    assert (ground.last().end["outcome"], ground.last().end["exit_status"]) == ("stopped", errors.TERMINATED)
    assert ground.objects() == before and [each["vs"] for each in ground.entries()] == [tried["vs"]]


def test_a_server_that_was_shown_to_its_proxy_when_the_stop_came_was_stopped_and_never_read(place):
    """L3: its snapshot is taken back, and no time stands in the journal that an agent would have had."""
    ground = place(3, proxies=1)
    before = ground.objects()
    stop_at(ground, lambda kind, facts: kind == "begin")
    ground.pass_(batch=3, at_once=1)
    assert sorted(ground.outcomes().values()) == [["ok"], ["stopped"], ["stopped"]]
    assert sorted(each["started"] is None for each in ground.last().of("backup")) == [False, True, True]
    assert ground.objects() == before


def test_a_stop_after_the_window_has_closed_is_not_why_a_server_had_no_turn(place):
    ground = place(3, proxies=1, rate=512)  # 512 seconds for each
    closes = ground.lab.clock.time() // 60 * 60 + 240

    def stop():
        if ground.lab.clock.time() > closes + 60:
            ground.stop = errors.TERMINATED
        return ground.stop
    ground.asks_for_stop = stop
    ground.pass_(window=window(ground, 4), batch=2, at_once=1, speed="512B")
    assert ground.last().end["outcome"] == "stopped"
    assert [each["why"] for each in ground.last().of("skipped")] == ["the window closed before its turn"]
    assert sorted(each["why"] for each in ground.last().of("backup") if each["why"]) == [
        "the window closed before its turn"]


def test_a_batch_that_no_proxy_shows_yet_when_the_stop_comes_is_not_attached_any_more(place):
    """Its proxy does not boot for what nobody will read."""
    ground = place(3, proxies=1)
    before = ground.objects()
    stop_at(ground, lambda kind, facts: kind == "step" and facts["step"] == "snapshot")
    ground.pass_(batch=3)
    assert ground.outcomes() == dict((name, ["stopped"]) for name in fleets.names(3))
    assert ground.last().of("reboot") == [] and ground.objects() == before


def test_what_the_window_shuts_out_is_told_apart_from_what_its_grace_cuts_off(place):
    """L7, FIELD 9."""
    ground = place(3, proxies=1, rate=512)  # 512 seconds for each
    before = ground.objects()
    counts = ground.pass_(window=window(ground, 4), grace="1min", batch=2, at_once=1, speed="512B")
    whys = dict((each["vs"], (each["outcome"], each["started"] is not None, each["why"]))
                for each in ground.last().of("backup"))
    cut = ("stopped", True, "it was cancelled: the window had closed, and its grace was over")
    shut = ("stopped", False, "the window closed before its turn")
    assert sorted(whys.values()) == [shut, cut]
    assert [each["why"] for each in ground.last().of("skipped")] == ["the window closed before its turn"]
    [read] = [each for each in ground.last().of("backup") if each["started"]]
    closes, grace = ground.last().facts["closes"], ground.last().facts["grace"]
    assert closes + grace <= read["started"] + read["seconds"] < closes + grace + 60
    assert sorted(counts["without"]) == fleets.names(3) and ground.objects() == before


# -- who is tried again

@pytest.mark.parametrize("retries", [0, 1, 3])
@pytest.mark.parametrize("failures", [1, 2, 9])
@pytest.mark.parametrize("sections", [ALL, BY_AGENT], ids=["by proxy", "by agent"])
def test_what_fails_is_tried_as_often_again_as_the_policy_says_and_what_is_good_never(place, sections, failures,
                                                                                       retries):
    ground = place(2)
    with fleets.guests_do(ground, fleets.failing("web02", times=failures)):
        ground.pass_(sections, retries=retries)
    good = "ok" if sections is ALL else "warning"
    failed = ["failed"] * min(failures, retries + 1)
    assert ground.outcomes() == {"web01": [good], "web02": failed + [good] * (failures <= retries)}
    assert [each["attempt"] for each in ground.tries("web02")] == list(range(1, len(ground.tries("web02")) + 1))


def test_what_left_something_behind_is_not_tried_again(place):
    """L3: it would be refused, and the leftover is what a person has to look at."""
    ground = place(2, proxies=1)
    fail(ground.lab, "deleteSnapshot", times=3, name="web02")
    with fleets.guests_do(ground, fleets.failing("web02", times=9)):
        ground.pass_(retries=3)
    [tried] = ground.tries("web02")
    assert [each["what"] for each in tried["leftovers"]] == ["the snapshot of web02"]
    assert ground.last().end["exit_status"] == errors.LEFTOVERS and ground.outcomes()["web01"] == ["ok"]


def test_what_the_grace_cut_off_is_not_tried_again(place):
    ground = place(1, rate=512)
    ground.pass_(window=window(ground, 4), grace="1min", retries=5)
    assert ground.outcomes() == {"web01": ["stopped"]}


# -- proxies

def test_a_proxy_is_backed_up_only_while_it_is_not_used(place):
    """L6: nothing is read on it meanwhile, nothing of ours is attached to it, and no try is lost by it."""
    ground = place(5, rate=8192)
    before, seen, own = ground.objects(), [], {"pbh01": [], "pbh02": []}
    for name in own:
        own[name] = [each for each in before if each["name"] == name][0]["devices"]

    def look(name, argv):
        read = fleets.agent_of(argv)
        seen.append((read, name))
        if read in own:
            assert [each for each in ground.objects() if each["name"] == read][0]["devices"] == own[read]
    with fleets.agents_under_way(ground) as at_once, fleets.guests_do(
            ground, lambda name, argv: look(name, argv) if fleets.agent_of(argv) else None):
        counts = ground.pass_({"all": {"names": "web*, pbh01, pbh02"}}, retries=0)
    assert counts["without"] == [] and ground.objects() == before
    assert ("pbh01", "pbh02") in seen and ("pbh02", "pbh01") in seen
    for now in at_once:
        used = set(proxy for _server, proxy in now)
        assert not used & set(server for server, _proxy in now), now


def test_a_proxy_that_is_wanted_by_another_is_left_until_it_has_done_its_own(place):
    """L6: the other one has nothing to do meanwhile, and waits."""
    ground = place(4)
    before = ground.objects()
    counts = ground.pass_({"all": {"names": "web*", "proxies": "pbh02"}, "own": {
        "names": "pbh02", "proxies": "pbh01"}}, retries=0, batch=2)
    assert counts["without"] == [] and ground.outcomes() == fleets.all_good(fleets.names(4) + ["pbh02"])
    [own] = ground.tries("pbh02")
    used = [each["started"] + each["seconds"] for each in ground.last().of("backup") + ground.last().of("reboot")
            if each["proxy"] == "pbh02"]
    assert own["proxy"] == "pbh01" and own["started"] >= max(used) and ground.objects() == before


# -- a bug

class Bug(Exception):
    """What nobody has thought of."""


def once(function):
    """Return a function that raises a Bug the first time, and is ``function`` from then on."""
    done = []

    def broken(*given, **more):
        if not done:
            done.append(True)
            raise Bug("a bug")
        return function(*given, **more)
    return broken


def test_a_thread_that_dies_while_it_reads_gives_its_place_to_the_others(place):
    """L7: at one at a time, a place that is never given back would be the end of the night."""
    ground = place(4)
    before = ground.objects()
    told = once(lambda kind, facts: None)
    ground.on_tell = lambda kind, facts: told(kind, facts) if kind == "begin" else None
    counts = ground.pass_(at_once=1, retries=0)
    outcomes = ground.outcomes()
    assert sorted(outcomes) == fleets.names(4) and len(counts["without"]) <= 4
    assert [each for each in outcomes.values() if each == ["ok"]], "the others were not done"
    assert ground.objects() == before


@pytest.mark.parametrize("module, name, sections", [
    (proxy_batch, "take_on", ALL), (agent_backup, "agent_backup", BY_AGENT), (run_module, "_must_be_called", ALL),
    (run_module, "_must_be_called", BY_AGENT), (agents, "load", ALL), (proxy_batch, "_find", ALL)])
def test_a_bug_anywhere_is_told_and_whoever_can_goes_on(place, monkeypatch, module, name, sections):
    """L3: nothing is left, each server has its line, and its bug is in the journal or among the warnings."""
    ground = place(5)
    before = ground.objects()
    with ground.run() as run:
        prepared = ground.prepare(run, sections, batch=2)
        monkeypatch.setattr(module, name, once(getattr(module, name)))
        ground.carry_out(prepared)
        told = " ".join(run.warnings + [each["why"] or "" for each in ground.last().of("backup")])
    assert "a bug" in told and sorted(ground.outcomes()) == fleets.names(5)
    good = [outcomes[-1] for outcomes in ground.outcomes().values()]
    assert set(good) == {"ok"} or set(good) == {"warning"}, ground.outcomes()
    assert ground.objects() == before


def test_a_bug_in_the_clean_up_is_told_and_one_reconcile_releases_what_it_left(place, monkeypatch):
    """L4."""
    ground = place(4)
    before = ground.objects()
    monkeypatch.setattr(proxy_batch, "let_go", once(proxy_batch.let_go))
    with ground.run() as run:
        ground.carry_out(ground.prepare(run))
        assert any("a bug" in words for words in run.warnings)
    assert sorted(ground.outcomes()) == fleets.names(4)
    ground.one_fix_releases_all(before)
