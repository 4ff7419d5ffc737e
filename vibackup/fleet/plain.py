"""The morning's report as lines of text: what failed comes first."""
from __future__ import absolute_import, division, print_function, unicode_literals

import textwrap

from vibackup.fleet import nightly, words
from vibackup.names import printable
from vibackup.report import duration, size

WIDTH = 79
_SHOWN = ("planned",) + nightly.OUTCOMES
_ALWAYS = ("planned", nightly.OK, nightly.FAILED)
_LONGEST_NAME = 24  # characters; a longer one pushes its own line alone


def lines(report):
    """Return the lines of the report (as ``morning.report`` gives it)."""
    found = _wrapped("%s: %s" % (report["status"].upper(), report["headline"]))
    found.append("as of %s (%s)" % (words.moment(report["at"]), words.zone(report["at"])))
    for key, heading, places in words.wanting_a_look(report):
        found += _section(heading.upper(), [_server(key, report["servers"][place], _column(report, places))
                                            for place in places])
    for night in report["nights"]:
        found += _section("NIGHT %s: %s" % (words.title(night), night["outcome"].upper()), _night(night))
    found += _section("MISSED", [_missed(each) for each in report["missed"]])
    found += _section("LEFT OUT", [_left_out(why, servers) for why, servers in
                                   words.reasons(report["lists"]["left_out"], report["servers"])])
    found += _section("NEVER PRUNED", _never_pruned(report))
    found += _section("NOT KNOWN", _not_known(report))
    return [printable(line) for line in found]


def _section(heading, blocks):
    return ["", heading] + [line for block in blocks for line in block] if blocks else []


def _wrapped(line, first="", more="  "):
    return textwrap.wrap(printable(line), WIDTH, initial_indent=first, subsequent_indent=more,
                         break_long_words=False, break_on_hyphens=False) or [first.rstrip()]


# -- servers

def _column(report, places):
    return min(_LONGEST_NAME, max(len(printable(report["servers"][place]["name"])) for place in places))


def _server(key, server, width):
    """Return the lines about one server: its name, what is the matter, and below it why."""
    name = printable(server["name"])
    found = ["  %s  %s" % (name.ljust(width), _matter(key, server))]
    for why in _whys(key, server):
        found += _wrapped(why, " " * 6, " " * 6)
    return found


def _matter(key, server):
    if key == "found_bad":
        return "%d found bad by verify: %s" % (len(server["found_bad"]), server["found_bad"][-1])
    if key == "restore_too_slow":
        return "restores in %s, RTO %s" % (duration(server["restore_seconds"]), words.age(server["rto"]))
    rpo = "" if server["rpo"] is None else ", RPO %s" % words.age(server["rpo"])
    outcome = "" if key == nightly.key(server["outcome"]) else "; %s" % server["outcome"]
    return "last good backup %s%s%s" % (words.last_good(server), rpo, outcome)


def _whys(key, server):
    if key in ("found_bad", "restore_too_slow"):
        return []
    return [each for each in [server["why"]] + server["warnings"] if each]


# -- the night

def _night(night):
    counts = night["counts"]
    found = _wrapped("%s, %s" % (words.span(night), duration(night["seconds"])), "  ")
    found += _wrapped(", ".join("%d %s" % (counts[nightly.key(outcome)], outcome) for outcome in _SHOWN
                                if counts[nightly.key(outcome)] or outcome in _ALWAYS), "  ")
    per_server = "" if night["reboots_per_server"] is None else " (%.2f a server)" % night["reboots_per_server"]
    found += _wrapped("%s read, %s of proxies%s, %s removed" % (
        size(night["bytes"]), words.count(night["reboots"], "reboot"), per_server,
        words.count(night["pruned"], "old backup")), "  ")
    if night["why"]:
        found += _wrapped(night["why"], "  ")
    for left in night["leftovers"]:
        found += _wrapped("LEFT BEHIND of %s: %s (%s)" % (left["vs"], left["what"], left["reason"]), "  ", "    ")
    for each in night["not_pruned"]:
        found += _wrapped("not removed: %s of %s: %s" % (each["backup"], each["vs"], each["why"]), "  ", "    ")
    return [found]


def _missed(each):
    return _wrapped("%s: nothing was started in the window from %s to %s; the last night was seen at %s" % (
        each["policy"], words.moment(each["opened"]), words.moment(each["closed"]), words.moment(each["last"])), "  ")


def _left_out(why, servers):
    return _wrapped("%s (%d): %s" % (why, len(servers), ", ".join(server["name"] for server in servers)),
                    "  ", "    ")


def _never_pruned(report):
    servers = [report["servers"][place] for place in report["lists"]["never_pruned"]]
    said = ", ".join("%s (%d)" % (server["name"], server["prunable"]) for server in servers)
    return [_wrapped("%s: %s" % (words.NEVER_PRUNED, said), "  ", "    ")] if servers else []


def _not_known(report):
    """Return what this report cannot say, which must not be taken for good news."""
    found = [_wrapped(each, "  ", "    ") for each in report["damaged"]]
    found += [_wrapped("RPO and RTO of %s: its policy is not at hand, give it with --policy" % name, "  ", "    ")
              for name in report["without_policy"]]
    found += [_wrapped("%s: there is no night of this policy yet" % name, "  ") for name in report["without_night"]]
    unmeasured = report["counts"]["restore_not_measured"]
    if unmeasured:
        found.append(_wrapped("how long a restore takes, of %s with an RTO: measure it with vibackup verify"
                              % words.count(unmeasured, "server"), "  ", "    "))
    return found
