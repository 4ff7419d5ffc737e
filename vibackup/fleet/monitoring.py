"""The morning's report for monitoring: one line for Nagios and its kin, a file for Prometheus's textfile collector."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import compat, state
from vibackup.fleet import nightly, words
from vibackup.masking import mask
from vibackup.names import printable

# Exit statuses of a plugin, and what its first line calls them.
OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
_STATUSES = {"ok": OK, "warning": WARNING, "critical": CRITICAL, "unknown": UNKNOWN}
_CALLED = {OK: "OK", WARNING: "WARNING", CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN"}
MOST_DETAILS = 30  # lines: monitoring systems cut off what is longer

FILE_MODE = 0o644  # the collector is another user; there are names and numbers in the file, and no reasons


# -- Nagios

def plugin(report):
    """Return the status and the text of a plugin's output for the report (as ``morning.report`` gives it)."""
    status = _STATUSES[report["status"]]
    lab = " (in a lab)" if any(night["lab"] for night in report["nights"]) else ""
    first = "%s%s | %s" % (_plain(report["headline"]), lab, " ".join(_performance(report)))
    return status, "\n".join(["VIBACKUP %s - %s" % (_CALLED[status], first)] + _details(report)) + "\n"


def of_error(words_of_it):
    """Return the same where there is no report: nothing is known then, whatever went wrong."""
    return UNKNOWN, "VIBACKUP UNKNOWN - %s\n" % _plain(mask(words_of_it))


def _plain(line):
    """Return a line as a plugin may print it: what follows a bar would be taken for figures."""
    return printable(line).replace("|", "/")


def _details(report):
    lines = ["%s: %s" % (heading, _plain(_detail(report["servers"][place])))
             for _key, heading, places in words.wanting_a_look(report) for place in places]
    lines += ["damaged: %s" % _plain(each) for each in report["damaged"]]
    more = len(lines) - MOST_DETAILS
    return lines if more <= 0 else lines[:MOST_DETAILS] + ["and %d more: see vibackup report" % more]


def _detail(server):
    why = [each for each in [server["why"]] + server["warnings"] if each]
    return "%s, last good backup %s%s" % (server["name"], words.last_good(server),
                                          ": %s" % "; ".join(why) if why else "")


def _performance(report):
    """Return the figures of a plugin's output, ``'label'=value[unit];warn;crit;least;most``."""
    counts, servers = report["counts"], report["counts"]["servers"]
    ages = [server["last_good"]["age"] for server in report["servers"]
            if server["protected"] and server["last_good"] is not None]
    found = [_figure("no good backup", counts["no_good_backup"], "", "", "0", "0", servers)]
    found += [_figure(outcome, counts[nightly.key(outcome)], "", "0", "", "0", servers) for outcome in (
        nightly.FAILED, nightly.STOPPED, nightly.SKIPPED, nightly.NEVER_TRIED, nightly.WARNING)]
    found.append(_figure("left out", counts["left_out"], "", "", "", "0", servers))
    if ages:
        found.append(_figure("oldest good backup", max(ages), "s", "", "", "0"))
    found.append(_figure("read", counts["bytes"], "B", "", "", "0"))
    found.append(_figure("reboots", counts["reboots"], "", "", "", "0"))
    return found + [_figure("night %s" % words.title(night), night["seconds"], "s", "", "", "0")
                    for night in report["nights"]]


def _figure(label, value, unit, warn, crit, least, most=""):
    """A label may hold anything but a quote and an equals sign."""
    shown = _plain(label).replace("'", "''").replace("=", "-")
    return "'%s'=%s%s;%s;%s;%s;%s" % (shown, _number(value), unit, warn, crit, least, most)


def _number(value):
    return "%d" % value if value == int(value) else "%.3f" % value


# -- Prometheus

def write_prometheus(path, report):
    """Write the report's figures to the file ``path``, which ends in ``.prom``, in one atomic step.

    Raises VibackupError where it cannot be written.
    """
    state.write_file(path, prometheus(report).encode("utf-8", "replace"), FILE_MODE)


def prometheus(report):
    """Return the figures of the report as text in the exposition format."""
    lines = []
    for name, about, samples in _METRICS:
        lines += ["# HELP vibackup_%s %s" % (name, about), "# TYPE vibackup_%s gauge" % name]
        lines += ["vibackup_%s%s %s" % (name, labels, value) for labels, value in _rendered(samples(report))]
    return "\n".join(lines) + "\n"


def _rendered(samples):
    """Return each sample's labels as text, and its value; of two that read alike only the first, or none is taken."""
    found = collections.OrderedDict()
    for labels, value in samples:
        if value is not None:
            found.setdefault(_labels(labels), _value(value))
    return found.items()


def _labels(labels):
    given = ",".join('%s="%s"' % (name, _escaped(value)) for name, value in sorted(labels.items()) if value)
    return "{%s}" % given if given else ""


def _escaped(value):
    shown = compat.text(value).encode("utf-8", "replace").decode("utf-8")
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _value(value):
    if isinstance(value, bool):
        return "1" if value else "0"
    return "%d" % value if value == int(value) else repr(float(value))


def _server(server):
    return {"vs": server["vs"], "manager": server["manager"], "section": server["section"]}


def _night(night):
    return {"policy": night["name"], "manager": night["manager"], "shard": night["shard"]}


def _whole(value):
    """Return the function that gives a metric's one sample of the report, by what gives its value."""
    return lambda report: [({}, value(report))]


def _each_server(value):
    """The same of each server: a sample is its labels and its value, None where there is none."""
    return lambda report: [(_server(server), value(server)) for server in report["servers"]]


def _each_night(value):
    """The same of each night."""
    return lambda report: [(_night(night), value(night)) for night in report["nights"]]


def _last_tries(report):
    return [(dict(_server(server), outcome=server["outcome"]), 1) for server in report["servers"]]


def _night_outcomes(report):
    return [(dict(_night(night), outcome=night["outcome"]), 1) for night in report["nights"]]


def _night_servers(report):
    return [(dict(_night(night), outcome=outcome), night["counts"][nightly.key(outcome)])
            for night in report["nights"] for outcome in nightly.OUTCOMES]


# Of each metric its name, what it is, and the function of the report that gives its samples.
_METRICS = [
    ("report_timestamp_seconds", "When this was written.", _whole(lambda report: report["at"])),
    ("status", "The state of it all: 0 ok, 1 warning, 2 critical, 3 unknown.",
     _whole(lambda report: _STATUSES[report["status"]])),
    ("last_good_backup_timestamp_seconds", "When the server's newest good backup was finished.",
     _each_server(lambda server: server["last_good"] and server["last_good"]["finished"])),
    ("last_good_backup_age_seconds", "How old what it holds was when this was written.",
     _each_server(lambda server: server["last_good"] and server["last_good"]["age"])),
    ("has_good_backup", "Whether the server has a good backup at all.",
     _each_server(lambda server: server["last_good"] is not None)),
    ("within_rpo", "Whether the newest good backup is within the RPO; absent where there is no RPO.",
     _each_server(lambda server: server["within_rpo"])),
    ("rpo_seconds", "The recovery point objective of the server.", _each_server(lambda server: server["rpo"])),
    ("restore_seconds", "How long a restore took when it was measured.",
     _each_server(lambda server: server["restore_seconds"])),
    ("within_rto", "Whether the measured restore is within the RTO; absent where one of them is not known.",
     _each_server(lambda server: server["within_rto"])),
    ("last_try", "What became of the server in its last night, as the label outcome.", _last_tries),
    ("night_start_timestamp_seconds", "When the last night began.", _each_night(lambda night: night["began"])),
    ("night_end_timestamp_seconds", "When it ended; absent where it has no end.",
     _each_night(lambda night: night["ended"])),
    ("night_duration_seconds", "How long it lasted.", _each_night(lambda night: night["seconds"])),
    ("night_outcome", "How it ended, as the label outcome.", _night_outcomes),
    ("night_servers", "How many servers had which outcome.", _night_servers),
    ("night_bytes", "How much was read of servers that were backed up.", _each_night(lambda night: night["bytes"])),
    ("night_reboots", "How often proxies rebooted.", _each_night(lambda night: night["reboots"])),
    ("nights_missed", "Windows that passed and nothing was started in them.",
     _whole(lambda report: report["counts"]["missed"])),
    ("damaged_files", "Files of the state that cannot be read.", _whole(lambda report: report["counts"]["damaged"])),
]
