"""Which virtual server is backed up when, by which proxy, in which batch.

The plan is made by letting the night pass in mind: whenever a place is free, the backup that is the most urgent of
those within all limits begins there. What a proxy does between two of its reboots is one batch. Everything here is
a pure function of who takes part; moments and lengths are seconds, the night begins at 0.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import bisect
import collections
import fnmatch
import heapq
import itertools

from vibackup import guest
from vibackup.checks import SNAPSHOT_RESERVE
from vibackup.fleet import limits as limit
from vibackup.fleet.policy import FILE, PROXY

REBOOT_SECONDS = 60  # of a proxy, where no night has measured it
SPARE = 1.3  # how much more the chosen proxies can do than there is to do: then a full one rarely stands in the way
FEWEST = 2
SPARED = 0.9  # of what is left in any case: a managed node that needs more than that itself is spared
LOOKS = 5
MOST_LOOKED_AT = 12  # of the backups that another proxy had better do
TOLERANCE = 0.02  # how stale an urgency may be, as a part of it

# How a night is passed in mind: the exponent of what makes a task urgent (the greater, the more its scarcest key counts),
# and whether a proxy spares its managed node while that has more to do itself than others. They are tried in turn,
WAYS = ((1, True), (3, True), (1, False))
GOOD_ENOUGH = 1.03  # until a plan is not much longer than what no plan could be shorter than

# What is to be done. member: a members.Member, or the like; seconds: how long its agent may take; keys: see limits;
# space: (name of a disk group, bytes) that its snapshot may want there.
Task = collections.namedtuple("Task", "member seconds keys space")

# A task and when it is to begin.
Start = collections.namedtuple("Start", "task at")

# What a proxy does after one reboot. proxy: None for what needs none. begins: when its snapshots are taken.
Batch = collections.namedtuple("Batch", "number proxy begins starts")


class Plan(object):
    """batches: of all proxies, in the order of their numbers. impossible: tasks that no proxy can do.

    seconds: how long all takes, with the last reboots. lower_bound: what no plan could be shorter than.
    """

    def __init__(self, batches, impossible, seconds, lower_bound):
        self.batches = batches
        self.impossible = impossible
        self.seconds = seconds
        self.lower_bound = lower_bound

    def reboots(self):
        """Return how many reboots of proxies it takes: one for each batch, and one after a proxy's last."""
        proxies = [batch.proxy.server.id for batch in self.batches if batch.proxy is not None]
        return len(proxies) + len(set(proxies))


def task_of(member, snapshot_age):
    """Return the Task that backs up a ``members.Member``, whose snapshot may live for ``snapshot_age`` seconds.

    What a snapshot may want is a tenth of each disk, as a single backup keeps free; or what the server writes in all
    that time, shared out over its disks, where the policy knows how fast it does.
    """
    space = collections.Counter()
    if member.section.technique == PROXY:
        written = member.section.write_rate * snapshot_age
        for disk in member.disks:
            space[disk.group] += max(int(disk.bytes * SNAPSHOT_RESERVE), written * disk.bytes // member.bytes)
    return Task(member, member.seconds, limit.keys_of(member), tuple(sorted(space.items())))


def make(tasks, proxies, most, batch, snapshot_age, free, reboot_seconds=REBOOT_SECONDS):
    """Return the Plan of ``tasks`` through ``proxies`` (``members.Proxy``).

    most: how many at once, by kind, see ``limits``. batch: the most tasks that share a reboot. snapshot_age: how old
    a snapshot may become. free: the bytes that disk groups have free, by name. Every task is in one batch or
    impossible.
    """
    can = dict((group, _able(group, proxies)) for group in set(_needs(task) for task in tasks))
    impossible = [task for task in tasks if not can[_needs(task)]]
    tasks = [task for task in tasks if can[_needs(task)]]
    if not tasks:
        return Plan([], impossible, 0, 0)
    chosen = _choose(tasks, proxies, can, most)
    bound = lower_bound(tasks, proxies, most, reboot_seconds)
    found = []
    for exponent, spares in WAYS:
        night = _Night(tasks, chosen, can, most, batch, snapshot_age, reboot_seconds, exponent, spares, _Space(free))
        batches, seconds = night.pass_()
        found.append(Plan(batches, impossible + night.rest(), seconds, bound))
        if seconds <= GOOD_ENOUGH * bound:
            break
    return min(found, key=lambda each: (len(each.impossible), each.seconds))


# -- who can do what

def _needs(task):
    """Return what a proxy must have for the task, or None where it needs none."""
    section, member = task.member.section, task.member
    if section.technique != PROXY:
        return None
    return (member.data_center, member.family if section.mode == FILE else guest.LINUX, section.proxies)


def _able(needs, proxies):
    """Return the proxies that have what a task needs; the one None where it needs none."""
    if needs is None:
        return [None]
    return [proxy for proxy in proxies if _has(proxy, needs)]


def _has(proxy, needs):
    data_center, family, names = needs
    return proxy.data_center == data_center and proxy.family == family and (
        not names or any(fnmatch.fnmatchcase(proxy.server.name, name) for name in names))


def can_do(task, proxy):
    """Tell whether ``proxy`` (a ``members.Proxy``, or None) can do the Task."""
    needs = _needs(task)
    if needs is None or proxy is None:
        return needs is None and proxy is None
    return _has(proxy, needs) and task.member.server.id != proxy.server.id


def _choose(tasks, proxies, can, most):
    """Return as many of the proxies as are needed, the best first: each reboot of one more is for little."""
    work = collections.Counter()
    for task in tasks:
        for key in task.keys:
            work[key] += task.seconds
    least = max([work[key] / most[key[0]] for key in work] + [task.seconds for task in tasks])
    chosen = []
    for needs in sorted((each for each in can if each is not None), key=repr):
        wanted = SPARE * sum(task.seconds for task in tasks if _needs(task) == needs) / least
        chosen += _enough(can[needs], wanted, work, least, most)
    known = set(proxy.server.id for proxy in chosen)
    return [proxy for proxy in proxies if proxy.server.id in known]


def _enough(proxies, wanted, work, least, most):
    """Return so many of the proxies that they have ``wanted`` places, as far as their managed nodes allow."""
    room, capable = {}, []
    for number, proxy in enumerate(proxies):
        node = (limit.NODE, proxy.node_id)
        left = room.setdefault(node, max(0.0, most[limit.NODE] - work[node] / least))
        places = min(most[limit.PROXY], left)
        room[node] = left - places
        capable.append((-places, number, proxy))
    found, places = [], 0.0
    for negative, _number, proxy in sorted(capable, key=lambda each: each[:2]):
        if places >= wanted and len(found) >= FEWEST:
            break
        found.append(proxy)
        places -= negative
    return found


# -- the night in mind

class _Host(object):
    """A proxy (or None) in the night that passes in mind."""

    def __init__(self, proxy, places, most_in_batch):
        self.proxy = proxy
        self.places = places
        self.most = most_in_batch
        self.ends = []
        self.begins = 0.0
        self.starts = []

    @property
    def is_full(self):
        return len(self.ends) >= self.places or len(self.starts) >= self.most


class _Space(object):
    """What snapshots may want of the disk groups; it is theirs until the reboot that ends their batch."""

    def __init__(self, free):
        self._free = free
        self._taken = collections.Counter()
        self._of_hosts = collections.defaultdict(list)

    def has_room(self, task):
        """Tell whether there is room for a snapshot; where a group has none other, only the check before it can say."""
        return all(self._taken[group] + size <= self._free.get(group, 0) or not self._taken[group]
                   for group, size in task.space)

    def take(self, host, task):
        """Keep what a task may want."""
        self._of_hosts[host].append(task)
        self._taken.update(dict(task.space))

    def give_back(self, host):
        """Free what the last batch of a host has taken."""
        for task in self._of_hosts.pop(host, ()):
            self._taken.subtract(dict(task.space))


class _Night(object):
    def __init__(self, tasks, proxies, can, most, batch, snapshot_age, reboot_seconds, exponent, spares, space):
        self._space = space
        self._spares = spares
        self._most, self._batch, self._age, self._reboot = most, batch, snapshot_age, reboot_seconds
        self._limits = limit.Limits(most)
        self._queue = _Queue(tasks, most, self._limits, exponent)
        hosts = [_Host(proxy, most[limit.PROXY], batch) for proxy in proxies]
        if None in can:
            hosts.append(_Host(None, most[limit.IN_ALL], len(tasks)))
        self._hosts = hosts
        self._groups = dict((host, [needs for needs in sorted(can, key=repr) if host.proxy in can[needs]])
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
            self._at(0.0 if host.proxy is None else self._reboot, host, None)
        while self._events or self._idle_can_go_on(end):
            now, _number, host, task = heapq.heappop(self._events)
            if task is None:
                host.begins, host.starts = now - self._reboot, []
                self._space.give_back(host)
            else:
                host.ends.remove(now)
                self._queue.over(limit.keys_with(task.keys, host.proxy))
            for each in [host] + [each for each in list(self._idle)[:3] if each is not host]:
                self._fill(each, now)
            end = max(end, now)
        for host in self._hosts:
            self._close(host)
        last = self._reboot if any(batch.proxy is not None for batch in self._batches) else 0
        batches = sorted(self._batches, key=lambda batch: (batch.begins, batch.number))
        return [batch._replace(number=number) for number, batch in enumerate(batches, 1)], end + last

    def _idle_can_go_on(self, now):
        """Have all that are idle try once more, where nothing else would ever happen; tells whether any can."""
        self._spares = self._spares and bool(self._events)
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
        while not host.is_full:
            task = self._next_for(host, now)
            if task is None:
                self._idle[host] = True
                break
            self._limits.take(limit.keys_with(task.keys, host.proxy))
            self._space.take(host, task)
            host.starts.append(Start(task, now))
            host.ends.append(now + task.seconds)
            self._at(now + task.seconds, host, task)
        if host.starts and not host.ends and self._queue.has_any:
            self._idle.pop(host, None)
            self._close(host)
            self._at(now + self._reboot, host, None)

    def _next_for(self, host, now):
        own = (limit.EVERYTHING,) if host.proxy is None else (limit.EVERYTHING, (limit.NODE, host.proxy.node_id))
        if self._limits.full(own) is not None or self._is_spared(host):
            return None
        return self._queue.take(self._groups[host], host.proxy, self._longest(host, now), self._alone_on, self._space)

    def _is_spared(self, host):
        """Tell whether the host's managed node has about as much left to do itself as there is in any case."""
        if host.proxy is None or not self._spares:
            return False
        return self._queue.needs_of((limit.NODE, host.proxy.node_id)) > SPARED * self._queue.needs_in_any_case()

    def _longest(self, host, now):
        """Return how long a task of this batch may be: no snapshot too old, and all of the batch end together."""
        if not host.starts or host.proxy is None:
            return None
        fits = self._age - (now - host.begins)
        if len(host.starts) > host.most - host.places and host.ends:
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


class _Queue(object):
    """The tasks that have not begun, the most urgent first; what a limit keeps from beginning waits for it there.

    Tasks of the same keys are one *sort*. How urgent it is: how long what its keys are about takes in any case.
    """

    def __init__(self, tasks, most, limits, exponent):
        self._most = most
        self._exponent = exponent
        self._looked, self._least = 0, 0
        self._limits = limits
        self._left = collections.Counter()
        self._tasks = collections.defaultdict(list)  # by sort, the shortest first
        self._lengths = {}  # their seconds
        for task in tasks:
            self._tasks[_needs(task), task.keys].append(task)
            for key in task.keys:
                self._left[key] += task.seconds
        self._ready = collections.defaultdict(list)  # heaps of (urgency, number, sort) by what they need of a proxy
        self._parked = collections.defaultdict(list)  # the same by the key that has no room
        self._numbers = {}
        for sort in sorted(self._tasks, key=repr):
            self._tasks[sort].sort(key=lambda task: (task.seconds, task.member.server.name))
            self._lengths[sort] = [task.seconds for task in self._tasks[sort]]
            self._numbers[sort] = len(self._numbers)
            self._make_ready(sort)

    @property
    def has_any(self):
        """Whether there is a task left."""
        return bool(self._tasks)

    def needs_of(self, key):
        """Return how long what is left of a key takes at least, in seconds."""
        return self._left[key] / self._most[key[0]]

    def needs_in_any_case(self):
        """Return how long what is left takes at least; it is not reckoned anew for every task less."""
        if self._looked % LOOKS == 0:
            self._least = max(self.needs_of(key) for key in self._left)
        self._looked += 1
        return self._least

    def rest(self):
        """Return the tasks that are left."""
        return [task for sort in self._tasks for task in self._tasks[sort]]

    def _urgency(self, sort):
        """Return it as a number, the lower the more urgent."""
        power = self._exponent
        needed = [self._left[key] / self._most[key[0]] for key in sort[1]] + [self._lengths[sort][-1]]
        return -sum(each ** power for each in needed)

    def _make_ready(self, sort):
        heapq.heappush(self._ready[sort[0]], (self._urgency(sort), self._numbers[sort], sort))

    def over(self, keys):
        """Count a task less for each of ``keys``: for each, one sort that has waited for it may be next."""
        self._limits.give_back(keys)
        for key in keys:
            self._unpark(key)

    def _unpark(self, key):
        if self._parked.get(key):
            entry = heapq.heappop(self._parked[key])
            heapq.heappush(self._ready[entry[2][0]], entry)

    def take(self, groups, proxy, longest, alone_on, space):
        """Return the most urgent task for ``proxy`` that may begin and takes ``longest`` at most, or None."""
        for needs in sorted((needs for needs in groups if self._ready[needs]), key=lambda needs: self._ready[needs][0]):
            task = self._take(needs, proxy, longest, alone_on[needs], space)
            if task is not None:
                return task
        return None

    def _take(self, needs, proxy, longest, only_node, space):
        ready, aside, found = self._ready[needs], [], None
        while ready and len(aside) < MOST_LOOKED_AT and found is None:
            entry = heapq.heappop(ready)
            urgency, _number, sort = entry
            if self._urgency(sort) > urgency * (1 - TOLERANCE):
                self._make_ready(sort)
            elif not self._is_parked(entry):
                found = self._suitable(sort, proxy, longest, only_node, space)
                if found is None:
                    aside.append(entry)
        for entry in aside:
            heapq.heappush(ready, entry)
        return None if found is None else self._begin(sort, found)

    def _is_parked(self, entry):
        """Park a sort where a key of it has no room; another one of its keys may then have another sort begin."""
        keys = entry[2][1]
        full = self._limits.full(keys)
        if full is None:
            return False
        heapq.heappush(self._parked[full], entry)
        for key in keys:
            if key != full and self._limits.full((key,)) is None:
                self._unpark(key)
        return True

    def _suitable(self, sort, proxy, longest, only_node, space):
        """Return the place of the longest task of the sort that this proxy may do now, or None."""
        if proxy is not None and (limit.NODE, proxy.node_id) in sort[1] and only_node != proxy.node_id:
            return None  # one on another managed node had better do it, as the paper advises
        tasks = self._tasks[sort]
        place = len(tasks)
        if longest is not None:
            place = bisect.bisect_right(self._lengths[sort], longest)
        while place:
            place -= 1
            if proxy is None or (tasks[place].member.server.id != proxy.server.id and space.has_room(tasks[place])):
                return place
        return None

    def _begin(self, sort, place):
        tasks = self._tasks[sort]
        task = tasks.pop(place)
        del self._lengths[sort][place]
        for key in sort[1]:
            self._left[key] -= task.seconds
        if tasks:
            self._make_ready(sort)
        else:
            del self._tasks[sort]
        return task


# -- how good it is

def lower_bound(tasks, proxies, most, reboot_seconds):
    """Return the seconds that no schedule of ``tasks`` could be shorter than.

    It is the largest of: all work over all places; the work of each managed node's own servers, of each disk group and
    agent server over its limit; what the proxies' managed nodes have to do, their own servers' backups and all that goes
    through proxies on them, over their limits; and the longest single backup with its two reboots.
    """
    work, longest, through, all_work = collections.Counter(), 0, 0, 0
    for task in tasks:
        needs_proxy = _needs(task) is not None
        for key in task.keys:
            work[key] += task.seconds
        through += needs_proxy * task.seconds
        all_work += task.seconds
        longest = max(longest, task.seconds + 2 * reboot_seconds * needs_proxy)
    places = len(proxies) * most[limit.PROXY]
    nodes = set((limit.NODE, proxy.node_id) for proxy in proxies)
    if len(nodes) > 1:  # otherwise a proxy on the server's own managed node does it, and loads that once
        work["proxies' nodes", None] = (through + sum(work[node] for node in nodes)) / len(nodes)
    most = dict(most, **{str("proxies' nodes"): most[limit.NODE]})
    return max([work[key] / most[key[0]] for key in work] +
               [longest, all_work / most[limit.IN_ALL], through / max(1, places) + (2 * reboot_seconds if through else 0)])
