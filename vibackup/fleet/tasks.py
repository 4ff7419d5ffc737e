"""What is to be backed up, how long that takes, what it loads and which proxy can do it. Lengths are seconds."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import fnmatch

from vibackup import guest
from vibackup.checks import SNAPSHOT_RESERVE
from vibackup.fleet import limits as limit
from vibackup.fleet.policy import FILE, PROXY

# What is to be done. member: a members.Member, or the like; seconds: how long its agent may take; keys: see limits;
# space: (name of a disk group, bytes) that its snapshot may want there.
Task = collections.namedtuple("Task", "member seconds keys space")


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


def needs_of(task):
    """Return what a proxy must have for the task, or None where it needs none."""
    section, member = task.member.section, task.member
    if section.technique != PROXY:
        return None
    return (member.data_center, member.family if section.mode == FILE else guest.LINUX, section.proxies)


def able(needs, proxies):
    """Return the proxies that have what a task needs; the one None where it needs none."""
    if needs is None:
        return [None]
    return [proxy for proxy in proxies if _has(proxy, needs)]


def _has(proxy, needs):
    data_center, family, names = needs
    return proxy.data_center == data_center and proxy.family == family and (
        not names or any(name == proxy.server.name or fnmatch.fnmatchcase(proxy.server.name, name) for name in names))


def can_do(task, proxy):
    """Tell whether ``proxy`` (a ``members.Proxy``, or None) can do the Task."""
    needs = needs_of(task)
    if needs is None or proxy is None:
        return needs is None and proxy is None
    return _has(proxy, needs) and task.member.server.id != proxy.server.id
