# -*- coding: utf-8 -*-
"""What stands behind a key: a value, or one line that begins with its place; soon, however much there is."""
from __future__ import absolute_import, division, print_function, unicode_literals

import time

import pytest

from vibackup import errors
from vibackup.fleet import values
from vibackup.fleet.policy import FLEET, SERVERS

LARGE = {"a word": "a" * 150000, "words": "a b " * 50000, "open quotes": "'" * 150001, "quotes": "'a'" * 50000,
         "quoted words": "'a' " * 50000, "stars": "*" * 150000, "brackets": "[" * 150000, "hashes": "a#" * 70000,
         "commas": "," * 150000, "colons": "a:" * 70000, "at signs": "a@" * 70000, "dots": "." * 150000}
LIMIT_SECONDS = 60


@pytest.mark.parametrize("name", sorted(LARGE))
def test_too_much_is_refused_soon_and_in_few_words(name):
    """L7: on Jython, whose expressions have no room for many repeated groups, as anywhere."""
    begun = time.time()
    for parse in set(key.parse for key in FLEET + SERVERS):
        with pytest.raises(errors.UsageError) as caught:
            parse(LARGE[name], "here")
        assert caught.value.message.startswith("here: ") and len(caught.value.message) < 2000
    assert time.time() - begun < LIMIT_SECONDS


@pytest.mark.parametrize("words, found", [
    ("a", ["a"]), ("a,b c\td\ne", ["a", "b", "c", "d", "e"]), (" ,a,, b , ", ["a", "b"]),
    ("'a b'c\"d e\"", ["a bcd e"]),
    ("\"it's\"", ["it's"]), ("a#b '#c'", ["a#b", "#c"]), ("C:\\x", ["C:\\x"]), ("a''b", ["ab"])])
def test_names_are_split_at_blanks_and_commas_but_for_quotes(words, found):
    assert values.names(words, "here") == tuple(found)


@pytest.mark.parametrize("words", ["'", "a'b", "a \"b", ",", "''", "#", "a #b", "'a\nb'", "a\0"])
def test_what_are_no_names_is_refused(words):
    with pytest.raises(errors.UsageError) as caught:
        values.names(words, "here")
    assert caught.value.message.startswith("here: ")


@pytest.mark.parametrize("words, found", [
    ("mon", [0]), ("Mon-SUN", list(range(7))), ("fri-mon", [0, 4, 5, 6]), ("sun,mon tue-tue", [0, 1, 6])])
def test_days_may_go_over_the_end_of_the_week(words, found):
    assert values.days(words, "here") == tuple(found)


@pytest.mark.parametrize("word, found", [("rpoo", "did you mean rpo?"), ("x" * 5000, "there are rpo, rto")])
def test_a_word_is_held_against_those_that_there_are(word, found):
    assert values.nearest(word, ["rpo", "rto"]) == found
