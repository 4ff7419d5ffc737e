# -*- coding: utf-8 -*-
"""What one proxy does in a night: when it is not used any more, and what becomes of what it cannot read in time."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.flows import fleets, helpers
from tests.runs import fail
from vibackup import errors
from vibackup.flows import proxy_batch

SLOW_AND_LATE = {"slow": {"names": "web01", "proxies": "pbh01"}, "late": {"names": "web02", "proxies": "pbh02"}}


def test_a_proxy_that_somebody_has_stopped_takes_no_more_tries_and_costs_none(place):
    """L5: what was in its queue is done by another one, the first time."""
    ground = place(8)
    after = []

    def stop(kind, facts):
        if kind == "backup" and facts["proxy"] == "pbh01" and not after:
            after.append(len(ground.last().of("backup")))
            helpers.stop(ground, "pbh01")
    ground.on_tell = stop
    with ground.run() as run:
        prepared = ground.prepare(run, retries=0, batch=2)
        assert len([batch for batch in prepared.plan.batches if batch.proxy.server.name == "pbh01"]) == 2
        ground.carry_out(prepared)
        assert any("not used any more: pbh01: it does not run any more" in words for words in run.warnings)
    shown_before = [each for each in ground.last().of("backup") if each["proxy"] == "pbh01"]
    begun = [facts["servers"] for kind, facts in ground.told if kind == "proxy" and facts["proxy"] == "pbh01"]
    assert set(each["vs"] for each in shown_before) == set(sum(begun, []))
    last = dict((vs, outcomes) for vs, outcomes in ground.outcomes().items() if vs not in sum(begun, []))
    assert set(map(tuple, last.values())) == {("ok",)} and len(last) >= 4
    assert [each["proxy"] for each in ground.last().of("reboot") if each["proxy"] == "pbh01"].count("pbh01") <= 2


def test_a_proxy_that_could_not_show_a_batch_now_and_then_is_used_for_all_others(place, monkeypatch):
    """L3: it is left alone only after failures one after the other; what it could not show is tried again."""
    ground, real, begun = place(6, proxies=1), proxy_batch.take_on, []
    before = ground.objects()

    def take_on(run, proxy, guest, leaving, shares):
        """Fail at the first batch and at the third."""
        begun.append(len(shares))
        if len(begun) in (1, 3):
            fail(ground.lab, "reboot", name="pbh01", times=2)
        return real(run, proxy, guest, leaving, shares)
    monkeypatch.setattr(proxy_batch, "take_on", take_on)
    counts = ground.pass_(retries=1, batch=2)
    assert counts["without"] == [] and ground.objects() == before
    assert sorted(ground.outcomes().values()) == [["failed", "ok"]] * 4 + [["ok"]] * 2


def test_a_disk_that_was_on_the_proxy_when_it_booted_makes_it_unfit_and_is_named(place):
    """L1, L3: its guest shows it still, in a place where the next batch's disk might be looked for."""
    ground = place(3, proxies=1)
    before = ground.objects()
    fail(ground.lab, "removeStorageDevice", times=proxy_batch.DETACH_TRIES, name="pbh01")
    with ground.run() as run, fleets.guests_do(ground, fleets.failing("web02")):
        ground.carry_out(ground.prepare(run))
        [left] = [each for each in run.leftovers if "was booted before they could be taken off" in each["reason"]]
        assert ("not used any more: pbh01: disks of ours were left behind on it: vibackup reconcile --fix"
                in run.warnings)
    assert ground.last().end["exit_status"] == errors.LEFTOVERS and left["what"].endswith("on pbh01")
    assert ground.outcomes() == dict(fleets.all_good(3), web02=["failed"]), "it was used once more"
    ground.one_fix_releases_all(before)


# -- a snapshot that gets too old

def is_too_old(tried):
    return tried["started"] is None and "its turn did not come before its snapshot was" in tried["why"]


def test_a_server_whose_snapshot_got_too_old_before_its_turn_has_lost_no_try(place):
    """It was nobody's failure: with no retries at all it is done all the same."""
    ground = place(2, rate=2048)  # 128 seconds for each, and by the policy one
    before = ground.objects()
    counts = ground.pass_(SLOW_AND_LATE, retries=0, at_once=1, speed="1MiB", snapshot_age="2min")
    late = ground.tries("web02")
    assert [each["outcome"] for each in late] == ["failed", "ok"] and is_too_old(late[0])
    assert late[1]["attempt"] == 2 and counts["without"] == [] and ground.objects() == before


def test_one_that_is_always_too_old_is_tried_some_times_and_no_more(place):
    """L7: or the night would take one snapshot of it after the other."""
    ground = place(2, rate=64)  # more than an hour for web01, and no place for web02 meanwhile
    before = ground.objects()
    counts = ground.pass_(SLOW_AND_LATE, retries=0, at_once=1, speed="1MiB", snapshot_age="1min")
    late = ground.tries("web02")
    assert [each["attempt"] for each in late] == [1, 2, 3, 4] and all(is_too_old(each) for each in late)
    assert counts["without"] == ["web02"] and ground.outcomes()["web01"] == ["ok"] and ground.objects() == before
