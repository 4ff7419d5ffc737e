"""How many backups may be under way at once: in all, and for each managed node, proxy, disk group and agent server."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import threading

IN_ALL, NODE, PROXY, DISK_GROUP, AGENT_SERVER = "in all", "node", "proxy", "disk group", "agent server"
EVERYTHING = (IN_ALL, None)


class Limits(object):
    """Counts what is under way. A *key* is ``(kind, identity)``; ``most``: how many at once, by kind.

    Its methods may be called by several threads.
    """

    def __init__(self, most):
        self._most = most
        self._lock = threading.Lock()
        self._used = collections.Counter()

    def free(self, key):
        """Return how many more of ``key`` there is room for."""
        return self._most[key[0]] - self._used[key]

    def full(self, keys):
        """Return the first of ``keys`` that has no room for one more, or None."""
        for key in keys:
            if self.free(key) <= 0:
                return key
        return None

    def take(self, keys):
        """Count one more for each of ``keys``, or none at all; tells whether it did."""
        with self._lock:
            if self.full(keys) is not None:
                return False
            for key in keys:
                self._used[key] += 1
            return True

    def give_back(self, keys):
        """Count one less for each of ``keys``."""
        with self._lock:
            for key in keys:
                self._used[key] -= 1


def keys_of(member):
    """Return the keys of a ``members.Member`` wherever its agent runs."""
    return ((NODE, member.node_id),) + tuple((DISK_GROUP, name) for name in member.groups) + (
        (AGENT_SERVER, member.agent_server),)


def keys_with(keys, proxy):
    """Return ``keys`` and those of a backup through ``proxy`` (a ``members.Proxy``), or through none."""
    found = keys + (EVERYTHING,)
    if proxy is None:
        return found
    node = (NODE, proxy.node_id)
    return found + ((PROXY, proxy.server.id),) + (() if node in keys else (node,))
