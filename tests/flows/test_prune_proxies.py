# -*- coding: utf-8 -*-
"""Old backups whose proxy is off: it is started once for all that it keeps, and stopped again."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows import fleets
from tests.flows.helpers import EVERY, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import GOOD, LEFTOVERS, WARNING
from tests.flows.test_fleet_retention import counts, shop  # noqa: F401  (a fixture)
from tests.flows.test_fleet_ends import stopping

__all__ = ["stage", "shop"]
pytestmark = pytest.mark.needs("dd")
TERMINATED = 143


@pytest.fixture
def off(shop):
    """A shop whose one proxy is off, with two backups of each of its three servers; its next night removes them."""
    shop.stage.open(fleets.inventory(3, proxies=1, pbh01={"power": "Stopped"}))
    for _night in range(2):
        assert shop.night(keep={"keep-last": 9}).status == GOOD
    return shop


def changes_of_power(stage):
    """Return what the last command did to the power of proxies, in order."""
    return [call.method for call in stage.calls if call.method in ("start", "stop", "reboot")]


def test_a_proxy_that_is_off_is_started_once_for_all_that_it_keeps_and_stopped_again(off):
    """L5."""
    before = off.stage.objects()
    ran = off.night()
    assert ran.status == GOOD, ran.errors
    assert counts(off) == dict.fromkeys(fleets.names(3), 1) and off.has_what_the_catalog_says()
    assert changes_of_power(off.stage) == ["start", "reboot", "reboot", "stop", "start", "stop"]
    assert off.stage.objects() == before
    booted = fleets.last(off.stage).of("reboot")
    assert len(booted) == 4 and booted[-1]["proxy"] == "pbh01" and booted[-1]["batch"] is None
    assert [name for name in fleets.names(3) if booted[-1]["started"] < max(
        each["started"] for each in fleets.last(off.stage).of("backup"))] == []


def test_where_nothing_is_to_be_removed_no_proxy_is_started_for_it(off):
    assert off.night(keep={"keep-last": 9}).status == GOOD
    assert changes_of_power(off.stage) == ["start", "reboot", "reboot", "stop"]


def test_a_proxy_that_does_not_start_keeps_its_backups_and_each_is_told(off):
    """L1, L3."""
    stop_after_backups(off, lambda: off.stage.fault("start", times=None))
    ran = off.night()
    assert ran.status == WARNING and ran.document["leftovers"] == [], ran.errors
    assert len(off.pruned()) == 6 and all("start failed" in why for why in off.pruned().values())
    assert set(counts(off).values()) == {3} and off.has_what_the_catalog_says()
    off.stage.lab.faults = []
    assert off.night().status == GOOD and set(counts(off).values()) == {1}


def stop_after_backups(shop, act):
    """Call ``act`` once the proxy was stopped again, with its night's backups done."""
    count = shop.stage.lab.count_call
    seen = []

    def counted(handle, method, arguments):
        if method == "stop" and not seen:
            seen.append(True)
            act()
        return count(handle, method, arguments)
    shop.stage.lab.count_call = counted


def test_a_proxy_that_cannot_be_stopped_again_is_a_leftover(off):
    """L3, L4."""
    before = off.stage.objects()
    stops = []
    count = off.stage.lab.count_call

    def counted(handle, method, arguments):
        if method == "stop":
            stops.append(True)
            if len(stops) == 2:
                off.stage.fault("stop", times=None)
        return count(handle, method, arguments)
    off.stage.lab.count_call = counted
    ran = off.night()
    assert ran.status == LEFTOVERS and [each["what"] for each in ran.document["leftovers"]] == ["pbh01 running"]
    assert set(counts(off).values()) == {1} and set(off.pruned().values()) == {None}
    off.stage.lab.faults = []
    off.stage.lab.count_call = count
    assert off.stage.vibackup("reconcile", "--fix").status == GOOD and off.stage.objects() == before


def test_a_stop_at_any_moment_leaves_the_proxy_as_it_was_and_whole_backups(off, monkeypatch):
    """L3, L5."""
    before = off.stage.objects()
    assert off.night(keep={"keep-last": 9}).status == GOOD
    at, ended, states = len(off.stage.calls) - 1, False, set()
    while not ended:
        with stopping(off.stage, monkeypatch, at):
            ran = off.night()
        ended = ran.status != TERMINATED
        assert ran.status in (GOOD, TERMINATED) and ran.document["leftovers"] == [], (at, ran.errors)
        assert off.stage.objects() == before and off.has_what_the_catalog_says(), at
        states.add(len(off.pruned()))
        at += 29 * EVERY
    assert len(states) > 1 and ran.status == GOOD
