"""How good a plan can be at the most."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup.fleet import limits as limit
from vibackup.fleet.tasks import needs_of

_STEPS = 60  # of halving what is between too little and enough


def lower_bound(tasks, proxies, can, rules):
    """Return the seconds that no schedule of ``tasks`` (``tasks.Task``) could be shorter than.

    It is the largest of: the work of each managed node's own servers, of each disk group and agent server, and of all,
    over its limit; the longest single backup with its two reboots; all that goes through proxies over their places,
    with the reboots of so many batches; and the same over what their managed nodes have room for, besides the backups
    of their own servers. What a proxy on another managed node than the server's can do is, as the paper advises.

    proxies: ``members.Proxy``. can: those that can do a task, by ``tasks.needs_of``. rules: ``plan.Rules``.
    """
    work, longest = collections.Counter(), 0
    for task in tasks:
        for key in task.keys + (limit.EVERYTHING,):
            work[key] += task.seconds
        longest = max(longest, task.seconds + (0 if needs_of(task) is None else 2 * rules.reboot_seconds))
    found = [longest] + [work[key] / rules.most[key[0]] for key in work]
    through = [task for task in tasks if needs_of(task) is not None]
    if through:
        found += [_by_places(through, proxies, rules), _by_nodes(through, proxies, can, rules, work)]
    return max(found)


def _by_places(tasks, proxies, rules):
    """Return how long the proxies need where all their places are always taken, but for the reboots."""
    work = sum(task.seconds for task in tasks) / rules.most[limit.PROXY]
    return work / len(proxies) + rules.reboot_seconds * (max(1, len(tasks) / (rules.batch * len(proxies))) + 1)


def _by_nodes(tasks, proxies, can, rules, own):
    """Return how long the proxies' managed nodes need for what proxies on them read, and for their ``own`` servers.

    On each no more is read than the proxies there have places, and than its limit leaves.
    """
    elsewhere = sum(task.seconds for task in tasks if any(
        proxy.node_id != task.member.node_id for proxy in can[needs_of(task)]))
    places = collections.Counter((limit.NODE, proxy.node_id) for proxy in proxies)

    def read_in(seconds):
        """Return how much can be read in that time at the most."""
        return sum(max(0, min(seconds * count * rules.most[limit.PROXY], seconds * rules.most[limit.NODE] - own[node]))
                   for node, count in places.items())
    little, enough = 0, 2 * (elsewhere + sum(own[node] for node in places))
    for _step in range(_STEPS):
        middle = (little + enough) / 2
        little, enough = (little, middle) if read_in(middle) >= elsewhere else (middle, enough)
    return little
