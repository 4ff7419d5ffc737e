# -*- coding: utf-8 -*-
"""Small fleets in labs: their inventories, their policies, and what a night of one has written down."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from tests import fleets
from tests.flows.helpers import KIB, compat, named
from vibackup import site
from vibackup.fleet import journal
from vibackup.guest import Completed
from vibackup.run import Run

SIZE = 256 * KIB
RATE = 65536  # bytes that a managed node reads in a second
LIMITS = {"in all": 16, "node": 2, "proxy": 2, "disk group": 4, "agent server": 8}


def names(count):
    """Return the names of so many servers: web01, web02, ..."""
    return ["web%02d" % number for number in range(1, count + 1)]


def inventory(servers=3, proxies=2, size=SIZE, rate=RATE, **changes):
    """Return the inventory of ``servers`` on node1 and node2 in turn, with a disk each, and ``proxies`` on node3 and 4.

    servers: how many, or their names. rate: what a managed node reads in a second. changes: facts of servers, by name.
    """
    servers = names(servers) if isinstance(servers, int) else servers
    proxies = ["pbh%02d" % number for number in range(1, proxies + 1)]
    found = {
        "job_ms": 1000,
        "data_centers": [{"name": "East", "nodes": [{"name": "node%d" % number, "bytes_per_second": rate}
                                                    for number in range(1, 5)],
                          "disk_groups": [{"name": "fastGroup", "bytes": 64 * size},
                                          {"name": "proxyGroup", "bytes": 64 * size}]}],
        "disks": [_disk(name, "fastGroup", size) for name in servers] +
                 [_disk(name, "proxyGroup", 2 * size) for name in proxies],
        "servers": [_server(name, "node%d" % (place % 2 + 1)) for place, name in enumerate(servers)] +
                   [_server(name, "node%d" % (place % 2 + 3)) for place, name in enumerate(proxies)]}
    for name, facts in changes.items():
        named(found["servers"], name).update(facts)
    return found


def _disk(name, group, size):
    return {"name": name + "-disk", "group": group, "bytes": size,
            "content": {"boot": True, "fill": "the disk of " + name, "files": {"etc/hostname": name + "\n"}}}


def _server(name, node):
    return {"name": name, "node": node, "devices": [name + "-disk"], "boot_seconds": 30}


def policy(stage, sections=None, **keys):
    """Write a policy into the stage's folder, and return the option that names it.

    sections: a dict of dicts, by the sections' names; else one that has all of web*. keys: of [fleet], ``_`` for ``-``.
    """
    words = ["[fleet]"] + _lines(dict({"window": "always", "speed": "64KiB", "batch": "4"}, **keys))
    for name, section in sorted((sections or {"all": {"names": "web*"}}).items()):
        words += ["[servers %s]" % name] + _lines(dict({"agent": "model", "proxies": "pbh*"}, **section))
    return "--policy=" + stage.write("nightly.ini", "\n".join(words) + "\n")


def _lines(keys):
    return ["%s = %s" % (name.replace("_", "-"), value) for name, value in sorted(keys.items()) if value is not None]


def last(stage):
    """Return the last journal.Night of the stage's state."""
    return journal.nights(stage.state())[-1]


def outcomes(night):
    """Return ``{server: [outcome of each try]}``."""
    found = {}
    for each in night.of("backup"):
        found.setdefault(compat.text(each["vs"]), []).append(each["outcome"])
    return found


def all_good(servers):
    """Return the same of a night in which all went well."""
    return dict((name, ["ok"]) for name in (names(servers) if isinstance(servers, int) else servers))


def why(night, vs):
    """Return why the last try of ``vs`` failed."""
    return [each["why"] for each in night.of("backup") if each["vs"] == vs][-1]


def batches(night):
    """Return ``{number of a batch: its servers, sorted}`` of tries through proxies."""
    found = {}
    for each in night.of("backup"):
        found.setdefault(each["batch"], []).append(each["vs"])
    return dict((number, sorted(found[number])) for number in found)


def reboots(stage):
    """Return the names of the proxies that the last command rebooted or started, in order."""
    return [call.thing.split(" ")[-1] for call in stage.calls if call.method in ("reboot", "start")]


def exceeded(night, allowed):
    """Return which limits the journal shows to have been exceeded at some instant."""
    return fleets.exceeded([(each["started"], each["started"] + each["seconds"], _keys(each))
                            for each in night.of("backup") if each["seconds"]], allowed)


def _keys(record):
    return set([("node", record["node"]), ("node", record["agent_node"]), ("in all", None),
                ("agent server", record["agent_server"])] + [("disk group", name) for name in record["groups"]] +
               [("proxy", name) for name in [record["proxy"]] if name])


@contextlib.contextmanager
def agents_under_way(stage):
    """Yield a list that gets ``(server, proxy)`` of what agents read at once, whenever one begins."""
    now, seen, real = [], [], stage.lab.guests.run

    def run(name, command, *more, **facts):
        if command.argv[0] != "model-agent":
            return real(name, command, *more, **facts)
        now.append((command.argv[3], name))
        seen.append(list(now))
        try:
            return real(name, command, *more, **facts)
        finally:
            now.remove((command.argv[3], name))
    stage.lab.guests.run = run
    yield seen
    stage.lab.guests.run = real


@contextlib.contextmanager
def guests_do(stage, act):
    """Call ``act(name, argv)`` before each command in a guest; what it returns, unless it is None, is the answer."""
    real = stage.lab.guests.run

    def run(name, command, *more, **facts):
        found = act(name, command.argv)
        return real(name, command, *more, **facts) if found is None else found
    stage.lab.guests.run = run
    yield
    stage.lab.guests.run = real


@contextlib.contextmanager
def held(stage, server):
    """Have another run hold a virtual server."""
    with Run(site.connect_lab(stage.lab), stage.state(), "another") as run:
        with run.held([(stage.object(server)["id"], server)], despite_leftovers=True):
            yield


def agent_of(argv):
    """Return the server whose disk a command of the model's agent reads, or None."""
    return argv[3].split("/")[0] if argv[0] == "model-agent" else None


def failing(*servers, **more):
    """Return what ``guests_do`` wants so that the agent fails that reads a disk of one of them, ``times`` for each."""
    left = dict((vs, more.get("times", 1)) for vs in servers)

    def act(_name, argv):
        vs = agent_of(argv)
        if left.get(vs):
            left[vs] -= 1
            return Completed(1, "", "it broke")
        return None
    return act
