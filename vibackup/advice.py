"""Advice as people read it: a block for each technique, those that are possible first."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup.manager import RUNNING
from vibackup.names import printable
from vibackup.report import duration, size

_MET = {True: "met", False: "NOT met"}


def lines(vs, found, rpo=None, rto=None):
    """Return the lines of what ``flows.advise.advise`` found for the virtual server called ``vs``.

    What the paper says for and against a technique is told with its first block alone.
    """
    result = [_write_rate(vs, found), _last_backup(vs, found["last_backup"], rpo)]
    told = set()
    for each in found["advice"]:
        about = [] if each["title"] in told else _about(each)
        told.add(each["title"])
        result += [""] + (_possible(each, about, rpo, rto) if each["possible"] else _impossible(each))
    return [printable(line) for line in result] + [""]


def _write_rate(vs, found):
    if found["write_bytes_per_second"] is None:
        return "how fast %s writes is not known: %s" % (vs, found["why_no_write_rate"])
    return "%s writes %s a second at present" % (vs, size(found["write_bytes_per_second"]))


def _last_backup(vs, last, rpo):
    if last is None:
        words = "the catalog has no good backup of all of %s" % vs
        return words if rpo is None else "%s: RPO of %s NOT met" % (words, duration(rpo))
    words = "the last good backup of all of %s is %s, by %s, and what it has is %s old" % (
        vs, last["id"], last["technique"], duration(last["age_seconds"]))
    return words if rpo is None else "%s: RPO of %s %s" % (words, duration(rpo), _MET[last["within_rpo"]])


def _possible(each, about, rpo, rto):
    result = ["YES  %s" % _title(each), "  run:       %s" % each["command"]]
    if each["proxies"]:
        result.append("  proxies:   %s; choose one that may be rebooted, before and after" % (
            ", ".join(map(_proxy, each["proxies"]))))
    if each["snapshot"] is not None:
        result.append("  snapshot:  %s" % each["snapshot"])
    for name, wanted, verdict in (("RPO", rpo, each["rpo"]), ("RTO", rto, each["rto"])):
        if verdict is not None:
            result.append("  %s %s: %s" % (name, duration(wanted), _verdict(verdict)))
    return result + ["  warning:   %s" % words for words in each["warnings"]] + about


def _proxy(proxy):
    facts = ["on %s" % proxy["node"] if proxy["other_node"] else "on its own managed node %s" % proxy["node"]]
    facts += [] if proxy["power"] == RUNNING else ["does not run now"]
    return "%s (%s)" % (proxy["name"], ", ".join(facts))


def _verdict(verdict):
    return verdict["why"] if verdict["met"] is None else "%s: %s" % (_MET[verdict["met"]], verdict["why"])


def _impossible(each):
    return ["NO   %s" % _title(each)] + ["  because:   %s" % reason for reason in each["reasons"]]


def _title(each):
    return "%s%s: %s" % (each["technique"], " of " + each["disk"] if each["disk"] is not None else "", each["title"])


def _about(each):
    return ["  +  %s" % words for words in each["advantages"]] + ["  -  %s" % words for words in each["disadvantages"]]
