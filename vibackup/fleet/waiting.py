"""What is still to be tried, and what a proxy tries next: its own batches, what is late, then what has failed."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import threading

from vibackup.fleet import limits as limit
from vibackup.fleet.tasks import can_do

RETRIES_SHARE = 4  # how much smaller each next batch of what has failed is: one of its servers may be what breaks it

LATE_SECONDS = 600  # behind the plan, before another proxy helps,
VERY_LATE_SECONDS = 7200  # also where that loads a managed node that still has servers to be backed up


class Try(object):
    """A Task that is to be tried, the ``attempt``th time. at: when it was planned to begin, seconds of the night.

    failed_on: ids of the proxies on which it has failed: another one had better try it next. postponed: how many of
    the attempts were none, for its turn never came. has_begun: whether its agent has.
    """

    def __init__(self, task, attempt, at, failed_on=(), postponed=0):
        self.task = task
        self.attempt = attempt
        self.at = at
        self.failed_on = set(failed_on)
        self.postponed = postponed
        self.has_begun = False

    def again(self):
        """Return the next Try of the same."""
        return Try(self.task, self.attempt + 1, self.at, self.failed_on, self.postponed)


class Waiting(object):
    """What is still to be tried. batches: of a ``plan.Plan``. hosts: all ``members.Proxy`` that there are, and None.

    most: how many Trys share a reboot. snapshot_age: how old a snapshot may become, in seconds. kept: a ``kept.Kept``,
    of the same plan. A *host* is a proxy, or None for what needs none. A proxy may be backed up too: through another
    one, while it has nothing to do itself. The methods may be called by several threads.
    """

    def __init__(self, batches, hosts, most, snapshot_age, kept):
        self._most, self._age, self._kept = most, snapshot_age, kept
        self._lock = threading.Lock()
        self._queues = collections.OrderedDict()
        for batch in batches:
            tries = [Try(start.task, 1, start.at) for start in batch.starts]
            self._queues.setdefault(id_of(batch.proxy), collections.deque()).append(tries)
        self.hosts = [host for host in hosts if id_of(host) in self._queues]
        self._spare = [host for host in hosts if host is not None and host not in self.hosts]
        self._pool = []  # what anybody may take
        self._out = collections.OrderedDict()  # (Try, host) by the server's id: what is being tried
        self._at_work = set()  # ids of the proxies that are being used
        self.changes = 0  # each may mean that ``next`` says something else

    def next(self, host):
        """Return the Trys that ``host`` does next; [] for none now, None where there will be none.

        A batch is not begun so early that its last snapshots would get too old. What is late is done by whoever has
        nothing else to do.
        """
        with self._lock:
            if host is not None and host.server.id in self._out:
                return []
            found = self._own(host) or self._of_others(host) or self._of_pool(host)
            for each in found:
                self._out[_server(each)] = (each, host)
            if found:
                self._at_work.add(id_of(host))
                return found
            return [] if self._may_come(host) else None

    def seconds_to_wait(self, host):
        """Return after how many seconds the clock alone may change what ``next`` says; None for never."""
        with self._lock:
            queues = [queue for queue in self._queues.values() if queue]
            left = [self._earliest(host) - self._kept.moment()]
            left += [self._moment_of_help(queue, host) - self._kept.seconds() for queue in queues]
            left = [seconds for seconds in left if seconds > 0]
            return min(left) if left else None

    def over(self, each, again):
        """Tell that a Try is over; again: whether the same is to be tried once more."""
        with self._lock:
            _each, host = self._out.pop(_server(each), (each, None))
            if again:
                each.failed_on.add(id_of(host))
                self._pool.append(each.again())
            self.changes += 1

    def idle(self, host):
        """Tell that a host is not being used any more, for the time being."""
        with self._lock:
            self._at_work.discard(id_of(host))
            self.changes += 1

    def gone(self, host):
        """Tell that a host will do no more: others take over what it has not done."""
        with self._lock:
            self.hosts = [each for each in self.hosts if each is not host]
            self._at_work.discard(id_of(host))
            for tries in self._queues.pop(id_of(host), ()):
                self._leave_to_others(tries)
            for identity, (each, whose) in list(self._out.items()):
                if whose is host:
                    del self._out[identity]
                    self._leave_to_others([each])
            self.changes += 1

    def _leave_to_others(self, tries):
        """Have anybody take them, sooner or later: what the plan said of them is over, and keeps no place."""
        self._pool += tries
        for each in tries:
            self._kept.over(each)

    def call_spare(self):
        """Take up proxies that the plan had no use for, where they can do what the others have left; returns them."""
        with self._lock:
            rest = self.rest()
            able = [host for host in self._spare if any(can_do(each.task, host) for each in rest)]
            self.hosts = able[:-(-len(rest) // self._most)]
            self._spare = [host for host in self._spare if host not in self.hosts]
            return self.hosts

    def rest(self):
        """Return all Trys that nobody has taken."""
        return [each for queue in self._queues.values() for tries in queue for each in tries] + self._pool

    def _earliest(self, host):
        """Return the moment of the plan before which a host's next batch is not begun."""
        queue = self._queues.get(id_of(host))
        if not queue or host is None:
            return 0
        return min(queue[0][0].at, max(each.at + each.task.seconds for each in queue[0]) - self._age)

    def _own(self, host):
        queue, found = self._queues.get(id_of(host), ()), []
        while queue and self._earliest(host) <= self._kept.moment() and (host is None or not found):
            tries = queue.popleft()
            free = [each for each in tries if self._is_free(each)]
            self._leave_to_others([each for each in tries if each not in free])
            found = found + free
        return found

    def _moment_of_help(self, queue, host):
        """Return the second of the night from which ``host`` may help the one whose queue that is."""
        loads_others = host is not None and self._kept.has_any((limit.NODE, host.node_id))
        return queue[0][0].at + (VERY_LATE_SECONDS if loads_others else LATE_SECONDS)

    def _of_others(self, host):
        """Take the last batch of a proxy that is late, where this host can do all of it.

        One that is not late is left alone: the plan knows which managed nodes have room for which proxies.
        """
        queues = [queue for queue in self._queues.values() if queue
                  and self._kept.seconds() >= self._moment_of_help(queue, host)
                  and all(can_do(each.task, host) and self._is_free(each) for each in queue[-1])]
        return max(queues, key=_seconds_of).pop() if queues else []

    def _of_pool(self, host):
        """Take some of what has failed; the more often it has, the fewer at once."""
        found = [each for each in self._pool if can_do(each.task, host) and self._is_free(each) and
                 not self._had_better_be_done_by_another(each, host)]
        if found and host is not None:
            found = found[:max(1, self._most // RETRIES_SHARE ** (found[0].attempt - found[0].postponed - 1))]
        self._pool = [each for each in self._pool if each not in found]
        return found

    def _is_free(self, each):
        """Tell whether the server is not itself a proxy that is being used, or will be at once."""
        return _server(each) not in self._at_work and not self._queues.get(_server(each))

    def _had_better_be_done_by_another(self, each, host):
        return id_of(host) in each.failed_on and any(
            id_of(other) not in each.failed_on and can_do(each.task, other) for other in self.hosts)

    def _may_come(self, host):
        return bool(self._out) or any(can_do(each.task, host) for each in self.rest())


def id_of(host):
    """Return the id of a host; None has None."""
    return None if host is None else host.server.id


def _server(each):
    return each.task.member.server.id


def _seconds_of(queue):
    return sum(each.task.seconds for tries in queue for each in tries)
