# -*- coding: utf-8 -*-
"""Recovery objectives against what the catalog knows."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from vibackup import objectives


def entry(**keys):
    return dict({"id": "b1", "verb": "proxy-backup", "mode": "image", "finished": "2008-06-01T22:00:00Z", "seconds": 60,
                 "disks": [{"name": "system"}, {"name": "data"}]}, **keys)


FINISHED = 1212357600  # 2008-06-01T22:00:00Z


def test_the_newest_of_a_verb_and_a_mode():
    entries = [entry(id="a"), entry(id="b"), entry(id="c", mode="file"), entry(id="d", verb="archive")]
    assert objectives.latest(entries, "proxy-backup", ("image",))["id"] == "b"
    assert objectives.latest(entries, "proxy-backup", ("file", "image"))["id"] == "c"
    assert objectives.latest(entries, "proxy-backup", ()) is None


@pytest.mark.parametrize("keys, good", [
    ({}, True), ({"verified": {"outcome": "ok"}}, True), ({"verified": {"outcome": "does not boot"}}, False),
    ({"disks": [{"name": "system"}]}, False), ({"mode": "file", "disks": [{"name": "/srv"}]}, True)])
def test_a_good_backup_has_all_disks_and_was_not_found_bad(keys, good):
    assert (objectives.latest_good([entry(**keys)], ["system", "data"]) is not None) == good


def test_what_a_backup_has_is_as_old_as_its_beginning():
    assert objectives.age(entry(), FINISHED + 100) == 160
    assert objectives.age(entry(seconds=None), FINISHED + 100) == 100


def test_a_clock_that_went_back_makes_no_negative_age():
    assert objectives.age(entry(), FINISHED - 3600) == 0


@pytest.mark.parametrize("wanted, met", [(61, True), (60, False), (59, False)])
def test_a_backup_must_take_less_than_the_rpo(wanted, met):
    assert objectives.recovery_point(wanted, entry())["met"] is met


def test_how_often_to_begin_one_is_the_rpo_without_the_time_that_it_takes():
    assert objectives.recovery_point(3600, entry()) == {
        "met": True, "why": "the last one took 1 min 00 s: begin one at least every 59 min 00 s"}


def test_where_nothing_is_known_nothing_is_said():
    assert objectives.recovery_point(60, None)["met"] is None
    assert objectives.recovery_point(60, entry(seconds=None))["met"] is None
    assert objectives.recovery_time(60, None, "measure")["met"] is None


def test_a_restore_that_was_not_measured_is_one_to_measure():
    assert objectives.recovery_time(60, entry(), "do this") == {"met": None, "why": "not measured: do this"}


@pytest.mark.parametrize("wanted, met", [(101, True), (100, True), (99, False)])
def test_a_restore_may_take_as_long_as_the_rto(wanted, met):
    measured = entry(verified={"outcome": "ok", "restore_seconds": 100})
    assert objectives.recovery_time(wanted, measured, "")["met"] is met


def test_a_backup_that_was_found_bad_meets_no_rto():
    bad = entry(verified={"outcome": "does not boot", "restore_seconds": None})
    assert objectives.recovery_time(10 ** 6, bad, "") == {
        "met": False, "why": "the last one (b1) was verified: does not boot"}
