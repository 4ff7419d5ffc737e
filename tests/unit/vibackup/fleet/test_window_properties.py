# -*- coding: utf-8 -*-
"""Windows, whatever the zone, the day and the moment."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibackup.fleet.window import MINUTES, Window

# Without a change of the clock; an hour's, in either half of the world; half an hour's; far from UTC.
ZONES = ("UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "NZST-12NZDT,M9.5.0,M4.1.0/3", "LHST-10:30LHDT-11,M10.1.0,M4.1.0",
         "EST5EDT,M3.2.0,M11.1.0", "XXX12", "XXX-14")

minutes = st.integers(0, MINUTES - 1)
windows = st.builds(
    lambda opens, length, days: Window(opens, (opens + length) % MINUTES or MINUTES, tuple(sorted(days))),
    minutes, st.integers(1, MINUTES - 1), st.sets(st.integers(0, 6), min_size=1))
moments = st.one_of(st.integers(1200000000, 1900000000), st.floats(1.2e9, 1.9e9),
                    st.integers(-26, 26).map(lambda quarters: 1774746000 + 900 * quarters),   # around 29 March 2026
                    st.integers(-26, 26).map(lambda quarters: 1792890000 + 900 * quarters))   # around 25 October


@pytest.fixture(scope="module", autouse=True, params=ZONES)
def zone(request):
    before = os.environ.get("TZ")
    os.environ["TZ"] = str(request.param)
    time.tzset()
    yield
    os.environ.pop("TZ")
    os.environ.update({} if before is None else {"TZ": before})
    time.tzset()


def length(window):
    return 60 * ((window.closes - window.opens - 1) % MINUTES + 1)


def minute_of(moment):
    shown = time.localtime(moment)
    return 60 * shown.tm_hour + shown.tm_min


@given(windows, moments)
def test_the_window_around_a_moment_has_it(window, moment):
    found = window.around(moment)
    assert found is None or found[0] <= moment < found[1]


@given(windows, moments)
def test_the_next_window_opens_later_and_is_the_one_around_its_beginning(window, moment):
    opens, closes = window.next_after(moment)
    assert moment < opens <= moment + 9 * 86400
    assert window.around(opens) == (opens, closes) and window.around(closes - 1) == (opens, closes)
    assert window.around(opens - 1) is None or window.around(opens - 1)[1] == opens


@given(windows, moments)
def test_between_two_windows_there_is_none(window, moment):
    first = window.next_after(moment)
    second = window.next_after(first[0])
    assert first[1] <= second[0]
    middle = (first[1] + second[0]) / 2
    assert window.around(middle) in (None, second) and window.next_after(first[1] - 1) == second


@given(windows, moments)
def test_a_window_is_as_long_as_it_says_but_for_a_change_of_the_clock(window, moment):
    opens, closes = window.next_after(moment)
    assert abs(closes - opens - length(window)) <= 3600
    assert time.localtime(opens).tm_wday in window.days or minute_of(opens) != window.opens
    if time.localtime(opens - 86400)[8] == time.localtime(closes + 86400)[8]:
        assert minute_of(opens) == window.opens and minute_of(closes) == window.closes % MINUTES
        assert closes - opens == length(window)
