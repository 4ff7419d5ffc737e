"""A night passed in mind: whenever a place is free, the most urgent task of those within all limits begins there.

What a proxy does between two of its reboots is one batch. Moments and lengths are seconds, the night begins at 0.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import heapq
import itertools

from vibackup.fleet import limits as limit
from vibackup.fleet.space import Space
from vibackup.fleet.urgency import Queue

# A task and when it is to begin.
Start = collections.namedtuple("Start", "task at")

# What a proxy does after one reboot. proxy: None for what needs none. begins: when its snapshots are taken.
Batch = collections.namedtuple("Batch", "number proxy begins starts")

# How a night is passed in mind. exponent: of what makes a task urgent: the greater, the more its scarcest key counts.
# spared: a proxy leaves its managed node alone while what that has left itself takes more than this part of what the
# rest of the night takes in any case; 0: never.
Way = collections.namedtuple("Way", "exponent spared")

MOST_ASKED = 3  # of the hosts that are idle, whenever something ends: to ask all would take the square of the time


class _Host(object):
    """A proxy (or None) in the night that passes in mind."""

    def __init__(self, proxy, places, batch):
        self.proxy = proxy
        self.places = places
        self.batch = batch  # how many at the most
        self.ends = []
        self.begins = 0.0
        self.starts = []

    @property
    def is_full(self):
        return len(self.ends) >= self.places or len(self.starts) >= self.batch


class Schedule(object):
    """A night in mind. tasks, proxies: what is done, and by which. can: the proxies by ``tasks.needs_of``.

    rules: ``plan.Rules``. way: a Way.
    """

    def __init__(self, tasks, proxies, can, rules, way):
        self._rules = rules
        self._spared = way.spared if _only_node(proxies) is None else 0
        self._space = Space(rules.free)
        self._limits = limit.Limits(rules.most)
        self._queue = Queue(tasks, rules.most, self._limits, way.exponent)
        most = rules.most
        # What is longest is begun first: on the managed nodes that have least to do themselves.
        proxies = sorted(proxies, key=lambda proxy: self._queue.seconds_left((limit.NODE, proxy.node_id)))
        hosts = [_Host(proxy, most[limit.PROXY], rules.batch) for proxy in proxies]
        if None in can:
            hosts.append(_Host(None, most[limit.IN_ALL], len(tasks)))
        self._hosts = hosts
        self._needs_met = dict((host, [needs for needs in sorted(can, key=repr) if host.proxy in can[needs]])
                            for host in hosts)
        self._alone_on = dict((needs, _only_node([host.proxy for host in hosts if host.proxy in can[needs]]))
                              for needs in can)
        self._idle = collections.OrderedDict()
        self._events, self._order = [], itertools.count()
        self._batches = []

    def pass_(self):
        """Return the batches and when all is over."""
        end = 0.0
        for host in self._hosts:
            self._at(0.0 if host.proxy is None else self._rules.reboot_seconds, host, None)
        while self._events or self._idle_can_go_on(end):
            now, _number, host, task = heapq.heappop(self._events)
            if task is None:
                host.starts = []
                self._space.give_back(host, now)
            else:
                host.ends.remove(now)
                self._queue.over(limit.keys_with(task.keys, host.proxy))
            for each in [host] + [each for each in list(self._idle)[:MOST_ASKED] if each is not host]:
                self._fill(each, now)
            end = max(end, now)
        for host in self._hosts:
            self._close(host)
        last = self._rules.reboot_seconds if any(batch.proxy is not None for batch in self._batches) else 0
        batches = sorted(self._batches, key=lambda batch: (batch.begins, batch.number))
        return [batch._replace(number=number) for number, batch in enumerate(batches, 1)], end + last

    def _idle_can_go_on(self, now):
        """Have all that are idle try once more, where nothing else would ever happen; tells whether any can."""
        if not self._events:
            self._spared = 0
        for host in list(self._idle) if self._queue.has_any else ():
            self._fill(host, now)
        return bool(self._events)

    def rest(self):
        """Return the tasks that no proxy here can do: none may do what it is itself."""
        return self._queue.rest()

    def _at(self, moment, host, task):
        heapq.heappush(self._events, (moment, next(self._order), host, task))

    def _fill(self, host, now):
        """Begin what the host has places for; where it has none of a batch left, it takes the next batch."""
        self._idle.pop(host, None)
        if not host.starts and host.proxy is not None:
            host.begins = now - self._rules.reboot_seconds
        while not host.is_full:
            task = self._next_for(host, now)
            if task is None:
                self._idle[host] = True
                break
            self._limits.take(limit.keys_with(task.keys, host.proxy))
            self._space.take(host, host.begins, task)
            host.starts.append(Start(task, now))
            host.ends.append(now + task.seconds)
            self._at(now + task.seconds, host, task)
        if host.starts and not host.ends and self._queue.has_any:
            self._idle.pop(host, None)
            self._close(host)
            self._at(now + self._rules.reboot_seconds, host, None)

    def _next_for(self, host, now):
        own = (limit.EVERYTHING,) if host.proxy is None else (limit.EVERYTHING, (limit.NODE, host.proxy.node_id))
        if self._limits.full(own) is not None or self._is_spared(host):
            return None
        return self._queue.take(self._needs_met[host], host.proxy, self._longest(host, now), self._alone_on,
                                lambda task: self._space.has_room(host.begins, task))

    def _is_spared(self, host):
        """Tell whether the host's managed node has about as much left to do itself as there is in any case."""
        if host.proxy is None or not self._spared:
            return False
        needs = self._queue.seconds_left((limit.NODE, host.proxy.node_id))
        return needs > self._spared * self._queue.most_seconds_left()

    def _longest(self, host, now):
        """Return how long a task of this batch may be: no snapshot too old, and all of the batch end together."""
        if not host.starts or host.proxy is None:
            return None
        fits = self._rules.snapshot_age - (now - host.begins)
        if len(host.starts) > host.batch - host.places and host.ends:
            fits = min(fits, max(host.ends) - now)
        return fits

    def _close(self, host):
        if host.starts:
            self._batches.append(Batch(len(self._batches), host.proxy, host.begins, host.starts))
            host.starts = []


def _only_node(proxies):
    """Return the id of the managed node that all of the proxies are on, or None where they are on several."""
    nodes = set(proxy.node_id for proxy in proxies if proxy is not None)
    return nodes.pop() if len(nodes) == 1 else None
