# -*- coding: utf-8 -*-
"""Whatever was backed up and whatever is to be kept: a backup goes only where a newer good one has all that it has."""
from __future__ import absolute_import, division, print_function, unicode_literals

from hypothesis import given
from hypothesis import strategies as st

from tests.backups_of import BEGIN, DAY, SITE, disk, entry
from vibackup import objectives, prunable
from vibackup.fleet import retention

NOW = BEGIN + 500 * DAY
# Rarely what is not ours, so that there is something to go.
RARE = {"manager": "another", "lab": True, "verb": "archive", "mode": "archive", "agent": "tsm", "protected": True}


@st.composite
def catalogs(draw):
    """Return the backups of a server: at any moment, of any disks, some bad, some not ours, some of the future."""
    found = []
    for number in range(draw(st.integers(1, 25))):
        facts = {"disks": [disk(name) for name in draw(st.sets(st.sampled_from(["a", "b"]), min_size=1, max_size=2))]}
        if draw(st.integers(0, 3)) == 0:
            facts["verified"] = {"outcome": draw(st.sampled_from(["ok", "does not boot"]))}
        if draw(st.integers(0, 5)) == 1:
            facts.update(mode="file", agent="tar")
        if draw(st.integers(0, 5)) == 0:
            key = draw(st.sampled_from(sorted(RARE)))
            facts[key] = RARE[key]
        quarter_days = draw(st.one_of(st.integers(0, 40), st.integers(0, 2100)))
        found.append(entry(number, BEGIN + quarter_days * DAY // 4, **facts))
    return sorted(found, key=lambda each: (each["finished"], each["id"]))


keeps = st.fixed_dictionaries(dict((key, st.integers(0, 4)) for key in retention.KEYS)).filter(
    lambda keep: any(keep.values()))


def left(entries, keep):
    return [verdict.entry for verdict in retention.plan(entries, keep, NOW, SITE) if verdict.kept]


def gone(entries, keep):
    return [verdict.entry for verdict in retention.plan(entries, keep, NOW, SITE) if not verdict.kept]


def ours_and_good(entries):
    return prunable.countable(entries, SITE, "2009-10-14T22:00:00Z")


@given(catalogs(), keeps)
def test_the_last_good_one_of_each_disk_never_goes_nor_what_is_not_older(entries, keep):
    good = ours_and_good(entries)
    pruned = gone(entries, keep)
    for part in set(part for each in good for part in prunable.parts_of(each)):
        having = [each for each in good if part in prunable.parts_of(each)]
        assert having[-1] not in pruned
        assert not [each for each in pruned if part in prunable.parts_of(each)
                    and each["finished"] >= having[-1]["finished"]]


@given(catalogs(), keeps)
def test_for_all_that_goes_a_newer_good_one_stays(entries, keep):
    stays = ours_and_good(left(entries, keep))
    for each in gone(entries, keep):
        for part in prunable.parts_of(each):
            assert [newer for newer in stays if newer["finished"] > each["finished"]
                    and part in prunable.parts_of(newer) and not objectives.is_bad(newer)]


@given(catalogs(), keeps)
def test_only_ours_goes_and_nothing_that_is_protected(entries, keep):
    """L2."""
    for each in gone(entries, keep):
        assert each["manager"] == SITE.manager and each["lab"] is False and not each.get("protected")
        assert each["verb"] in ("proxy-backup", "agent-backup") and each["mode"] in ("image", "file")
        assert (each["agent"], each["mode"]) in (("dd", "image"), ("tar", "file"))


@given(catalogs(), keeps, keeps)
def test_who_keeps_more_has_all_that_who_keeps_less_has(entries, keep, more):
    both = dict((key, keep[key] + more[key]) for key in keep)
    assert all(each in left(entries, both) for each in left(entries, keep))


@given(catalogs(), keeps)
def test_pruning_twice_is_pruning_once(entries, keep):
    once = left(entries, keep)
    assert left(once, keep) == once


@given(catalogs(), keeps)
def test_a_prune_that_is_cut_short_and_done_again_ends_the_same(entries, keep):
    """The oldest go first; whichever is the last one to have gone."""
    pruned = gone(entries, keep)
    rest = [each for each in entries if each not in pruned[:len(pruned) // 2]]
    assert left(rest, keep) == left(entries, keep)


@given(catalogs(), keeps)
def test_so_many_of_the_last_as_wanted_stay_where_there_are_so_many(entries, keep):
    good = ours_and_good(entries)
    assert all(each in left(entries, keep) for each in good[max(0, len(good) - keep["last"]):])


@given(catalogs(), keeps, st.integers(0, 24))
def test_protecting_one_more_changes_nothing_for_the_others(entries, keep, number):
    one = entries[number % len(entries)]
    protected = [dict(each, protected=True) if each is one else each for each in entries]
    before = [each["id"] for each in left(entries, keep)]
    assert [each["id"] for each in left(protected, keep)] == [
        each["id"] for each in entries if each["id"] in before or each is one]
