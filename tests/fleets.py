# -*- coding: utf-8 -*-
"""Fleets for tests and benchmarks: members, proxies and limits, by hand or at random from a seed; and labs of them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import random

from fakes import inventory
from fakes.lab import Lab
from vibackup import compat, guest, site
from vibackup.checks import Disk
from vibackup.fleet import journal, limits, night, plan, policy
from vibackup.fleet.members import Member, Proxy
from vibackup.fleet.tasks import task_of
from vibackup.run import Run
from vibackup.steps import Server

LIMITS = {"in all": 16, "node": 2, "proxy": 2, "disk group": 4, "agent server": 8}

# What a plan asks of a policy's section.
Section = collections.namedtuple("Section", "name technique mode proxies write_rate")

SECTION = Section("all", "proxy-backup", "image", (), 0)


def server(name):
    """Return a Server that no manager has."""
    return Server(None, "id of " + name, name)


def member(name, seconds=600, node="node1", groups=("fastGroup",), section=SECTION, family=guest.LINUX,
           data_center="East", agent_server="dd", size=0):
    """Return the Member called ``name``, whose backup takes ``seconds``; size: bytes of its disk, 0 without one."""
    disks = [Disk(None, name + "-disk", "logical", size, groups[0])] if size else []
    return Member(server(name), section, node, node, data_center, family, disks, size, list(groups), agent_server,
                  seconds)


def proxy(name, node="node9", family=guest.LINUX, data_center="East"):
    """Return the Proxy called ``name``."""
    return Proxy(server(name), node, node, data_center, family)


def where(made):
    """Return the name of the proxy of each virtual server, None where it needs none."""
    return dict((start.task.member.server.name, batch.proxy and batch.proxy.server.name)
                for batch in made.batches for start in batch.starts)


def when(made):
    """Return when each virtual server's backup begins."""
    return dict((start.task.member.server.name, start.at) for batch in made.batches for start in batch.starts)


def make(members, proxies, most=None, batch=12, snapshot_age=4 * 3600, reboot_seconds=60, free=None):
    """Return the Plan of ``members`` through ``proxies``; most: the limits that are not those of LIMITS.

    free: the bytes that disk groups have free, by name.
    """
    rules = plan.Rules(dict(LIMITS, **(most or {})), batch, snapshot_age, free or {}, reboot_seconds)
    return plan.make([task_of(each, snapshot_age) for each in members], proxies, rules)


class Fleet(object):
    """A fleet of ``count`` virtual servers with uneven sizes, managed nodes, disk groups and limits, from a seed."""

    def __init__(self, count, seed):
        chance = random.Random(seed)
        nodes = max(2, count // chance.choice([10, 15, 20, 30]))
        groups = max(1, count // chance.choice([20, 40, 60]))
        agent_servers = chance.choice([1, 2, 4])
        proxies = max(2, count // chance.choice([20, 30, 50]))
        weights = [chance.random() ** 2 + 0.1 for _node in range(nodes)]
        self.limits = self._limits(chance, proxies, agent_servers)
        self.nodes = ["node%d" % number for number in range(nodes)]
        self.members = [
            member("vs%05d" % number, self._seconds(chance), self.nodes[_weighted(chance, weights)],
                   ["group%d" % chance.randrange(groups)], agent_server="tsm%d" % chance.randrange(agent_servers))
            for number in range(count)]
        self.proxies = [proxy("pbh%03d" % number, chance.choice(self.nodes)) for number in range(proxies)]

    @staticmethod
    def _seconds(chance):
        return int(min(4 * 3600 - 300, max(20, chance.lognormvariate(5.5, 1.0))))

    @staticmethod
    def _limits(chance, proxies, agent_servers):
        on_proxy = chance.choice([1, 2, 3, 4])
        in_all = max(2, int(proxies * on_proxy * chance.choice([0.6, 1, 2])))
        return {"in all": in_all, "proxy": on_proxy, "node": chance.choice([1, 2, 3, 4]),
                "disk group": chance.choice([2, 4, 8]),
                "agent server": max(2, int(in_all / agent_servers * chance.choice([0.7, 1, 1.5])))}

    def plan(self, batch=12, reboot_seconds=60):
        """Return the Plan of the fleet."""
        return make(self.members, self.proxies, self.limits, batch, reboot_seconds=reboot_seconds)


def _weighted(chance, weights):
    """Return a place in ``weights``, the more likely the greater its weight; as Python 2 has no ``choices``."""
    left = chance.random() * sum(weights)
    for place, weight in enumerate(weights):
        left -= weight
        if left <= 0:
            return place
    return len(weights) - 1


def most_at_once(intervals):
    """Return by key how many of ``intervals``, each ``(begins, ends, keys)``, were under way at once at the most.

    What ends makes room for what begins at the same moment. Moments are those of the lab's clock, whole milliseconds.
    """
    intervals = [(round(begins, 3), round(ends, 3), keys) for begins, ends, keys in intervals]
    changes = sorted([(begins, 1, keys) for begins, ends, keys in intervals if ends > begins] +
                     [(ends, -1, keys) for begins, ends, keys in intervals if ends > begins],
                     key=lambda change: change[:2])
    now, most = collections.Counter(), collections.Counter()
    for _moment, step, keys in changes:
        for key in keys:
            now[key] += step
            most[key] = max(most[key], now[key])
    return most


def exceeded(intervals, allowed):
    """Return the keys of which more than ``allowed`` (by kind) were under way at once."""
    return dict((key, count) for key, count in most_at_once(intervals).items() if count > allowed[key[0]])


def intervals_of(made):
    """Return what ``exceeded`` wants of a Plan."""
    return [(start.at, start.at + start.task.seconds, limits.keys_with(start.task.keys, batch.proxy))
            for batch in made.batches for start in batch.starts]


# -- a night in a lab

RATE = 512  # bytes that an agent reads in a second


def inventory_of(fleet, spread=0.0):
    """Return the inventory of a lab that a Fleet is: what the ``model`` agent takes for each server is its seconds.

    spread: how much faster or slower than that a managed node may read, as a part of it.
    """
    chance = random.Random(len(fleet.members))
    speeds = dict((name, int(RATE * chance.uniform(1 - spread, 1 + spread))) for name in fleet.nodes)
    disks = [_disk(each.server.name, each.seconds, each.groups[0]) for each in fleet.members]
    disks += [_disk(each.server.name, 1, "proxies") for each in fleet.proxies]
    servers = [{"name": each.server.name, "node": each.node, "devices": [each.server.name + "-disk"]}
               for each in fleet.members + fleet.proxies]
    groups = sorted(set(each.groups[0] for each in fleet.members)) + ["proxies"]
    return {"data_centers": [{"name": "East", "nodes": [{"name": name, "bytes_per_second": speeds[name]}
                                                        for name in fleet.nodes],
                              "disk_groups": [{"name": name, "bytes": 2 ** 50} for name in groups]}],
            "disks": disks, "servers": servers}


def _disk(name, seconds, group):
    return {"name": name + "-disk", "group": group, "bytes": seconds * RATE, "content": {"boot": True}}


def policy_of(fleet, folder):
    """Write the policy of a Fleet, and the files that it names, into ``folder`` (a py.path); return its path."""
    lines = ["[fleet]", "window = always", "batch = 12", "speed = 512B"]
    for kind, value in sorted(fleet.limits.items()):
        lines.append("at-once%s = %d" % ("" if kind == "in all" else "-per-" + kind.replace(" ", "-"), value))
    for name in sorted(set(each.agent_server for each in fleet.members)):
        folder.join(name + ".txt").write("\n".join(each.server.name for each in fleet.members
                                                   if each.agent_server == name))
        lines += ["[servers %s]" % name, "file = %s.txt" % name, "agent = model", "location = %s" % name,
                  "proxies = pbh*"]
    path = folder.join("fleet.ini")
    path.write("\n".join(lines) + "\n")
    return compat.text(str(path))


class Night(object):
    """A night of a Fleet, carried out in a lab in memory; ``folder``: a py.path for its files; spread: see above."""

    def __init__(self, fleet, folder, spread=0.0):
        self.fleet = fleet
        path = policy_of(fleet, folder)
        self.lab = Lab(str(folder.join("lab")), persistent=False)
        inventory.build(self.lab, inventory.check(inventory_of(fleet, spread), "fleet"))
        self.lab.install()
        self.run = Run(site.connect_lab(self.lab), compat.text(str(folder.join("state"))), "fleet")
        self._path = path
        self.told = []

    def prepare(self):
        """Plan it."""
        self.prepared = night.prepare(self.run, policy.read(self._path))
        return self.prepared

    def carry_out(self):
        """Let it pass; returns the counts, and leaves in ``seconds`` how long it took."""
        begun = self.lab.clock.monotonic()
        counts = self.prepared.carry_out(self._start_run, lambda kind, facts: self.told.append((kind, facts)),
                                         self.prepared.ending(lambda: False))
        self.seconds = self.lab.clock.monotonic() - begun
        self.journal = journal.nights(self.run.folder)[-1]
        return counts

    def _start_run(self, verb, stop_status, show=None):
        return Run(self.run.manager.for_thread(), self.run.folder, verb, show, stop_status=stop_status)

    def intervals(self):
        """Return what ``exceeded`` wants of the night's journal."""
        return [(each["started"], each["started"] + each["seconds"], _keys(each))
                for each in self.journal.of("backup") if each["seconds"]]

    def close(self):
        """Remove all of it."""
        self.run.close()
        self.lab.close()


def _keys(record):
    return set([("node", record["node"]), ("node", record["agent_node"]), ("proxy", record["proxy"]), ("in all", None),
                ("agent server", record["agent_server"])] + [("disk group", name) for name in record["groups"]])
