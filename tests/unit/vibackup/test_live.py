# -*- coding: utf-8 -*-
"""A block of lines that stays in its place at the bottom of a terminal, as the terminal shows it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading

import pytest

from vibackup import live


class Terminal(object):
    """What ``live`` writes, and what a terminal of 20 columns and 6 lines shows of it."""

    def __init__(self):
        self.writes = []
        self.lines = ["one"]
        self.block = live.Block(self.writes.append, lambda: (20, 6), self._lines_of)

    def _lines_of(self, columns, most):
        self.room = columns, most
        return self.lines

    def draw(self, *lines):
        self.lines = list(lines)
        self.block.draw()

    @property
    def screen(self):
        """The lines on the screen, by an emulator of a terminal that is not ours."""
        import pyte
        screen = pyte.Screen(20, 6)
        pyte.Stream(screen).feed("".join(self.writes).replace("\n", "\r\n"))
        assert pyte.modes.DECAWM in screen.mode, "long lines must wrap again"
        return [line.rstrip() for line in screen.display if line.strip()]


@pytest.fixture
def terminal():
    return Terminal()


# -- what is written

def test_what_stands_there_already_is_not_written_again(terminal):
    terminal.draw("one", "two")
    terminal.draw("one", "two")
    assert len(terminal.writes) == 1


def test_each_change_is_one_write_so_that_nobody_sees_half_of_it(terminal):
    terminal.draw("one", "two")
    terminal.block.above("web01 failed")
    terminal.draw("three")
    assert len(terminal.writes) == 2
    assert terminal.writes[1] == "\r\x1b[1A\x1b[Jweb01 failed\n\x1b[?7lthree\x1b[K\x1b[J\r\x1b[?7h"


def test_a_block_has_room_for_a_line_less_one_column_and_for_no_more_lines_than_the_terminal_has(terminal):
    terminal.draw(*"abcdefghi")
    assert terminal.room == (19, 6)
    assert terminal.writes[0].count("\n") == 5


def test_where_nothing_stands_yet_nothing_is_erased(terminal):
    terminal.block.above("web01 failed")
    terminal.draw()
    assert terminal.writes == ["web01 failed\n"]


# -- what stands on the screen

@pytest.mark.any_interpreter
class TestScreen(object):

    def test_a_block_is_drawn_over_itself(self, terminal):
        terminal.draw("first", "second")
        terminal.draw("1", "2", "3")
        assert terminal.screen == ["1", "2", "3"]

    def test_a_block_that_has_fewer_lines_leaves_nothing_of_the_old_ones(self, terminal):
        terminal.draw("first", "second", "third")
        terminal.draw("1")
        assert terminal.screen == ["1"]

    def test_lines_pass_above_it_and_stay(self, terminal):
        for number in range(3):
            terminal.block.above("web%d failed" % number)
            terminal.draw("done %d" % number, "proxy")
        assert terminal.screen == ["web0 failed", "web1 failed", "web2 failed", "done 2", "proxy"]

    def test_a_long_line_above_it_wraps_and_is_shown_as_a_whole(self, terminal):
        terminal.draw("one", "two")
        terminal.block.above("x" * 45)
        terminal.draw("three")
        assert terminal.screen == ["x" * 20, "x" * 20, "x" * 5, "three"]

    def test_lines_as_many_as_the_terminal_has_scroll_nothing(self, terminal):
        for round_ in "ab":
            terminal.draw(*[round_ + each for each in "123456"])
        assert terminal.screen == ["b1", "b2", "b3", "b4", "b5", "b6"]

    def test_a_line_that_is_wider_than_we_think_stays_one_line(self, terminal):
        for number in range(3):
            terminal.draw("totals %d" % number, "\u670d" * 15, "last")
        assert [terminal.screen[0], terminal.screen[2]] == ["totals 2", "last"]

    def test_it_is_gone_at_the_end(self, terminal):
        terminal.block.begin()
        terminal.draw("one", "two")
        terminal.block.above("the last words")
        terminal.block.end()
        assert terminal.screen == ["the last words"]


# -- the thread that draws

def test_it_draws_by_itself_and_ends_at_once(monkeypatch):
    monkeypatch.setattr(live, "REDRAW_SECONDS", 0.001)
    drawn, writes = threading.Event(), []

    def write(words):
        writes.append(words)
        drawn.set()
    block = live.Block(write, lambda: (80, 24), lambda _columns, _most: ["now"])
    block.begin()
    assert drawn.wait(30)
    block.end()
    assert ["now" in words for words in writes] == [True, False]


def test_a_terminal_that_is_stopped_keeps_nobody_who_tells_and_nobody_who_ends(monkeypatch):
    """L7: a terminal on which somebody has typed Ctrl-S does not hold a run, nor its locks."""
    monkeypatch.setattr(live, "REDRAW_SECONDS", 0.001)
    monkeypatch.setattr(live, "END_SECONDS", 0.05)
    stopped, going_on, writes = threading.Event(), threading.Event(), []

    def write(words):
        stopped.set()
        assert going_on.wait(30)
        writes.append(words)
    block = live.Block(write, lambda: (80, 24), lambda _columns, _most: ["now"])
    block.begin()
    assert stopped.wait(30)
    block.above("web01 failed")
    block.end()
    assert writes == []
    going_on.set()
    block._thread.join(30)
    assert "web01 failed\n" in writes[-1]


def test_what_fails_to_draw_loses_none_of_the_lines_above(monkeypatch):
    monkeypatch.setattr(live, "REDRAW_SECONDS", 0.001)
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None, raising=False)
    asked, writes = threading.Event(), []

    def lines_of(_columns, _most):
        asked.set()
        raise SystemExit("a mistake of ours")
    block = live.Block(writes.append, lambda: (80, 24), lines_of)
    block.above("web01 failed")
    block.begin()
    assert asked.wait(30)
    block.end()
    assert writes == ["web01 failed\n"]
