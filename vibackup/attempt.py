"""A backup on its way into the catalog: all of its parts are good, or none of them is kept."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from vibackup import agents, backup, catalog, ledger
from vibackup.masking import mask


@contextlib.contextmanager
def attempted(run, plan, server):
    """Yield an Attempt; where the body fails, what the agent has kept of its parts is removed.

    plan: has ``id`` of the backup, ``vs`` whose it is, ``agent``, ``mode``, ``location``, ``settings`` (see
    ``Manager.settings_of``) and ``guest``: that of ``server`` (a ``steps.Server``), where the agent runs.
    """
    number = run.ledger.intend(ledger.BACKUP, proxy=server.id, proxy_name=server.name, vs_name=plan.vs.name,
                               backup=plan.id, commands=[])
    attempt = Attempt(run, plan, server.name, number)
    try:
        yield attempt
        run.release(number, lambda: None)
    except BaseException:
        run.release(number, attempt.discard)
        raise


class Attempt(object):
    """What is done of a backup so far: ``back_up`` does one part more, ``record`` finishes it."""

    def __init__(self, run, plan, where, number):
        self._run = run
        self._plan = plan
        self._where = where
        self._number = number
        self._done = []
        self._seconds = 0

    def back_up(self, name, values, size, partitions=None, operation=None):
        """Have the agent back up the disk or folder called ``name``; raises AgentFailed, see ``backup.back_up``.

        values: for the agent's placeholders. size: bytes of the disk, None for a folder. partitions: as
        ``catalog.disk_entry`` has them. operation: the agent's, where it is not that of the plan's mode.
        """
        run, plan = self._run, self._plan
        with run.step("backup", name, "by %s on %s" % (plan.agent.name, self._where)) as record:
            backup.prepare(run, plan.guest, plan.agent, plan.mode, values)
            self._intend_to_undo(values)
            begun = run.elapsed()
            found = backup.back_up(run, plan.guest, plan.agent, plan.mode, values,
                                   size if plan.mode == backup.IMAGE else None, operation)
            self._seconds += run.elapsed() - begun
            record["detail"] += ", %s" % (found["outcome"] if found["bytes"] is None else "%d bytes" % found["bytes"])
        self._done.append(dict(found, name=name, size=size, partitions=partitions))

    def _intend_to_undo(self, values):
        """Record how what is made now is removed; not earlier: where nothing can be made, nothing can be removed."""
        run, plan = self._run, self._plan
        undo = backup.undo_commands(plan.agent, plan.mode, values)
        run.ledger.made(self._number, commands=run.ledger.facts(self._number)["commands"] + undo)

    def record(self, groups, skipped=(), others=()):
        """Write the backup to the catalog, now that it is known to be good; return the entry.

        groups: names of the disk groups by name of the disk. skipped: names of disks that are not in it.
        others: the catalog's entries of disks that something else has backed up in the same moment.
        """
        run, plan = self._run, self._plan
        warned = skipped or any(found["outcome"] != agents.OK for found in self._done)
        entry = catalog.new_entry(run, plan.id, plan.vs, plan.agent.name, plan.mode,
                                  [self._disk(found, groups.get(found["name"])) for found in self._done] + list(others),
                                  location=mask(plan.location), server=plan.settings, skipped=list(skipped),
                                  proxy=self._where if self._where != plan.vs.name else None,
                                  agent_seconds=round(self._seconds, 3),
                                  outcome=catalog.WARNING if warned else catalog.OK)
        run.catalog.add(entry)
        return entry

    def _disk(self, found, group):
        values = found["values"]
        files = None
        if self._plan.mode == backup.FILE:
            files = dict((key, values[key]) for key in ("id", "mount", "origin"))
        return catalog.disk_entry(found["name"], found["size"], group, found["bytes"], found["backup_id"],
                                  values["name"], found["outcome"], found["partitions"], files)

    def discard(self):
        """Remove what was made of a backup that is none; what the catalog has is whole, and stays."""
        run, plan = self._run, self._plan
        if not run.catalog.has(plan.id):
            for found in self._done:
                backup.discard(run, plan.guest, plan.agent, plan.mode, found)
            backup.undo(plan.guest, run.ledger.facts(self._number)["commands"])
