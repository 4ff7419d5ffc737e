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
    """One client's view of the log: how far each virtual server's events were looked at, and what was passed over."""

    def __init__(self, identity, position):
        self.id = identity
        self.name = "event log"
        self.position = position
        self.seen = {}
        self.passed_over = {}


def publish(lab, server, kind):
    """Record that ``kind`` happened to ``server`` now, and make it the server's status."""
    world = lab.world
    event = {"id": world.new_id("event"), "kind": kind.name, "name": kind.name, "server": server["id"],
             "time_ms": lab.wall_ms(), "lost": lab.losing_events}
    world.events.append(event)
    if lab.disturbed_events is not None:
        lab.disturbed_events.send(lab, event)
    world.settle(server, status_event=event["id"])
    world.dirty = True


@operation(kinds.EVENT_LOG, "listenForEvents", takes=(KIND, kinds.MANAGED_OBJECT, NUMBER))
def listen_for_events(lab, log, kind, target, timeout_ms):
    """Return the events of that kind about the object, as soon as there are any, or None at the time-out."""
    if timeout_ms < 0:
        raise ManagementException("a time-out cannot be negative")
    if lab.disturbed_events is not None:
        return lab.disturbed_events.listen(lab, kind, target, timeout_ms)
    if lab.event_mode == AFTER_CALL:
        log.seen[target["id"]] = len(lab.world.events)
        log.passed_over.pop(target["id"], None)
    deadline_ms = lab.world.now_ms + timeout_ms
    found = _untold(lab, log, kind, target)
    while not found and lab.world.now_ms < deadline_ms:
        lab.wait_for_event(deadline_ms)
        found = _untold(lab, log, kind, target)
    return found or None


def _untold(lab, log, kind, target):
    """Return what the log has not told yet, and keep what is of another kind for a call that asks for it."""
    events = lab.world.events
    identity = target["id"]
    new = events[log.seen.get(identity, log.position):]
    log.seen[identity] = len(events)
    waiting = log.passed_over.get(identity, []) + [
        event for event in new if event["server"] == identity and not event["lost"]]
    names = kind.names()
    log.passed_over[identity] = [event for event in waiting if event["kind"] not in names]
    return [event for event in waiting if event["kind"] in names]


class Disturbance(object):
    """A bad way from the log to who listens: set as ``lab.disturbed_events``, it holds for all events from then on.

    delays: for one event after the other, round and round, after how many milliseconds each of its tellings arrives:
    ``()`` is never told, ``(0, 0)`` twice. An event that is overtaken by a later one is told behind it. again: at each
    call, what has arrived so far is told once more.
    """

    def __init__(self, delays, again=False):
        self._delays = delays
        self._again = again
        self._count = 0
        self._tellings = []  # (when it arrives, its number, the event)
        self._told = set()

    def send(self, lab, event):
        """Send an event that has happened on its way."""
        for delay_ms in () if event["lost"] else self._delays[self._count % len(self._delays)]:
            self._tellings.append((lab.world.now_ms + delay_ms, len(self._tellings), event))
            lab.clock.call_after(delay_ms / 1000.0, lambda: None)  # so that who listens looks then
        self._count += 1

    def listen(self, lab, kind, target, timeout_ms):
        """Do what ``listenForEvents`` does, with what has arrived."""
        if self._again:
            self._told.clear()
        elif lab.event_mode == AFTER_CALL:
            self._arrived(lab, kind, target)
        deadline_ms = lab.world.now_ms + timeout_ms
        found = self._arrived(lab, kind, target)
        while not found and lab.world.now_ms < deadline_ms:
            lab.step(deadline_ms)
            found = self._arrived(lab, kind, target)
        return found or None

    def _arrived(self, lab, kind, target):
        names = kind.names()
        found = sorted((telling for telling in self._tellings if telling[0] <= lab.world.now_ms
                        and telling[1] not in self._told and telling[2]["server"] == target["id"]
                        and telling[2]["kind"] in names), key=lambda telling: telling[:2])
        self._told.update(number for _when, number, _event in found)
        return [event for _when, _number, event in found]


@operation(kinds.VIRTUAL_SERVER_EVENT, "getTime")
def get_time(_lab, event):
    """Return when it happened by the manager's wall clock, in milliseconds since 1970."""
    return event["time_ms"]
