# -*- coding: utf-8 -*-
"""proxy-backup while the manager fails it: whichever call it is, nothing is left, or reconcile releases it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.helpers import EVERY, FREEZE, small, stage  # noqa: F401


@pytest.mark.parametrize("phase", ["before", "after"])
def test_whichever_call_fails_nothing_is_left_or_reconcile_releases_it(stage, phase):
    stage.open(small())
    before = stage.objects()
    assert stage.proxy_backup(*FREEZE).status == 0
    good = 1
    for number in range(1, len(stage.calls) + 1, EVERY):
        stage.lab.faults = []
        stage.fault_at(number, phase)
        ran = stage.proxy_backup(*FREEZE)
        place = "%s call %d: %s" % (phase, number, ran.errors)
        assert ran.status in (0, 1, 3, 6, 7), place
        assert "internal error" not in ran.errors, place
        stage.lab.faults = []
        if ran.status == 6:
            assert ran.document["leftovers"], place
            assert stage.vibackup("reconcile").status == 6, place
            assert stage.vibackup("reconcile", "--fix").status == 0, place
        else:
            assert stage.objects() == before, place
        assert stage.vibackup("reconcile", "--fix").status == 0 and stage.changes() == [], place
        assert stage.objects() == before, place
        good += ran.document["backup"] is not None
        assert (ran.document["backup"] is not None) == (ran.status in (0, 5) or ran.document["error"] is None), place
    assert len(stage.catalog()) == good


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
