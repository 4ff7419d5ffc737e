# -*- coding: utf-8 -*-
"""Advice as people read it."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import advice, techniques


def judged(technique, **keys):
    """Return what ``flows.advise`` says of a technique, but for ``keys``."""
    return dict({"technique": technique.verb, "title": technique.title, "disk": None, "possible": True, "reasons": [],
                 "proxies": [], "command": "vibackup " + technique.verb, "warnings": [], "snapshot": None, "rpo": None,
                 "rto": None, "advantages": list(technique.advantages),
                 "disadvantages": list(technique.disadvantages)}, **keys)


def lines(*each, **keys):
    found = dict({"advice": list(each), "write_bytes_per_second": 2048, "why_no_write_rate": None, "last_backup": None},
                 **keys)
    return advice.lines("web01", found, 7200, 3600)


def test_what_the_paper_says_of_a_technique_is_told_once():
    told = lines(judged(techniques.EXPORT, disk="a"), judged(techniques.EXPORT, disk="b"))
    assert told.count("  +  " + techniques.EXPORT.advantages[0]) == 1
    assert [line for line in told if line.startswith("YES")] == [
        "YES  export-disk of a: a disk as a VHD file", "YES  export-disk of b: a disk as a VHD file"]


def test_all_reasons_stand_on_lines_of_their_own():
    told = lines(judged(techniques.ARCHIVE, possible=False, reasons=["one", "two"], command=None))
    assert told[-4:] == [
        "NO   archive: the whole virtual server as VHD files", "  because:   one", "  because:   two", ""]


def test_proxies_say_where_they_are_and_whether_they_run():
    told = lines(judged(techniques.PROXY_IMAGE, proxies=[
        {"name": "pbh01", "node": "node2", "other_node": True, "power": "Running"},
        {"name": "pbh02", "node": "node1", "other_node": False, "power": "Stopped"}]))
    assert "  proxies:   pbh01 (on node2), pbh02 (on its own managed node node1, does not run now); choose one that " \
           "may be rebooted, before and after" in told


def test_objectives_are_said_to_be_met_or_not():
    told = lines(judged(techniques.PROXY_IMAGE, rpo={"met": True, "why": "a"}, rto={"met": False, "why": "b"}),
                 judged(techniques.ARCHIVE, rpo={"met": None, "why": "c"}))
    assert [line for line in told if line.startswith("  R")] == [
        "  RPO 2 h 00 min: met: a", "  RTO 1 h 00 min: NOT met: b", "  RPO 2 h 00 min: c"]


def test_the_head_tells_rate_and_last_backup():
    assert lines()[:2] == ["web01 writes 2.0 KiB a second at present",
                           "the catalog has no good backup of all of web01: RPO of 2 h 00 min NOT met"]
    last = {"id": "b1", "technique": "archive", "age_seconds": 61, "within_rpo": True}
    assert lines(write_bytes_per_second=None, why_no_write_rate="it sleeps", last_backup=last)[:2] == [
        "how fast web01 writes is not known: it sleeps",
        "the last good backup of all of web01 is b1, by archive, and what it has is 1 min 01 s old: RPO of 2 h 00 min "
        "met"]


def test_a_name_cannot_move_the_cursor():
    told = lines(judged(techniques.EXPORT, disk="a\x1b[2J\nb"))
    assert not [line for line in told if "\x1b" in line or "\n" in line]
