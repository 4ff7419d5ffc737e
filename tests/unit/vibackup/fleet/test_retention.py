# -*- coding: utf-8 -*-
"""What retention keeps: restic's rules for a calendar, and never the last good backup of any disk."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

import pytest

from tests.backups_of import BEGIN, DAY, SITE, disk, entry, nights
from tests.runs import make_run
from vibackup import errors, site
from vibackup.fleet import retention

NOW = BEGIN + 1000 * DAY
BAD = {"outcome": "does not boot"}


def kept(entries, now=NOW, **keep):
    """Return the numbers of the backups that stay, as ``entries`` has them."""
    return [number for number, verdict in enumerate(retention.plan(entries, keep, now, SITE)) if verdict.kept]


def why(entries, number=0, **keep):
    """Return whether a backup stays, and why."""
    found = retention.plan(entries, keep or {"last": 1}, NOW, SITE)[number]
    return found.kept, found.why


# -- the calendar

def test_the_last_ones_are_kept():
    assert kept(nights(10), last=3) == [7, 8, 9]


def test_of_a_day_the_newest_is_kept():
    entries = [entry(number, BEGIN + number * DAY // 4) for number in range(8)]  # at 22:00, 04:00, 10:00, 16:00, ...
    assert [each["finished"] for each in entries][::4] == ["2008-06-01T22:00:00Z", "2008-06-02T22:00:00Z"]
    assert kept(entries, daily=2) == [4, 7] and kept(entries, daily=3) == [0, 4, 7]


def test_a_week_begins_on_monday_and_the_week_of_new_year_is_one():
    sunday, monday = entry(0), entry(1)
    assert kept([sunday, monday], weekly=1) == [1] and kept([sunday, monday], weekly=2) == [0, 1]
    year_end = [entry(number, BEGIN + (211 + number) * DAY) for number in range(4)]
    assert [each["finished"][:10] for each in year_end] == ["2008-12-29", "2008-12-30", "2008-12-31", "2009-01-01"]
    assert kept(year_end, weekly=2) == [3] and kept(year_end, yearly=2) == [2, 3] == kept(year_end, monthly=2)


def test_days_weeks_and_months_of_two_years_are_not_the_same():
    entries = [entry(0), entry(1, BEGIN + 364 * DAY), entry(2, BEGIN + 365 * DAY)]
    assert [each["finished"][:10] for each in entries] == ["2008-06-01", "2009-05-31", "2009-06-01"]
    assert kept(entries, monthly=3) == kept(entries, daily=3) == [0, 1, 2]
    assert kept([entries[0], entries[1]], weekly=2) == [0, 1]  # each is of the 22nd week


def test_months_and_years_without_a_backup_use_up_none():
    entries = [entry(number, BEGIN + days * DAY) for number, days in enumerate([0, 100, 500, 999])]
    assert kept(entries, monthly=4) == [0, 1, 2, 3] and kept(entries, yearly=3) == [1, 2, 3]


def test_rules_add_up_and_each_says_why():
    entries = nights(40)
    assert kept(entries, last=2, weekly=2, monthly=2) == [29, 35, 38, 39]  # the end of June, a Sunday, and the last
    assert why(entries, 39, last=2, weekly=2) == (True, "last, weekly")
    assert why(entries, 0, last=2, weekly=2) == (
        False, "beyond keep-last=2, keep-weekly=2; 20080601-220000-00000027 is newer and good")


@pytest.mark.parametrize("keep", [{}, {"last": 0}, {"last": 0, "daily": 0, "weekly": 0, "monthly": 0, "yearly": 0}])
def test_where_the_policy_names_nothing_to_keep_all_stays(keep):
    assert kept(nights(5), **keep) == [0, 1, 2, 3, 4]


# -- never the last good one

def test_a_backup_that_was_found_bad_takes_no_place_and_a_newer_good_one_lets_it_go():
    """FIELD: a failed one does not count."""
    entries = nights(6)
    entries[2]["verified"] = entries[3]["verified"] = BAD
    assert kept(entries, last=3) == [1, 4, 5]


def test_the_newest_good_one_and_all_after_it_stay():
    entries = nights(6)
    for each in entries[3:]:
        each["verified"] = BAD
    assert kept(entries, last=1) == [2, 3, 4, 5]
    assert why(entries, 4) == (True, "there is no newer good one of all that it has")


def test_where_none_is_good_all_stay():
    assert kept(nights(4, verified=BAD), last=1) == [0, 1, 2, 3]


def test_one_that_ended_in_the_same_second_as_the_newest_stays():
    same = [entry(0, BEGIN), entry(1, BEGIN), entry(2, BEGIN)]
    assert kept(same, last=1) == [0, 1, 2]


def test_backups_of_one_disk_alone_rotate_out_no_whole_one():
    """FIELD: never rotate old backups before the new one is complete."""
    whole, partial = nights(3), [entry(number, disks=[disk("data")]) for number in range(3, 9)]
    assert kept(whole + partial, last=2) == [1, 2, 7, 8]


def test_a_bad_one_that_alone_has_a_disk_stays():
    entries = [entry(0, disks=[disk("old")], verified=BAD)] + nights(5)[1:]
    assert kept(entries, last=1) == [0, 4]


def test_a_backup_of_files_makes_no_image_dispensable():
    images, files = nights(2), [entry(number, mode="file", agent="tar") for number in (2, 3, 4)]
    assert kept(images + files, last=1) == [1, 4]


def test_a_backup_without_disks_stays():
    assert kept([entry(0, disks=[])] + nights(3)[1:], last=1) == [0, 2]


def test_a_warning_is_a_good_backup():
    assert kept(nights(3, outcome="warning"), last=1) == [2]


# -- not ours

@pytest.mark.parametrize("facts, words", [
    ({"manager": "another"}, "not ours to prune: it was made with another manager, another"),
    ({"lab": True}, "not ours to prune: it was made with another manager, vmserver"),
    ({"manager": None}, "not ours to prune: it was made with another manager, None"),
    ({"verb": "archive", "mode": "archive"}, "not ours to prune: archive (mode archive) made it"),
    ({"verb": "array-backup"}, "not ours to prune: array-backup (mode image) made it"),
    ({"mode": "boot"}, "not ours to prune: proxy-backup (mode boot) made it"),
    ({"mode": None}, "not ours to prune: proxy-backup (mode None) made it"),
    ({"agent": "gone"}, "not ours to prune: its agent gone is not known here"),
    ({"id": "latest"}, "not ours to prune: its id or its moment is none that vibackup writes"),
    ({"run": "20080601-220000-ffffffff"}, "not ours to prune: its id or its moment is none that vibackup writes"),
    ({"finished": "2008-6-1T22:00:00Z"}, "not ours to prune: its id or its moment is none that vibackup writes"),
    ({"agent": "tsm"}, "left to tsm: its own server decides how long it is kept"),
    ({"agent": "netbackup"}, "left to netbackup: its own server decides how long it is kept"),
    ({"agent": "networker", "mode": "file"}, "left to networker: its own server decides how long it is kept"),
    ({"protected": True}, "protected")])
def test_what_is_not_ours_to_prune_stays_and_that_is_said(facts, words):
    """L2."""
    entries = nights(4)
    entries[0].update(facts)
    assert why(entries) == (True, words)


def test_the_second_backup_of_a_run_is_ours_too():
    first = entry(0)
    assert kept([dict(first, id=first["id"] + "-2")] + nights(3)[1:], last=1) == [2]


def test_what_another_keeps_makes_none_of_ours_dispensable():
    """Nobody here knows whether it is still there."""
    for facts in ({"agent": "tsm"}, {"manager": "another"}, {"lab": True}):
        assert kept(nights(2) + [entry(number, **facts) for number in (2, 3)], last=1) == [1, 2, 3]


def test_protecting_a_backup_changes_nothing_for_the_others():
    entries = nights(6)
    assert kept(entries, last=2) == [4, 5]
    entries[1]["protected"] = True
    assert kept(entries, last=2) == [1, 4, 5]
    entries[5]["protected"] = True
    assert kept(entries, last=2) == [1, 4, 5]


def test_a_backup_of_the_future_stays_and_takes_no_place():
    """A clock that was ten years ahead for one night."""
    entries = nights(4) + [entry(9, NOW + DAY)]
    assert kept(entries, last=1) == [3, 4]
    assert why(entries, 4) == (True, "it is of the future, by this clock")
    assert kept(nights(4), now=BEGIN - DAY, last=1) == [0, 1, 2, 3]  # or a clock that is behind now


# -- a night's

Section = collections.namedtuple("Section", "name keep agents")


def planned(lab, entries, pairs=None, keep=None):
    manager = site.connect_lab(lab)
    ours = [dict(each, manager=manager.name, lab=True) for each in entries]
    section = Section("all", keep or {"last": 1}, None)
    return retention.plan_night(manager, pairs or [("web01", section)], ours, NOW)


def test_the_dry_run_says_what_goes_and_what_is_left_to_its_agent(lab):
    entries = nights(3) + [entry(number, agent="tsm") for number in (3, 4)]
    assert retention.lines(planned(lab, entries)) == [
        "prune: 20080601-220000-00000000 of web01, made 2008-06-01T22:00:00Z: beyond keep-last=1; "
        "20080601-220000-00000002 is newer and good",
        "prune: 20080601-220000-00000001 of web01, made 2008-06-02T22:00:00Z: beyond keep-last=1; "
        "20080601-220000-00000002 is newer and good",
        "web01: 2 of its backups left to tsm: its own server decides how long it is kept"]


def test_each_server_is_held_against_its_own_section(lab):
    entries = sorted(nights(3) + nights(3, vs="db01") + nights(3, vs="raw01"), key=lambda each: each["finished"])
    one, two = Section("a", {"last": 1}, None), Section("b", {"last": 2}, None)
    found = planned(lab, entries, [("web01", one), ("db01", two), ("mixed01", two)])
    assert [(each.vs, sum(not verdict.kept for verdict in each.verdicts)) for each in found] == [
        ("web01", 2), ("db01", 1)]


def test_a_sections_own_agents_remove_what_they_made(lab, tmpdir):
    table = tmpdir.join("agents.ini")
    table.write("[mine]\nimage_backup = save {device}\nimage_discard = forget {id}\n")
    entries = [entry(number, agent="mine") for number in range(3)]
    for agents_file, going in ((None, 0), (str(table), 2)):
        found, = planned(lab, entries, [("web01", Section("a", {"last": 1}, agents_file))])
        assert sum(not verdict.kept for verdict in found.verdicts) == going


def test_one_that_cannot_be_removed_stops_no_other_and_a_stop_does(lab, tmpdir, monkeypatch):
    tried, told = [], []

    def fails(run, plan):
        tried.append(plan.entry["id"][-1])
        if len(tried) == 1:
            raise errors.Refused("no luck")
        if len(tried) == 3:
            raise errors.Stopped(errors.TERMINATED)
        return plan.report()
    monkeypatch.setattr(retention.prune, "prune", fails)
    with pytest.raises(errors.Stopped):
        retention.prune_night(lambda: make_run(lab, tmpdir), planned(lab, nights(5)), told.append)
    assert tried == ["0", "1", "2"]  # the oldest first
    assert [(each["backup"][-1], each["outcome"], each["why"]) for each in told] == [
        ("0", "failed", "no luck"), ("1", "ok", None)]
