# -*- coding: utf-8 -*-
"""Waiting for a state: events early, late, lost and stale; deadlines; clocks that jump."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes.events import MODES
from tests.runs import Calls, small_lab, fail, find, make_run
from vibackup import errors, events
from vibackup import manager as api
from vibackup.job import job

TEN_YEARS_MS = 10 * 365 * 24 * 3600 * 1000


@pytest.fixture(params=MODES)
def lab(request):
    with small_lab(events=request.param) as lab:
        yield lab


@pytest.fixture
def run(lab, tmpdir):
    return make_run(lab, tmpdir)


def act(run, change, name="web01"):
    """Change the power of a server; returns the Watch that was made before."""
    server = find(run, name)
    watch = events.Watch(run, server.handle, server.name)
    with job(run.manager, "power", lambda: False):
        change(server.handle)
    return watch


def test_it_waits_until_the_server_is_in_the_state(lab, run):
    watch = act(run, api.stop)
    assert watch.wait_for((api.STOPPED,)) == api.STOPPED
    assert lab.world.named({"VirtualServer"}, "web01")["power"] == "Stopped"


def test_an_event_from_before_the_listening_is_not_missed(lab, run):
    watch = act(run, api.stop)
    run.manager.clock.sleep(600)
    calls = Calls(lab)
    assert watch.wait_for((api.STOPPED,)) == api.STOPPED
    assert "listenForEvents" not in calls


def test_the_running_from_before_a_reboot_is_not_believed(lab, run):
    watch = act(run, api.reboot)
    assert watch.new_state() is None
    before = run.manager.clock.monotonic()
    assert watch.wait_for((api.RUNNING,)) == api.RUNNING
    assert run.manager.clock.monotonic() - before >= 30  # stopping takes 5 s, booting 30


def test_states_on_the_way_are_not_taken_for_the_one_waited_for(run):
    assert act(run, api.reboot).wait_for((api.RUNNING,)) == api.RUNNING


def test_the_first_of_several_states_ends_the_wait(run):
    assert act(run, api.reboot).wait_for((api.RUNNING, api.STARTING)) == api.STARTING
    assert act(run, api.stop, "db01").wait_for((api.RUNNING, api.STOPPED)) == api.STOPPED


def test_an_event_that_was_lost_costs_time_and_nothing_else(lab, run):
    fail(lab, "commit", action="lose", times=None)
    server = find(run, "web01")
    watch = act(run, api.stop)
    for event in lab.world.events:
        event["lost"] = True
    assert watch.wait_for((api.STOPPED,)) == api.STOPPED
    assert events.state_of(run.manager, server.handle) == api.STOPPED


def test_a_server_that_does_not_boot_is_an_error_at_once(lab, run):
    record = lab.world.named({"LogicalDisk"}, "web01-system")
    from fakes import storage
    storage.write(lab, record, 510, b"\0\0")
    watch = act(run, api.reboot)
    before = run.manager.clock.monotonic()
    with pytest.raises(errors.ServerFailed) as caught:
        watch.wait_for((api.RUNNING,))
    assert "web01" in caught.value.message
    assert run.manager.clock.monotonic() - before < 60


def test_a_wait_ends_at_its_deadline_and_says_what_the_server_is(run):
    watch = act(run, api.stop)
    before = run.manager.clock.monotonic()
    with pytest.raises(errors.TimedOut) as caught:
        watch.wait_for((api.RUNNING,), 3600)
    assert caught.value.message == "web01 was not Running within 3600 seconds (it is: Stopped)"
    assert 3600 <= run.manager.clock.monotonic() - before < 3601


def test_a_server_to_which_nothing_happens_is_said_to_be_as_it_was_before(run):
    server = find(run, "web01")
    with pytest.raises(errors.TimedOut) as caught:
        events.Watch(run, server.handle, "web01").wait_for((api.STOPPED,), 10)
    assert "(it is: as it was before)" in caught.value.message


@pytest.mark.parametrize("begun_ms", [1, 7, 101, 333])
def test_a_deadline_between_two_milliseconds_ends_all_the_same(lab, tmpdir, begun_ms):
    rounds = []

    def stop_after_many():
        rounds.append(True)
        return errors.TERMINATED if len(rounds) > 50 else None

    run = make_run(lab, tmpdir, stop_status=stop_after_many)
    lab.advance(begun_ms)
    server = find(run, "web01")
    for seconds in (0.0001, 0.0015, 0.29, 1.1, 60.0001, 900):
        del rounds[:]
        with pytest.raises(errors.TimedOut):
            events.Watch(run, server.handle, "web01").wait_for((api.STOPPED,), seconds)


def test_a_deadline_that_has_passed_still_looks_once(run):
    watch = act(run, api.stop)
    run.manager.clock.sleep(60)
    assert watch.wait_for((api.STOPPED,), 0) == api.STOPPED


@pytest.mark.parametrize("jump_ms", [TEN_YEARS_MS, -TEN_YEARS_MS])
def test_a_wall_clock_that_jumps_changes_neither_deadline_nor_result(lab, run, jump_ms):
    def jump():
        lab.world.wall_offset_ms += jump_ms

    watch = act(run, api.stop)
    run.manager.clock.call_after(2, jump)
    assert watch.wait_for((api.STOPPED,)) == api.STOPPED
    before = run.manager.clock.monotonic()
    run.manager.clock.call_after(100, jump)
    with pytest.raises(errors.TimedOut):
        watch.wait_for((api.RUNNING,), 300)
    assert 300 <= run.manager.clock.monotonic() - before < 301


def test_a_clock_set_back_to_the_very_moment_of_the_event_before_hides_no_newer_one(lab, run):
    server = find(run, "web01")
    before = api.event_key(api.status(server.handle))
    begun_ms = lab.event(lab.world.named({"VirtualServer"}, "web01")["status_event"])["time_ms"]
    watch = act(run, api.reboot)
    up_ms = lab.world.now_ms + 35000

    def set_back():
        lab.world.wall_offset_ms = begun_ms - up_ms
    run.manager.clock.call_after(20, set_back)
    assert watch.wait_for((api.RUNNING,)) == api.RUNNING
    assert api.event_key(api.status(server.handle)) == before


def test_a_listening_that_always_ends_at_once_does_not_call_the_manager_without_end(lab, run, monkeypatch):
    asked = []
    monkeypatch.setattr(run.manager, "listen", lambda *_same: asked.append(True))
    watch = act(run, api.reboot)
    assert watch.wait_for((api.RUNNING,)) == api.RUNNING
    with pytest.raises(errors.TimedOut):
        watch.wait_for((api.STOPPED,), 300)
    assert len(asked) < 350


def test_a_stop_that_is_asked_for_ends_the_wait_at_its_next_look(lab, tmpdir):
    asked = []
    run = make_run(lab, tmpdir, stop_status=lambda: asked and errors.INTERRUPTED or None)
    watch = act(run, api.stop)
    watch.wait_for((api.STOPPED,))
    run.manager.clock.call_after(30, lambda: asked.append(True))
    before = run.manager.clock.monotonic()
    with pytest.raises(errors.Stopped):
        watch.wait_for((api.RUNNING,))
    assert run.manager.clock.monotonic() - before <= 30 + events.LISTEN_SECONDS


def test_the_watch_subscribes_before_the_action(lab, run):
    calls = Calls(lab)
    act(run, api.stop)
    methods = [line.split(" ", 2)[2] for line in calls.lines]
    subscribed = [number for number, line in enumerate(methods) if "getEventLog" in line]
    stopped = [number for number, line in enumerate(methods) if line.endswith(" stop")]
    assert subscribed and stopped and subscribed[0] < stopped[0]


def test_a_listening_that_fails_is_the_managers_error(lab, run):
    fail(lab, "listenForEvents")
    watch = act(run, api.stop)
    with pytest.raises(errors.ApiError):
        watch.wait_for((api.STOPPED,))


def test_a_snapshot_to_which_nothing_has_happened_yet_is_in_no_known_state(lab, run):
    server = find(run, "web01")
    with job(run.manager, "snapshot", lambda: False):
        snapshot = api.snapshot(server.handle)
    assert events.state_of(run.manager, snapshot) == api.OTHER
    watch = events.Watch(run, snapshot, "its snapshot")
    with job(run.manager, "start", lambda: False):
        api.start(snapshot)
    assert watch.wait_for((api.RUNNING,)) == api.RUNNING


def test_a_manager_whose_events_have_no_time_is_waited_for_all_the_same(tmpdir):
    with small_lab(missing=["getTime"]) as lab:
        run = make_run(lab, tmpdir)
        before = run.manager.clock.monotonic()
        assert act(run, api.reboot).wait_for((api.RUNNING,)) == api.RUNNING
        assert run.manager.clock.monotonic() > before


