"""What one proxy does in a night: reads batch after batch, and in the end has everything taken off it."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import errors, events, steps
from vibackup.flows import proxy_batch

LEAST_SECONDS = 60  # for a batch to be begun in, however old its snapshots are once its proxy has booted
MOST_FAILURES = 2  # of a proxy, one after the other: then it is left alone


class _Taken(object):
    """A Share that a proxy has taken on. read: when its agent began and how long it read, or None."""

    def __init__(self, each, share, number):
        self.each, self.share, self.number = each, share, number
        self.task, self.at = each.task, each.at
        self.read = None


class Lane(object):
    """What one proxy does while it is held: batch after batch, whatever fails.

    night: a ``run.Night``. run: the ``run.Run`` that holds the proxy. host: the ``members.Proxy``, which runs.
    """

    def __init__(self, night, run, host):
        self._night, self._run, self._host = night, run, host
        self._clock = run.manager.clock
        self._guest = steps.guest_of(run, host.server)
        self._taken = []  # whatever happens, all of it is taken back and recorded
        self._failures = 0
        self._is_stuck = False

    def work(self, tries):
        """Do ``tries``, and batch after batch until there is nothing to do."""
        try:
            while True:
                if tries:
                    self._batch(tries)
                elif self._taken:
                    self._let_go()
                else:
                    return
                self._must_be_of_use()
                tries = self._night.next(self._host)
        finally:
            self._let_go()

    def _batch(self, tries):
        number, taken_at = self._night.number(), self._clock.monotonic()
        leaving, fresh = list(self._taken), []
        for each in tries:
            share = self._night.share(each, self._host)
            if share is not None:
                fresh.append(_Taken(each, share, number))
                self._taken.append(fresh[-1])
        self._night.tell("proxy", {"proxy": self._host.server.name, "batch": number,
                                   "servers": [taken.task.member.server.name for taken in fresh]})
        begun = len(self._run.steps)
        error = proxy_batch.take_on(self._run, self._host.server, self._guest, _shares(leaving), _shares(fresh))
        self._night.write_reboots(self._host, self._run.steps[begun:], number)
        if error is not None:
            self._has_failed(error)
            return
        self._failures = 0
        self._settle(leaving)
        self._read(fresh, taken_at)

    def _has_failed(self, error):
        """Take a batch back that the proxy could not show; raise where it is not to be used any more."""
        self._failures += 1
        self._let_go()
        if self._failures >= MOST_FAILURES and not isinstance(error, errors.Stopped):
            raise error

    def _must_be_of_use(self):
        """Refuse a proxy on which something of ours was left, and one that is down: no server loses a try by it."""
        if self._is_stuck:
            raise errors.Leftovers("disks of ours were left behind on it: vibackup reconcile --fix")
        if self._run.manager.doubt is not None:
            raise errors.VibackupError(self._run.manager.doubt)
        if events.is_down(self._run.manager, self._host.server.handle):
            raise errors.ServerFailed("it does not run any more: somebody stopped it, or it failed")

    def _read(self, fresh, taken_at):
        """Have the agents read the disks that the proxy shows now, of snapshots no older than a moment of the clock."""
        night, host = self._night, self._host
        night.tell("step", {"proxy": host.server.name, "step": "read"})

        def back_up(taken):
            """Back up one share, and remember when and how long."""
            begun, since = night.begin(taken.each, host), self._clock.monotonic()
            taken.share.back_up()
            taken.read = (begun, self._clock.monotonic() - since)
            night.tell("read", {"vs": taken.task.member.server.name, "proxy": host.server.name})
        waiting = [taken for taken in fresh if taken.share.error is None]
        seconds = max(LEAST_SECONDS, night.snapshot_age - (self._clock.monotonic() - taken_at))
        for taken in night.turns.take(waiting, host, night.places, back_up, seconds):
            taken.share.fail(night.why_not_read(self._run))

    def _let_go(self):
        """Have the proxy forget all that it has, take that back, and record it."""
        begun = len(self._run.steps)
        try:
            if self._taken:
                proxy_batch.let_go(self._run, self._host.server, self._guest, _shares(self._taken))
            self._night.write_reboots(self._host, self._run.steps[begun:], None)
        finally:
            self._settle(list(self._taken))

    def _settle(self, taken):
        """Record each, also where recording one of them fails."""
        if not taken:
            return
        first, others = taken[0], taken[1:]
        self._taken.remove(first)
        self._is_stuck = self._is_stuck or first.share.is_attached
        try:
            self._night.settle(first.each, first.share.run, self._host, first.share.entry, first.share.error,
                               first.read, first.number)
        finally:
            self._settle(others)


def _shares(taken):
    return [each.share for each in taken]
