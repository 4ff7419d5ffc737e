"""A night: the plan carried out, a thread for each proxy, with what is under way held within the limits.

A server that fails stops no other. When the window closes nothing new begins; what runs then has its grace, and is
cancelled. A stop that is asked for ends the night in the same way, without the grace.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import calendar
import collections
import threading
import time

from vibackup import agents, catalog, compat, errors, events, power, steps
from vibackup.faults import as_ours
from vibackup.fleet import limits as limit
from vibackup.fleet import plan as plans
from vibackup.flows import agent_backup, proxy, proxy_batch
from vibackup.masking import mask

STOPPED, FAILED = "stopped", "failed"
MOST_FAILURES = 2  # of a proxy, one after the other: then it is left alone
RETRIES_SHARE = 4  # how much smaller each next batch of what has failed is: the one to blame may be among the others
CLOSED = "the window closed before its turn"


class Try(object):
    """A Task that is to be tried, the ``attempt``th time."""

    def __init__(self, task, attempt):
        self.task = task
        self.attempt = attempt


class Night(object):
    """One night, under way.

    run: the ``run.Run`` of the whole. start_run(verb, stop_status): returns a new one, for one server. policy: a
    ``policy.Policy``. plan: a ``plan.Plan``. proxies: all the ``members.Proxy`` that may be used. closes: when the
    window does, seconds since 1970, or None. journal: a ``journal.Journal``. tell(kind, facts): told of each record
    of the journal, and ("begin", {"vs", "proxy"}), and ("proxy", {"proxy", "doing"}).
    """

    def __init__(self, run, start_run, policy, plan, proxies, closes, journal, tell):
        self._run, self._start_run, self._policy, self._proxies = run, start_run, policy, proxies
        self._clock = run.manager.clock
        self._closes = closes
        self._journal, self._tell = journal, tell
        self._lock = threading.Lock()
        self._limits = limit.Limits(policy.limits)
        self._queues = collections.OrderedDict()
        for batch in plan.batches:
            tries = [Try(start.task, 1) for start in batch.starts]
            self._queues.setdefault(_id(batch.proxy), collections.deque()).append(tries)
        self._hosts = [each for each in [None] + list(proxies) if _id(each) in self._queues]
        self._again = []
        self._busy = 0
        self._numbers = 0
        self._known = {}
        self._living = set()
        self.records = []

    # -- as a whole

    def pass_(self):
        """Carry it out; afterwards ``records`` has all that the journal was told, as ``(kind, facts)``."""
        self._clock.together([self._worker(host) for host in self._hosts])
        why = self._why_not_tried()
        for tries in [tries for queue in self._queues.values() for tries in queue] + [self._again]:
            for each in tries:
                if each.attempt == 1:
                    self._write("skipped", vs=each.task.member.server.name, section=each.task.member.section.name,
                                why=why)

    def _worker(self, host):
        return lambda: (self._work_directly() if host is None else self._work_through(host))

    def _why_not_tried(self):
        if self._run.stop_status():
            return "the night was stopped before its turn"
        return CLOSED if self._is_closed() else "no proxy was left that could do it"

    def _is_closed(self):
        return self._closes is not None and self._clock.time() >= self._closes

    def _is_over(self):
        """Tell whether nothing new may begin."""
        return bool(self._run.stop_status()) or self._is_closed()

    def _stop_status(self):
        """Return the exit status with which what runs is to stop, or None."""
        status = self._run.stop_status()
        if not status and self._closes is not None and self._clock.time() >= self._closes + self._policy.grace:
            return errors.TERMINATED
        return status

    # -- what is next

    def _next(self, host):
        """Return the Trys that ``host`` (a proxy or None) does next; [] for none now, None where there will be none."""
        with self._lock:
            if self._is_over():
                return None
            queue = self._queue_for(host)
            found = queue.popleft() if queue is self._queues[_id(host)] and queue else queue.pop() if queue else None
            found = found or self._tried_before(host)
            if found:
                self._busy += 1
                return found
            return [] if self._busy else None

    def _queue_for(self, host):
        """Return its own queue; or where that is empty, the longest one whose last batch it can do; or None."""
        if self._queues[_id(host)]:
            return self._queues[_id(host)]
        others = [queue for queue in self._queues.values()
                  if queue and all(plans.can_do(each.task, host) for each in queue[-1])]
        return max(others, key=_seconds_of) if others else None

    def _tried_before(self, host):
        """Take some of what has failed; the more often it has, the fewer at once."""
        suitable = self._suitable(host)
        most = max(1, self._policy.batch // RETRIES_SHARE ** (suitable[0].attempt - 1)) if suitable and host else 1
        self._again = [each for each in self._again if each not in suitable[:most]]
        return suitable[:most]

    def _suitable(self, host):
        return [each for each in self._again if plans.can_do(each.task, host)]

    def _done(self):
        with self._lock:
            self._busy -= 1

    def _wait_for_more(self, host):
        """Wait until there is something that ``host`` can do, or there never will be."""
        self._clock.wait_for(lambda: self._queue_for(host) or self._suitable(host) or not self._busy or self._is_over())

    # -- through a proxy

    def _work_through(self, host):
        """Do batch after batch through a proxy, until there is none left or it cannot be used."""
        run = self._new_run("fleet", None)
        try:
            with run.held([(host.server.id, host.server.name)]), power.running(run, host.server):
                _Lane(self, run, host).work()
        except compat.FAULTS as fault:
            self._tell("warning", "%s is not used any more: %s" % (host.server.name, mask(as_ours(fault).message)))
        finally:
            self._close(run)

    def _new_run(self, verb, _vs):
        run = self._start_run(verb, self._stop_status)
        self._living.add(run.id)
        return run

    def _close(self, run):
        run.close()
        self._living.discard(run.id)
        self._run.leftovers.extend(run.leftovers)

    def _share(self, each, host):
        """Return the Share of a Try in a batch of ``host``, or None where it cannot even begin, which is recorded."""
        member = each.task.member
        run = self._new_run(member.section.technique, member.server.name)
        try:
            run.ledger.take(member.server.id, member.server.name, despite_leftovers=True)
            run.ledger.check_leftovers(member.server.id, member.server.name, self._living)
            section = member.section
            return proxy_batch.Share(run, proxy.Plan(
                run, member.server, host.server, self._agent(section), mode=section.mode, skip_raw=section.skip_raw,
                location=section.location, freeze=section.freeze, thaw=section.thaw))
        except compat.FAULTS as fault:
            self._settle(each, run, host, None, as_ours(fault), None)
            return None

    def _agent(self, section):
        if section.agents not in self._known:
            self._known[section.agents] = agents.load(section.agents)
        return self._known[section.agents][section.agent]

    # -- in the servers themselves

    def _work_directly(self):
        """Back up by the agents in the servers, as many at once as the limits allow."""
        waiting = [each for tries in self._queues[None] for each in tries]
        self._queues[None].clear()
        self._in_turn(waiting, None, self._back_up_directly)
        self._queues[None].extend([each] for each in waiting)
        while True:
            found = self._next(None)
            if found is None:
                return
            for each in found:
                self._back_up_directly(each)
            self._done() if found else self._wait_for_more(None)

    def _back_up_directly(self, each):
        member, section = each.task.member, each.task.member.section
        run = self._new_run(section.technique, member.server.name)
        begun, entry, error = self._begin(each, None), None, None
        try:
            entry = agent_backup.agent_backup(run, agent_backup.Plan(
                run, member.server, self._agent(section), mode=section.mode, paths=section.folders,
                location=section.location))
        except compat.FAULTS as fault:
            error = as_ours(fault)
        self._settle(each, run, None, entry, error, (begun, self._clock.time() - begun, None))

    # -- within the limits

    def _in_turn(self, waiting, host, back_up):
        """Call ``back_up`` for each of ``waiting`` as soon as the limits allow, on as many threads as a host has places.

        What has not begun when nothing new may begin stays in ``waiting``.
        """
        places = self._policy.limits[limit.IN_ALL if host is None else limit.PROXY]
        self._clock.together([lambda: self._take_turns(waiting, host, back_up)
                              for _place in range(min(places, len(waiting)))])

    def _take_turns(self, waiting, host, back_up):
        while True:
            each = self._whose_turn(waiting, host)
            if each is None:
                return
            try:
                back_up(each)
            finally:
                self._limits.give_back(limit.keys_with(each.task.keys, host))

    def _whose_turn(self, waiting, host):
        """Return the first of ``waiting`` that the limits allow, once they do; None where there is none any more."""
        while waiting and not self._is_over():
            with self._lock:
                for each in waiting:
                    if self._limits.take(limit.keys_with(each.task.keys, host)):
                        waiting.remove(each)
                        return each
            self._clock.wait_for(lambda: not waiting or self._is_over() or any(
                self._limits.full(limit.keys_with(each.task.keys, host)) is None for each in waiting))
        return None

    # -- what is told

    def _begin(self, each, host):
        self._tell("begin", {"vs": each.task.member.server.name, "proxy": host and host.server.name})
        return self._clock.time()

    def _settle(self, each, run, host, entry, error, read, batch=None):
        """Close a server's run, record how its try ended, and have it tried again where that may help.

        read: when the agent began, how many seconds it took, or None where it never did.
        """
        self._close(run)
        outcome = _outcome(entry, error, run)
        member = each.task.member
        self._write("backup", vs=member.server.name, section=member.section.name, proxy=host and host.server.name,
                    node=member.node, agent_node=host.node if host is not None else member.node,
                    groups=list(member.groups), agent_server=mask(member.agent_server), attempt=each.attempt,
                    batch=batch, started=read and read[0], seconds=read and read[1], outcome=outcome,
                    backup=entry and entry["id"], bytes=member.bytes,
                    why=mask(error.message) if error is not None else None, warnings=run.warnings,
                    leftovers=run.leftovers)
        if outcome == FAILED and each.attempt <= self._policy.retries and not run.leftovers:
            with self._lock:
                self._again.append(Try(each.task, each.attempt + 1))

    def _write(self, kind, **facts):
        with self._lock:
            self.records.append((kind, facts))
            self._journal.write(kind, **facts)
        self._tell(kind, facts)


class _Lane(object):
    """What one proxy does all night; its run holds it."""

    def __init__(self, night, run, host):
        self._night, self._run, self._host = night, run, host
        self._guest = steps.guest_of(run, host.server)
        self._leaving = []  # (Try, Share, when and how long its agent read, number of the batch)
        self._failures = 0

    def work(self):
        """Do batch after batch."""
        while self._failures < MOST_FAILURES:
            tries = self._night._next(self._host)
            if not tries:
                self._let_go()
                if tries is None:
                    return
                self._night._wait_for_more(self._host)
                continue
            try:
                self._batch(tries)
            finally:
                self._night._done()
        raise errors.VibackupError("%d of its batches failed" % MOST_FAILURES)

    def _batch(self, tries):
        night, host = self._night, self._host
        with night._lock:
            night._numbers += 1
            number = night._numbers
        shares = [(each, night._share(each, host)) for each in tries]
        shares = [(each, share) for each, share in shares if share is not None]
        night._tell("proxy", {"proxy": host.server.name, "doing": "batch %d: %d servers" % (number, len(shares))})
        begun = len(self._run.steps)
        error = proxy_batch.take_on(self._run, host.server, self._guest, [each[1] for each in self._leaving],
                                    [share for _each, share in shares])
        self._write_reboots(begun, number)
        leaving = [(each, share, None, number) for each, share in shares]
        if error is None:
            self._settle_all()
            self._failures = 0
            self._leaving = leaving
            self._read(number)
        else:
            self._leaving += leaving
            self._failures += 1
            self._let_go()

    def _read(self, number):
        """Have the agents read the disks of the batch that the proxy shows now."""
        night, host = self._night, self._host
        shares = dict((each, share) for each, share, _read, _number in self._leaving)
        read = {}

        def back_up(each):
            """Back up one share, and remember when and how long."""
            begun = night._begin(each, host)
            shares[each].back_up()
            read[each] = (begun, night._clock.time() - begun)
        waiting = [each for each in (entry[0] for entry in self._leaving) if shares[each].error is None]
        night._in_turn(waiting, host, back_up)
        for each in waiting:
            shares[each].fail(errors.Stopped(night._run.stop_status() or errors.TERMINATED))
        self._leaving = [(each, share, read.get(each), number) for each, share, _read, number in self._leaving]

    def _let_go(self):
        if self._leaving:
            begun = len(self._run.steps)
            proxy_batch.let_go(self._run, self._host.server, self._guest, [each[1] for each in self._leaving])
            self._write_reboots(begun, None)
            self._settle_all()

    def _settle_all(self):
        leaving, self._leaving = self._leaving, []
        for each, share, read, number in leaving:
            self._night._settle(each, share.run, self._host, share.entry, share.error, read, number)

    def _write_reboots(self, begun, number):
        for step in self._run.steps[begun:]:
            if step["name"] in ("reboot", "start"):
                self._night._write("reboot", proxy=self._host.server.name, node=self._host.node, batch=number,
                                   started=_moment(step["started"]), seconds=step["seconds"],
                                   outcome=step["outcome"], why=step["detail"] if step["outcome"] != "ok" else None)


def _id(host):
    return None if host is None else host.server.id


def _seconds_of(queue):
    return sum(each.task.seconds for tries in queue for each in tries)


def _moment(words):
    return calendar.timegm(time.strptime(str(words), str("%Y-%m-%dT%H:%M:%SZ")))


def _outcome(entry, error, run):
    """Return how a try ended; a good backup whose clean-up failed is good, and names its leftovers."""
    if entry is not None:
        return catalog.WARNING if entry["outcome"] != catalog.OK or run.warnings else catalog.OK
    return STOPPED if isinstance(error, errors.Stopped) else FAILED
