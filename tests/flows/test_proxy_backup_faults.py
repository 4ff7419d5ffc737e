# -*- coding: utf-8 -*-
"""proxy-backup while the manager fails it: whichever call it is, nothing is left, or reconcile releases it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import servers, storage
from tests.flows.helpers import small, stage  # noqa: F401
from vibackup import manager as api


@pytest.mark.parametrize("events", ["after-call", "backlog"])
def test_an_event_that_is_lost_is_not_missed(stage, events):
    stage.open(dict(small(), events=events))
    before = stage.objects()
    stage.proxy_backup()
    for number in [place for place, call in enumerate(stage.calls, 1) if call.method in ("commit", "listenForEvents")]:
        stage.fault_at(number, "before", "lose")
        assert stage.proxy_backup().status == 0, number
        assert stage.objects() == before, number


def test_a_manager_that_hangs_for_an_hour_at_a_change_went_away_and_nothing_is_left(stage):
    stage.open(small())
    before = stage.objects()
    stage.proxy_backup()
    for method in ("snapshot", "addStorageDevice"):
        stage.fault(method, action="hang")
        assert stage.proxy_backup().status == 7, method
        assert stage.objects() == before, method


def crash_at_the_detach(stage, monkeypatch, boot_signature):
    """Have the proxy crash when its disk is detached; it boots again where that signature is its system's."""
    real = api.remove_device

    def crash(server, disk):
        real(server, disk)
        lab = stage.lab
        storage.write(lab, lab.world.named({"LogicalDisk"}, "the proxy's own disk"), 510, boot_signature)
        servers._crashed(lab, lab.world.named({"VirtualServer"}, "pbh01"))
    monkeypatch.setattr(api, "remove_device", crash)


def test_a_proxy_that_crashes_at_the_detach_is_started_again_and_that_is_said(stage, monkeypatch):
    stage.open(small())
    before = stage.objects()
    crash_at_the_detach(stage, monkeypatch, b"\x55\xaa")
    ran = stage.proxy_backup()
    assert ran.document["backup"] and ran.status == 0 and stage.objects() == before
    assert ran.document["warnings"] == ["pbh01 failed meanwhile, so it is started again: look at its console"]


def test_a_proxy_that_crashes_at_the_detach_and_does_not_boot_again_is_left_behind_beside_a_good_backup(
        stage, monkeypatch):
    stage.open(small())
    crash_at_the_detach(stage, monkeypatch, b"\0\0")
    ran = stage.proxy_backup()
    assert ran.status == 6 and ran.document["backup"] and len(stage.catalog()) == 1
    assert [left["what"] for left in ran.document["leftovers"]] == ["pbh01 stopped"]
    assert stage.object("pbh01")["power"] == "Failed" and stage.object("web01")["snapshot"] is None
    fixed = stage.vibackup("reconcile", "--fix")
    assert fixed.status == 0 and "pbh01 was started again, and pbh01 failed" in fixed.document["warnings"][0]
