"""Restore a virtual server from its images: the procedure that the paper tested in Virtual Iron's lab."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import backup, checks, errors, ledger, making, new_server, power, recorded_backup, steps
from vibackup import manager as api
from vibackup.recorded_backup import RecordedBackup


def restore(run, plan):
    """Make the virtual server ``plan.new_vs`` from a backup, as the paper's lab did; return ``plan.report()``.

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
            server = restored_server(run, plan, made)
            power.start(run, server)
        return plan.report(run)


def restored_server(run, plan, made):
    """Make disks and server in ``made`` (a ``making.Making``); return the Server, which is not started yet."""
    disks = [made.disk(target.group, target.name, target.entry["bytes"]) for target in plan.targets]
    with power.running(run, plan.proxy):
        with steps.attached(run, disks, plan.proxy, plan.guest) as devices:
            for device in devices:
                backup.prove_blank(run, plan.guest, device)
            recorded_backup.write_images(run, plan, disks, devices)
    if run.ledger.open_facts(ledger.ATTACHMENT):
        raise errors.VibackupError("%s may still have the disks, so no server is made with them: %s" % (
            plan.proxy.name, run.leftovers[-1]["reason"]))
    return made.server(plan.node, plan.new_vs, plan.settings(), disks)


class Plan(RecordedBackup, new_server.NewServer):
    """A restore of the backup ``identity`` through ``proxy`` into a new virtual server ``new_vs``.

    See RecordedBackup and ``new_server.NewServer``.
    """

    def __init__(self, run, identity, proxy, new_vs, known, node=None, group=None, disks=(), location=None,
                 isolated=False):
        RecordedBackup.__init__(self, run, identity, proxy, known, disks, location)
        new_server.NewServer.__init__(self, run, "the backup %s" % self.entry["id"], self.entry, self.entries, new_vs,
                                      node, group, isolated)

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it: the proxy, and the new server's name."""
        return [(self.proxy.id, self.proxy.name)] + new_server.NewServer.holds(self)

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        names = [target.name for target in self.targets]
        return self.making_lines() + ["keep: %s" % ", ".join(names + [self.new_vs])]

    def making_lines(self):
        """Return the lines up to the new server's start."""
        lines = ["create disk: %s, %d bytes in %s" % (target.name, target.entry["bytes"], target.group_name)
                 for target in self.targets]
        lines += self.proxy_lines([target.name for target in self.targets], blank=True)
        return lines + ["create server: %s on %s" % (self.new_vs, self.node_name), "start: %s" % self.new_vs]

    def report(self, run):
        """Return what was restored, for the JSON document."""
        return dict(new_server.NewServer.report(self, run), backup=self.entry["id"])


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    recorded_backup.check(run, plan)
    new_server.check(run, plan, "new disk")
    checks.same_data_center(plan.proxy, api.node_of(plan.proxy.handle), plan.new_vs, plan.node)
    if plan.entries[0] is not plan.entry["disks"][0]:
        run.warn("%s is the first disk of the backup %s, and %s comes without it: it may not boot" % (
            plan.entry["disks"][0]["name"], plan.entry["id"], plan.new_vs))
    for disk in plan.entry["disks"]:
        if disk.get("array"):
            run.warn("%s is kept by the array %s as %s, which brings it back itself: %s comes without it" % (
                disk["name"], disk["array"], disk.get("tag"), plan.new_vs))
