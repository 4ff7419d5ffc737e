"""Restore a virtual server from its images: the procedure that the paper tested in Virtual Iron's lab."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import agents, backup, checks, errors, guest, making, steps
from vibackup import manager as api
from vibackup.masking import MASK

# A disk of a backup, and where it is to go. entry: the catalog's; name: the new disk's; group: a handle, and its name.
Target = collections.namedtuple("Target", "entry name group group_name")


def restore(run, plan):
    """Make the virtual server ``plan.new_vs`` from a backup, as the paper's lab did; return what ``report_of`` returns.

    1. A new logical disk is created, of the size of the original.
    2. It is assigned to the proxy, which discovers it by a reboot; its existence is verified, and that it is blank.
    3. The image is restored to the new disk device and verified.
    4. The logical disk is removed from the proxy, which is rebooted.
    5. A new virtual server is created and assigned the new disk as its boot disk.
    6. The new virtual server boots from it.

    run: a ``run.Run``. plan: a Plan. The original is not touched. Raises a VibackupError where the new
    server does not run, having taken back all that was made.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with making.kept(run) as made:
            bring_up(run, plan, made)
        return plan.report(run)


def bring_up(run, plan, made):
    """Make disks and server in ``made`` (a ``making.Making``) and start it; return it as a ``steps.Server``, running."""
    with steps.running(run, plan.proxy):
        disks = [made.disk(target.group, target.name, target.entry["bytes"]) for target in plan.targets]
        with steps.attached(run, disks, plan.proxy, plan.guest) as devices:
            for device in devices:
                backup.prove_blank(run, plan.guest, device)
            restore_images(run, plan, devices)
    server = made.server(plan.node, plan.new_vs, plan.settings(), disks)
    steps.start(run, server)
    return server


def restore_images(run, plan, devices):
    """Have the agent restore each disk of the backup onto its one of ``devices`` (GuestDisks)."""
    for target, device in zip(plan.targets, devices):
        with run.step("restore", target.entry["name"], "by %s onto %s" % (plan.agent.name, device.path)):
            backup.bring_back(run, plan.guest, plan.agent, plan.values(target.entry, device.path), device.bytes)
        backup.look_at(run, plan.guest, device, target.entry.get("partitions"))


class Plan(object):
    """A restore of the backup ``identity`` of the catalog through ``proxy`` into a new virtual server ``new_vs``.

    known: the ``agents.Agent`` objects by name. node, group: names; None: those of the original. disks:
    names of the disks wanted; none: all. location: None: the backup's own. isolated: without a network.
    Raises NotFound, and Refused for a backup that cannot be restored this way.
    """

    def __init__(self, run, identity, proxy, new_vs, known, node=None, group=None, disks=(), location=None,
                 isolated=False):
        self.entry = run.catalog.find(identity)
        self.entries = choose(self.entry, disks)
        self.agent = agent_of(self.entry, known)
        self.location = location_of(self.entry, location)
        self.proxy = steps.find_server(run.manager, proxy)
        self.new_vs = new_vs
        self.node_name = node or self._recorded("node", "--to-node")
        self.node = run.manager.find("ManagedNode", self.node_name)
        self.targets = [self._target(run, entry, group) for entry in self.entries]
        self.isolated = isolated
        self.guest = None
        self.proxy_was = None

    def _recorded(self, setting, option):
        found = self.entry.get("server", {}).get(setting)
        if found is None:
            raise errors.Refused("the backup %s does not say which %s its server had: give %s" % (
                self.entry["id"], setting, option))
        return found

    def _target(self, run, entry, group):
        name = group or entry.get("group")
        if name is None:
            raise errors.Refused("the backup %s does not say which disk group %s was in: give --to-group" % (
                self.entry["id"], entry["name"]))
        return Target(entry, disk_name(self.new_vs, self.entry["vs"], entry["name"]),
                      run.manager.find("LvmDiskGroup", name), name)

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it: the proxy, and the new server's name."""
        return [(self.proxy.id, self.proxy.name), ("new " + self.new_vs, self.new_vs)]

    def settings(self):
        """Return the settings of the new server: those of the original, as the backup recorded them."""
        recorded = dict((name, value) for name, value in self.entry.get("server", {}).items()
                        if name in ("memory_bytes", "processors", "networks", "operating_system"))
        return dict(recorded, networks=[]) if self.isolated else recorded

    def values(self, entry, device):
        """Return what the agent's placeholders stand for when it restores the disk of ``entry`` onto ``device``."""
        return agents.values_for(self.agent, self.entry["vs"], entry["name"], self.location, self.entry["id"],
                                 device=device, backup_id=entry.get("backup_id"))

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        names = ", ".join(target.name for target in self.targets)
        lines = ["create disk: %s, %d bytes in %s" % (target.name, target.entry["bytes"], target.group_name)
                 for target in self.targets]
        lines += ["attach: %s to %s" % (names, self.proxy.name), "reboot: %s" % self.proxy.name,
                  "find disks: %s" % self.proxy.name, "prove blank: %s" % names]
        lines += ["restore: %s, by %s from %s" % (target.entry["name"], self.agent.name, self.location or "its server")
                  for target in self.targets]
        lines += ["detach: %s from %s" % (names, self.proxy.name), "reboot: %s" % self.proxy.name,
                  "create server: %s on %s" % (self.new_vs, self.node_name), "start: %s" % self.new_vs]
        if self.proxy_was != api.RUNNING:
            lines = ["start: %s" % self.proxy.name] + lines[:-2] + ["stop: %s" % self.proxy.name] + lines[-2:]
        return lines

    def report(self, run):
        """Return what was restored, for the JSON document."""
        return {"vs": self.new_vs, "backup": self.entry["id"], "of": self.entry["vs"], "node": self.node_name,
                "disks": [{"name": target.name, "of": target.entry["name"], "bytes": target.entry["bytes"],
                           "group": target.group_name} for target in self.targets],
                "seconds": run.elapsed()}


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    check_reading(run, plan)
    run.manager.require_events()
    for target in plan.targets:
        api.require_for("new disk", target.group)
    api.require_for("new server", api.data_center_of(plan.node))
    checks.name_is_free(run.manager, "VirtualServer", plan.new_vs)
    for target in plan.targets:
        checks.name_is_free(run.manager, "StorageDevice", target.name)
    checks.disk_space(run.manager, [(target.group, target.entry["bytes"]) for target in plan.targets])
    for name in plan.entry.get("skipped", ()):
        run.warn("the backup %s has no %s: %s comes without it" % (plan.entry["id"], name, plan.new_vs))
    _warn_of_the_original(run, plan)


def check_reading(run, plan):
    """Check that the proxy can bring the backup's bytes back, and that nothing is known against them."""
    plan.guest = steps.guest_of(run, plan.proxy)
    if plan.guest.family != guest.LINUX:
        raise errors.Refused("%s is not a Linux guest: an image is written by a Linux proxy" % plan.proxy.name)
    plan.agent.commands("image_restore", plan.values(plan.entries[0], "/dev/x"))
    _newest_where_it_must_be(run, plan)
    api.require_for("proxy", plan.proxy.handle)
    plan.proxy_was = checks.power(run.manager, plan.proxy)
    if plan.proxy_was == api.RUNNING:
        checks.answers(plan.guest)
    if plan.entry.get("verified", {}).get("outcome") == errors.DoesNotBoot.outcome:
        run.warn("the backup %s was verified, and did not boot" % plan.entry["id"])


def _newest_where_it_must_be(run, plan):
    """Some agents bring back the newest image of a disk and no other; then no other can be asked for."""
    if plan.agent.restores_any_backup:
        return
    same = [entry for entry in run.catalog.entries(plan.entry["vs"]) if entry["agent"] == plan.entry["agent"]
            and set(disk["name"] for disk in plan.entries) & set(disk["name"] for disk in entry["disks"])]
    if same and same[-1]["id"] != plan.entry["id"]:
        raise errors.Refused("%s restores the newest image alone, which is of the backup %s and not of %s" % (
            plan.agent.name, same[-1]["id"], plan.entry["id"]))


def _warn_of_the_original(run, plan):
    original = run.manager.by_name("VirtualServer", plan.entry["vs"])
    if original is not None and plan.settings().get("networks"):
        run.warn("%s still exists, and %s will have its networks and its address: see --isolated" % (
            plan.entry["vs"], plan.new_vs))


# -- what a backup has

def choose(entry, names):
    """Return the disks of the catalog's ``entry`` that are called ``names``, or all; raise what speaks against them."""
    if entry.get("mode") != backup.IMAGE:
        raise errors.Refused("the backup %s holds no images (mode %s, by %s): its agent restores it" % (
            entry["id"], entry.get("mode"), entry["agent"]))
    disks = [disk for disk in entry["disks"] if disk.get("bytes") is not None]
    for name in names:
        if name not in [disk["name"] for disk in disks]:
            raise errors.NotFound("the backup %s has no disk %s; it has: %s" % (
                entry["id"], name, ", ".join(disk["name"] for disk in disks) or "none"))
    chosen = [disk for disk in disks if disk["name"] in names or not names]
    if not chosen:
        raise errors.Refused("the backup %s has no disk to restore" % entry["id"])
    return chosen


def agent_of(entry, known):
    """Return the Agent that made ``entry``; raise Refused where ``known`` has it no more."""
    if entry["agent"] not in known:
        raise errors.Refused("the backup %s was made by the agent %s, which is not known here: give --agents" % (
            entry["id"], entry["agent"]))
    return known[entry["agent"]]


def location_of(entry, given):
    """Return where the agent keeps ``entry``; raise Refused where the catalog has only a part of it."""
    recorded = entry.get("location")
    if given is None and recorded is not None and MASK in recorded:
        raise errors.Refused("the location of the backup %s holds a password, which the catalog does not keep: give "
                             "--location" % entry["id"])
    return given or recorded


def disk_name(new_vs, vs, name):
    """Return the name of the new server's disk: that of the original with the new server's name in place of the old."""
    return new_vs + name[len(vs):] if name.startswith(vs) else "%s-%s" % (new_vs, name)
