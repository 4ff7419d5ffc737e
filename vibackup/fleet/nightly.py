"""The facts of one night, from its journal: what became of each server, and when, on which proxy and node."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup.fleet.window import DAY
from vibackup.masking import mask

SLACK = 0.01  # seconds: lengths are rounded as they are written, and what ends makes room for what begins
OK, WARNING, FAILED, STOPPED = "ok", "warning", "failed", "stopped"
SKIPPED, NEVER_TRIED, NOT_YET, LEFT_OUT = "skipped", "never tried", "not yet tried", "left out"
RUNNING, CUT_SHORT = "running", "cut short"
OUTCOMES = (OK, WARNING, FAILED, STOPPED, SKIPPED, NEVER_TRIED, NOT_YET, LEFT_OUT)  # of a server in a night
GOOD = (OK, WARNING)

_NOT_KNOWN = "the night was cut short, and whether its backup was under way then is not known"
_NOT_SAID = "the night ended, and its journal does not say why"


def key(outcome):
    """Return an outcome as a key of the report's data."""
    return outcome.replace(" ", "_")


def facts(chain, manager, now):
    """Return what the ``chain`` of journal.Nights says, as plain data.

    manager: the name of the VM server's manager; now: seconds since 1970. ``servers`` are in the order of the policy,
    each with its outcome, one of OUTCOMES, and why.
    """
    night = _frame(chain, manager, now)
    tries = _all_of(chain, "backup")
    night["servers"] = _servers(chain, night)
    night["left_out"] = _left_out(chain[-1], set(server["vs"] for server in night["servers"]))
    night["counts"] = _counts(night)
    night["tries"] = len(tries)
    night["bytes"] = sum(server["bytes"] or 0 for server in night["servers"] if server["outcome"] in GOOD)
    night["reboots"] = len(_all_of(chain, "reboot"))
    good = night["counts"][OK] + night["counts"][WARNING]
    night["reboots_per_server"] = round(night["reboots"] / good, 3) if good else None
    night["pruned"] = sum(1 for each in _all_of(chain, "pruned") if not each.get("why"))
    night["not_pruned"] = [dict(each, why=_masked(each["why"])) for each in _all_of(chain, "pruned") if each.get("why")]
    night["leftovers"] = [dict(each, vs=facts_of["vs"]) for facts_of in tries
                          for each in facts_of.get("leftovers") or []]
    begun = [each for each in tries if each["started"] is not None]  # others failed before their agent began
    night["drawn"] = len(begun)
    night["proxies"] = _proxies(chain, begun)
    night["nodes"] = _nodes(chain, begun)
    return night


def _left_out(part, planned):
    """Return whom the last part of a night left out; who was planned before is none of them."""
    return [dict(each, why=_masked(each["why"]), wanted=each.get("wanted", each.get("section") is not None))
            for each in part.facts.get("left_out") or [] if each["vs"] not in planned]


def _all_of(chain, kind):
    return [each for night in chain for each in night.of(kind)]


def _masked(words):
    return None if words is None else mask(words)


# -- the night as a whole

def _frame(chain, manager, now):
    """Return when the night was, and how it ended; a night whose last line is missing has no outcome of its own."""
    first, last = chain[0].facts, chain[-1].facts
    end = chain[-1].end
    seen = max([last["started"]] + [each["started"] + (each.get("seconds") or 0) for kind in ("backup", "reboot")
                                     for each in _all_of(chain, kind) if each["started"] is not None])
    ended = end["at"] if end else None
    outcome, why = (end["outcome"], None) if end else _without_end(last, now)
    return {"id": last["id"], "ids": [night.id for night in chain], "name": last.get("name"),
            "policy": last.get("policy"), "manager": manager, "shard": last.get("shard"),
            "lab": bool(last.get("lab")), "limits": last.get("limits") or {}, "estimate": last.get("estimate"),
            "opens": first.get("opens"), "closes": last.get("closes"), "grace": last.get("grace"),
            "began": first["started"], "ended": ended, "last_seen": max(seen, ended or 0),
            "seconds": round((ended or seen) - first["started"], 3), "outcome": outcome, "why": why,
            "exit_status": end["exit_status"] if end else None}


def _without_end(night, now):
    """Return the outcome of a night whose journal has no end, and why: by its window and its grace it may still run."""
    latest = night["started"] + DAY if night.get("closes") is None else night["closes"] + (night.get("grace") or 0)
    if now <= latest:
        return RUNNING, "its journal has no end yet"
    return CUT_SHORT, ("its journal has no end: it was killed, or hangs; what was under way then is not known. See "
                       "what it left with vibackup reconcile, and take it up with fleet --resume")


def _counts(night):
    counts = dict((key(outcome), 0) for outcome in OUTCOMES)
    for server in night["servers"]:
        counts[key(server["outcome"])] += 1
    counts[key(LEFT_OUT)] = len(night["left_out"])
    return dict(counts, planned=len(night["servers"]))


# -- its servers

def _servers(chain, night):
    """Return a dict for each server that was to be backed up; of several tries the last one counts."""
    found = collections.OrderedDict()
    for part in chain:
        for planned in part.facts.get("servers") or []:
            found.setdefault(planned["vs"], _planned(planned, night))
        for each in part.of("skipped"):
            _update(found, each, outcome=SKIPPED, why=_masked(each.get("why")))
        for each in part.of("backup"):
            _update(found, each, outcome=each["outcome"], why=_masked(each.get("why")), proxy=each.get("proxy"),
                    attempts=each.get("attempt") or 1, backup=each.get("backup"), tried=each["started"],
                    seconds=each.get("seconds"), bytes=each.get("bytes"),
                    warnings=[mask(words) for words in each.get("warnings") or []])
    return list(found.values())


def _planned(planned, night):
    why = {RUNNING: None, CUT_SHORT: _NOT_KNOWN}.get(night["outcome"], _NOT_SAID)
    return {"vs": planned["vs"], "section": planned.get("section"), "node": planned.get("node"),
            "bytes": planned.get("bytes"), "outcome": NOT_YET if night["outcome"] == RUNNING else NEVER_TRIED,
            "why": why, "proxy": None, "attempts": 0, "backup": None, "tried": None, "seconds": None, "warnings": []}


def _update(found, record, **facts_now):
    server = found.setdefault(record["vs"], _planned(record, {"outcome": None}))
    server.update((name, value) for name, value in facts_now.items() if not (name == "bytes" and value is None))


# -- its timeline

def _proxies(chain, tries):
    """Return the lanes of proxies, and of nodes where agents ran in the servers themselves, in order of name."""
    nodes = dict((each["name"], each.get("node")) for night in chain for each in night.facts.get("proxies") or [])
    lanes = dict(((name, node), ([], [])) for name, node in nodes.items())
    for each in _all_of(chain, "reboot"):
        lane = lanes.setdefault((each["proxy"], nodes.get(each["proxy"], each.get("node"))), ([], []))
        lane[0].append(_span(each, batch=each.get("batch")))
    for each in tries:
        proxy = each.get("proxy")
        node = nodes.get(proxy, each.get("agent_node")) if proxy else each.get("node")
        lanes.setdefault((proxy, node), ([], []))[1].append(
            _span(each, vs=each["vs"], attempt=each.get("attempt") or 1))
    return [{"name": name, "node": node, "reboots": reboots, "backups": backups}
            for (name, node), (reboots, backups) in sorted(lanes.items(), key=_lane_order)]


def _lane_order(lane):
    name, node = lane[0]
    return (name is None, name or "", node or "")


def _span(record, **more):
    return dict(more, started=record["started"], seconds=record.get("seconds") or 0, outcome=record["outcome"],
                why=_masked(record.get("why")))


def _nodes(chain, tries):
    """Return of each managed node how many backups it took part in at once: as the server's node or the agent's."""
    changes = collections.defaultdict(list)
    for each in tries:
        for node in set((each.get("node"), each.get("agent_node"))) - set([None]):
            begun = each["started"]
            changes[node] += [(begun, 1), (max(begun, begun + (each.get("seconds") or 0) - SLACK), -1)]
    limit = (chain[-1].facts.get("limits") or {}).get("node")
    return [dict(_steps(changes[node]), name=node, limit=limit) for node in sorted(changes)]


def _steps(changes):
    """Return how many there were from each moment on, and the most."""
    steps, count, most = [], 0, 0
    for moment, change in sorted(changes):
        count += change
        most = max(most, count)
        if steps and moment - steps[-1][0] <= 2 * SLACK:
            steps[-1][1] = count
        else:
            steps.append([moment, count])
    steps = [step for place, step in enumerate(steps) if place == 0 or step[1] != steps[place - 1][1]]
    return {"steps": steps, "most": most}
