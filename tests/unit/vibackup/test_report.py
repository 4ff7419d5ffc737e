# -*- coding: utf-8 -*-
"""What a person sees, on a terminal and in a pipe, and what a program gets."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import threading

import pytest

from vibackup import compat, errors, live, report
from vibackup.report import Progress


class Stream(object):
    """A stream that keeps what is written."""

    def __init__(self):
        self.data = ""

    def write(self, words):
        self.data += compat.text(words)

    def flush(self):
        return


def step(name="backup", thing="web01", seconds=None, outcome=None, detail=None):
    return {"name": name, "object": thing, "started": "", "seconds": seconds, "outcome": outcome, "detail": detail}


def shown(terminal, *told):
    stream = Stream()
    progress = Progress(stream, terminal)
    for what, value in told:
        progress.show(what, value)
    return stream.data


FIGURE = {"unit": "bytes", "figure": 1024 * 1024, "size": 4 * 1024 * 1024}


# -- while it runs

def test_in_a_pipe_a_step_is_one_plain_line_when_it_is_over():
    assert shown(False, ("begin", step()), ("progress", FIGURE),
                 ("end", step(seconds=51.2, outcome="ok", detail="by dd"))) == "backup             web01  by dd  51 s\n"


def test_on_a_terminal_a_step_is_seen_at_once_and_its_line_goes_on():
    words = shown(True, ("begin", step()), ("progress", FIGURE), ("end", step(seconds=2, outcome="ok")))
    live, rest = words.rsplit("\r", 1)
    assert "backup             web01 ... 1.0 MiB, 25 %" in live
    assert rest == "backup             web01  2.0 s\n"
    assert words.count("\n") == 1


def test_a_shorter_live_line_leaves_nothing_of_a_longer_one():
    long, short = {"unit": "bytes", "figure": 1023, "size": None}, {"unit": "percent", "figure": 5, "size": None}
    last = shown(True, ("begin", step()), ("progress", long), ("progress", short)).rsplit("\r", 1)[1]
    assert last.rstrip() == "backup             web01 ... 5 %"
    assert len(last) == len("backup             web01 ... 1023 bytes")


def test_a_live_line_fits_on_a_terminal():
    words = shown(True, ("begin", step(thing="x" * 500)), ("progress", FIGURE))
    assert all(len(line) <= report.BAR_WIDTH for line in words.split("\r"))


def test_a_step_that_failed_says_so():
    assert shown(False, ("end", step(seconds=200, outcome="failed", detail="no space"))) == \
        "backup             web01  no space  FAILED after 3 min 20 s\n"


def test_warnings_and_leftovers_stand_out():
    assert shown(False, ("warning", "a raw disk"), ("leftover", {"what": "a snapshot", "reason": "refused"})) == \
        "warning: a raw disk\nLEFT BEHIND: a snapshot: refused\n"


def test_progress_after_the_step_is_nothing():
    assert shown(True, ("progress", FIGURE)) == ""


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\x1b[2Jb", "a\x85b", "a\u2028b"], ids=repr)
def test_a_name_never_moves_the_cursor(terminal, name):
    told = [("end", step(thing=name, seconds=1, outcome="ok", detail=name)), ("warning", name),
            ("leftover", {"what": name, "reason": name})]
    words = shown(terminal, *told)
    assert len(words.splitlines()) == len(told)
    assert not set(words) & set("\r\x1b\x85\u2028")


def test_a_secret_is_not_shown(monkeypatch):
    monkeypatch.setenv(str("A_PASSWORD"), str("hunter2"))
    assert "hunter2" not in shown(True, ("begin", step(detail="hunter2")), ("end", step(detail="x hunter2", seconds=1,
                                                                                  outcome="ok")))


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("error", [IOError(32, "Broken pipe"), ValueError("I/O operation on closed file")],
                         ids=lambda error: type(error).__name__)
def test_a_reader_who_goes_away_is_not_told_any_more_and_does_no_harm(terminal, error):
    class Closed(Stream):
        written = 0

        def write(self, _words):
            self.written += 1
            raise error

    stream = Closed()
    progress = Progress(stream, terminal)
    for _number in range(3):
        progress.show("begin", step())
        progress.show("end", step(seconds=1, outcome="ok"))
        progress.line("done")
    assert stream.written == 1


def test_words_are_utf_8_whatever_the_locale_says():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii") if compat.PYTHON3 else io.BytesIO()
    Progress(stream, False).line("süd 服务器")
    data = stream.buffer.getvalue() if compat.PYTHON3 else stream.getvalue()
    assert data == "süd 服务器\n".encode("utf-8")


# -- a block of live lines

@pytest.fixture
def xterm(monkeypatch):
    monkeypatch.setenv(str("TERM"), str("xterm"))
    monkeypatch.setattr(compat, "WINDOWS", False)


@pytest.mark.parametrize("terminal, term, windows, has", [
    (True, "xterm", False, True), (False, "xterm", False, False), (True, "dumb", False, False),
    (True, "", False, False), (True, "xterm", True, False)])
def test_a_block_is_shown_only_where_lines_can_be_drawn_again_in_their_place(xterm, monkeypatch, terminal, term,
                                                                             windows, has):
    monkeypatch.setenv(str("TERM"), str(term))
    monkeypatch.setattr(compat, "WINDOWS", windows)
    assert Progress(Stream(), terminal).has_block == has


def test_what_is_printed_while_a_block_is_shown_passes_above_it(xterm, monkeypatch):
    monkeypatch.setattr(live, "REDRAW_SECONDS", 0.001)
    stream, drawn = Stream(), threading.Event()

    def lines_of(columns, lines):
        drawn.set()
        return ["%d columns" % columns]
    progress = Progress(stream, True)
    with progress.block(lines_of):
        assert drawn.wait(30)
        progress.show("begin", step())
        progress.show("warning", "a raw disk")
        assert progress.post("stopping")
    assert "79 columns" in stream.data
    assert "backup" not in stream.data
    _drawn, _erased, above = stream.data.partition("\x1b[Jwarning: a raw disk\n")
    assert "stopping\n" in above  # it may have been drawn again in between, and behind that
    assert not progress.post("too late")


def test_a_terminal_that_is_closed_ends_the_block_and_nothing_else(xterm, monkeypatch):
    monkeypatch.setattr(live, "REDRAW_SECONDS", 0.001)
    asked = []

    class Closed(Stream):
        def write(self, _words):
            asked.append(True)
            raise IOError(5, "Input/output error")
    progress, often = Progress(Closed(), True), threading.Event()

    def lines_of(columns, lines):
        if asked:
            often.set()
        return ["%d" % len(asked)]
    with progress.block(lines_of):
        assert often.wait(30)
    progress.line("done")
    assert asked == [True]


# -- figures

@pytest.mark.parametrize("seconds, words", [
    (0, "0.0 s"), (0.04, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (10, "10 s"), (51.4, "51 s"), (59.6, "1 min 00 s"),
    (60, "1 min 00 s"), (200, "3 min 20 s"), (3599.6, "1 h 00 min"), (3600, "1 h 00 min"), (7500, "2 h 05 min"),
    (90000, "25 h 00 min")])
def test_a_duration_as_people_say_it(seconds, words):
    assert report.duration(seconds) == words


@pytest.mark.parametrize("count, words", [
    (0, "0 bytes"), (512, "512 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (4194304, "4.0 MiB"),
    (5 * 2 ** 30, "5.0 GiB"), (3 * 2 ** 40, "3.0 TiB"), (2 ** 52, "4096.0 TiB")])
def test_a_size_as_people_say_it(count, words):
    assert report.size(count) == words


@pytest.mark.parametrize("figure, words", [
    ({"unit": "percent", "figure": 12.7, "size": None}, "12 %"),
    ({"unit": "bytes", "figure": 1024, "size": None}, "1.0 KiB"), (FIGURE, "1.0 MiB, 25 %"),
    ({"unit": "bytes", "figure": 8, "size": 0}, "8 bytes")])
def test_how_far_an_agent_is(figure, words):
    assert words in shown(True, ("begin", step()), ("progress", figure))


# -- for programs

def test_a_document_without_a_run_has_every_key_all_the_same():
    found = report.document("backups", None, None, None, "refused", 2, error=errors.UsageError("no"))
    assert sorted(found) == ["backup", "error", "exit_status", "lab", "leftovers", "outcome", "run", "steps", "verb",
                             "vs", "warnings"]
    assert found["error"] == {"class": "UsageError", "message": "no", "step": None}
    json.dumps(found)


def test_a_document_holds_no_secret(monkeypatch):
    monkeypatch.setenv(str("A_PASSWORD"), str("hunter2"))
    found = report.document("backups", None, None, None, "failed", 1, error=errors.AgentFailed("bad password: hunter2"))
    assert "hunter2" not in json.dumps(found)


# -- tables

ENTRY = {"id": "b1", "vs": "web01", "finished": "2008-06-01T00:00:00Z", "agent": "dd", "outcome": "ok",
         "disks": [{"name": "system"}, {"name": "data"}]}


def test_a_table_of_backups_has_a_line_for_each():
    assert report.backups_table([ENTRY]) == [
        "ID  VIRTUAL SERVER  FINISHED              AGENT  OUTCOME  VERIFIED  DISKS",
        "b1  web01           2008-06-01T00:00:00Z  dd     ok       no        system, data"]


@pytest.mark.parametrize("verified, words", [
    ({"outcome": "ok", "restore_seconds": 192.0}, "restores in 3 min 12 s"),
    ({"outcome": "does not boot", "restore_seconds": None}, "does not boot")])
def test_a_table_of_backups_says_which_are_verified(verified, words):
    assert words in report.backups_table([dict(ENTRY, verified=verified)])[1]


@pytest.mark.parametrize("protected, words", [(True, "  ok, protected  "), (False, "  ok  ")])
def test_a_table_of_backups_says_which_are_protected(protected, words):
    assert words in report.backups_table([dict(ENTRY, protected=protected)])[1]


def test_no_backups_are_said_to_be_none():
    assert report.backups_table([]) == ["no backups"]
    assert report.leftovers_table([]) == ["nothing is left behind"]


@pytest.mark.parametrize("key", ["id", "vs", "agent", "outcome"])
def test_no_name_breaks_a_table(key):
    assert [len(line.splitlines()) for line in report.backups_table([dict(ENTRY, **{str(key): "a\nb\x1b"})])] == [1, 1]


def test_no_name_breaks_a_list_of_leftovers():
    lines = report.leftovers_table([{"run": "r", "what": "a\nb", "reason": "c\nd"}])
    assert lines == ["r: a\\x0ab (c\\x0ad)"]


def test_a_table_of_calls_says_what_is_missing():
    rows = [{"kind": "VirtualServer", "call": "getId", "status": "assumed", "present": present}
            for present in (True, False, None)]
    assert [line.split("  ")[-1].strip() for line in report.probe_table(rows)] == [
        "HERE", "yes", "MISSING", "no object to ask"]
