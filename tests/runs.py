# -*- coding: utf-8 -*-
"""Runs for tests: a lab of one's own, a ``vibackup.run.Run`` on it, and what it called."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import copy
import tempfile

from fakes import inventory
from fakes.faults import Fault
from fakes.lab import Lab
from tests import labs
from vibackup import compat, site, steps
from vibackup.run import Run


@contextlib.contextmanager
def small_lab(change=None, **keys):
    """Yield a small lab in memory, installed: ``--lab`` finds it too, and leaves it open.

    It has ``web01`` (Linux, one logical disk), ``db01`` (Windows, two), ``raw01`` (a raw disk), ``mixed01`` (one of
    each), the proxy ``pbh01`` and the network block device ``backup.iso``. ``keys`` replace those of the inventory's
    top level, and ``change(description)`` may change it before it is built.
    """
    description = labs.description(disks=copy.deepcopy(_DISKS), servers=copy.deepcopy(_SERVERS), **keys)
    if change is not None:
        change(description)
    lab = Lab(tempfile.mkdtemp(prefix=str("vibackup-test-")), persistent=False)
    try:
        inventory.build(lab, inventory.check(description, "test"))
        lab.spec = (None, None)
        yield lab.install()
    finally:
        lab.close()


_DISKS = [labs.disk("web01-system", files={"etc/hostname": "web01\n"}), labs.disk("db01-system"),
          labs.disk("db01-data", 2 * labs.MEGABYTE), labs.raw_disk("raw01-lun"),
          labs.disk("mixed01-system"), labs.raw_disk("mixed01-lun", lun="LUN-2"), labs.disk("pbh01-system")]
_SERVERS = [{"name": "web01", "node": "node1", "devices": ["web01-system"]},
            {"name": "db01", "node": "node1", "operating_system": "Windows", "devices": ["db01-system", "db01-data"]},
            {"name": "raw01", "node": "node1", "devices": ["raw01-lun"]},
            {"name": "mixed01", "node": "node1", "devices": ["mixed01-system", "mixed01-lun"]},
            {"name": "pbh01", "node": "node2", "devices": ["pbh01-system"]}]


def server(description, name):
    """Return the description of a server in an inventory."""
    return [each for each in description["servers"] if each["name"] == name][0]


def make_run(lab, folder, verb="proxy-backup", **more):
    """Return a Run on ``lab`` whose state is kept in ``folder`` (a tmpdir)."""
    return Run(site.connect_lab(lab), state_folder(folder), verb, **more)


def state_folder(folder):
    """Return the path of a state folder in ``folder`` (a tmpdir), as text."""
    return compat.text(str(folder.join("state")))


def find(run, name):
    """Return the virtual server called ``name`` as a ``steps.Server``."""
    return steps.find_server(run.manager, name)


def fail(lab, method, phase="before", action="throw", name=None, times=1):
    """Let ``method`` go wrong (on the object called ``name``); returns the fault, whose ``times`` counts down."""
    fault = Fault(phase, action, method=method, name=name, times=times)
    lab.faults.append(fault)
    return fault


def objects(lab):
    """Return the lab's objects, for comparing what was with what is."""
    return lab.dump()["objects"]


class Calls(object):
    """Listens to the calls of a lab: a list of methods' names, in order."""

    def __init__(self, lab):
        self.lines = []
        lab.trace = self

    def write(self, line):
        self.lines.append(line.decode("utf-8").rstrip("\n"))

    def flush(self):
        return

    close = flush

    def __contains__(self, method):
        return any(" %s" % method in line for line in self.lines)

    def of(self, method):
        """Return the lines of the calls of ``method``."""
        return [line for line in self.lines if " %s" % method in line]
