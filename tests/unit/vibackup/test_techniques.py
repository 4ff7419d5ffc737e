# -*- coding: utf-8 -*-
"""The table of techniques: what other modules take from it for granted."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from vibackup import techniques, verbs

ALL = sorted((name, each) for name, each in vars(techniques).items() if isinstance(each, techniques.Technique))

technique_by_name = pytest.mark.parametrize("each", [each for _name, each in ALL], ids=[name for name, _each in ALL])


@technique_by_name
def test_each_is_a_verb_of_the_command_line(each):
    assert each.verb in verbs.MODULES


def test_the_backups_in_the_catalog_tell_the_techniques_apart():
    """One in which both verb and mode are those of two techniques would count for both."""
    known = [(each.verb, mode) for _name, each in ALL for mode in each.modes]
    assert len(known) == len(set(known)) and set(mode for _verb, mode in known) == {
        "image", "file", "array", "archive", "boot"}


@technique_by_name
def test_each_has_something_for_it_and_against_it_in_words_that_fit_a_line(each):
    assert each.advantages and each.disadvantages
    for words in (each.title,) + each.advantages + each.disadvantages:
        assert words[0].islower() and words[-1] != "." and len(words) <= 110 and "\n" not in words


@technique_by_name
def test_that_a_snapshot_can_be_lost_is_said_of_each_that_keeps_one(each):
    said = [words for words in each.disadvantages if "free space of its disk group" in words]
    assert bool(said) == each.snapshot
