# -*- coding: utf-8 -*-
"""Nights of a fleet for tests of the report: journals and catalogs as runs leave them, repeatable from a seed."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import heapq
import json
import os
import random
import time

from vibackup import catalog, compat, records, state
from vibackup.fleet import journal, sources
from vibackup.fleet.window import Window

OPENS = 1226872800  # 2008-11-16T22:00:00Z, a Sunday
CLOSES = OPENS + 7 * 3600
MORNING = CLOSES + 2 * 3600
HOUR, DAY, GIB = 3600, 86400, 1024 ** 3

LIMITS = {"in all": 400, "node": 3, "proxy": 4, "disk group": 8, "agent server": 300}
WHYS = ("the proxy %(proxy)s did not come back within 600 seconds", "dd ended with exit status 1: Input/output error",
        "the snapshot of %(vs)s ran out of space in bulkGroup, so what was read from it is worth nothing",
        "%(proxy)s: the disk %(vs)s-system is not seen after the reboot")
# Half a character, as JSON may hold one; Jython knows none.
HALF = "a\ufffdb" if compat.JYTHON else json.loads('"a\\ud800b"')
HOSTILE = ("<script>alert(1)</script>", "\" onload=\"x", "'; drop", "a|b=c", "back\\slash\nnewline", "right\u202eleft",
           "umlaut \xe4 \u2603", "a&amp;b", "{vs=\"x\"}", "%s %d", "-rf")

Section = collections.namedtuple("Section", "name names nodes file_names exclude rpo rto")
Policy = collections.namedtuple("Policy", "path name window sections mail")


def policy(name="nightly", rpo=30 * HOUR, rto=2 * HOUR, mail=None):
    """Return a policy as ``policy.read`` gives it, as far as the report looks at it."""
    sections = [Section(each, (each + "*",), (), (), (), rpo, rto) for each in ("web", "db", "app")]
    return Policy("/etc/vibackup/%s.ini" % name, name, Window(22 * 60, 5 * 60, tuple(range(7))), sections, mail)


class _Lane(object):
    """A proxy in the simulated night: what it still has to do, and how much of it runs."""

    def __init__(self, proxy, servers):
        self.proxy, self.queue, self.batch = proxy, collections.deque(servers), collections.deque()
        self.ready, self.number, self.running = 0, 0, 0


class Fleet(object):
    """A fleet of ``count`` servers whose one night is simulated; what it did can be changed before it is written."""

    def __init__(self, count, seed=1, manager="vm1", name="nightly", hostile=False):
        self.chance = random.Random(seed)
        self.count, self.manager, self.name = count, manager, name
        self.id = "20081116-220000-%08x" % seed
        self.nodes = ["node%02d" % number for number in range(1, max(2, count // 60) + 1)]
        self.proxies = [{"name": "pbh%02d" % number, "node": self.nodes[-number % len(self.nodes)]}
                        for number in range(1, max(1, count // 110) + 2)]
        self.servers = [self._server(number, hostile) for number in range(count)]
        self.left_out = [dict(vs="web9%02d" % number, section="web", wanted=False, why="excluded by web9*")
                         for number in range(count // 40 + 1)]
        self.left_out += [dict(vs="raw01", section=None, wanted=False, why="no section of the policy selects it")]
        self.records = []
        self.end = {"at": None, "outcome": "ok", "exit_status": 0}
        self._run()

    def _pick(self, choices):
        return choices[int(self.chance.random() * len(choices))]  # Random.choice is another one on Python 2

    def _server(self, number, hostile):
        section = self._pick(["web", "web", "web", "app", "app", "db"])
        name = HOSTILE[number % len(HOSTILE)] + "%d" % number if hostile else "%s%03d" % (section, number + 1)
        size = int(self.chance.lognormvariate(3.3, 0.9) * GIB) // 512 * 512 + 512
        return {"vs": name, "section": section, "node": self._pick(self.nodes), "bytes": size}

    # -- the night

    def _run(self):
        """Back up the servers in batches that share a reboot, within the limits of nodes and proxies."""
        self._busy, self._events, self._tie = collections.Counter(), [], 0
        lanes = [_Lane(proxy, self.servers[place::len(self.proxies)]) for place, proxy in enumerate(self.proxies)]
        moment = OPENS + 5
        for lane in lanes:
            self._next_batch(lane, moment)
        while self._events:
            moment, _tie, lane, keys = heapq.heappop(self._events)
            self._busy.subtract(keys)
            lane.running -= 1
            for each in lanes:
                self._start_what_fits(each, moment)
            if not lane.running and not lane.batch:
                self._next_batch(lane, moment)
        self.end["at"] = round(moment, 3)
        outcomes = set(facts["outcome"] for facts in self.tries().values())
        if "failed" in outcomes or any(kind == "skipped" for kind, _facts in self.records):
            self.end.update(outcome="failed", exit_status=1)
        elif "warning" in outcomes:
            self.end.update(outcome="warning", exit_status=5)

    def _at(self, moment, lane, keys):
        """Have something end on a lane at a moment, which frees ``keys``."""
        lane.running += 1
        self._tie += 1
        heapq.heappush(self._events, (moment, self._tie, lane, keys))

    def _next_batch(self, lane, moment):
        if moment > CLOSES:
            self.records += [("skipped", {"vs": server["vs"], "section": server["section"],
                                          "why": "the window closed before its turn came"}) for server in lane.queue]
            lane.queue.clear()
        if not lane.queue:
            return
        lane.number += 1
        lane.batch.extend(lane.queue.popleft() for _ in range(min(12, len(lane.queue))))
        seconds = round(self.chance.uniform(70, 150), 3)
        self.records.append(("reboot", {"proxy": lane.proxy["name"], "node": lane.proxy["node"], "batch": lane.number,
                                        "started": round(moment, 3), "seconds": seconds, "outcome": "ok",
                                        "why": None}))
        lane.ready = moment + seconds
        self._at(lane.ready, lane, ())

    def _start_what_fits(self, lane, moment):
        for server in list(lane.batch) if moment >= lane.ready else ():
            keys = [("proxy", lane.proxy["name"])] + [("node", name) for name in sorted(set(
                (server["node"], lane.proxy["node"])))]
            if all(self._busy[key] < LIMITS[key[0]] for key in keys):
                lane.batch.remove(server)
                self._busy.update(keys)
                self._at(self._back_up(server, lane.proxy, lane.number, moment), lane, keys)

    def _back_up(self, server, proxy, number, moment):
        """Record a try of a server, and where it failed maybe a second one right after it; return when it ended."""
        for attempt in (1, 2):
            outcome = self._pick(["ok"] * 91 + ["warning"] * 4 + ["failed"] * (5 if attempt == 1 else 60))
            seconds = server["bytes"] / (120.0 * 1024 ** 2) * self.chance.uniform(0.8, 1.4) + 10
            seconds = round(seconds * (0.3 if outcome == "failed" else 1), 3)
            why = self._pick(WHYS) % dict(server, proxy=proxy["name"]) if outcome == "failed" else None
            made = "%s-%d" % (self.id, len(self.records)) if outcome != "failed" else None
            self.records.append(("backup", {
                "vs": server["vs"], "section": server["section"], "proxy": proxy["name"], "node": server["node"],
                "agent_node": proxy["node"], "groups": ["fastGroup"], "agent_server": "tsm1", "attempt": attempt,
                "batch": number, "started": round(moment, 3), "seconds": seconds, "outcome": outcome, "backup": made,
                "bytes": server["bytes"], "why": why, "leftovers": [],
                "warnings": ["tar: /var/spool/x: file changed as we read it"] if outcome == "warning" else []}))
            moment = round(moment, 3) + seconds
            if outcome != "failed":
                break
        return moment

    def tries(self):
        """Return the last try of each server by name."""
        return collections.OrderedDict((facts["vs"], facts) for kind, facts in self.records if kind == "backup")

    def ending(self, **outcomes):
        """Have the last try of each server end well, and some otherwise: ``failed=2`` of the first two; returns self.
        """
        wanted = [outcome for outcome, count in sorted(outcomes.items()) for _each in range(count)]
        for place, facts in enumerate(self.tries().values()):
            outcome = wanted[place] if place < len(wanted) else "ok"
            facts.update(outcome=outcome, why="dd said no" if outcome == "failed" else None,
                         warnings=["tar: x changed"] if outcome == "warning" else [],
                         backup=None if outcome == "failed" else "%s-%d" % (self.id, place))
        return self

    # -- as it is written

    def first(self):
        """Return the facts of the journal's first line."""
        return {"id": self.id, "policy": "/etc/vibackup/%s.ini" % self.name, "name": self.name, "started": OPENS + 2,
                "opens": OPENS, "closes": CLOSES, "grace": 1800, "lab": False, "shard": None, "resumes": None,
                "limits": LIMITS, "proxies": self.proxies, "servers": self.servers, "left_out": self.left_out,
                "estimate": 5 * HOUR, "manager": self.manager}

    def lines(self):
        """Return ``(kind, facts)`` of all lines; the end only where there is one."""
        return [("night", self.first())] + self.records + ([("ended", self.end)] if self.end else [])

    def write(self, folder):
        """Write the journal and the catalog into the state folder ``folder``; returns its path as text."""
        folder = compat.text(str(folder))
        if self.count > 500:
            self._write_quickly(state.folder(folder, journal.FOLDER))
        else:
            written = journal.Journal(folder, self.id)
            for kind, facts in self.lines():
                written.write(kind, **facts)
        kept = catalog.Catalog(folder)
        where = state.folder(folder, "catalog")
        for each in self.entries():
            if self.count > 500:
                _write(os.path.join(where, compat.native(each["id"] + ".json")), json.dumps(each).encode("ascii"))
            else:
                kept.add(each)
        return folder

    def _write_quickly(self, folder):
        """Write the same journal in one step: thousands of lines that are each brought to the disk take minutes."""
        pieces, place = [], 0
        for kind, facts in self.lines():
            pieces.append(records.sealed({kind: facts}, place) + b"\n")
            place += len(pieces[-1])
        _write(os.path.join(compat.native(folder), compat.native(self.id + ".jsonl")), b"".join(pieces))

    def entries(self):
        """Return the catalog's entries: what the night made, and of each server one of the evening before."""
        found = []
        tries = self.tries()
        for place, server in enumerate(self.servers):
            tried = tries.get(server["vs"])
            days = 3 if tried is not None and tried["outcome"] == "failed" and place % 2 else 1
            found.append(entry(self, "old-%s-%d" % (self.id, place), server, OPENS - days * DAY + 4 * HOUR, 900))
            if tried is not None and tried["backup"]:
                found.append(entry(self, tried["backup"], server, tried["started"] + tried["seconds"],
                                   tried["seconds"], outcome=tried["outcome"]))
            if place % 5 == 0:
                found[-1]["verified"] = {"outcome": "ok", "restore_seconds": server["bytes"] / (12.0 * 1024 ** 2)}
        return found


# -- a night of a few lines

def night(*lines, **facts):
    """Return a journal.Night: its first line with ``facts`` in place of the usual ones, and ``lines`` (kind, facts)."""
    first = {"id": "n1", "policy": "/etc/vibackup/nightly.ini", "name": "nightly", "started": OPENS, "opens": OPENS,
             "closes": CLOSES, "grace": 1800, "lab": False, "shard": None, "resumes": None, "limits": LIMITS,
             "proxies": [{"name": "pbh01", "node": "node2"}], "servers": [planned("web01")], "left_out": [],
             "estimate": HOUR}
    first.update(facts)
    return journal.Night([{"night": first}] + [{kind: each} for kind, each in lines])


def planned(vs, section="web", node="node1"):
    """Return a server as the first line plans it."""
    return {"vs": vs, "section": section, "node": node, "bytes": GIB}


def tried(vs="web01", outcome="ok", after=60, seconds=600, **more):
    """Return the line of a try that began ``after`` seconds."""
    return "backup", dict({
        "vs": vs, "section": "web", "proxy": "pbh01", "node": "node1", "agent_node": "node2", "groups": [],
        "agent_server": None, "attempt": 1, "batch": 1, "started": OPENS + after, "seconds": seconds,
        "outcome": outcome, "backup": "b-" + vs if outcome in ("ok", "warning") else None, "bytes": GIB,
        "why": "dd said no" if outcome in ("failed", "stopped") else None, "warnings": [], "leftovers": []}, **more)


def ended(outcome="ok", after=2 * HOUR, exit_status=0):
    """Return the last line."""
    return "ended", {"at": OPENS + after, "outcome": outcome, "exit_status": exit_status}


def source(chains=(), entries=(), manager="vm1", damaged=()):
    """Return what ``sources.read`` would of a state."""
    return sources.Source("/state", manager, [list(chain) for chain in chains], list(entries), list(damaged))


def backup(identity="b-web01", vs="web01", finished=OPENS + 660, disks=("system",), **more):
    """Return an entry of the catalog for a backup of 600 seconds."""
    return dict({"id": identity, "verb": "proxy-backup", "manager": "vm1", "vs": vs, "agent": "dd", "mode": "image",
                 "finished": stamp(finished), "seconds": 600, "outcome": "ok",
                 "disks": [catalog.disk_entry(name, 512) for name in disks]}, **more)


# -- entries

def entry(fleet, identity, server, finished, seconds, **more):
    """Return an entry of the catalog for a backup of a server of ``fleet``."""
    made = {"id": identity, "run": fleet.id, "verb": "proxy-backup", "manager": fleet.manager, "lab": False,
            "vs": server["vs"], "vs_id": "vs-1", "agent": "tsm", "mode": "image", "location": "tsm1",
            "finished": stamp(finished), "seconds": seconds, "outcome": "ok", "skipped": [], "server": {},
            "proxy": "pbh01", "disks": [catalog.disk_entry(server["vs"] + "-system", server["bytes"], "fastGroup")]}
    made.update(more)
    return made


def stamp(moment):
    """Return a moment as the catalog has it."""
    return compat.text(time.strftime(str("%Y-%m-%dT%H:%M:%SZ"), time.gmtime(moment)))


def _write(path, data):
    with state.new_file(path) as stream:
        stream.write(data)
