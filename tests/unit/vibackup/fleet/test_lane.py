# -*- coding: utf-8 -*-
"""What one proxy does in a night: when it is not used any more, and what becomes of what it cannot read in time."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.flows import fleets, helpers
from tests.runs import fail
from vibackup import errors
from vibackup.flows import proxy_batch

SLOW_AND_LATE = {"slow": {"names": "web01", "proxies": "pbh01"}, "late": {"names": "web02", "proxies": "pbh02"}}


def cannot_show(ground, monkeypatch, which):
    """Have pbh01 fail to boot for the batches of its that ``which(number)`` says; it boots whenever it lets them go."""
    real, begun = proxy_batch.take_on, []

    def take_on(run, proxy, guest, leaving, shares):
        begun.append(proxy.name)
        if proxy.name == "pbh01" and which(begun.count(proxy.name)):
            fail(ground.lab, "reboot", name="pbh01", times=2)
        return real(run, proxy, guest, leaving, shares)
    monkeypatch.setattr(proxy_batch, "take_on", take_on)


def batches_of(ground, proxy):
    """Return the servers of each batch that a proxy has taken up."""
    return [facts["servers"] for kind, facts in ground.told if kind == "proxy" and facts["proxy"] == proxy]


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
    begun = sum(batches_of(ground, "pbh01"), [])
    assert set(each["vs"] for each in shown_before) == set(begun)
    last = dict((vs, outcomes) for vs, outcomes in ground.outcomes().items() if vs not in begun)
    assert set(map(tuple, last.values())) == {("ok",)} and len(last) >= 4
    assert [each["proxy"] for each in ground.last().of("reboot") if each["proxy"] == "pbh01"].count("pbh01") <= 2


def test_a_proxy_that_could_not_show_a_batch_now_and_then_is_used_for_all_others(place, monkeypatch):
    """L3: it is left alone only after failures one after the other; what it could not show is tried again."""
    ground = place(6, proxies=1)
    before = ground.objects()
    cannot_show(ground, monkeypatch, lambda number: number in (1, 3))
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


def test_a_proxy_that_could_not_show_two_batches_one_after_the_other_is_left_alone(place, monkeypatch):
    """L3: others do what it has not done; what it could not show has lost one try."""
    ground = place(8)
    before = ground.objects()
    cannot_show(ground, monkeypatch, lambda number: True)
    with ground.run() as run:
        counts = ground.carry_out(ground.prepare(run, retries=1, batch=1))
        assert [words.split(": ")[:2] for words in run.warnings] == [["not used any more", "pbh01"]]
    first, second = batches_of(ground, "pbh01")
    assert counts["without"] == [] and ground.objects() == before
    assert ground.outcomes() == dict(fleets.all_good(8), **dict((vs, ["failed", "ok"]) for vs in first + second))


def test_a_stop_that_keeps_a_proxy_from_showing_a_batch_is_no_failure_of_the_proxy(place, monkeypatch):
    """Though it has failed right before, it is not said to be of no use: nobody knows."""
    ground = place(4, proxies=1)
    before = ground.objects()
    cannot_show(ground, monkeypatch, lambda number: number == 1)

    def stop(kind, facts):
        if kind == "step" and facts["step"] == "reboot" and len(batches_of(ground, "pbh01")) == 2:
            ground.stop, ground.is_urgent = errors.TERMINATED, True
    ground.on_tell = stop
    with ground.run() as run:
        ground.carry_out(ground.prepare(run, batch=2))
        assert run.warnings == []
    assert sorted(ground.outcomes().values()) == [["failed"]] * 2 + [["stopped"]] * 2
    assert ground.objects() == before


def test_a_proxy_that_may_have_a_job_open_takes_no_more(place):
    """L3: what it shows cannot be taken back for certain; so no more is shown to it."""
    ground = place(8)
    before = ground.objects()
    for phase in ("after", "before"):  # it is done, but nobody says so, also at the second time
        fail(ground.lab, "commit", phase, "hang", name="reboot pbh01")
    with ground.run() as run:
        counts = ground.carry_out(ground.prepare(run, retries=0, batch=2))
        assert "not used any more: pbh01: the job reboot pbh01 failed, and may still be open" in run.warnings
        [shown] = batches_of(ground, "pbh01")
        left = " ".join(each["what"] for each in run.leftovers)
        assert [vs for vs in fleets.names(8) if vs in left] == sorted(shown)
    assert counts["without"] == [] and ground.outcomes() == fleets.all_good(8)
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


def test_snapshots_that_are_too_old_once_their_proxy_has_booted_are_read_all_the_same(place):
    """A proxy that boots for longer than a snapshot may get old would otherwise never read any."""
    ground = place(2, pbh01={"boot_seconds": 300}, pbh02={"boot_seconds": 300})
    counts = ground.pass_(retries=0, snapshot_age="1min")
    assert counts["without"] == [] and ground.outcomes() == fleets.all_good(2)


def test_a_snapshot_gets_older_while_its_proxy_boots_too(place):
    """It is 248 seconds old when web01 is read: with 240 allowed, web02 is not begun then."""
    ground = place(2, proxies=1, rate=2048, pbh01={"boot_seconds": 120})  # 128 seconds for each
    before = ground.objects()
    counts = ground.pass_(retries=0, at_once=1, speed="1MiB", snapshot_age="4min")
    first, again = ground.tries("web02")
    assert is_too_old(first) and again["outcome"] == "ok"
    assert counts["without"] == [] and ground.objects() == before
