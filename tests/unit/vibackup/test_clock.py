# -*- coding: utf-8 -*-
"""Time on a real site."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading
import time

import pytest

from vibackup import clock


@pytest.fixture
def system():
    return clock.SystemClock()


class Jumped(object):
    """The module ``time`` on a day when the wall clock has jumped."""

    def __getattr__(self, name):
        return getattr(time, name)

    def time(self):
        return 1212357600.0


def test_its_seconds_go_on_whatever_the_wall_clock_does(system, monkeypatch):
    before = system.monotonic()
    monkeypatch.setattr(clock, "time", Jumped())
    after = system.monotonic()
    assert 0 <= after - before < 60


def test_its_time_is_the_wall_clocks(system, monkeypatch):
    monkeypatch.setattr(clock, "time", Jumped())
    assert system.time() == 1212357600.0


def test_its_seconds_pass(system):
    begun = system.monotonic()
    deadline = time.time() + 30
    while system.monotonic() == begun and time.time() < deadline:
        pass
    assert system.monotonic() > begun


def test_a_timer_calls_after_its_time_on_a_thread_of_its_own(system):
    called = threading.Event()
    threads = []

    def function():
        threads.append(threading.current_thread())
        called.set()

    system.call_after(0, function)
    called.wait(30)
    assert threads and threads[0] is not threading.current_thread()


def test_a_timer_that_was_cancelled_never_calls(system):
    called = []
    timer = system.call_after(3600, lambda: called.append(True))
    timer.cancel()
    timer.join(30)
    assert not timer.is_alive()
    assert not called


def test_a_timer_does_not_keep_the_process_from_ending(system):
    timer = system.call_after(3600, lambda: None)
    assert timer.daemon
    timer.cancel()


def test_sleeping_for_no_time_returns(system):
    system.sleep(0)


@pytest.mark.parametrize("seconds, least", [((), None), ((None, None), None), ((None, 3, 2.5), 2.5), ((7, -1), 0)])
def test_of_lengths_of_time_the_soonest_is_known_though_some_are_for_ever(seconds, least):
    assert clock.soonest(*seconds) == least
