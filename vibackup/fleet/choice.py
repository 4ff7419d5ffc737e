"""How many of the proxies a night has use for, and which."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup.fleet import limits as limit
from vibackup.fleet.tasks import needs_of

SPARE = 1.3  # how much more they can do than there is to do: then a full one rarely stands in the way
FEWEST = 2  # one may be a server of the night itself, which only the other can back up


def choose(tasks, proxies, can, most):
    """Return as many of ``proxies`` (``members.Proxy``) as ``tasks`` (``tasks.Task``) need, in their order.

    can: those that can do a task, by ``tasks.needs_of``. most: how many at once, by kind. Each reboot of one more than
    are needed is for little.
    """
    work = collections.Counter()
    for task in tasks:
        for key in task.keys:
            work[key] += task.seconds
    least = max([work[key] / most[key[0]] for key in work] + [task.seconds for task in tasks])
    chosen = []
    for needs in sorted((each for each in can if each is not None), key=repr):
        wanted = SPARE * sum(task.seconds for task in tasks if needs_of(task) == needs) / least
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
