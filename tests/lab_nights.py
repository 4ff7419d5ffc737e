# -*- coding: utf-8 -*-
"""Nights of a fleet in a lab in memory, without the command line: what a night is given, and what it writes down."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os

from fakes import opening
from tests.flows import fleets
from tests.flows.helpers import write_words
from vibackup import catalog, compat, site
from vibackup.fleet import journal, night, policy
from vibackup.flows import reconcile
from vibackup.run import Run


class Ground(object):
    """A lab, and nights of its fleet; ``stop``: the exit status of a stop that is asked for, ``is_urgent``: again.

    asks_for_stop(): returns that, whenever a run asks. told: what the watcher of the last night was told, as
    ``(kind, facts)``. on_tell(kind, facts): called with each.
    """

    def __init__(self, folder, description=None):
        self.folder = compat.text(str(folder))
        self.lab = opening.open_lab(None, self.write("inventory.json", json.dumps(description or fleets.inventory(3))))
        self.stop = None
        self.is_urgent = False
        self.asks_for_stop = lambda: self.stop
        self.told = []
        self.on_tell = lambda kind, facts: None

    def close(self):
        """Remove the lab."""
        self.lab.close()

    def write(self, name, words):
        """Write a file into the folder, and return its path."""
        return write_words(os.path.join(self.folder, name), words)

    def state(self):
        """Return the path of the state folder."""
        return site.state_folder(None, self.lab)

    def run(self, verb="fleet"):
        """Return a new run in the lab."""
        return Run(site.connect_lab(self.lab), self.state(), verb, stop_status=lambda: self.asks_for_stop())

    def policy(self, sections=None, **keys):
        """Write a policy as ``fleets.policy`` does; return it as it is read."""
        return policy.read(fleets.policy(self, sections, **keys).partition("=")[2])

    def prepare(self, run, sections=None, shard=None, resume=False, release=False, **keys):
        """Return the Prepared night of a policy, as ``fleets.policy`` takes it."""
        return night.prepare(run, self.policy(sections, **keys), shard, resume, release)

    def pass_(self, sections=None, **keys):
        """Let a whole night pass; return its counts."""
        with self.run() as run:
            return self.carry_out(self.prepare(run, sections, **keys))

    def carry_out(self, prepared):
        """Let a Prepared night pass; return its counts."""
        del self.told[:]
        return prepared.carry_out(self._start_run(prepared.run), self._tell,
                                  prepared.ending(lambda: self.is_urgent))

    def _start_run(self, run):
        def start_run(verb, stop_status, show=None):
            return Run(run.manager.for_thread(), run.folder, verb, show, stop_status=stop_status)
        return start_run

    def _tell(self, kind, facts):
        self.told.append((kind, facts))
        self.on_tell(kind, facts)

    # -- what was written down

    def last(self):
        """Return the last journal.Night."""
        return fleets.last(self)

    def tries(self, vs):
        """Return the facts of each try of ``vs`` in the last night."""
        return [each for each in self.last().of("backup") if each["vs"] == vs]

    def outcomes(self):
        """Return ``{server: [outcome of each try]}`` of the last night."""
        return fleets.outcomes(self.last())

    def entries(self):
        """Return the catalog's entries."""
        return catalog.Catalog(self.state()).entries()

    def objects(self):
        """Return the lab's objects, to be compared."""
        return self.lab.dump()["objects"]

    def one_fix_releases_all(self, before):
        """See one reconcile release what was left (L4), and another one find nothing; before: the objects then."""
        for is_first in (True, False):
            with self.run("reconcile") as run:
                assert (reconcile.reconcile(run) > 0) == is_first and run.leftovers == []
            assert self.objects() == before

    def write_night(self, *lines, **facts):
        """Write the journal of a night of the policy in ``nightly.ini``: lines of (kind, facts); return its id."""
        now = self.lab.clock.time()
        first = dict({"id": "n1", "manager": site.connect_lab(self.lab).name, "started": now - 600, "opens": None,
                      "policy": os.path.join(self.folder, "nightly.ini"), "name": "nightly", "closes": None,
                      "grace": 1800, "lab": True, "shard": None, "resumes": None, "limits": {}, "proxies": [],
                      "servers": [{"vs": name, "section": "all", "node": "node1", "bytes": fleets.SIZE}
                                  for name in fleets.names(3)], "left_out": [], "estimate": 600}, **facts)
        written = journal.Journal(self.state(), first["id"])
        for kind, each in (("night", first),) + lines:
            written.write(kind, **each)
        return first["id"]
