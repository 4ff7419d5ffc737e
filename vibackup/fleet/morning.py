"""The report of the morning after, as plain data: every number that text, page, mail and monitoring show is in it.

Pure functions of what ``sources`` has read, the policies and the present moment. Moments are seconds since 1970,
lengths seconds.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import objectives, prunable
from vibackup.fleet import nightly, words
from vibackup.fleet.matching import Names

FEW = 5  # backups, of which one has all disks of the server
NO_NIGHT = "no night"  # a server that has backups, and no night of the fleet knows it
PROBLEMS = (nightly.FAILED, nightly.STOPPED, nightly.SKIPPED, nightly.NEVER_TRIED)


def report(sources, policies, now):
    """Return the report.

    sources: list of sources.Source; policies: dict from a policy's name to its policy.Policy, those that are known;
    now: the moment of the report.

    ``servers`` has every server that a night or the catalog knows, and ``lists`` the places in it (from 0) of those
    that want a look. ``headline`` is one sentence, ``status`` ok, warning, critical or unknown.
    """
    nights = [nightly.facts(chain, source.manager, now) for source in sources for chain in source.chains]
    nights.sort(key=lambda night: (night["name"] or "", night["manager"], night["shard"] or ""))
    servers = _servers(sources, nights, policies, now)
    found = {"at": now, "nights": nights, "servers": servers, "lists": _lists(servers),
             "missed": _missed(nights, policies, now),
             "without_night": sorted(set(policies) - set(night["name"] for night in nights)),
             "without_policy": sorted(set(night["name"] or "" for night in nights) - set(policies)),
             "sources": [{"folder": source.folder, "manager": source.manager, "backups": len(source.entries)}
                         for source in sources],
             "damaged": [error.message for source in sources for error in source.damaged]}
    found["counts"] = _counts(found)
    found["status"], found["headline"] = _judged(found)
    return found


# -- servers

def _servers(sources, nights, policies, now):
    """Return a dict for each server, in order of name. A server is its name and its manager's."""
    backups = _by_server(sources)
    made = set(server["backup"] for night in nights for server in night["servers"] if server["backup"])
    known = _in_nights(nights)
    with_nights = set(night["manager"] for night in nights)
    for key in backups:
        known.setdefault(key, (None, _unknown(key[1], key[0] in with_nights)))
    names = collections.Counter(vs for _manager, vs in known)
    named = [(section, Names(section.names, section.file_names), Names(section.exclude))
             for policy in policies.values() for section in policy.sections]
    servers = []
    for (manager, vs), (night, server) in sorted(known.items(), key=lambda item: (item[0][1], item[0][0])):
        section = _section(policies, named, night, server)
        found = {"vs": vs, "manager": manager, "name": vs if names[vs] == 1 else "%s (%s)" % (vs, manager),
                 "policy": night and night["name"], "night": night and night["id"]}
        found.update((key, server[key]) for key in ("section", "node", "bytes", "outcome", "why", "proxy", "attempts",
                                                    "tried", "seconds", "warnings"))
        if section is not None:
            found["section"] = section.name
        found["protected"] = server.get("wanted", server["outcome"] != NO_NIGHT or section is not None)
        found["prunable"] = sum(1 for entry in backups.get((manager, vs), []) if entry.get("verb") in prunable.VERBS)
        found.update(_recovery(backups.get((manager, vs), []), made, section, now))
        servers.append(found)
    return servers


def _by_server(sources):
    """Return the catalog's entries of all sources by manager and server, the oldest first."""
    found = collections.defaultdict(dict)
    for source in sources:
        for entry in source.entries:
            found[entry.get("manager") or source.manager, entry["vs"]][entry["id"]] = entry
    return dict((key, sorted(entries.values(), key=lambda entry: (entry["finished"], entry["id"])))
                for key, entries in found.items())


def _in_nights(nights):
    """Return each server that a night knows, with that night: the newest of those that were to back it up."""
    found = {}
    for night in sorted(nights, key=lambda night: night["began"]):
        for server in night["servers"]:
            found[night["manager"], server["vs"]] = (night, server)
    for night in nights:
        for left in night["left_out"]:
            found.setdefault((night["manager"], left["vs"]), (night, dict(
                _unknown(left["vs"], True), section=left.get("section"), outcome=nightly.LEFT_OUT, why=left["why"],
                wanted=left["wanted"])))
    return found


def _unknown(vs, has_night):
    why = "it is in no night's plan: deleted, renamed, or never the fleet's" if has_night else None
    return {"vs": vs, "section": None, "node": None, "bytes": None, "outcome": NO_NIGHT, "why": why, "proxy": None,
            "attempts": 0, "tried": None, "seconds": None, "warnings": []}


def _section(policies, named, night, server):
    """Return the policy's section that protects a server: the one its night names; without a night, by its name.

    named: of each section itself, the Names that it takes and those that it excludes.
    """
    if night is not None:
        policy = policies.get(night["name"])
        if policy is None or not server.get("wanted", True):
            return None
        return next((section for section in policy.sections if section.name == server["section"]), None)
    if server["why"] is not None:
        return None
    return next((section for section, taken, excluded in named
                 if taken.which(server["vs"]) is not None and excluded.which(server["vs"]) is None), None)


# -- objectives

def _recovery(entries, made, section, now):
    """Return what the catalog says of a server, held against the RPO and the RTO of its section (None: it has none)."""
    good = _last_good(entries, made)
    age = objectives.age(good, now) if good is not None else None
    rpo, rto = (section.rpo, section.rto) if section is not None else (None, None)
    measured = [entry for entry in entries if entry.get("verified", {}).get("restore_seconds") is not None
                and not objectives.is_bad(entry)]
    took = measured[-1]["verified"]["restore_seconds"] if measured else None
    return {"last_good": good and _good(good, age), "rpo": rpo, "rto": rto, "restore_seconds": took,
            "within_rpo": None if rpo is None else age is not None and age <= rpo,
            "within_rto": None if rto is None or took is None else took <= rto,
            "found_bad": [entry["id"] for entry in entries if objectives.is_bad(entry)]}


def _good(entry, age):
    return {"backup": entry["id"], "finished": objectives.moment_of(entry), "age": age, "outcome": entry.get("outcome"),
            "agent": entry["agent"], "verified": "verified" in entry}


def _last_good(entries, made):
    """Return the newest entry that holds all of the server and was never found bad, or None.

    A backup of one disk of two is none of the server. All of it is what the newest backup by a night has; without one,
    what the last few of the same verb and mode have together.
    """
    nights_own = [entry for entry in entries if entry["id"] in made][-1:]
    for place in range(len(entries) - 1, -1, -1):
        entry = entries[place]
        like = nights_own or [each for each in entries[:place + 1] if _kind(each) == _kind(entry)][-FEW:]
        if _kind(entry)[1] == _kind(like[0])[1] and _disks(like) <= _disks([entry]) and not objectives.is_bad(entry):
            return entry
    return None


def _kind(entry):
    return entry.get("verb"), entry.get("mode")


def _disks(entries):
    return set(disk["name"] for entry in entries for disk in entry["disks"])


# -- what wants a look

def _lists(servers):
    """Return the places of the servers by what is the matter with them; one may be in several lists."""
    def places(test):
        return [place for place, server in enumerate(servers) if test(server)]
    lists = dict((nightly.key(outcome), places(lambda server: server["outcome"] == outcome))
                 for outcome in PROBLEMS + (nightly.LEFT_OUT, nightly.WARNING, NO_NIGHT))
    lists["no_good_backup"] = places(lambda server: server["within_rpo"] is False or (
        server["protected"] and server["last_good"] is None))
    lists["restore_too_slow"] = places(lambda server: server["within_rto"] is False)
    lists["restore_not_measured"] = places(lambda server: server["rto"] is not None
                                           and server["restore_seconds"] is None)
    lists["found_bad"] = places(lambda server: server["found_bad"])
    lists["never_pruned"] = places(lambda server: server["prunable"] and not server["protected"]
                                   and server["outcome"] in (nightly.LEFT_OUT, NO_NIGHT) and server["why"] is not None)
    return lists


def _counts(found):
    """Return how many servers are in each list, and the sums over all nights."""
    counts = dict((name, len(places)) for name, places in found["lists"].items())
    servers, nights = found["servers"], found["nights"]
    counts.update({
        "servers": len(servers), "protected": sum(1 for server in servers if server["protected"]),
        "within_rpo": sum(1 for server in servers if server["within_rpo"]),
        "with_rpo": sum(1 for server in servers if server["rpo"] is not None),
        "within_rto": sum(1 for server in servers if server["within_rto"]),
        "ok": sum(1 for server in servers if server["outcome"] == nightly.OK),
        "not_yet_tried": sum(1 for server in servers if server["outcome"] == nightly.NOT_YET),
        "bytes": sum(night["bytes"] for night in nights), "reboots": sum(night["reboots"] for night in nights),
        "leftovers": sum(len(night["leftovers"]) for night in nights),
        "not_pruned": sum(len(night["not_pruned"]) for night in nights),
        "cut_short": sum(1 for night in nights if night["outcome"] == nightly.CUT_SHORT),
        "missed": len(found["missed"]), "without_night": len(found["without_night"]),
        "without_policy": len(found["without_policy"]),
        "damaged": len(found["damaged"])})
    return counts


def _missed(nights, policies, now):
    """Return the policies for which a window has passed since their last night began, and nothing was started in it."""
    missed = []
    for name, policy in sorted(policies.items()):
        last = [max(night["last_seen"], night["opens"] or 0) for night in nights if night["name"] == name]
        if last and policy.window is not None:
            opens, closes = policy.window.next_after(max(last))
            if closes < now:
                missed.append({"policy": name, "opened": opens, "closed": closes, "last": max(last)})
    return missed


# -- the judgement

def _judged(found):
    """Return the status of it all, and what it is in one sentence: the worst first."""
    counts = found["counts"]
    critical = _said(counts, _CRITICAL)
    warning = _said(counts, _WARNING)
    if critical:
        return "critical", _sentence(critical + warning)
    if not found["servers"] and not found["nights"]:
        return "unknown", "nothing is known: no night and no backup in %s" % ", ".join(
            source["folder"] for source in found["sources"])
    if _said(counts, _UNKNOWN):
        return "unknown", _sentence(_said(counts, _UNKNOWN) + warning)
    if warning:
        return "warning", _sentence(warning)
    if counts["with_rpo"]:
        return "ok", "%s %s a good backup within RPO" % (
            words.count(counts["within_rpo"], "server"), "has" if counts["within_rpo"] == 1 else "have")
    return "ok", "%s backed up; no RPO is known to hold that against" % words.count(counts["ok"], "server")


_CRITICAL = (("no_good_backup", "server", "without a good backup within RPO"), ("missed", "night", "missed"),
             ("cut_short", "night", "cut short"))
_UNKNOWN = (("without_policy", "night", "whose policy is not at hand"), ("damaged", "damaged file", "in the state"),
            ("without_night", "policy file", "without a night yet"))
_WARNING = ((nightly.FAILED, "server", "failed"), (nightly.STOPPED, "server", "stopped"),
            (nightly.SKIPPED, "server", "skipped"), (nightly.key(nightly.NEVER_TRIED), "server", "never tried"),
            (nightly.WARNING, "server", "backed up with warnings"),
            ("restore_too_slow", "server", "restored too slowly for RTO"), ("leftovers", "thing", "left behind"),
            ("not_pruned", "old backup", "could not be removed"))


def _said(counts, kinds):
    """Return ``(count, of what, what is the matter)`` of the kinds that there are."""
    return [(counts[key], thing, matter) for key, thing, matter in kinds if counts[key]]


def _sentence(said):
    """Return them as one sentence, which does not repeat of what it speaks."""
    found, before = [], None
    for count, thing, matter in said:
        found.append("%s %s" % (count if thing == before else words.count(count, thing), matter))
        before = thing
    return ", ".join(found)
