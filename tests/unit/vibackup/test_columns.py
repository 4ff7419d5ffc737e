# -*- coding: utf-8 -*-
"""How wide words are on a terminal, whatever they are made of."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json

import pytest

from vibackup.columns import fitted, width

SERVER, SHIN, ACUTE, MARK = "\u670d\u52a1\u5668", "\u05e9\u05e8\u05ea", "e\u0301", "a\u200fb"


@pytest.mark.parametrize("words, columns", [
    ("", 0), ("web01", 5), ("s\xfcd", 3), (SERVER, 6), (SHIN, 3), (ACUTE, 1), (MARK, 2), ("a\xadb", 3)], ids=repr)
def test_a_wide_character_takes_two_columns_and_a_mark_none(words, columns):
    assert width(words) == columns


@pytest.mark.any_interpreter
def test_half_a_character_is_as_wide_as_the_escape_that_is_written():
    half = json.loads('"\\ud800"')
    assert width(half) == len("\\ud800")


@pytest.mark.parametrize("words", ["x" * 50, SERVER * 9, SHIN * 20, ACUTE * 40, "a" + SERVER * 9], ids=repr)
@pytest.mark.parametrize("columns", [0, 1, 2, 3, 4, 7, 19, 20])
def test_what_is_cut_is_never_wider_than_there_is_room_and_says_that_it_is_cut(words, columns):
    found = fitted(words, columns)
    assert width(found) <= columns
    assert found.endswith("..."[:columns])


def test_what_fits_exactly_is_not_cut():
    assert fitted(SERVER, 6) == SERVER
    assert fitted(SERVER, 5) == "\u670d..."
