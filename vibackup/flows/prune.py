"""Remove one backup that retention does not keep: by its agent's own commands, and from the catalog."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import re

from vibackup import (agents, backup, catalog, checks, errors, events, guest, ledger, objectives, power, prunable,
                      recorded_backup, steps)
from vibackup import manager as api
from vibackup.names import safe_name


def prune(run, plan):
    """Remove the backup of ``plan``; return ``plan.report()``.

    1. The agent finds the backup where it keeps it, and names it by our id: so it is there, and ours.
    2. Its entry is taken out of the catalog: from then on nobody restores it.
    3. The agent removes it.

    run: a ``run.Run``, which has the host of the plan at hand, see ``at_hand``. plan: a Plan. A crash leaves either
    the whole backup with its entry, or no entry and what ``reconcile`` removes. Raises a VibackupError where the
    backup is still there; where its entry is gone and the agent could not remove it all, that is in ``run.leftovers``.
    """
    with run.held(plan.holds()):
        check(run, plan)
        number = run.ledger.intend(ledger.BACKUP, proxy=plan.host.id, proxy_name=plan.host.name,
                                   vs_name=plan.entry["vs"], backup=plan.entry["id"], commands=plan.commands)
        try:
            with run.step("take out", plan.entry["id"], "of the catalog"):
                run.catalog.remove(plan.entry["id"])
        finally:
            run.release(number, lambda: _remove(run, plan))
        return plan.report()


@contextlib.contextmanager
def at_hand(run, entry):
    """Hold the virtual server through which the backup ``entry``, and others with it, are removed in the body.

    A proxy that does not run is started, and stopped again when left. Raises NotFound, Busy, Leftovers, and what a
    start does.
    """
    host = steps.find_server(run.manager, entry.get("proxy") or entry["vs"])
    with run.held([(host.id, host.name)]):
        if not entry.get("proxy"):
            yield
            return
        was = checks.power(run.manager, host)
        with power.running(run, host):
            if was != api.RUNNING:
                steps.guest_of(run, host).wait_until_it_answers(events.BOOT_SECONDS)
            yield


def _remove(run, plan):
    """Have the agent remove the backup; one that is in the catalog still is whole, and stays."""
    if not run.catalog.has(plan.entry["id"]):
        with run.step("prune", plan.entry["id"], "by %s in %s" % (plan.agent.name, plan.host.name)):
            backup.undo(plan.guest, plan.commands)


class Plan(object):
    """The removal of the backup that the catalog's ``entry`` speaks of.

    known: the ``agents.Agent`` objects by name. entries: all of the catalog for its virtual server, the oldest first.
    Raises NotFound, and Refused for a backup that may not be removed.
    """

    def __init__(self, run, entry, known, entries):
        self.entry = entry
        self.entries = entries
        self.agent = recorded_backup.agent_of(entry, known)
        self.site = prunable.site_of(run.manager, known)
        self.location = recorded_backup.location_of(entry, None)
        self.host = steps.find_server(run.manager, entry.get("proxy") or entry["vs"])
        self.guest = None
        self.commands = []

    def holds(self):
        """Return what the run must hold alone besides the host, as ``run.held`` takes it: the server and the backup."""
        server = (self.entry.get("vs_id"), self.entry["vs"])
        return [catalog.hold(self.entry["id"])] + ([server] if server[0] not in (None, self.host.id) else [])

    def commands_of(self, operation, parts):
        """Return the agent's commands for ``parts`` of the backup, each once; operation: find or discard."""
        found = []
        for part in parts:
            for command in self.agent.commands("%s_%s" % (self.entry["mode"], operation), self._values(part)):
                if command not in found:
                    found.append(command)
        return found

    def _values(self, part):
        return agents.values_for(self.agent, self.entry["vs"], part["name"], self.location,
                                 identifier_of(self.entry, part), backup_id=part.get("backup_id"))

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        return ["take out: %s" % self.entry["id"],
                "prune: %s, by %s in %s" % (self.entry["id"], self.agent.name, self.host.name)]

    def report(self):
        """Return what was removed, for the JSON document."""
        return {"backup": self.entry["id"], "vs": self.entry["vs"]}


def identifier_of(entry, part):
    """Return the id under which the agent was told to keep ``part`` of a backup; refuse one that is not of it."""
    if entry["mode"] == backup.IMAGE:
        return entry["id"]
    identity = part["files"].get("id") if isinstance(part.get("files"), dict) else None
    if not prunable.is_of_part(identity, entry):
        raise errors.Refused("the catalog does not say where the agent keeps %s of the backup %s, so nothing is "
                             "removed: remove it with %s itself" % (part["name"], entry["id"], entry["agent"]))
    return identity


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    _is_dispensable(run, plan)
    plan.guest = steps.guest_of(run, plan.host)
    plan.commands = [list(command) for command in plan.commands_of("discard", plan.entry["disks"])]
    checks.runs(run.manager, plan.host, "leave the backups that its agent made: it is not started to remove one")
    _must_be_ours(run, plan)


def _is_dispensable(run, plan):
    """Refuse what may not go, by what the catalog says now: since the plan was made it may have changed."""
    entry = run.catalog.find(plan.entry["id"])
    why = prunable.reason_to_leave(entry, plan.site)
    if why is None and entry.get("protected"):
        why = "it is protected"
    if why is not None:
        raise errors.Refused("the backup %s of %s stays: %s" % (entry["id"], entry["vs"], why))
    newer = prunable.successors(entry, prunable.countable(plan.entries, plan.site, run.now()))
    if newer is None or any(objectives.is_bad(run.catalog.find(each["id"])) for each in newer):
        raise errors.Refused("the backup %s of %s stays: there is no newer good one of all that it has" % (
            entry["id"], entry["vs"]))


def _must_be_ours(run, plan):
    """Have the agent show that it has each part, by our own id; where it cannot, what removes it must hold the id."""
    for part in plan.entry["disks"]:
        finds = plan.commands_of("find", [part])
        said = ["\n".join(_said(run, plan, command) for command in finds)] if finds else [
            " ".join(command.argv) for command in plan.commands_of("discard", [part])]
        identity = safe_name(identifier_of(plan.entry, part))
        if not all(_names(words, identity) for words in said):
            raise errors.Refused("%s in %s does not show %s of the backup %s, so it is not removed: look where it is, "
                                 "mount its share; or, if it is gone, move its entry out of the catalog" % (
                                     plan.agent.name, plan.host.name, part["name"], plan.entry["id"]))


def _said(run, plan, command):
    completed = plan.guest.command(command)
    if completed.status != 0:
        run.check_stop()
        raise errors.Refused("%s in %s does not find the backup %s, so it is not removed: %s" % (
            plan.agent.name, plan.host.name, plan.entry["id"], guest.failure(completed)))
    return completed.output


def _names(words, identity):
    """Tell whether ``identity`` stands in ``words``, and not as the beginning of a longer one."""
    return re.search(re.escape(identity) + r"(?![\w-]|\.[0-9])", words) is not None
