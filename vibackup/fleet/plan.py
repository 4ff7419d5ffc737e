"""Which virtual server is backed up when, by which proxy, in which batch.

The plan is made by letting the night pass in mind, see ``schedule``. It is a pure function of who takes part; moments
and lengths are seconds, the night begins at 0.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup.fleet.bound import lower_bound
from vibackup.fleet.choice import choose
from vibackup.fleet.schedule import Schedule, Way
from vibackup.fleet.tasks import able, needs_of

REBOOT_SECONDS = 60  # of a proxy, where no night has measured it
WAYS = (Way(1, 0.95), Way(1, 0.85), Way(2, 0.9), Way(6, 0.9), Way(1, 0.75), Way(1, 0))  # tried in turn,
GOOD_ENOUGH = 1.03  # until a plan is not much longer than what no plan could be shorter than

# Within what a night has to stay. most: how many backups at once, by kind, see ``limits``. batch: the most tasks that
# share a reboot. snapshot_age: how old a snapshot may become, in seconds. free: the bytes that disk groups have free,
# by name. reboot_seconds: what a reboot of a proxy takes.
Rules = collections.namedtuple("Rules", "most batch snapshot_age free reboot_seconds")


class Plan(object):
    """batches: ``schedule.Batch`` of all proxies, by their numbers. impossible: tasks that no proxy can do.

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


def make(tasks, proxies, rules):
    """Return the Plan of ``tasks`` (``tasks.Task``) through ``proxies`` (``members.Proxy``) within Rules.

    Every task is in one batch or impossible.
    """
    can = dict((needs, able(needs, proxies)) for needs in set(needs_of(task) for task in tasks))
    impossible = [task for task in tasks if not can[needs_of(task)]]
    tasks = [task for task in tasks if can[needs_of(task)]]
    if not tasks:
        return Plan([], impossible, 0, 0)
    chosen = choose(tasks, proxies, can, rules.most)
    bound = lower_bound(tasks, proxies, can, rules)
    found = []
    for way in WAYS:
        schedule = Schedule(tasks, chosen, can, rules, way)
        batches, seconds = schedule.pass_()
        found.append(Plan(batches, impossible + schedule.rest(), seconds, bound))
        if seconds <= GOOD_ENOUGH * bound:
            break
    return min(found, key=lambda each: (len(each.impossible), each.seconds))
