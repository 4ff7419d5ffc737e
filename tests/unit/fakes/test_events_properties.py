# -*- coding: utf-8 -*-
"""The event log beside its model: who is told of what, whatever happens in between."""
from __future__ import absolute_import, division, print_function, unicode_literals

from hypothesis import given, strategies as st

from fakes import events, kinds
from fakes.clock import Timer
from fakes.kinds import FAILED_EVENT, RUNNING_EVENT, STARTING_EVENT, STOPPED_EVENT
from tests.labs import close_all, find, make_lab

KINDS = [FAILED_EVENT, RUNNING_EVENT, STARTING_EVENT, STOPPED_EVENT]
SERVERS = ["web01", "pbh01"]

_happen = st.tuples(st.just("happen"), st.sampled_from(SERVERS), st.sampled_from(KINDS), st.booleans())
_listen = st.tuples(st.just("listen"), st.sampled_from(SERVERS), st.sampled_from(KINDS + [kinds.VIRTUAL_SERVER_EVENT]))


def listen(log, lab, name, kind):
    found = log.listenForEvents(kind, find(lab, kinds.VIRTUAL_SERVER, name), 0)
    return [event._identity for event in found or ()]


def publish(lab, name, kind, lost):
    lab.losing_events = lost
    events.publish(lab, lab.world.named({"VirtualServer"}, name), kind)
    lab.losing_events = False
    return lab.world.events[-1]["id"]


@given(st.lists(st.one_of(_happen, _happen, _listen), max_size=25))
def test_with_a_backlog_each_event_of_an_object_is_told_once_and_in_order(actions):
    lab = make_lab(events=events.BACKLOG)
    try:
        log = lab.configuration_manager().getFoundryContext().getEventLog()
        untold = dict((name, []) for name in SERVERS)
        for action in actions + [("listen", name, kinds.VIRTUAL_SERVER_EVENT) for name in SERVERS]:
            if action[0] == "happen":
                identity = publish(lab, *action[1:])
                untold[action[1]] += [] if action[3] else [(identity, action[2])]
            else:
                told = [pair for pair in untold[action[1]] if action[2].isAssignableFrom(pair[1])]
                untold[action[1]] = [pair for pair in untold[action[1]] if pair not in told]
                assert listen(log, lab, action[1], action[2]) == [identity for identity, _kind in told]
        assert untold == dict((name, []) for name in SERVERS)
    finally:
        close_all()


_due = st.tuples(st.integers(1, 3000), st.sampled_from(SERVERS), st.sampled_from(KINDS))


@given(st.lists(_due, max_size=12), st.lists(st.tuples(st.integers(0, 2000), st.sampled_from(SERVERS)), max_size=6))
def test_without_one_only_the_first_moment_after_the_call_is_told(due, waits):
    lab = make_lab(events=events.AFTER_CALL)
    try:
        log = lab.configuration_manager().getFoundryContext().getEventLog()
        for at_ms, name, kind in due:
            lab.clock.timers.append(Timer(at_ms, lambda name=name, kind=kind: publish(lab, name, kind, False)))
        for wait_ms, name in waits:
            begin = lab.world.now_ms
            count = len(log.listenForEvents(
                kinds.VIRTUAL_SERVER_EVENT, find(lab, kinds.VIRTUAL_SERVER, name), wait_ms) or ())
            later = sorted(at_ms for at_ms, who, _kind in due if who == name and begin < at_ms <= begin + wait_ms)
            assert count == (later.count(later[0]) if later else 0)
            assert lab.world.now_ms == (later[0] if later else begin + wait_ms)
    finally:
        close_all()
