"""A night: the plan carried out, a thread for each proxy, with what is under way held within the limits.

A server that fails stops no other. When the window closes nothing new begins; what agents read then has its grace, and
is cancelled. A stop that is asked for ends the night in the same way; one that is asked for again cancels at once.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading

from vibackup import agents, catalog, compat, errors, ledger, objectives, power
from vibackup import manager as api
from vibackup.clock import soonest
from vibackup.faults import as_ours
from vibackup.fleet import limits as limit
from vibackup.fleet.kept import Kept
from vibackup.fleet.lane import Lane
from vibackup.fleet.turns import Turns
from vibackup.fleet.waiting import Waiting
from vibackup.flows import agent_backup, proxy, proxy_batch
from vibackup.masking import mask
from vibackup.report import duration

STOPPED, FAILED = "stopped", "failed"
MOST_POSTPONED = 3  # how often a server that never had its turn is tried again as if nothing had happened
CLOSED = "the window closed before its turn"
CUT = "it was cancelled: the window had closed, and its grace was over"


class Night(object):
    """One night, under way.

    run: the ``run.Run`` of the whole. start_run(verb, stop_status, show): returns a new one, for one server. policy:
    a ``policy.Policy``. plan: a ``plan.Plan``. proxies: all the ``members.Proxy`` that may be used. ending: an
    ``ending.Ending``. journal: a ``journal.Journal``. tell(kind, facts): told of each record of the journal, and of
    ("begin", {"vs", "proxy"}) and ("read", the same) when an agent begins to read a server's disks and has done so,
    ("proxy", {"proxy", "batch", "servers"}) when a proxy takes up a batch (number, names), ("step", {"proxy", "step"})
    when a step begins, and ("warning", words).
    """

    def __init__(self, run, start_run, policy, plan, proxies, ending, journal, tell):
        self._run, self._start_run, self._policy = run, start_run, policy
        self._clock = run.manager.clock
        self._ending = ending
        self.is_over = ending.is_over
        self._journal, self.tell = journal, tell
        self._lock = threading.Lock()
        limits = limit.Limits(policy.limits)
        self._kept = Kept(plan.batches, self._clock, limits)
        self.turns = Turns(self._clock, limits, self._kept, self.is_over)
        self.places = policy.limits[limit.PROXY]
        self.snapshot_age = policy.snapshot_age
        self._waiting = Waiting(plan.batches, [None] + list(proxies), policy.batch,
                                policy.snapshot_age, self._kept)
        self._not_used = []  # why, in words
        self._numbers = 0
        self._known = {}
        self._living = set()
        self.records = []

    # -- as a whole

    def pass_(self):
        """Carry it out; afterwards ``records`` has all that the journal was told, as ``(kind, facts)``."""
        hosts = self._waiting.hosts
        while hosts:
            self._clock.together([self._worker(host) for host in hosts])
            hosts = [] if self.is_over() else self._waiting.call_spare()
        why = self._why_not_tried()
        for each in self._waiting.rest():
            if each.attempt == 1:
                self._write("skipped", vs=each.task.member.server.name, section=each.task.member.section.name, why=why)

    def _worker(self, host):
        def work():
            """Do what this host can do, until there is nothing left; what it leaves is for others."""
            try:
                self._work(host)
            except compat.FAULTS as fault:
                name = host.server.name if host is not None else "the agents in the servers"
                words = mask("%s: %s" % (name, as_ours(fault).message))
                self._not_used.append(words)
                self._warn("not used any more: " + words)
            finally:
                self._waiting.gone(host)
        return work

    def _warn(self, words):
        self._run.warnings.append(words)
        self.tell("warning", words)

    def _why_not_tried(self):
        if self._ending.is_stopped():
            return "the night was stopped before its turn"
        return CLOSED if self._ending.is_closed() else "; ".join(["nothing was left that could do it"] + self._not_used)

    # -- what is next

    def next(self, host):
        """Return the Trys that a host does next; [] for none now, None where there will be none."""
        return None if self.is_over() else self._waiting.next(host)

    def _seconds_to_wait(self, host):
        """Return after how long the clock alone may give a host something to do, or end the night; None for never."""
        return soonest(self._waiting.seconds_to_wait(host), self._ending.seconds_to_close())

    def _wait(self, changes, moment, seconds):
        """Wait until something may have come up after so many ``changes``, or ``seconds`` after the plan's moment."""
        self._clock.wait_for(lambda: self._waiting.changes != changes or self.is_over() or
                             seconds is not None and self._kept.moment() >= moment + seconds, seconds)

    def _work(self, host):
        while True:
            changes, moment, seconds = self._waiting.changes, self._kept.moment(), self._seconds_to_wait(host)
            tries = self.next(host)
            if tries is None:
                return
            if not tries:
                self._wait(changes, moment, seconds)
            elif host is None:
                self._work_directly(tries)
            else:
                self._work_through(host, tries)

    # -- through a proxy

    def _work_through(self, host, tries):
        """Do batch after batch through a proxy, until it has nothing to do."""
        run = self._new_run("fleet", host)
        try:
            with run.held([(host.server.id, host.server.name)], despite_leftovers=True):
                run.ledger.check_leftovers(host.server.id, host.server.name, self._living, (ledger.BACKUP,))
                _must_be_called(host.server)
                with power.running(run, host.server):
                    self.write_reboots(host, run.steps, None)  # its start is one, where it was off
                    Lane(self, run, host).work(tries)
        finally:
            self._close(run)
            for words in run.warnings:
                self._warn(words)
            self._waiting.idle(host)

    def _new_run(self, verb, host, each=None):
        """Return a run for a Try, or else for a proxy: that is booted to the end, or it would be booted once more."""
        run = self._start_run(verb, lambda: self._ending.status_for(each is None or each.has_begun),
                              lambda what, value: self._show(host, what, value))
        self._living.add(run.id)
        return run

    def _close(self, run):
        run.close()
        self._living.discard(run.id)
        self._run.leftovers.extend(run.leftovers)

    def number(self):
        """Return the number of the next batch."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def share(self, each, host):
        """Return the Share of a Try in a batch of ``host``, or None where it cannot even begin, which is recorded."""
        member = each.task.member
        run = self._new_run(member.section.technique, host, each)
        try:
            run.ledger.take(member.server.id, member.server.name, despite_leftovers=True)
            run.ledger.check_leftovers(member.server.id, member.server.name, self._living)
            _must_be_called(member.server)
            section = member.section
            return proxy_batch.Share(run, proxy.Plan(
                run, member.server, host.server, self._agent(section), mode=section.mode, skip_raw=section.skip_raw,
                location=section.location, freeze=section.freeze, thaw=section.thaw))
        except compat.FAULTS as fault:
            self.settle(each, run, host, None, as_ours(fault), None)
            return None

    def _agent(self, section):
        if section.agents not in self._known:
            self._known[section.agents] = agents.load(section.agents)
        return self._known[section.agents][section.agent]

    # -- in the servers themselves

    def _work_directly(self, tries):
        """Back up by the agents in the servers, as many at once as the limits allow."""
        self.turns.take(tries, None, self._policy.limits[limit.IN_ALL], self._back_up_directly)
        if self.is_over():
            self._waiting.gone(None)
        self._waiting.idle(None)

    def _back_up_directly(self, each):
        member, section = each.task.member, each.task.member.section
        run = self._new_run(section.technique, None, each)
        begun, since, entry, error = self.begin(each, None), self._clock.monotonic(), None, None
        try:
            _must_be_called(member.server)
            entry = agent_backup.agent_backup(run, agent_backup.Plan(
                run, member.server, self._agent(section), mode=section.mode, paths=section.folders,
                location=section.location))
        except compat.FAULTS as fault:
            error = as_ours(fault)
        self.settle(each, run, None, entry, error, (begun, self._clock.monotonic() - since))

    # -- what is told

    def _show(self, host, what, value):
        if what == "begin":
            self.tell("step", {"proxy": host and host.server.name, "step": value["name"]})

    def begin(self, each, host):
        """Tell that the agent of a Try begins; return the moment."""
        each.has_begun = True
        self.tell("begin", {"vs": each.task.member.server.name, "proxy": host and host.server.name})
        return self.now()

    def why_not_read(self, run):
        """Return the error of a server that was shown to its proxy, whose ``run`` that is, and never had its turn."""
        if self.is_over():
            return errors.Stopped(run.stop_status() or errors.TERMINATED)
        return _TooOld("its turn did not come before its snapshot was %s old" % duration(self.snapshot_age))

    def now(self):
        """Return the moment, seconds since 1970."""
        return self._clock.time()

    def settle(self, each, run, host, entry, error, read, batch=None):
        """Close a server's run, record how its try ended, and have it tried again where that may help.

        read: when the agent began and how many seconds it took, or None where it never did.
        """
        again = False
        try:
            self._close(run)
            outcome = _outcome(entry, error, run)
            if isinstance(error, _TooOld) and each.postponed < MOST_POSTPONED:
                each.postponed += 1
            again = (outcome == FAILED and not run.leftovers
                     and each.attempt - each.postponed <= self._policy.retries)
            member = each.task.member
            self._write("backup", vs=member.server.name, section=member.section.name, proxy=host and host.server.name,
                        node=member.node, agent_node=host.node if host is not None else member.node,
                        groups=list(member.groups), agent_server=mask(member.agent_server), attempt=each.attempt,
                        batch=batch, started=read and read[0], seconds=read and read[1], outcome=outcome,
                        backup=entry and entry["id"], bytes=member.bytes,
                        why=mask(self._why(error, read)) if entry is None else None, warnings=run.warnings,
                        leftovers=run.leftovers)
        finally:
            self._kept.over(each)
            self._waiting.over(each, again)

    def _why(self, error, read):
        if isinstance(error, errors.Stopped) and not self._ending.is_stopped():
            return CLOSED if read is None else CUT
        return error.message if error is not None else "it was taken back: something went wrong on its proxy"

    def write_reboots(self, host, steps_, number):
        """Record the reboots among the steps of a proxy's run. number: of the batch that they are for, or None."""
        for step in steps_:
            if step["name"] in ("reboot", "start"):
                self._write("reboot", proxy=host.server.name, node=host.node, batch=number,
                            started=objectives.moment(step["started"]), seconds=step["seconds"],
                            outcome=step["outcome"],
                            why=step["detail"] if step["outcome"] != "ok" else None)

    def _write(self, kind, **facts):
        with self._lock:
            self._journal.write(kind, **facts)
            self.records.append((kind, facts))
        self.tell(kind, facts)


class _TooOld(errors.TimedOut):
    """A server's turn to be read did not come in time: nobody's failure."""


def _must_be_called(server):
    """Refuse a server that is gone, or has got another name since the night was planned: its guest has the name."""
    name = api.name_of(server.handle)
    if name != server.name:
        raise errors.Refused("%s is called %s by now: it is left alone until the next night" % (server.name, name))


def _outcome(entry, error, run):
    """Return how a try ended; a good backup whose clean-up failed is good, and names its leftovers."""
    if entry is not None:
        return catalog.WARNING if entry["outcome"] != catalog.OK or run.warnings else catalog.OK
    return STOPPED if isinstance(error, errors.Stopped) else FAILED
