"""A night from the policy to its end: who takes part, the plan, the dry run of it, and the run with its journal."""
from __future__ import absolute_import, division, print_function, unicode_literals

import binascii
import collections
import os
import re

from vibackup import catalog, compat, errors, ledger, objectives, prunable
from vibackup import manager as api
from vibackup.fleet import journal, members, plan, retention
from vibackup.fleet import run as runs
from vibackup.fleet import words as said
from vibackup.fleet.ending import Ending
from vibackup.fleet.nightly import GOOD
from vibackup.fleet.tasks import task_of
from vibackup.fleet.window import DAY
from vibackup.flows import reconcile
from vibackup.names import printable, safe_name
from vibackup.report import duration

NIGHTS_LOOKED_AT = 5  # for how long a reboot takes
MOST_NAMED = 5  # of the servers that have no backup, in an error
_SHARD = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})\Z")

# Which part of the servers, of how many.
Shard = collections.namedtuple("Shard", "number of")


def shard(words):
    """Return ``2/3`` as a Shard; raise UsageError for what is none."""
    match = _SHARD.match(words)
    if match is None or int(match.group(1)) > int(match.group(2)):
        raise errors.UsageError("--shard=%s: give I/N, such as 2/3" % printable(words))
    return Shard(int(match.group(1)), int(match.group(2)))


def is_of(shard_, vs):
    """Tell whether the virtual server called ``vs`` is in a Shard: by its name alone, so it always is in the same."""
    number = binascii.crc32(safe_name(vs).encode("ascii")) & 0xffffffff  # which on Python 2 may be negative
    return number % shard_.of == shard_.number - 1


class Prepared(object):
    """A night that can begin. run: a ``run.Run``; policy: a ``policy.Policy``; see ``prepare``.

    wanted: the ``members.Member`` of this part of the policy. done: names of those that have a good backup already.
    members: those of ``plan``, a ``plan.Plan``. left_out: ``members.LeftOut``. proxies: ``members.Proxy``. now: seconds
    since 1970. window: ``(opens, closes)``, the same, or None. resumed: a ``journal.Night``, or None.
    """

    def __init__(self, run, policy, shard_, resumed, site):
        self.run, self.policy, self.shard, self.resumed = run, policy, shard_, resumed
        found, left_out = members.of(run, policy, site)
        done = set(vs for each in _with_those_it_resumes(run, resumed) for vs in _done_since(each, site.entries))
        self._in_a_section = [member.server.name for member in found]
        self.wanted = [member for member in found if self._is_ours(member.server.name)]
        self.left_out = [each for each in left_out if self._is_ours(each.vs)]
        self.done = [member.server.name for member in self.wanted if member.server.name in done]
        self.members = [member for member in self.wanted if member.server.name not in done]
        self.proxies = members.proxies(run, policy, found, site)
        rules = plan.Rules(policy.limits, policy.batch, policy.snapshot_age, _free_bytes(self.members),
                           _reboot_seconds(run))
        self.plan = plan.make([task_of(member, policy.snapshot_age) for member in self.members], self.proxies, rules)
        impossible = [task.member for task in self.plan.impossible]
        self.members = [member for member in self.members if member not in impossible]
        self.left_out += [members.LeftOut(member.server.name, member.section.name, _NO_PROXY) for member in impossible]
        self.now = run.manager.clock.time()
        self._not_pruned = 0
        self.window = _window(policy, self.now)
        self._entries = site.entries

    def _is_ours(self, vs):
        return self.shard is None or is_of(self.shard, vs)

    # -- what it would do

    def lines(self):
        """Return the whole plan in words, a line each; those that are left out, and why, at the end."""
        found = ["window: %s" % self._window_in_words(),
                 "%s in %s, about %s with %s of proxies" % (
                     said.count(len(self.members), "server"),
                     said.count(len(self.plan.batches), "batch", "batches"), duration(self.plan.seconds),
                     said.count(self.plan.reboots(), "reboot"))]
        for batch in self.plan.batches:
            found += self._batch_lines(batch)
        found += ["done already: %s" % vs for vs in self.done]
        found += retention.lines(self._to_prune(self._entries_afterwards())) + self._lines_of_never_pruned()
        return found + ["left out: %s" % (each.why if each.why.startswith(each.vs + ": ") else
                                          "%s: %s" % (each.vs, each.why)) for each in self.left_out]

    def pruning(self):
        """Return for programs what it would remove, and how many backups of servers in no section stay."""
        return {"to_prune": retention.document(self._to_prune(self._entries_afterwards())),
                "never_pruned": self._never_pruned()}

    def _never_pruned(self):
        """Return how many backups there are by the name of their server, for those that no section has."""
        in_a_section = set(self._in_a_section) | set(each.vs for each in self.left_out if each.wanted)
        return collections.Counter(entry["vs"] for entry in self._entries if entry.get("verb") in prunable.VERBS
                                   and entry["vs"] not in in_a_section and self._is_ours(entry["vs"]))

    def _lines_of_never_pruned(self):
        """Return a line for each server whose backups stay, for no section has it, and one that says what to do."""
        found = ["never pruned: %s, which no section of the policy has: %s" % (
            vs, said.count(number, "backup")) for vs, number in sorted(self._never_pruned().items())]
        how = ("to remove such backups: see where they are with vibackup backups --vs=NAME --json, remove them there "
               "with their agent, and then the files of their ids in %s")
        return found + ([how % os.path.join(compat.text(self.run.folder), "catalog")] if found else [])

    def _entries_afterwards(self):
        """Return the catalog's entries as they will be where all goes well, for retention to look at."""
        found = list(self._entries)
        for member in [start.task.member for batch in self.plan.batches for start in batch.starts]:
            found.append(self._entry_of_tonight(member))
        return found

    def _entry_of_tonight(self, member):
        """Return the entry that a backup of ``member`` will have, as far as retention asks."""
        section = member.section
        before = [entry for entry in self._entries if entry["vs"] == member.server.name
                  and (entry.get("verb"), entry.get("mode")) == (section.technique, section.mode)]
        disks = before[-1]["disks"] if before else [catalog.disk_entry(disk.name, disk.bytes) for disk in member.disks]
        entry = catalog.new_entry(self.run, self.run.id, member.server, section.agent, section.mode, disks)
        return dict(entry, verb=section.technique)

    def _window_in_words(self):
        if self.window is None:
            return "always"
        return _in_words(self.window) + ("" if self.window[0] <= self.now else ", not open now")

    def _batch_lines(self, batch):
        opens = self.now if self.window is None else max(self.now, self.window[0])
        where = "in the servers themselves" if batch.proxy is None else "through %s" % batch.proxy.server.name
        found = ["batch %d, %s, at %s:" % (batch.number, where, _clock(opens + batch.begins))]
        for start in batch.starts:
            late = self.window is not None and opens + start.at >= self.window[1]
            found.append("  %s: at %s, about %s%s" % (
                start.task.member.server.name, _clock(opens + start.at), duration(start.task.seconds),
                ", which is AFTER THE WINDOW CLOSES" if late else ""))
        return found

    def document(self):
        """Return the plan for programs: its window in seconds since 1970, all else in seconds of the night."""
        return {"policy": self.policy.path, "window": self.window and list(self.window),
                "estimate": self.plan.seconds, "reboots": self.plan.reboots(), "done_already": self.done,
                "batches": [_batch(batch) for batch in self.plan.batches],
                "left_out": [dict(each._asdict()) for each in self.left_out]}

    # -- doing it

    def ending(self, is_urgent):
        """Return the ``ending.Ending`` of this night. is_urgent(): whether a stop was asked for a second time."""
        return Ending(self.run.manager.clock, self.window and self.window[1], self.policy.grace, self.run.stop_status,
                      is_urgent)

    def carry_out(self, start_run, tell, ending):
        """Back up all of the plan, then prune; return what came of it, as a dict.

        outcomes: numbers of servers, by outcome. never_tried: the number of others. without: names of those that have
        no backup of the night. not_pruned: how many backups could not be removed.

        start_run, tell: see ``run.Night``. ending: see ``ending``. Raises Busy where a night of the policy is under
        way that may have servers of this one.
        """
        _must_be_open(self.policy, self.now)
        lock, name = "fleet " + self.policy.path, "the policy " + self.policy.name
        with self.run.held([(lock if self.shard is None else "%s %d/%d" % ((lock,) + self.shard), name)]):
            self._must_be_apart(lock, name)  # behind the lock: of two that begin at once, one at least sees the other
            return self._carry_out(start_run, tell, ending)

    def _must_be_apart(self, lock, name):
        """Refuse to run beside all of the policy, and beside a part of it that is not one of as many as this one."""
        for identity, owner in self.run.ledger.held_by_others().items():
            part = _SHARD.match(identity[len(lock) + 1:])
            if identity == lock:
                raise ledger.busy(name, owner, "does all of it")
            if identity.startswith(lock + " ") and part is not None and (
                    self.shard is None or int(part.group(2)) != self.shard.of):
                raise ledger.busy(name, owner, "does its part %s" % part.group())

    def _carry_out(self, start_run, tell, ending):
        book = journal.Journal(self.run.folder, self.run.id)
        book.write("night", **self._first_record())
        night = runs.Night(self.run, start_run, self.policy, self.plan, self.proxies, ending, book, tell)
        night.pass_()
        self._prune(start_run, night, ending, book, tell)
        counts = self._counts(night)
        book.write("ended", at=self.run.manager.clock.time(), outcome=self._outcome(counts),
                   exit_status=self._exit_status(counts))
        return counts

    def _first_record(self):
        opens, closes = self.window or (None, None)
        return {"id": self.run.id, "manager": self.run.manager.name, "policy": self.policy.path,
                "name": self.policy.name, "started": self.now, "opens": opens, "closes": closes,
                "grace": self.policy.grace,
                "lab": self.run.manager.lab is not None, "shard": self.shard and "%d/%d" % self.shard,
                "resumes": self.resumed and self.resumed.id, "limits": self.policy.limits,
                "proxies": [{"name": proxy.server.name, "node": proxy.node} for proxy in self.proxies],
                "servers": [{"vs": member.server.name, "section": member.section.name, "node": member.node,
                             "bytes": member.bytes} for member in self.members],
                "left_out": [dict(each._asdict()) for each in self.left_out], "estimate": self.plan.seconds}

    def _to_prune(self, entries):
        """Return what retention finds of the policy's servers, where the catalog has ``entries``."""
        pairs = [(member.server.name, member.section) for member in self.wanted]
        return retention.plan_night(self.run.manager, pairs, entries, self.run.manager.clock.time())

    def _prune(self, start_run, night, ending, book, tell):
        """Remove what retention does not keep, as long as new things may begin."""
        pruning = []

        def note(each):
            """Write down what became of one backup."""
            book.write("pruned", backup=each["backup"], vs=each["vs"], why=each["why"])
            self._not_pruned += each["outcome"] != "ok"
            tell("pruned", each)

        def start():
            """Return a run that goes on for as long as new things may begin."""
            pruning.append(start_run("prune", lambda: ending.status_for(has_begun=False)))
            return pruning[-1]
        entries, damaged = self.run.catalog.readable()
        for error in damaged:
            tell("warning", error.message)
        try:
            retention.prune_night(start, self._to_prune(entries), note)
        except errors.Stopped:
            tell("warning", "not all that retention does not keep was removed: the next night goes on with it")
        finally:
            for each in pruning:
                self._take_over(each, night, tell)

    def _take_over(self, run, night, tell):
        """Record the boots of proxies that a run of the pruning took, its warnings, and what it left behind."""
        self.run.leftovers.extend(run.leftovers)
        for words in run.warnings:
            tell("warning", words)
        for proxy in self.proxies:
            night.write_reboots(proxy, [step for step in run.steps if step["object"] == proxy.server.name], None)

    def _counts(self, night):
        last = dict((facts["vs"], facts["outcome"]) for kind, facts in night.records if kind == "backup")
        found = collections.Counter(last.values())
        wanted = [member.server.name for member in self.members]
        without = [vs for vs in wanted if last.get(vs) not in GOOD]
        without += [each.vs for each in self.left_out if each.wanted]
        return {"outcomes": dict(found), "never_tried": sum(1 for vs in wanted if vs not in last), "without": without,
                "not_pruned": self._not_pruned}

    def _outcome(self, counts):
        if self.run.stop_status():
            return "stopped"
        if counts["without"]:
            return "failed"
        return "warning" if counts["outcomes"].get("warning") or counts["not_pruned"] else "ok"

    def _exit_status(self, counts):
        if self.run.leftovers:
            return errors.LEFTOVERS
        return self.run.stop_status() or {"failed": errors.FAILED, "warning": errors.WARNINGS}.get(
            self._outcome(counts), errors.DONE)


_NO_PROXY = ("no proxy can do it: it wants one in its data center, with the operating system that its mode wants, that "
             "the policy names in proxies")


def prepare(run, policy, shard_=None, resume=False, release=False):
    """Return the Prepared night of ``policy``; it changes nothing, but for what ``release`` asks for.

    shard_: a Shard, or None. resume: only what the policy's last night has not done. release: whether to release first
    what runs that are over left behind, which would keep their servers out of this night. Raises Refused where there is
    nothing to resume.
    """
    resumed = _last_night(run, policy, shard_) if resume else None
    if release:
        _must_be_open(policy, run.manager.clock.time())
        reconcile.reconcile(run)
    return Prepared(run, policy, shard_, resumed, members.read(run))


def _must_be_open(policy, now):
    """Refuse to begin outside the window."""
    window = _window(policy, now)
    if window is not None and now < window[0]:
        raise errors.Refused("the window of %s is %s: start it then" % (policy.name, _in_words(window)))


def _last_night(run, policy, shard_):
    words = shard_ and "%d/%d" % shard_
    found = [night for night in _readable_nights(run)
             if night.facts["policy"] == policy.path and night.facts["shard"] == words]
    if not found:
        raise errors.Refused("%s has had no night yet that could be resumed" % policy.path)
    last = found[-1]
    if last.end is not None and last.end["outcome"] in GOOD:
        raise errors.Refused("the last night of %s, %s, is done: there is nothing to resume" % (policy.path, last.id))
    closes = last.facts["closes"] or last.facts["started"] + DAY  # without a window, as long as a day
    if run.manager.clock.time() >= closes + last.facts["grace"]:
        raise errors.Refused("the last night of %s, %s, was over on %s: begin a new one, without --resume" % (
            policy.path, last.id, _clock(closes)))
    return last


def _readable_nights(run):
    """Return all nights that can be read, the oldest first."""
    found = [_readable_night(run, path) for path in journal.paths(run.folder)]
    return sorted((night for night in found if night is not None), key=lambda night: night.facts["started"])


def _readable_night(run, path):
    """Return the Night in a file, or None where there is none; one that is damaged is none, and warned of once."""
    try:
        return journal.read(path)
    except errors.UsageError as error:
        if error.message not in run.warnings:
            run.warn(error.message)
        return None


def _with_those_it_resumes(run, night):
    """Return a Night, or None for none, with the one that it resumes, and so on, as a list."""
    found = [] if night is None else [night]
    known = dict((each.id, each) for each in _readable_nights(run)) if found else {}
    while found and found[-1].facts["resumes"] in known and len(found) < len(known):
        found.append(known[found[-1].facts["resumes"]])
    return found


def _done_since(night, entries):
    """Return the names of servers that have a good backup of that night: by its journal, or by the catalog alone."""
    tried = [vs for vs, facts in night.last_tries().items() if facts["outcome"] in GOOD]
    planned = set(each["vs"] for each in night.facts["servers"])
    made = [entry["vs"] for entry in entries if entry["vs"] in planned and not objectives.is_bad(entry)
            and entry.get("verb") in ("proxy-backup", "agent-backup")
            and objectives.moment_of(entry) >= int(night.facts["started"])]
    return set(tried) | set(made)


def _window(policy, now):
    """Return the window that is open, or else the next one, as ``(opens, closes)``; None where it always is."""
    if policy.window is None:
        return None
    return policy.window.around(now) or policy.window.next_after(now)


def _free_bytes(found):
    """Return the bytes that the disk groups of Members have free, by name."""
    groups = dict((disk.group, disk.handle) for member in found for disk in member.disks)
    return dict((name, api.free_bytes(api.group_of(handle))) for name, handle in groups.items())


def _reboot_seconds(run):
    """Return what a reboot of a proxy took in one of the last nights, on average."""
    for path in reversed(journal.paths(run.folder)[-NIGHTS_LOOKED_AT:]):
        night = _readable_night(run, path)
        took = [reboot["seconds"] for reboot in night.of("reboot") if reboot["outcome"] == "ok"] if night else []
        if took:
            return sum(took) / len(took)
    return plan.REBOOT_SECONDS


def _batch(batch):
    return {"number": batch.number, "proxy": batch.proxy and batch.proxy.server.name, "begins": batch.begins,
            "servers": [{"vs": start.task.member.server.name, "section": start.task.member.section.name,
                         "at": start.at, "seconds": start.task.seconds} for start in batch.starts]}


def _in_words(window):
    return "%s to %s" % (_clock(window[0]), _clock(window[1]))


def _clock(moment):
    """Return a moment as people say it: by the local clock of the machine."""
    return said.moment(moment, "%a %H:%M")


def in_words(counts):
    """Return an error's words for the servers of ``counts`` that have no backup of the night."""
    without = counts["without"]
    more = " and %d more" % (len(without) - MOST_NAMED) if len(without) > MOST_NAMED else ""
    return "%d of the policy's servers %s no backup of this night: %s%s; vibackup report says why" % (
        len(without), "has" if len(without) == 1 else "have", ", ".join(without[:MOST_NAMED]), more)
