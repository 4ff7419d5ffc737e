# -*- coding: utf-8 -*-
"""Windows of a night, by the local clock; also in the nights when it is changed."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import time

import pytest

from vibackup import compat
from vibackup.fleet.window import Window

EVERY_DAY = tuple(range(7))
NIGHT = Window(22 * 60, 5 * 60, EVERY_DAY)
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"  # needs no data of the system's


def local(words):
    """Return the moment of ``2026-03-28 22:00`` by the local clock; of two, the first."""
    return time.mktime(time.strptime(words, str("%Y-%m-%d %H:%M")))


def shown(moments):
    """Return moments as the local clock shows them, without the year."""
    return moments and [compat.text(time.strftime(str("%m-%d %H:%M"), time.localtime(moment))) for moment in moments]


# -- in whatever zone the machine is

@pytest.mark.parametrize("moment, found", [
    ("2026-06-10 21:59", None),
    ("2026-06-10 22:00", ["06-10 22:00", "06-11 05:00"]),
    ("2026-06-11 00:00", ["06-10 22:00", "06-11 05:00"]),
    ("2026-06-11 04:59", ["06-10 22:00", "06-11 05:00"]),
    ("2026-06-11 05:00", None)])
def test_a_window_that_spans_midnight_is_one_window(moment, found):
    assert shown(NIGHT.around(local(moment))) == found


def test_a_window_within_a_day_closes_on_it():
    noon = Window(11 * 60, 13 * 60 + 30, EVERY_DAY)
    assert shown(noon.around(local("2026-06-10 13:29"))) == ["06-10 11:00", "06-10 13:30"]
    assert noon.around(local("2026-06-10 13:30")) is None


def test_a_fraction_of_a_second_before_it_closes_is_in_it():
    assert NIGHT.around(local("2026-06-11 05:00") - 0.25) is not None


def test_the_day_is_that_on_which_it_opens():
    friday = Window(22 * 60, 5 * 60, (4,))
    assert shown(friday.around(local("2026-06-13 03:00"))) == ["06-12 22:00", "06-13 05:00"]  # a Saturday
    assert friday.around(local("2026-06-12 03:00")) is None  # a Friday


def test_the_next_one_is_after_the_one_that_is_open():
    assert shown(NIGHT.next_after(local("2026-06-10 22:00"))) == ["06-11 22:00", "06-12 05:00"]
    assert shown(NIGHT.next_after(local("2026-06-10 21:59"))) == ["06-10 22:00", "06-11 05:00"]


def test_the_next_one_may_be_a_week_away():
    monday = Window(0, 24 * 60, (0,))
    assert shown(monday.next_after(local("2026-06-08 00:00"))) == ["06-15 00:00", "06-16 00:00"]
    assert shown(monday.next_after(local("2026-06-07 23:59"))) == ["06-08 00:00", "06-09 00:00"]


def test_a_window_is_shown_as_one_writes_it():
    assert compat.text(Window(22 * 60, 5 * 60 + 30, (0, 4))) == "22:00-05:30 on mon fri"


# -- when the clock is changed

if hasattr(time, "tzset"):  # Jython has the zone that it was started with

    @pytest.fixture
    def berlin(monkeypatch):
        """A zone whose clock leaps from 02:00 to 03:00 on 29 March 2026, and back from 03:00 to 02:00 on 25 October."""
        before = os.environ.get(str("TZ"))
        monkeypatch.setenv(str("TZ"), str(BERLIN))
        time.tzset()
        yield
        monkeypatch.undo()
        assert os.environ.get(str("TZ")) == before
        time.tzset()

    @pytest.mark.parametrize("evening, hours", [("2026-03-28 23:00", 6), ("2026-10-24 23:00", 8),
                                                ("2026-10-25 23:00", 7)])
    def test_a_window_has_the_hours_that_the_wall_clock_shows(berlin, evening, hours):
        opens, closes = NIGHT.around(local(evening))
        assert [each[6:] for each in shown([opens, closes])] == ["22:00", "05:00"]
        assert closes - opens == hours * 3600

    @pytest.mark.parametrize("day, moments", [
        ("2026-03-28 12:00", 23), ("2026-10-24 12:00", 25), ("2026-06-10 12:00", 24)])
    def test_the_next_window_is_a_day_of_that_nights_length_away(berlin, day, moments):
        first = NIGHT.next_after(local(day))
        assert NIGHT.next_after(first[0])[0] - first[0] == moments * 3600

    @pytest.mark.parametrize("opens, closes, found", [
        (135, 165, ["03-29 03:15", "03-29 03:45"]),   # 02:15-02:45, which the clock leaps over
        (150, 180, ["03-29 03:30", "03-29 04:00"]),   # 02:30-03:00, of which nothing is left
        (90, 150, ["03-29 01:30", "03-29 03:30"])])   # 01:30-02:30
    def test_a_window_that_the_clock_leaps_over_is_not_lost(berlin, opens, closes, found):
        moments = Window(opens, closes, EVERY_DAY).next_after(local("2026-03-28 12:00"))
        assert shown(moments) == found and moments[1] - moments[0] == (closes - opens) * 60

    def test_an_hour_that_comes_twice_opens_and_closes_the_first_time(berlin):
        opens, closes = Window(135, 165, EVERY_DAY).next_after(local("2026-10-24 12:00"))
        assert shown([opens, closes]) == ["10-25 02:15", "10-25 02:45"] and closes - opens == 1800
        assert time.localtime(opens).tm_isdst == 1
        assert Window(135, 165, EVERY_DAY).around(opens + 3600) is None
