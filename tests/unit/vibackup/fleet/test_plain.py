# -*- coding: utf-8 -*-
"""The report as text: short, aligned, and what failed comes first."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.nights import (DAY, HOUR, MORNING, OPENS, Fleet, backup, ended, night, planned, policy, source, tried)
from vibackup import errors
from vibackup.fleet import morning, plain, words


def lines(chains, entries=(), policies=None, now=MORNING, **more):
    return plain.lines(morning.report([source(chains, entries, **more)],
                                      {"nightly": policy()} if policies is None else policies, now))


def test_a_night_as_it_reads_in_the_morning():
    servers = [planned(vs) for vs in ("web01", "webserver02", "db01", "app01")]
    night_of_all = night(
        tried("web01"), tried("webserver02", "failed"), tried("db01", "warning", warnings=["tar: x changed"]),
        ("skipped", {"vs": "app01", "section": "app", "why": "the window closed before its turn came"}),
        ("reboot", {"proxy": "pbh01", "node": "node2", "batch": 1, "started": OPENS, "seconds": 60, "outcome": "ok",
                    "why": None}), ended("failed", exit_status=1), servers=servers, manager="vm1",
        left_out=[{"vs": vs, "section": None, "wanted": False, "why": "a raw disk"} for vs in ("raw01", "raw02")])
    entries = [backup(), backup("b-db01", "db01"), backup("old", "app01", OPENS - 10 * HOUR)]
    assert [line for line in lines([[night_of_all]], entries) if "as of" not in line] == [
        "CRITICAL: 1 server without a good backup within RPO, 1 failed, 1 skipped, 1",
        "  backed up with warnings",
        "",
        "NO GOOD BACKUP WITHIN RPO",
        "  webserver02  last good backup never, RPO 30 h 00 min; failed",
        "      dd said no",
        "",
        "SKIPPED, AN EARLIER BACKUP IS GOOD",
        "  app01  last good backup 19 h 10 min ago, RPO 30 h 00 min",
        "      the window closed before its turn came",
        "",
        "BACKED UP WITH WARNINGS",
        "  db01  last good backup 8 h 59 min ago, RPO 30 h 00 min",
        "      tar: x changed",
        "",
        "NIGHT nightly on vm1: FAILED",
        "  %s to %s, 2 h 00 min" % (words.moment(OPENS), words.moment(OPENS + 2 * HOUR, "%H:%M")),
        "  4 planned, 1 ok, 1 warning, 1 failed, 1 skipped, 2 left out",
        "  2.0 GiB read, 1 reboot of proxies (0.50 a server), 0 old backups removed",
        "",
        "LEFT OUT",
        "  a raw disk (2): raw01, raw02",
        "",
        "NOT KNOWN",
        "  how long a restore takes, of 4 servers with an RTO: measure it with vibackup",
        "    verify"]


def test_lines_fit_a_terminal_and_every_failure_is_there():
    fleet = Fleet(200)
    chain = [night(*fleet.records, servers=fleet.servers, id=fleet.id)]
    found = lines([chain], fleet.entries())
    assert max(len(line) for line in found) <= 80
    failed = [vs for vs, facts in fleet.tries().items() if facts["outcome"] == "failed"]
    assert failed and all(any(line.startswith("  %s " % vs) for line in found) for vs in failed)


def test_a_hostile_name_stays_on_its_line():
    """L8."""
    found = lines([[night(tried("a\nOK: all well\x1b[2J\u202e", "failed"), ended(), servers=[],
                          name="n\nOK: all well")]])
    assert not any(line.startswith("OK") or "\x1b" in line or "\u202e" in line or "\n" in line for line in found)
    assert any("a\\x0aOK" in line for line in found)


def test_what_is_not_known_is_said():
    """L1: a report that lacks something says so."""
    found = "\n".join(lines([[night(tried(), ended())]], [backup()], {},
                            damaged=[errors.UsageError("catalog: x.json: no JSON")]))
    assert "NOT KNOWN" in found and "catalog: x.json: no JSON" in found
    assert "RPO and RTO of nightly: its policy is not at hand, give it with --policy" in found


def test_a_night_that_was_cut_short_or_missed_says_so():
    found = "\n".join(lines([[night(tried())]], [backup()], now=MORNING + 3 * DAY))
    assert ": CUT SHORT" in found and "what was under way then is not known" in " ".join(found.split())
    assert "MISSED" in found and "nightly: nothing was started in the window from" in found


def test_what_was_left_behind_and_what_could_not_be_removed_are_named():
    """L3."""
    left = {"run": "r1", "what": "the snapshot of web01", "reason": "busy"}
    found = "\n".join(lines([[night(tried(leftovers=[left]), ("pruned", {"backup": "b0", "vs": "web01",
                                                                        "why": "the proxy is down"}), ended())]],
                            [backup()]))
    assert "LEFT BEHIND of web01: the snapshot of web01 (busy)" in found
    assert "not removed: b0 of web01: the proxy is down" in found


def test_restores_that_are_too_slow_and_backups_that_are_bad_have_their_own_lists():
    slow = backup(verified={"outcome": "ok", "restore_seconds": 3 * HOUR})
    bad = backup("bad", finished=OPENS + HOUR, verified={"outcome": "does not boot"})
    found = lines([[night(tried(), ended())]], [slow, bad])
    assert "  web01  restores in 3 h 00 min, RTO 2 h 00 min" in found
    assert "  web01  1 found bad by verify: bad" in found
