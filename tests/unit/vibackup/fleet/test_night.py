# -*- coding: utf-8 -*-
"""A night before it begins: which servers are its own, what is done already, what is resumed, and what it will say."""
from __future__ import absolute_import, division, print_function, unicode_literals

import time

import pytest

from tests import nights
from tests.flows import fleets
from tests.lab_nights import Ground
from vibackup import catalog, compat, errors
from vibackup.fleet import night


@pytest.fixture
def ground(tmpdir):
    made = Ground(tmpdir)
    yield made
    made.close()


# -- parts of a fleet

@pytest.mark.parametrize("words, found", [("1/1", (1, 1)), ("2/3", (2, 3)), ("9999/9999", (9999, 9999))])
def test_a_part_is_written_as_which_of_how_many(words, found):
    assert night.shard(words) == found


@pytest.mark.parametrize("words", ["", "0/3", "4/3", "1/0", "1", "1/", "/2", "-1/2", "1/2/3", "01/2", "1 /2", "1/2\n",
                                   "\u0661/\u0662", "1/10000", "one/two"])
def test_what_is_no_part_is_refused_with_an_example(words):
    with pytest.raises(errors.UsageError) as caught:
        night.shard(words)
    assert "give I/N, such as 2/3" in caught.value.message and "\n" not in caught.value.message


NAMES = fleets.names(40) + ["", " ", "db01", "\u00e9\u4e2d", "a\u202eb", "x" * 5000, "$(reboot)", "a/b\nc"]


@pytest.mark.parametrize("of", [1, 2, 3, 7, 10, 999])
def test_each_server_is_in_one_part_and_no_other(of):
    """L1: or it would never be backed up."""
    for name in NAMES:
        assert sum(night.is_of(night.Shard(number, of), name) for number in range(1, of + 1)) == 1, name


def test_a_server_is_in_the_same_part_whichever_interpreter_asks():
    """Two VM servers may have an interpreter each, and one may get another one."""
    def part(name):
        return [number for number in (1, 2, 3) if night.is_of(night.Shard(number, 3), name)][0]
    assert [part(name) for name in fleets.names(12)] == [2, 2, 1, 2, 1, 3, 2, 3, 1, 2, 1, 3]
    assert part("\u00e9\u4e2d") == 1


def test_a_name_with_half_a_character_is_in_a_part_too():
    """As a Java string may hold one."""
    assert [night.is_of(night.Shard(number, 2), nights.HALF) for number in (1, 2)].count(True) == 1


def test_the_parts_of_a_fleet_plan_it_once_and_leave_out_once(ground):
    with ground.run() as run:
        whole = ground.prepare(run, {"all": {"names": "web*, gone01, gone02, gone03"}})
        parts = [ground.prepare(run, {"all": {"names": "web*, gone01, gone02, gone03"}}, night.Shard(number, 3))
                 for number in (1, 2, 3)]
    for told in (lambda each: [member.server.name for member in each.members],
                 lambda each: [left.vs for left in each.left_out]):
        assert sorted(sum([told(part) for part in parts], [])) == sorted(told(whole)) != []


# -- what is done already

def planned_by(ground, **more):
    """Return the names that the last night's continuation would back up."""
    with ground.run() as run:
        prepared = ground.prepare(run, resume=True, **more)
    assert sorted(prepared.done + [member.server.name for member in prepared.members]) == fleets.names(3)
    return [member.server.name for member in prepared.members]


def tried(vs, outcome):
    return "backup", dict(nights.tried(vs, outcome)[1], started=None)


def test_what_the_journal_calls_good_is_done_and_what_failed_in_the_end_is_not(ground):
    """FIELD 10."""
    ground.write_night(tried("web01", "failed"), tried("web01", "ok"), tried("web02", "ok"), tried("web02", "failed"),
                       tried("web03", "warning"))
    assert planned_by(ground) == ["web02"]


def add_entry(ground, vs, after=60, **more):
    """Have the catalog know a backup of ``vs`` that was over ``after`` seconds of the night."""
    moment = ground.lab.clock.time() - 600 + after
    entry = dict(nights.backup("20080601-000000-%08x" % len(ground.entries()), vs, moment), lab=True, **more)
    with ground.run() as run:
        catalog.Catalog(ground.state()).add(dict(entry, manager=run.manager.name, run=entry["id"], vs_id=None))


@pytest.mark.parametrize("more, is_done", [
    ({}, True), ({"outcome": "warning"}, True), ({"verb": "agent-backup"}, True), ({"after": 0}, True),
    ({"after": -1}, False), ({"verb": "archive", "mode": "vhd"}, False),
    ({"verified": {"outcome": "does not boot"}}, False)])
def test_what_the_catalog_alone_knows_of_since_it_began_is_done(ground, more, is_done):
    """L1: a night may be killed after its server's backup was recorded, and before its own journal says so."""
    ground.write_night()
    add_entry(ground, "web02", **more)
    assert planned_by(ground) == (["web01", "web03"] if is_done else fleets.names(3))


def test_a_backup_of_a_server_that_the_night_had_not_planned_says_nothing(ground):
    ground.write_night(servers=[nights.planned("web01")])
    add_entry(ground, "web02")
    assert planned_by(ground) == fleets.names(3)


def test_a_night_that_is_resumed_twice_leaves_out_what_either_has_done(ground):
    ground.write_night(tried("web01", "ok"))
    ground.write_night(tried("web02", "ok"), id="n2", resumes="n1", started=ground.lab.clock.time() - 300,
                       servers=[nights.planned(name) for name in ("web02", "web03")])
    assert planned_by(ground) == ["web03"]


def test_nights_that_resume_each_other_in_a_circle_are_looked_at_once(ground):
    """L7."""
    ground.write_night(tried("web01", "ok"), resumes="n2")
    ground.write_night(tried("web02", "ok"), id="n2", resumes="n1", started=ground.lab.clock.time() - 300)
    assert planned_by(ground) == ["web03"]


# -- which night is resumed

def refused(ground, words, **more):
    with ground.run() as run, pytest.raises(errors.Refused) as caught:
        ground.prepare(run, resume=True, **more)
    assert words in caught.value.message, caught.value.message


def test_without_a_night_there_is_nothing_to_resume(ground):
    refused(ground, "has had no night yet")


@pytest.mark.parametrize("facts", [{"policy": "/etc/other/nightly.ini"}, {"shard": "1/2"}])
def test_the_night_of_another_policy_or_part_is_not_resumed(ground, facts):
    ground.write_night(**facts)
    refused(ground, "has had no night yet")


def test_a_part_resumes_its_own_night(ground):
    ground.write_night(tried("web01", "ok"), shard="2/3")
    ground.write_night(id="n2", started=ground.lab.clock.time() - 60)
    with ground.run() as run:
        prepared = ground.prepare(run, resume=True, shard=night.Shard(2, 3))
    assert prepared.resumed.id == "n1" and "web01" in prepared.done


@pytest.mark.parametrize("outcome, is_refused", [
    ("ok", True), ("warning", True), ("failed", False), ("stopped", False)])
def test_a_night_that_is_done_is_not_resumed(ground, outcome, is_refused):
    ground.write_night(("ended", {"at": 0, "outcome": outcome, "exit_status": 0}))
    if is_refused:
        refused(ground, "is done: there is nothing to resume")
    else:
        assert planned_by(ground) == fleets.names(3)


@pytest.mark.parametrize("closes, grace, is_refused", [(-10, 5, True), (-10, 30, False), (10, 0, False)])
def test_a_night_is_resumed_until_its_grace_is_over(ground, closes, grace, is_refused):
    now = ground.lab.clock.time()
    ground.write_night(opens=now - 900, closes=now + closes, grace=grace)
    if is_refused:
        refused(ground, "begin a new one, without --resume")
    else:
        assert planned_by(ground) == fleets.names(3)


@pytest.mark.parametrize("age, is_refused", [(86400 + 1799, False), (86400 + 1800, True)])
def test_a_night_without_a_window_is_resumed_for_a_day_and_its_grace(ground, age, is_refused):
    ground.write_night(started=ground.lab.clock.time() - age)
    if is_refused:
        refused(ground, "begin a new one, without --resume")
    else:
        assert planned_by(ground) == fleets.names(3)


def test_a_damaged_journal_hides_no_other_and_is_warned_of(ground):
    ground.write_night(tried("web01", "ok"))
    ground.write_night(id="n2", policy="/etc/other.ini")
    damage(ground, "n2")
    with ground.run() as run:
        prepared = ground.prepare(run, resume=True)
    assert prepared.done == ["web01"] and len([words for words in run.warnings if "n2.jsonl" in words]) == 1


def damage(ground, identity):
    path = compat.native("%s/fleet/%s.jsonl" % (ground.state(), identity))
    with open(path, "r+b") as stream:
        stream.seek(40)
        stream.write(b"?")


# -- what it says

def reboot(seconds, outcome="ok"):
    return "reboot", {"proxy": "pbh01", "node": "node3", "batch": 1, "started": 0, "seconds": seconds,
                      "outcome": outcome, "why": None}


def test_a_reboot_is_planned_to_take_what_it_took_in_the_last_night(ground):
    ground.write_night(reboot(100), reboot(300), reboot(9000, "failed"))
    ground.write_night(id="n2")  # which had none
    with ground.run() as run:
        as_known = ground.prepare(run).plan.seconds
    ground.write_night(reboot(1200), id="n3")
    with ground.run() as run:
        slower = ground.prepare(run).plan.seconds
    assert slower - as_known == pytest.approx(1000 * ground_reboots(ground))


def ground_reboots(ground):
    """Return how many reboots in a row the plan of the ground has before its last backup ends, and after it."""
    with ground.run() as run:
        plan = ground.prepare(run).plan
    return max(sum(1 for batch in plan.batches if batch.proxy.server.name == name) + 1
               for name in set(batch.proxy.server.name for batch in plan.batches))


def test_what_would_begin_too_late_is_said_with_the_plan(ground):
    """FIELD 9: before the night, not after it."""
    opens = ground.lab.clock.time() // 60 * 60
    window = "-".join(time.strftime(str("%H:%M"), time.localtime(moment)) for moment in (opens, opens + 60))
    with ground.run() as run:
        late = "\n".join(ground.prepare(run, window=window).lines())
        in_time = "\n".join(ground.prepare(run).lines())
    assert late.count("AFTER THE WINDOW CLOSES") == 3 and "AFTER" not in in_time


def test_the_lines_name_each_server_once_whatever_becomes_of_it(ground):
    """Nobody is left out silently."""
    ground.write_night(tried("web01", "ok"))
    with ground.run() as run:
        lines = ground.prepare(run, {"all": {"names": "web*, gone01", "exclude": "web03"}}, resume=True).lines()
    told = [
        line.split(":")[1].strip() if line.startswith(("done already", "left out")) else line.split(":")[0].strip()
            for line in lines if " of its backups left to " not in line]
    for name in ("web01", "web02", "web03", "gone01", "pbh01", "pbh02"):
        assert told.count(name) == 1, (name, lines)


def test_the_error_of_a_night_names_a_few_servers_and_counts_the_others():
    assert night.in_words({"without": ["web01"]}).startswith(
        "1 of the policy's servers has no backup of this night: web01; ")
    words = night.in_words({"without": fleets.names(7)})
    assert words.startswith("7 of the policy's servers have no backup of this night: web01, ")
    assert "web05 and 2 more;" in words and "web06" not in words


# -- how it ends

def test_a_night_in_which_a_server_is_left_out_that_is_wanted_has_failed(ground):
    """L1: all that ran was good, and still it is no success."""
    counts = ground.pass_({"all": {"names": "web*, gone01"}})
    assert counts["outcomes"] == {"ok": 3} and counts["without"] == ["gone01"] and counts["never_tried"] == 0
    assert (ground.last().end["outcome"], ground.last().end["exit_status"]) == ("failed", errors.FAILED)


def test_a_night_with_a_warning_ends_so(ground):
    counts = ground.pass_({"all": {"names": "web*", "technique": "agent-backup", "proxies": None}})
    assert counts["outcomes"] == {"warning": 3} and counts["without"] == []
    assert (ground.last().end["outcome"], ground.last().end["exit_status"]) == ("warning", errors.WARNINGS)


def test_a_night_of_nobody_is_no_success_where_somebody_is_wanted(ground):
    counts = ground.pass_({"all": {"names": "gone*"}})
    assert counts["without"] == ["gone*"] and ground.last().end["outcome"] == "failed"
    assert ground.last().of("backup") == ground.last().of("reboot") == []
