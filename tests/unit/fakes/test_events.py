# -*- coding: utf-8 -*-
"""The event log, in both modes: only what happens after the call, and also what was not told yet."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import events, kinds
from fakes.faults import Fault
from tests.labs import demo_lab, find, job, make_lab, refused

SERVER, ANY_EVENT = kinds.VIRTUAL_SERVER, kinds.VIRTUAL_SERVER_EVENT


def event_log(lab):
    return lab.configuration_manager().getFoundryContext().getEventLog()


def heard(log, lab, name="web01", kind=ANY_EVENT, timeout_ms=0):
    found = log.listenForEvents(kind, find(lab, SERVER, name), timeout_ms)
    return [event.getKind().getName()[len("VirtualServer"):-len("Event")] for event in found or ()]


def stop(lab, name="web01"):
    with job(lab):
        find(lab, SERVER, name).stop()


@pytest.mark.parametrize("mode", events.MODES)
def test_a_wait_ends_with_the_first_event_and_takes_no_longer(mode):
    lab = make_lab(events=mode)
    log = event_log(lab)
    stop(lab)
    assert heard(log, lab, timeout_ms=60000) == ["Stopped"]
    assert lab.clock.monotonic() == 5


@pytest.mark.parametrize("mode", events.MODES)
def test_a_wait_for_nothing_takes_its_whole_time_and_returns_none(mode):
    lab = make_lab(events=mode)
    log = event_log(lab)
    assert log.listenForEvents(ANY_EVENT, find(lab, SERVER, "web01"), 60000) is None
    assert lab.clock.monotonic() == 60


@pytest.mark.parametrize("mode, expected", [(events.AFTER_CALL, []), (events.BACKLOG, ["Stopped"])])
def test_an_event_from_before_the_call_is_told_with_a_backlog_alone(mode, expected):
    lab = make_lab(events=mode)
    log = event_log(lab)
    stop(lab)
    lab.clock.sleep(60)
    assert heard(log, lab) == expected
    assert heard(log, lab) == []


@pytest.mark.parametrize("mode", events.MODES)
def test_an_event_from_before_the_log_was_asked_for_is_never_told(mode):
    lab = make_lab(events=mode)
    stop(lab)
    lab.clock.sleep(60)
    assert heard(event_log(lab), lab) == []


@pytest.mark.parametrize("mode", events.MODES)
def test_events_of_another_server_end_no_wait(mode):
    lab = make_lab(events=mode)
    log = event_log(lab)
    stop(lab, "pbh01")
    assert heard(log, lab, "web01", timeout_ms=60000) == []
    assert lab.clock.monotonic() == 60


@pytest.mark.parametrize("mode", events.MODES)
def test_events_of_another_kind_end_no_wait(mode):
    lab = make_lab(events=mode)
    log = event_log(lab)
    with job(lab):
        find(lab, SERVER, "web01").reboot()
    assert heard(log, lab, kind=kinds.RUNNING_EVENT, timeout_ms=60000) == ["Running"]


def test_a_wait_for_one_kind_takes_nothing_from_a_later_wait_for_another():
    lab = make_lab(events=events.BACKLOG)
    log = event_log(lab)
    with job(lab):
        find(lab, SERVER, "web01").reboot()
    assert heard(log, lab, kind=kinds.RUNNING_EVENT, timeout_ms=60000) == ["Running"]
    assert heard(log, lab, kind=kinds.STOPPED_EVENT) == ["Stopped"]
    assert heard(log, lab) == ["Starting"]
    assert heard(log, lab) == []


def test_each_log_is_told_on_its_own():
    lab = make_lab(events=events.BACKLOG)
    one, two = event_log(lab), event_log(lab)
    stop(lab)
    lab.clock.sleep(60)
    assert heard(one, lab) == heard(two, lab) == ["Stopped"]


@pytest.mark.parametrize("mode", events.MODES)
def test_a_lost_event_is_not_told_and_the_state_is_the_truth_all_the_same(mode):
    lab = make_lab(events=mode, servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"],
                                          "power": "Stopped"}])
    log = event_log(lab)
    lab.faults.append(Fault("after", "lose", method="commit"))
    with job(lab):
        find(lab, SERVER, "web01").start()
    assert find(lab, SERVER, "web01").getStatusEvent().getKind() is kinds.STARTING_EVENT
    assert heard(log, lab, timeout_ms=60000) == ["Running"]


def test_a_negative_time_out_is_refused():
    lab = make_lab()
    with refused("cannot be negative"):
        event_log(lab).listenForEvents(ANY_EVENT, find(lab, SERVER, "web01"), -1)


@pytest.mark.parametrize("arguments", [(ANY_EVENT, "web01", 1), ("VirtualServerEvent", None, 1), (ANY_EVENT, None, 1)])
def test_what_listens_to_nothing_is_refused_loudly(arguments):
    lab = make_lab()
    with pytest.raises(TypeError):
        event_log(lab).listenForEvents(*arguments)


def test_an_event_can_be_added_to_text_and_printed():
    lab = make_lab(clock_ms=5)
    event = find(lab, SERVER, "web01").getStatusEvent()
    assert "Got: " + event == "Got: VirtualServerRunningEvent of web01 at 5"


def test_events_of_a_lab_that_is_opened_again(tmpdir):
    lab = demo_lab(tmpdir)
    stop(lab)
    lab.clock.sleep(60)
    last = find(lab, SERVER, "web01").getStatusEvent()
    lab.close()
    lab = demo_lab(tmpdir)
    assert find(lab, SERVER, "web01").getStatusEvent().getTime() == last.getTime()


# -- disturbed

@pytest.mark.parametrize("mode", events.MODES)
@pytest.mark.parametrize("delays, expected", [
    ([()], [[], [], []]), ([(0, 0)], [["Stopped", "Stopped"], [], []]), ([(0, 30000)], [["Stopped"], ["Stopped"], []]),
    ([(70000,)], [[], ["Stopped"], []])], ids=["never", "twice", "again later", "late"])
def test_a_disturbed_event_is_told_as_often_and_as_late_as_was_said(mode, delays, expected):
    lab = make_lab(events=mode)
    log = event_log(lab)
    lab.disturbed_events = events.Disturbance(delays)
    stop(lab)
    assert [heard(log, lab, timeout_ms=60000) for _call in range(3)] == expected


@pytest.mark.parametrize("mode", events.MODES)
def test_a_late_event_ends_the_listening_when_it_arrives(mode):
    lab = make_lab(events=mode)
    log = event_log(lab)
    lab.disturbed_events = events.Disturbance([(20000,)])
    stop(lab)
    assert heard(log, lab, timeout_ms=60000) == ["Stopped"] and lab.clock.monotonic() == 25


@pytest.mark.parametrize("mode", events.MODES)
def test_an_event_that_is_overtaken_is_told_behind_the_later_one(mode):
    lab = make_lab(events=mode)
    log = event_log(lab)
    lab.disturbed_events = events.Disturbance([(50000,), (0,), (0,)])
    with job(lab):
        find(lab, SERVER, "web01").reboot()
    told = [heard(log, lab, timeout_ms=60000) for _call in range(3)]
    assert told == [["Starting"], ["Running"], ["Stopped"]]


@pytest.mark.parametrize("mode, told", [(events.AFTER_CALL, []), (events.BACKLOG, ["Stopped"])])
def test_what_arrived_before_the_call_is_told_as_the_mode_says_and_told_again_where_all_is(mode, told):
    lab = make_lab(events=mode)
    log = event_log(lab)
    for again in (False, True):
        lab.disturbed_events = events.Disturbance([(0,)], again)
        with job(lab):
            server = find(lab, SERVER, "web01")
            (server.start if again else server.stop)()
        lab.clock.sleep(60)
        if not again:
            assert [heard(log, lab), heard(log, lab)] == [told, []]
    assert [heard(log, lab), heard(log, lab)] == [["Starting", "Running"]] * 2
