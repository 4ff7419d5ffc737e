# -*- coding: utf-8 -*-
"""Threads share a lab's virtual time, and run one at a time."""
from __future__ import absolute_import, division, print_function, unicode_literals

import random

import pytest

from fakes import kinds
from fakes.threads import Stuck
from tests import labs
from tests.labs import find, make_lab


@pytest.fixture
def lab():
    yield make_lab()
    labs.close_all()


def _worker(lab, name, seconds, said):
    def work():
        """Sleep through ``seconds``, and say when each sleep is over."""
        for each in seconds:
            lab.clock.sleep(each)
            said.append((lab.clock.monotonic(), name))
    return work


def test_time_passes_for_all_at_once(lab):
    said = []
    lab.clock.together([_worker(lab, "a", [10, 10], said), _worker(lab, "b", [5, 5, 5], said)])
    assert said == [(5, "b"), (10, "a"), (10, "b"), (15, "b"), (20, "a")]
    assert lab.clock.monotonic() == 20


def test_one_thread_runs_at_a_time_and_two_nights_of_one_seed_are_the_same(lab):
    def night(seed):
        chance, said, inside = random.Random(seed), [], []

        def work(name):
            def step():
                for _number in range(chance.randrange(1, 9)):
                    inside.append(name)
                    assert inside == [name]  # nobody else is between its waits
                    said.append((name, lab.clock.monotonic() - begun))
                    inside.remove(name)
                    lab.clock.sleep(chance.choice([0, 1, 1, 2.5]))
            return step
        begun = lab.clock.monotonic()
        lab.clock.together([work(name) for name in range(20)])
        return said
    assert night(1) == night(1) != night(2)


def test_who_waits_for_something_goes_on_as_soon_as_it_holds_and_not_when_its_time_is_over(lab):
    done, said = [], []

    def late():
        """Do it after a while."""
        lab.clock.sleep(7)
        done.append(True)

    def patient(seconds):
        return lambda: said.append((lab.clock.wait_for(lambda: bool(done), seconds), lab.clock.monotonic()))
    lab.clock.together([patient(None), patient(3), patient(60), late])
    assert said == [(False, 3), (True, 7), (True, 7)]


def test_alone_one_waits_for_what_is_due(lab):
    done = []
    lab.clock.call_after(4, lambda: done.append(True))
    assert lab.clock.wait_for(lambda: bool(done), 60) and lab.clock.monotonic() == 4
    assert not lab.clock.wait_for(lambda: False, 2) and lab.clock.monotonic() == 6
    with pytest.raises(Stuck):
        lab.clock.wait_for(lambda: False)


def test_threads_of_a_thread_are_waited_for_by_it_alone(lab):
    said = []

    def outer():
        lab.clock.together([_worker(lab, "inner", [3, 3], said), _worker(lab, "other inner", [2], said)])
        said.append((lab.clock.monotonic(), "outer"))
    lab.clock.together([outer, _worker(lab, "beside", [4], said)])
    assert said == [(2, "other inner"), (3, "inner"), (4, "beside"), (6, "inner"), (6, "outer")]


def test_what_a_thread_raises_is_raised_when_all_are_over(lab):
    said = []

    def failing():
        lab.clock.sleep(1)
        raise ValueError("this one")
    with pytest.raises(ValueError) as caught:
        lab.clock.together([failing, _worker(lab, "other", [5], said)])
    assert str(caught.value) == "this one" and said == [(5, "other")]


def test_threads_that_wait_for_each_other_for_ever_end_with_an_error(lab):
    with pytest.raises(Stuck):
        lab.clock.together([lambda: lab.clock.wait_for(lambda: False), lambda: lab.clock.wait_for(lambda: False)])


def test_a_server_that_boots_is_heard_of_while_others_work(lab):
    said = []

    def boot():
        """Boot web01 and wait for its event inside a call of the API, which holds the gate."""
        server = find(lab, kinds.VIRTUAL_SERVER, "web01")
        with labs.job(lab):
            server.reboot()
        log = lab.configuration_manager().getFoundryContext().getEventLog()
        heard = log.listenForEvents(kinds.VIRTUAL_SERVER_EVENT, server, 600000)
        said.append([event.getKind().getName() for event in heard] and lab.clock.monotonic())
    lab.clock.together([boot, _worker(lab, "beside", [1] * 40, said)])
    booted = [each for each in said if not isinstance(each, tuple)]
    assert len(booted) == 1 and 0 < booted[0] < 40
    assert said.index(booted[0]) not in (0, len(said) - 1)


def test_each_thread_has_its_own_job(lab):
    def rename(name):
        def work():
            with labs.job(lab):
                find(lab, kinds.VIRTUAL_SERVER, name).setName("new " + name)
            lab.clock.sleep(1)
        return work
    lab.clock.together([rename("web01"), rename("pbh01")])
    assert find(lab, kinds.VIRTUAL_SERVER, "new web01") and find(lab, kinds.VIRTUAL_SERVER, "new pbh01")


def test_a_timer_that_lets_time_pass_hinders_no_thread(lab):
    """As one does whose command in a guest hangs."""
    said = []
    lab.clock.call_after(3, lambda: lab.clock.sleep(100))
    lab.clock.together([_worker(lab, "one", [2, 2], said), _worker(lab, "two", [200], said)])
    assert said == [(2, "one"), (103, "one"), (200, "two")]
