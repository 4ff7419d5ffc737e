# -*- coding: utf-8 -*-
"""Virtual time: it passes when somebody waits, and then at once."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import kinds
from tests.labs import demo_lab, find, job, make_lab


def test_time_stands_still_until_somebody_waits():
    lab = make_lab()
    assert lab.clock.monotonic() == lab.clock.monotonic() == 0
    lab.clock.sleep(0.25)
    assert lab.clock.monotonic() == 0.25


def test_no_time_passes_in_no_time():
    lab = make_lab()
    for seconds in (0, -1):
        lab.clock.sleep(seconds)
    assert lab.clock.monotonic() == 0


def test_the_wall_clock_runs_along_from_where_it_was_set():
    lab = make_lab(clock_ms=1212357600000)
    lab.clock.sleep(10)
    assert lab.clock.time() == 1212357610


def test_a_wall_clock_that_jumps_does_not_move_the_other():
    lab = make_lab()
    lab.clock.sleep(10)
    lab.world.wall_offset_ms = -20000
    assert lab.clock.time() == -10
    assert lab.clock.monotonic() == 10


def test_a_timer_fires_once_at_its_moment():
    lab = make_lab()
    fired = []
    lab.clock.call_after(10, lambda: fired.append(lab.clock.monotonic()))
    lab.clock.sleep(9.999)
    assert fired == []
    lab.clock.sleep(100)
    lab.clock.sleep(100)
    assert fired == [10]


def test_timers_fire_in_the_order_of_their_moments():
    lab = make_lab()
    fired = []
    for seconds in (3, 1, 2):
        lab.clock.call_after(seconds, lambda seconds=seconds: fired.append(seconds))
    lab.clock.sleep(5)
    assert fired == [1, 2, 3]


def test_a_cancelled_timer_never_fires_even_when_another_one_cancels_it_at_the_same_moment():
    lab = make_lab()
    fired = []
    lab.clock.call_after(1, lambda: later.cancel())
    later = lab.clock.call_after(1, lambda: fired.append(1))
    early = lab.clock.call_after(0.5, lambda: fired.append(0.5))
    early.cancel()
    lab.clock.sleep(5)
    assert fired == []


def test_a_timer_may_set_another_and_wait_itself():
    lab = make_lab()
    fired = []

    def first():
        lab.clock.sleep(2)
        lab.clock.call_after(1, lambda: fired.append(lab.clock.monotonic()))

    lab.clock.call_after(1, first)
    lab.clock.sleep(10)
    assert fired == [4]
    assert lab.clock.monotonic() == 10


def test_a_timer_that_fails_does_not_take_the_lab_along():
    lab = make_lab()

    def fail():
        raise ValueError("in the timer")

    lab.clock.call_after(1, fail)
    with pytest.raises(ValueError):
        lab.clock.sleep(5)
    lab.clock.sleep(5)
    with job(lab):
        find(lab, kinds.VIRTUAL_SERVER, "web01").stop()
    lab.clock.sleep(60)
    assert find(lab, kinds.VIRTUAL_SERVER, "web01").getStatusEvent().getKind() is kinds.STOPPED_EVENT


def test_timers_fire_while_somebody_listens_for_events():
    lab = make_lab()
    fired = []
    lab.clock.call_after(7, lambda: fired.append(lab.clock.monotonic()))
    log = lab.configuration_manager().getFoundryContext().getEventLog()
    log.listenForEvents(kinds.VIRTUAL_SERVER_EVENT, find(lab, kinds.VIRTUAL_SERVER, "web01"), 60000)
    assert fired == [7]


def test_the_clock_of_a_lab_in_a_folder_goes_on_where_it_was(tmpdir):
    lab = demo_lab(tmpdir)
    lab.clock.sleep(42)
    lab.close()
    assert demo_lab(tmpdir).clock.monotonic() == 42
