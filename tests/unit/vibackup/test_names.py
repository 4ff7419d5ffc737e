# -*- coding: utf-8 -*-
"""Names as file names, and names on a terminal."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from vibackup.names import LONGEST_NAME, printable, safe_name


@pytest.mark.parametrize("name, safe", [
    ("web01", "web01"), ("web-01_a.b", "web-01_a.b"), ("web 01", "web%2001"), ("a=b", "a%3Db"), ("süd", "s%C3%BCd"),
    ("../../etc", "%2E.%2F..%2Fetc"), (".", "%2E"), ("..", "%2E."), ("-rf", "%2Drf"), ("a/b", "a%2Fb"),
    ("a\\b", "a%5Cb"), ("a\nb", "a%0Ab"), ("100%", "100%25"), ("web%2001", "web%252001"), ("", "%"), ("\0", "%00")])
def test_a_safe_name_reads_like_the_name(name, safe):
    assert safe_name(name) == safe


def test_a_long_name_is_cut_and_stays_apart_from_others():
    one, other = safe_name("x" * 200), safe_name("x" * 199)
    assert len(one) == len(other) == LONGEST_NAME
    assert one != other
    assert one.startswith("xxx")


def test_the_longest_name_is_not_cut():
    assert safe_name("x" * LONGEST_NAME) == "x" * LONGEST_NAME


def test_a_cut_never_splits_an_escape():
    for length in range(20, 60):
        head = safe_name("é" * length).partition("%-")[0]
        assert len(head) % 3 == 0


@pytest.mark.parametrize("name, shown", [
    ("web01", "web01"), ("süd 服务器", "süd 服务器"), ("a\nb", "a\\x0ab"), ("a\r\x1b[2J", "a\\x0d\\x1b[2J"),
    ("\x7f", "\\x7f"), ("\x9b31m", "\\x9b31m"), ("a\x85b", "a\\x85b"), ("a\u2028b", "a\\x2028b"),
    ("a\u202eb", "a\\x202eb"), ("\t", "\\x09")])
def test_what_moves_the_cursor_is_shown_and_not_done(name, shown):
    assert printable(name) == shown
