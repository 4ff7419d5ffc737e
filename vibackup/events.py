"""Wait for a virtual server to reach a state: subscribe, act, look at the state, then listen.

An event is only a hint to look again; the server's status event is the truth, and it must be another
one than before the action.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import errors
from vibackup import manager as api

LISTEN_SECONDS = 60
SHORTEST_LISTEN_SECONDS = 0.001  # the API counts whole milliseconds, and with none of them no time would pass
PAUSE_SECONDS = 1  # where one listening after the other ends at once, having told only what is known
BOOT_SECONDS = 900
SETTLE_SECONDS = 60  # how long after a change its first event may come


class Watch(object):
    """Made before an action on ``server``; afterwards ``wait_for`` waits for what the action leads to.

    ``run`` gives the manager, its clock, and whether to stop.
    """

    def __init__(self, run, server, name):
        self._run = run
        self._server = server
        self._name = name
        run.manager.event_log()
        self._before = api.event_key(api.status(server))
        self._changed = False
        self._at_once = 0

    def wait_for(self, states, seconds=BOOT_SECONDS):
        """Wait until the server is in one of ``states`` (of ``manager``) by a new event; returns which.

        Raises ServerFailed where it has crashed or did not boot, TimedOut after ``seconds``, and
        Stopped where the run is to stop.
        """
        clock = self._run.manager.clock
        deadline = clock.monotonic() + seconds
        while True:
            state = self.new_state()
            if state in states:
                return state
            if state == api.FAILED:
                raise errors.ServerFailed("%s failed: it crashed, or it did not boot" % self._name)
            left = deadline - clock.monotonic()
            if left <= 0:
                raise errors.TimedOut("%s was not %s within %d seconds (it is: %s)" % (
                    self._name, " or ".join(states), seconds, state or "as it was before"))
            self._run.check_stop()
            self._listen(left)

    def hears(self):
        """Wait at most SETTLE_SECONDS for an event newer than the action; tells whether one came."""
        clock = self._run.manager.clock
        deadline = clock.monotonic() + SETTLE_SECONDS
        while self.new_state() is None:
            left = deadline - clock.monotonic()
            if left <= 0:
                return False
            self._listen(left)
        return True

    def settle(self):
        """Wait for the end of a change that is under way and has no event yet, if there is one."""
        if self.hears():
            self.wait_for((api.RUNNING, api.STOPPED, api.FAILED))

    def _listen(self, left):
        """Listen until something happens, for ``left`` seconds at most; some time passes in any case."""
        clock = self._run.manager.clock
        begun = clock.monotonic()
        self._run.manager.listen(self._server, max(SHORTEST_LISTEN_SECONDS, min(left, LISTEN_SECONDS)))
        self._at_once = self._at_once + 1 if clock.monotonic() - begun < PAUSE_SECONDS else 0
        if self._at_once > 1:
            clock.sleep(max(SHORTEST_LISTEN_SECONDS, min(left, PAUSE_SECONDS)))

    def new_state(self):
        """Return the server's state where an event newer than the action says so, otherwise None.

        Once another event was seen every later one is new, be it of the very moment of the first, by a clock set back.
        """
        event = api.status(self._server)
        if event is None or not (self._changed or self._before is None or api.event_key(event) != self._before):
            return None
        self._changed = True
        return self._run.manager.event_kind(event)


def state_of(manager, server):
    """Return the server's present state, or OTHER where nothing is known of it."""
    event = api.status(server)
    return api.OTHER if event is None else manager.event_kind(event)


def is_down(manager, server):
    """Tell whether ``server`` does not run: then its guest shows no disk, and will not when it is started."""
    return state_of(manager, server) in (api.STOPPED, api.FAILED)
