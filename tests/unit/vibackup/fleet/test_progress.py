# -*- coding: utf-8 -*-
"""What a person sees of a night while it passes: what is told of it, and the lines that come of that."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import contextlib
import re
import threading

import pytest

from vibackup import compat
from vibackup.columns import width
from vibackup.fleet import progress
from vibackup.fleet.ending import Ending
from vibackup.fleet.plan import Plan
from vibackup.fleet.progress import Watcher
from vibackup.fleet.schedule import Batch, Start
from vibackup.live import Block

Server = collections.namedtuple("Server", "name")
Proxy = collections.namedtuple("Proxy", "server")
Member = collections.namedtuple("Member", "server")
Task = collections.namedtuple("Task", "member seconds")
Prepared = collections.namedtuple("Prepared", "plan proxies")

BEGINS = 1226872800  # seconds since 1970
SECONDS = 600  # that each server is planned to take
REBOOT = 100


class Clock(object):
    """A manager's clock that stands still."""

    seconds = 0

    def monotonic(self):
        return 5000 + self.seconds

    def time(self):
        return BEGINS + self.seconds


class Shown(object):
    """In the place of a ``report.Progress``: what was printed, and the block where there is one."""

    def __init__(self, has_block):
        self.has_block = has_block
        self.printed = []
        self.is_open = False

    @contextlib.contextmanager
    def block(self, _lines_of):
        self.is_open = True
        yield
        self.is_open = False

    def line(self, words):
        self.printed.append(words)


class Told(object):
    """A night of ``servers`` (names) through ``proxies``, one after the other, that a Watcher is told of."""

    def __init__(self, servers, proxies=("pbh01",), live=True, closes=None):
        starts = [Start(Task(Member(Server(name)), SECONDS), REBOOT + place * SECONDS)
                  for place, name in enumerate(servers)]
        plan = Plan([Batch(1, None, 0, starts)], [], 2 * REBOOT + len(servers) * SECONDS, 0)
        self.clock, self.shown = Clock(), Shown(live)
        self.watcher = Watcher(self.shown, self.clock, Prepared(
            plan, [Proxy(Server(name)) for name in proxies]), self._ending(closes))
        self.stop = None

    def _ending(self, closes):
        self.ending = Ending(self.clock, closes, 1800, lambda: self.stop, lambda: False)
        return self.ending

    @property
    def printed(self):
        return self.shown.printed

    def lines(self, columns=79, most=24):
        """Return the lines of the block now."""
        return self.watcher._lines(columns, most)

    def at(self, seconds):
        """Let the clock stand at so many seconds of the night."""
        self.clock.seconds = seconds
        return self

    def tell(self, kind, **facts):
        self.watcher.tell(kind, facts)
        return self

    def take_up(self, *servers, **more):
        return self.tell("proxy", proxy=more.get("proxy", "pbh01"), batch=more.get("batch", 1), servers=list(servers))

    def begin(self, *servers, **more):
        for vs in servers:
            self.tell("begin", vs=vs, proxy=more.get("proxy", "pbh01"))
        return self

    def read(self, *servers):
        for vs in servers:
            self.tell("read", vs=vs, proxy="pbh01")
        return self

    def step(self, name, proxy="pbh01"):
        return self.tell("step", proxy=proxy, step=name)

    def over(self, *servers, **more):
        for vs in servers:
            self.tell("backup", **dict({"vs": vs, "proxy": "pbh01", "outcome": "ok", "seconds": 51.0, "attempt": 1,
                                        "why": None, "warnings": [], "leftovers": []}, **more))
        return self

    def skip(self, *servers):
        for vs in servers:
            self.tell("skipped", vs=vs, why="the window closed before its turn")
        return self


@pytest.fixture(autouse=True)
def still(monkeypatch):
    """No real time passes."""
    monkeypatch.setattr(compat, "monotonic", lambda: 7.0)


def names(count):
    return ["web%05d" % number for number in range(count)]


# -- without a terminal

def test_without_a_terminal_a_batch_is_a_line_and_each_server_that_is_over_another():
    told = Told(["web01", "db01"], live=False).take_up("web01", "db01").step("reboot").begin("web01", "db01")
    told.read("web01").over("web01").over("db01", outcome="failed", seconds=3.0, why="dd ended with exit status 1")
    assert told.printed == ["pbh01: batch 1: 2 servers", "web01  ok  51 s",
                            "db01  failed  3.0 s: dd ended with exit status 1"]


def test_a_second_try_says_that_it_is_one():
    told = Told(["web01"], live=False).over("web01", outcome="failed", why="no", seconds=None)
    told.over("web01", attempt=2)
    assert told.printed == ["web01  failed: no", "web01  ok  51 s, try 2"]


def test_what_a_server_warns_of_or_leaves_behind_follows_it():
    told = Told(["web01"], live=False).over("web01", outcome="warning", warnings=["a raw disk"], leftovers=[
        {"what": "a snapshot", "reason": "refused"}])
    assert told.printed == ["web01  warning  51 s", "warning: a raw disk", "LEFT BEHIND: a snapshot: refused"]


@pytest.mark.parametrize("count, tenths", [(9, []), (10, []), (11, [10]), (25, [10, 20]),
                                           (1000, list(range(100, 1000, 100)))])
def test_the_totals_are_told_with_every_tenth_of_the_servers_and_for_few_of_them_at_the_end(count, tenths):
    told = Told(names(count), live=False)
    with told.watcher:
        told.over(*names(count))
    totals = [words for words in told.printed if " done" in words]
    assert totals == ["%d of %d done, %d waiting" % (tenth, count, count - tenth) for tenth in tenths] + [
        "%d of %d done, took 0.0 s" % (count, count)]
    assert len(told.printed) == count + len(totals)


def test_nothing_is_printed_twice():
    told = Told(names(100), live=False)
    with told.watcher:
        told.take_up(*names(100)).begin(*names(100)).read(*names(100)).over(*names(100))
    assert len(set(told.printed)) == len(told.printed)


def test_a_server_that_was_not_tried_and_a_backup_that_was_pruned_are_told():
    told = Told(["web01"], live=False).skip("web01")
    told.tell("pruned", vs="web01", backup="b1", why=None, leftovers=[])
    told.tell("pruned", vs="web01", backup="b2", why="refused", leftovers=[])
    assert told.printed == ["web01  not tried: the window closed before its turn", "web01  pruned b1",
                            "web01  could not prune b2: refused"]


# -- the totals

def totals(told, **more):
    return told.lines(**more)[0]


def test_each_server_is_counted_once_whatever_it_is():
    told = Told(names(10)).take_up(*names(8)).begin(*names(7)).read(*names(6))
    told.over(*names(3)).over("web00003", outcome="warning").over("web00004", outcome="failed", why="no")
    assert totals(told, columns=200).startswith("4 of 10 done, 1 failed, 1 warned, 1 running, end ")
    assert totals(told, columns=200).endswith(", 3 waiting, 1 read")
    told.skip(*names(10)[7:])
    assert "3 skipped" in totals(told) and "waiting" not in totals(told)


def test_one_that_has_failed_is_running_when_it_is_tried_again():
    told = Told(names(2)).begin("web00000").over("web00000", outcome="failed", why="no")
    assert totals(told).startswith("0 of 2 done, 1 failed, end ")
    told.begin("web00000")
    assert totals(told).startswith("0 of 2 done, 1 running, end ")
    told.over("web00000", attempt=2)
    assert totals(told).startswith("1 of 2 done, end ")


def test_the_totals_of_ten_thousand_servers_fit_on_eighty_columns():
    told = Told(names(10000)).over(*names(4000)).over(*names(4120)[4000:], outcome="warning")
    told.over(*names(4123)[4120:], outcome="failed", why="no").begin(*names(4139)[4123:])
    assert re.match("4120 of 10000 done, 3 failed, 120 warned, 16 running, end ..:.., 5861 waiting$",
                    totals(told).replace(re.search("end (... )?", totals(told)).group(0), "end "))


@pytest.mark.parametrize("columns", range(1, 79, 7))
def test_what_does_not_fit_is_left_out_by_whole_pieces_as_long_as_one_fits(columns):
    told = Told(names(9)).begin("web00000").over("web00001", outcome="failed", why="no")
    whole = totals(told, columns=200).split(", ")
    found = totals(told, columns=columns)
    assert width(found) <= columns
    assert found.split(", ") == whole[:found.count(", ") + 1] or columns < len(whole[0])


# -- the end

def end(told):
    return re.search("end ([^,]*)", told.lines()[0]).group(1)


def clock(seconds):
    return progress._clock(BEGINS + seconds, BEGINS)


def test_the_end_is_that_of_the_plan_where_all_goes_as_planned():
    told = Told(names(9))
    assert end(told) == clock(2 * REBOOT + 9 * SECONDS)
    told.at(REBOOT).take_up(*names(9)).begin("web00000").at(REBOOT + SECONDS).read("web00000")
    assert end(told) == clock(2 * REBOOT + 9 * SECONDS)


def test_a_server_that_is_half_read_counts_as_half():
    told = Told(names(9)).at(REBOOT).begin("web00000").at(REBOOT + SECONDS // 2).step("backup")
    assert end(told) == clock(2 * REBOOT + 9 * SECONDS)


def test_a_server_that_is_tried_again_is_to_be_read_again():
    told = Told(names(9)).at(REBOOT).begin("web00000").over("web00000", outcome="failed", why="no").begin("web00000")
    assert end(told) == clock(2 * REBOOT + 9 * SECONDS)


def test_the_end_comes_later_where_the_night_is_slow():
    told = Told(names(9)).at(REBOOT).begin("web00000").at(REBOOT + 5 * SECONDS).read("web00000")
    assert end(told) > clock(2 * REBOOT + 14 * SECONDS)


def test_the_end_is_never_after_the_window_and_its_grace_nor_before_now():
    told = Told(names(9), closes=BEGINS + 600)
    assert end(told) == clock(600 + 1800)
    assert end(told.at(4000).step("reboot")) == clock(4000)


def test_the_end_of_a_night_that_is_stopped_is_never_after_the_grace():
    told = Told(names(99)).at(100)
    told.stop = 143
    assert told.ending.is_over() and end(told) == clock(100 + 1800)


def test_an_end_that_is_far_away_has_its_day():
    assert re.match(r"\S+ \d\d:\d\d$", progress._clock(BEGINS + 90000, BEGINS))
    assert re.match(r"\d\d:\d\d$", progress._clock(BEGINS + 3600, BEGINS))


# -- what each proxy does

def test_a_proxy_that_is_not_at_work_has_no_line():
    told = Told(["web01"])
    assert len(told.lines()) == 1
    told.take_up("web01").step("snapshot").begin("web01").read("web01").over("web01")
    assert len(told.lines()) == 1


@pytest.mark.parametrize("step, words", [
    ("snapshot", "taking snapshots"), ("attach", "attaching disks"), ("reboot", "rebooting"),
    ("read", "waiting for its turn to read"), ("delete snapshot", "deleting snapshots")])
def test_what_a_proxy_does_and_for_how_long(step, words):
    told = Told(["web01"]).take_up("web01", batch=3).step(step).at(40).step(step)
    assert told.lines()[1] == "pbh01: batch 3: %s for 40 s" % words


def test_a_proxy_that_reads_names_the_servers_and_the_longest_time():
    told = Told(["web01", "web02"]).take_up("web01", "web02").begin("web01").at(60).begin("web02").step("backup")
    assert told.at(180).step("mount").lines()[1] == "pbh01: batch 1: reading web01, web02 for 3 min 00 s"
    assert told.read("web01").lines()[1] == "pbh01: batch 1: reading web02 for 2 min 00 s"
    assert told.read("web02").lines()[1] == "pbh01: batch 1: waiting for its turn to read for 0 s"


def test_agents_in_the_servers_have_one_line():
    told = Told(["web01", "web02"]).begin("web01", "web02", proxy=None).at(5).step("backup", proxy=None)
    assert told.lines()[1] == "in the servers: running in web01, web02 for 5 s"
    told.over("web01", "web02", proxy=None)
    assert len(told.lines()) == 1


def test_servers_for_which_there_is_no_room_are_counted():
    told = Told(names(20)).take_up(*names(20)).begin(*names(20))
    line = told.lines()[1]
    assert line == "pbh01: batch 1: reading web00000, web00001, web00002 and 17 more for 0 s"
    assert width(line) <= 79


@pytest.mark.parametrize("most", [1, 2, 3, 10, 30])
def test_there_are_never_more_lines_than_the_terminal_has(most):
    proxies = ["pbh%02d" % number for number in range(12)]
    told = Told(names(12), proxies)
    for vs, proxy in zip(names(12), proxies):
        told.take_up(vs, proxy=proxy).begin(vs, proxy=proxy)
    lines = told.lines(most=most)
    assert len(lines) == min(most, 13)
    if 1 < most < 13:
        assert lines[-1] == "and %d more proxies" % (12 - (most - 2))


HOSTILE = ["a\nb", "a\rb", "a\x1b[2Jb", "a\x85b", "a\u2028b", "right\u202eleft", "\u670d\u52a1\u5668" * 20,
           "\u05e9\u05e8\u05ea" * 30, "e\u0301" * 60, "x" * 500, "%s %d", ""]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_a_name_never_moves_the_cursor_nor_makes_a_line_too_long(name, live):
    """L8: names are not ours."""
    told = Told([name], [name], live).take_up(name, proxy=name).begin(name, proxy=name)
    lines = told.lines() + told.lines(columns=20) if live else []
    told.over(name, proxy=name, outcome="failed", why=name, warnings=[name]).skip(name)
    told.tell("reboot", proxy=name, outcome="failed", why=name)
    told.watcher.tell("warning", name)
    assert not set("".join(lines + told.printed)) & set("\n\r\x1b\x85\u2028\u202e")
    assert len(told.printed) == (4 if live else 6)
    assert max([width(line) for line in lines[:2]] or [0]) <= 79
    assert max([width(line) for line in lines[2:]] or [0]) <= 20


def test_a_secret_is_not_shown_not_even_half_of_it(monkeypatch):
    """L8: what is cut is masked before."""
    monkeypatch.setenv(str("A_PASSWORD"), str("hunter2"))
    told = Told(["hunter2"]).take_up("hunter2").begin("hunter2")
    assert all("hunt" not in line for columns in range(20, 79) for line in told.lines(columns))


# -- a live view besides

def test_on_a_terminal_only_what_is_wrong_is_printed_above():
    told = Told(names(6)).take_up(*names(6)).over("web00000").skip("web00001")
    told.tell("pruned", vs="web00000", backup="b1", why=None, leftovers=[])
    told.tell("reboot", proxy="pbh01", outcome="ok", why=None)
    assert told.printed == []
    told.over("web00002", outcome="warning", warnings=["a raw disk"]).over("web00003", outcome="failed", why="no")
    told.tell("reboot", proxy="pbh01", outcome="failed", why="it does not come back")
    told.tell("pruned", vs="web00000", backup="b2", why="refused", leftovers=[])
    assert told.printed == ["web00002  warning  51 s", "warning: a raw disk", "web00003  failed  51 s: no",
                            "pbh01: reboot failed: it does not come back", "web00000  could not prune b2: refused"]


@pytest.mark.parametrize("live", [True, False])
def test_the_totals_are_printed_at_the_end_and_the_block_is_closed(live):
    told = Told(names(2), live=live)
    with told.watcher:
        assert told.shown.is_open == live
        told.over(*names(2)).at(7200)
    assert told.printed[-1] == "2 of 2 done, took 2 h 00 min"
    assert not told.shown.is_open


def test_a_night_that_never_began_has_no_totals():
    with pytest.raises(KeyError):
        with Told(names(2)).watcher as watcher:
            raise KeyError("busy")
    assert watcher._progress.printed == []


def test_an_error_closes_the_block_and_the_manager_is_not_asked_again():
    told = Told(names(2))
    with pytest.raises(KeyError):
        with told.watcher:
            told.over("web00000")
            told.clock.monotonic = None
            raise KeyError("gone")
    assert told.printed == ["1 of 2 done, 1 waiting"]
    assert not told.shown.is_open


def test_the_lines_of_one_server_stand_together_whoever_tells_of_another_meanwhile():
    told = Told(names(2), live=False)
    other = threading.Thread(target=lambda: told.over("web00001"))
    printed = told.shown.line

    def line(words):
        printed(words)
        if words == "web00000  warning  51 s":
            other.start()
            other.join(0.05)  # it has to wait until this one is told
    told.shown.line = line
    told.over("web00000", outcome="warning", warnings=["a raw disk"])
    other.join(60)
    assert told.printed == ["web00000  warning  51 s", "warning: a raw disk", "web00001  ok  51 s"]


def test_many_threads_tell_at_once_and_all_is_counted():
    told = Told(names(400))

    def tell(mine):
        for vs in mine:
            told.take_up(vs).begin(vs)
            told.lines()
            told.read(vs).over(vs)
    threads = [threading.Thread(target=tell, args=(names(400)[place::8],)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert totals(told).startswith("400 of 400 done, end ")
    assert len(told.lines()) == 1


@pytest.mark.any_interpreter
@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_the_view_of_such_names_stays_in_its_place_on_a_small_terminal(name):
    import pyte
    screen = pyte.Screen(30, 5)
    terminal = pyte.Stream(screen)
    told = Told([name], [name]).take_up(name, proxy=name).begin(name, proxy=name)
    block = Block(lambda words: terminal.feed(words.replace("\n", "\r\n")), lambda: (30, 5), told.lines)
    block.above("printed before")
    for seconds in range(4):
        told.at(seconds).step("mount", proxy=name)
        block.draw()
    lines = [line for line in screen.display if line.strip()]
    assert len(lines) == 3
    assert lines[0].startswith("printed before") and lines[1].startswith("0 of 1 done, 1 running")
