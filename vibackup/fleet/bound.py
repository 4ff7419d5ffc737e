"""How good a plan can be at the most."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup.fleet import limits as limit
from vibackup.fleet.tasks import needs_of


def lower_bound(tasks, proxies, can, most, reboot_seconds):
    """Return the seconds that no schedule of ``tasks`` could be shorter than.

    It is the largest of: all work over all places; the work of each managed node's own servers, of each disk group and
    agent server over its limit; what the proxies' managed nodes have to do, their own servers' backups and all that
    goes through proxies on them, over their limits; and the longest single backup with its two reboots. What can be
    done by a proxy on another managed node than the server's is, as the paper advises.

    proxies: ``members.Proxy``. can: those that can do a task, by ``tasks.needs_of``. most: how many at once, by kind.
    """
    work, longest, through, elsewhere, all_work = collections.Counter(), 0, 0, 0, 0
    for task in tasks:
        needs_proxy = needs_of(task) is not None
        for key in task.keys:
            work[key] += task.seconds
        through += needs_proxy * task.seconds
        elsewhere += task.seconds if any(
            proxy is not None and proxy.node_id != task.member.node_id for proxy in can[needs_of(task)]) else 0
        all_work += task.seconds
        longest = max(longest, task.seconds + 2 * reboot_seconds * needs_proxy)
    places = len(proxies) * most[limit.PROXY]
    nodes = set((limit.NODE, proxy.node_id) for proxy in proxies)
    if nodes:  # where all its proxies are on the server's own managed node, that is loaded once
        work["proxies' nodes", None] = (elsewhere + sum(work[node] for node in nodes)) / len(nodes)
    most = dict(most, **{str("proxies' nodes"): most[limit.NODE]})
    two_reboots = 2 * reboot_seconds if through else 0
    return max([work[key] / most[key[0]] for key in work] +
               [longest, all_work / most[limit.IN_ALL], through / max(1, places) + two_reboots])
