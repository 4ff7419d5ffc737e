# -*- coding: utf-8 -*-
"""Which name fits: plain names, patterns, and names that look like patterns."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from vibackup.fleet import matching
from vibackup.fleet.matching import Names


@pytest.mark.parametrize("pattern, matched, others", [
    ("web*", ["web", "web01", "web\n"], ["Web01", "aweb"]), ("web?", ["web1"], ["web", "web12"]),
    ("w[ae]b", ["wab", "web"], ["wib", "w[ae]b"]), ("[!a]*", ["b"], ["a1", ""]), ("a.b", ["a.b"], ["axb", "a.bc"])])
def test_patterns_are_those_of_fnmatch_and_know_capital_letters(pattern, matched, others):
    regex = matching.compiled(pattern)
    assert all(regex.match(name) for name in matched) and not any(regex.match(name) for name in others)
    assert matching.is_plain(pattern) == (pattern == "a.b")


@pytest.mark.parametrize("name, which", [
    ("web01", "web01"), ("web02", "web*"), ("db01", None), ("a*", "a*"), ("ab", None), ("d[1]", "d[1]"),
    ("d1", "d[1]")])
def test_a_plain_name_comes_first_and_a_pattern_is_a_name_too(name, which):
    """A name of a file is never a pattern, and a server that is called as a pattern reads is found by it."""
    assert Names(["web*", "web01", "d[1]"], ["a*"]).which(name) == which


def test_what_fits_nothing_is_told_apart_by_what_it_is():
    found = Names(["web01", "gone", "web*", "x*", "d[1]"], ["a*"]).fit_none_of({"web01", "web02", "d[1]"})
    assert found == (["gone", "a*"], ["x*"])


def test_without_names_there_is_nothing_to_fit():
    assert not Names([]) and Names(["*"]) and Names([], ["a"])
