"""Say which of the paper's techniques can protect a virtual server, and why the others cannot. Changes nothing.

Whether one can is the answer of the dry run of its own verb. The checks that are made here besides find all reasons,
where a dry run names the first.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import (checks, choices, compat, errors, guest, objectives, proxies, recorded_backup, steps, techniques,
                      write_rate)
from vibackup import manager as api
from vibackup.report import duration, size

# What a dry run may end with that speaks against a technique; all else is no answer.
_AGAINST = (errors.Refused, errors.Leftovers, errors.UsageError, errors.GuestError)

# Bytes a second; None where that is not known, and why.
Rate = collections.namedtuple("Rate", "bytes_per_second why")


def advise(run, name, programs, ask, rpo=None, rto=None):
    """Judge every technique for the virtual server called ``name``; return what is known, as plain data.

    run: a ``run.Run`` that is shown to nobody. programs: the ``choices.Programs`` there are. ask: given the
    words of a command line, makes the checks of its dry run and returns their warnings, or raises what speaks
    against it. rpo, rto: seconds, or None. Raises NotFound.

    Returns ``{"advice": [...], "write_bytes_per_second", "why_no_write_rate", "last_backup"}``; in the
    advice, what is possible comes first.
    """
    subject = _subject(run, name)
    means = _means(run, subject.vs, programs)
    rate = _rate(run, subject.vs)
    advice = []
    for choice in choices.all_choices(run, subject, means):
        judged = _judge(run, subject, means, choice, ask)
        judged.update(_snapshot(subject, choice.technique, judged["possible"], rate))
        judged.update(_objectives(subject, choice.technique, means, rpo, rto))
        advice.append(judged)
    return {"advice": sorted(advice, key=lambda each: not each["possible"]),
            "write_bytes_per_second": rate.bytes_per_second, "why_no_write_rate": rate.why,
            "last_backup": _last_backup(run, subject, rpo)}


# -- what there is

def _subject(run, name):
    vs = steps.find_server(run.manager, name)
    disks = _unless_missing(lambda: checks.disks_of(run.manager, vs), [])
    family = _unless_missing(lambda: guest.family(api.operating_system(vs.handle)), None)
    return choices.Subject(vs, family, disks, run.catalog.entries(name))


def _unless_missing(function, otherwise):
    """What the API lacks is said by the dry run of each technique that needs it."""
    try:
        return function()
    except errors.MissingCall:
        return otherwise


def _means(run, vs, programs):
    try:
        hosts, refused = proxies.find(run, vs)
    except errors.MissingCall as error:
        return choices.Means(programs, [], ["which virtual servers can be its proxy is not known: %s" % error.message])
    return choices.Means(programs, hosts, refused if hosts else refused + ["no other virtual server can be its proxy"])


def _rate(run, vs):
    try:
        return Rate(write_rate.bytes_per_second(run, vs), None)
    except (errors.Refused, errors.GuestError) as error:
        return Rate(None, error.message)


def _logical(subject):
    return checks.logical(subject.disks)


# -- whether it is possible

def _judge(run, subject, means, choice, ask):
    """Ask for the dry run of each way, until there are enough; return what came of it."""
    fitting, refused, warnings = [], [], []
    for way in choice.ways:
        if len(fitting) < (1 if way.host is None else proxies.HANDFUL):
            try:
                said = ask(way.words)
                warnings = warnings if fitting else said
                fitting.append(way)
            except _AGAINST as error:
                refused.append(error.message)
    technique = choice.technique
    reasons = [] if fitting else _distinct(_reasons(run, subject, choice) + refused + choice.no_more)
    return {"technique": technique.verb, "mode": technique.modes[0] if technique.modes else None,
            "title": technique.title, "disk": choice.disk, "possible": bool(fitting), "reasons": reasons,
            "proxies": [{"name": way.host.name, "node": way.host.node, "other_node": way.host.elsewhere,
                         "power": way.host.power} for way in fitting if way.host is not None],
            "command": fitting[0].words if fitting else None,
            "warnings": warnings + (_notes(subject, means, choice, fitting[0], warnings) if fitting else []),
            "advantages": list(technique.advantages), "disadvantages": list(technique.disadvantages)}


def _notes(subject, means, choice, way, warnings):
    """Return what the dry run does not say: a raw disk that the snapshot is without, an agent that is a guess."""
    notes = []
    if choice.technique.snapshot and choice.disk is None:
        notes += ["%s is a raw disk, which the snapshot is without" % disk.name for disk in subject.disks
                  if disk.kind == api.RAW and not any(disk.name in words for words in warnings)]
    agent = [word for word in way.words if word.startswith("--agent=")]
    if agent and choices.used_before(subject, means.programs, choice.technique) is None:
        notes.append("%s is a guess, as there is no such backup yet: put your own agent and its --location" % agent[0])
    return notes


def _reasons(run, subject, choice):
    """Return all that speaks against a snapshot of the server, where the technique wants one."""
    logical = _logical(subject)
    if not choice.technique.snapshot or choice.disk not in [None] + [disk.name for disk in logical]:
        return []
    vs = subject.vs
    questions = [lambda call=call: api.require(vs.handle, call) for call in api.NEEDS["snapshot"]]
    questions += [lambda: checks.no_snapshot(run, vs), lambda: checks.snapshot_space(logical)]
    if choice.technique.all_disks:
        questions.append(lambda: checks.choose_disks(vs, subject.disks, (), False))
    return [words for words in map(_refusal, questions) if words is not None]


def _refusal(question):
    try:
        question()
        return None
    except errors.Refused as error:
        return error.message


def _distinct(words):
    return list(collections.OrderedDict.fromkeys(words))


# -- how long a snapshot lives

def _snapshot(subject, technique, possible, rate):
    """Return how long the snapshot of the technique can live at the present write rate, and whether that is enough."""
    logical = _logical(subject)
    if not possible or not logical or not (technique.snapshot or technique is techniques.ARRAY):
        return {"snapshot_seconds": None, "snapshot_lasts": None, "snapshot": None}
    if not rate.bytes_per_second:
        words = "writes nothing at present" if rate.why is None else "how fast it writes is not known: %s" % rate.why
        return {"snapshot_seconds": None, "snapshot_lasts": None, "snapshot": words}
    free, group = min((api.free_bytes(group), api.name_of(group))
                      for group in [api.group_of(disk.handle) for disk in logical])
    seconds = free / rate.bytes_per_second
    took = objectives.seconds_of(objectives.latest(subject.entries, technique.verb, technique.modes))
    words = "has space for %s: %s free in %s, %s a second written" % (
        duration(seconds), size(free), group, size(rate.bytes_per_second))
    if took is not None:
        words += "; the last one took %s%s" % (duration(took), "" if took < seconds else ", which is TOO LONG")
    elif technique.modes:
        words += "; how long a backup takes is not known yet"
    return {"snapshot_seconds": int(seconds), "snapshot_lasts": None if took is None else took < seconds,
            "snapshot": words}


# -- recovery objectives

def _objectives(subject, technique, means, rpo, rto):
    entry = objectives.latest(subject.entries, technique.verb, technique.modes)
    if not technique.modes:
        unknown = {"met": None, "why": "not known: the catalog has no backups of this sort"}
        return {"rpo": rpo and unknown, "rto": rto and unknown}
    return {"rpo": rpo and objectives.recovery_point(rpo, entry),
            "rto": rto and objectives.recovery_time(rto, entry, _how_to_measure(entry, means))}


def _how_to_measure(entry, means):
    try:
        entry and recorded_backup.choose(entry, ())
    except errors.Refused:
        return "vibackup verify restores images alone"
    linux = [host.name for host in means.hosts if host.family == guest.LINUX]
    return "vibackup verify --backup=%s --proxy=%s" % (
        entry and entry["id"], compat.shell_quote(linux[0]) if linux else "NAME")


def _last_backup(run, subject, rpo):
    """Return the newest backup that has all disks, and whether it is young enough; None where there is none."""
    entry = objectives.latest_good(subject.entries, [disk.name for disk in subject.disks])
    if entry is None:
        return None
    age = objectives.age(entry, run.manager.clock.time())
    return {"id": entry["id"], "technique": entry.get("verb"), "age_seconds": int(age),
            "within_rpo": None if rpo is None else age <= rpo}
