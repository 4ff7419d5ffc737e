"""The event log: what happened to virtual servers, and who is told of it and when."""
from __future__ import absolute_import, division, print_function, unicode_literals

from fakes import kinds
from fakes.dispatch import KIND, NUMBER, operation
from fakes.faults import ManagementException

# Whether a call hears only of what happens after it begins, or also of what it has not been told yet.
AFTER_CALL = "after-call"
BACKLOG = "backlog"
MODES = (AFTER_CALL, BACKLOG)


class EventLog(object):
    """One client's view of the log; ``told`` is how far each virtual server's events were handed to it."""

    def __init__(self, identity, position):
        self.id = identity
        self.name = "event log"
        self.position = position
        self.told = {}


def publish(lab, server, kind):
    """Record that ``kind`` happened to ``server`` now, and make it the server's status."""
    world = lab.world
    event = {"id": world.new_id("event"), "kind": kind.name, "name": kind.name, "server": server["id"],
             "time_ms": lab.wall_ms(), "lost": lab.losing_events}
    world.events.append(event)
    world.settle(server, status_event=event["id"])
    world.dirty = True


@operation(kinds.EVENT_LOG, "listenForEvents", takes=(KIND, kinds.MANAGED_OBJECT, NUMBER))
def listen_for_events(lab, log, kind, target, timeout_ms):
    """Return the events of that kind about the object, as soon as there are any, or None at the time-out."""
    if timeout_ms < 0:
        raise ManagementException("a time-out cannot be negative")
    if lab.event_mode == AFTER_CALL:
        log.told[target["id"]] = len(lab.world.events)
    deadline_ms = lab.world.now_ms + timeout_ms
    found = _untold(lab, log, kind, target)
    while not found and lab.world.now_ms < deadline_ms:
        lab.step(deadline_ms)
        found = _untold(lab, log, kind, target)
    return found or None


def _untold(lab, log, kind, target):
    events = lab.world.events
    position = log.told.get(target["id"], log.position)
    log.told[target["id"]] = len(events)
    names = kind.names()
    return [event for event in events[position:]
            if event["server"] == target["id"] and event["kind"] in names and not event["lost"]]


@operation(kinds.VIRTUAL_SERVER_EVENT, "getTime")
def get_time(_lab, event):
    """Return when it happened by the manager's wall clock, in milliseconds since 1970."""
    return event["time_ms"]
