"""The virtual server that is made from what was kept of another one: what it is to be, and whether it can be."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import checks, errors, ledger, making
from vibackup import manager as api

# A disk that was kept, and where it is to go. entry: what is known of it; name: the new disk's; group: a handle.
Target = collections.namedtuple("Target", "entry name group group_name")

_SETTINGS = ("memory_bytes", "processors", "networks", "operating_system")


class NewServer(object):
    """The virtual server ``new_vs`` with ``disks``, made from ``origin`` (in words) of which ``entry`` tells.

    entry: a dict with ``vs``, the original's name, ``server``, its settings, and ``skipped``, the disks that were
    left out. disks: dicts with ``name``, ``bytes`` and ``group``. node, group: names; None: those of the original.
    isolated: without a network. Raises NotFound, and Refused where nobody says on which node or in which group.
    """

    def __init__(self, run, origin, entry, disks, new_vs, node=None, group=None, isolated=False):
        self.origin = origin
        self.entry = entry
        self.new_vs = new_vs
        self.isolated = isolated
        self.node_name = node or entry.get("server", {}).get("node")
        if self.node_name is None:
            raise errors.Refused("%s does not say which node its server had: give --to-node" % origin)
        self.node = run.manager.find("ManagedNode", self.node_name)
        names = disk_names(new_vs, entry["vs"], [disk["name"] for disk in disks])
        self.targets = [self._target(run, disk, name, group or disk.get("group")) for disk, name in zip(disks, names)]

    def _target(self, run, disk, name, group):
        if group is None:
            raise errors.Refused("%s does not say which disk group %s was in: give --to-group" % (
                self.origin, disk["name"]))
        return Target(disk, name, run.manager.find("LvmDiskGroup", group), group)

    def settings(self):
        """Return the settings of the new server: those of the original, as they were recorded."""
        recorded = dict((name, value) for name, value in self.entry.get("server", {}).items() if name in _SETTINGS)
        return dict(recorded, networks=[]) if self.isolated else recorded

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it: the names of the new server and its disks."""
        return [making.hold(ledger.SERVER, self.new_vs)] + [
            making.hold(ledger.DISK, target.name) for target in self.targets]

    def report(self, run):
        """Return what was made, for the JSON document."""
        return {"vs": self.new_vs, "of": self.entry["vs"], "node": self.node_name,
                "disks": [{"name": target.name, "of": target.entry["name"], "bytes": target.entry["bytes"],
                           "group": target.group_name} for target in self.targets],
                "seconds": run.elapsed()}


def check(run, new, purpose):
    """Refuse a NewServer that cannot be made. ``purpose``: how its disks are, a key of ``manager.NEEDS``."""
    run.manager.require_events()
    making.check(run.manager)
    for target in new.targets:
        api.require_for(purpose, target.group)
    api.require_for("new server", api.data_center_of(new.node))
    checks.name_is_free(run.manager, "VirtualServer", new.new_vs)
    for target in new.targets:
        checks.name_is_free(run.manager, "StorageDevice", target.name)
    checks.disk_space(run.manager, [(target.group, target.entry["bytes"]) for target in new.targets])
    for name in new.entry.get("skipped", ()):
        run.warn("%s has no %s: %s comes without it" % (new.origin, name, new.new_vs))
    if new.entry.get("server", {}).get("boot_type") == "CDROM":
        run.warn("%s boots from a network block device, and %s will boot from its first disk" % (
            new.entry["vs"], new.new_vs))
    if new.settings().get("networks") and run.manager.by_name("VirtualServer", new.entry["vs"]) is not None:
        run.warn("%s still exists, and %s will have its networks and its address: see --isolated" % (
            new.entry["vs"], new.new_vs))


def disk_names(new_vs, vs, names):
    """Return what the new server's disks are called: like those of the original, its own name in place of the old."""
    found = [new_vs + name[len(vs):] if name.startswith(vs) else "%s-%s" % (new_vs, name) for name in names]
    return found if len(set(found)) == len(names) else ["%s-%s" % (new_vs, name) for name in names]
