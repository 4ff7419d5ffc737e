# -*- coding: utf-8 -*-
"""How the report says numbers and moments."""
from __future__ import absolute_import, division, print_function, unicode_literals

import time

import pytest

from vibackup.fleet import words

MOMENT = 1226872800.5  # seconds since 1970: 2008-11-16 22:00 UTC


@pytest.mark.parametrize("number, named, said", [
    (0, ("server",), "0 servers"), (1, ("server",), "1 server"), (2, ("server",), "2 servers"),
    (1, ("batch", "batches"), "1 batch"), (3, ("batch", "batches"), "3 batches")])
def test_one_thing_is_not_said_as_several(number, named, said):
    assert words.count(number, *named) == said


class Zone(object):
    """The module ``time`` where the local clock is so many seconds ahead of UTC."""

    def __init__(self, ahead):
        self._ahead = ahead

    def localtime(self, seconds):
        return time.gmtime(seconds + self._ahead)


@pytest.mark.parametrize("ahead, said", [
    (0, "+00:00"), (-5 * 3600, "-05:00"), (5.5 * 3600, "+05:30"), (-3.5 * 3600, "-03:30")])
def test_the_local_clock_is_so_far_from_utc(monkeypatch, ahead, said):
    monkeypatch.setattr(words, "time", Zone(ahead))
    assert (words.offset(MOMENT), words.zone(MOMENT)) == (ahead, said)


@pytest.mark.parametrize("seconds, said", [(59, "59 s"), (11100, "3 h 05 min"), (2 * 86400, "2.0 days")])
def test_an_age_of_days_is_said_in_days(seconds, said):
    assert words.age(seconds) == said
