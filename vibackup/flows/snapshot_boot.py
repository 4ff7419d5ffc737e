"""Boot a snapshot from a device that backs it up and shuts down: the script in the paper's appendix."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import catalog, checks, power, steps
from vibackup import manager as api
from vibackup.quiesce import not_quiesced


def snapshot_boot(run, plan):
    """Take a snapshot of ``plan.vs`` and boot it from a device that backs it up; return the catalog's entry.

    1. A snapshot is taken.
    2. The device becomes the first one of the snapshot, which it boots from.
    3. The snapshot is started, and what is on the device backs up its disks.
    4. It stops by itself.
    5. The snapshot is deleted.

    run: a ``run.Run``. plan: a Plan. That it stopped by itself is the only sign of success that there is: a
    crash (a VirtualServerFailedEvent) is a failure, and so is a run longer than ``run.timeout``. Raises a
    VibackupError where there is no good backup, having taken back what it made; what it could not take back
    is in ``run.leftovers``.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with steps.snapshotted(run, plan.vs, not_quiesced()) as snapshot:
            steps.boot_from(run, snapshot, plan.device, plan.device_name, plan.boot_type)
            with power.running_until_it_stops(run, snapshot, run.timeout):
                checks.still_valid(snapshot.devices)
                return _record(run, plan)


def _record(run, plan):
    disks = [catalog.disk_entry(disk.name, disk.bytes, disk.group) for disk in plan.disks]
    entry = catalog.new_entry(run, run.new_backup_id(), plan.vs, plan.device_name, "boot", disks,
                              server=plan.settings)
    run.catalog.add(entry)
    return entry


class Plan(object):
    """A snapshot of the virtual server ``vs`` to be booted from ``boot_device``, both names.

    Raises NotFound, and Refused for a device that nothing boots from.
    """

    def __init__(self, run, vs, boot_device):
        self.vs = steps.find_server(run.manager, vs)
        self.device = run.manager.find_device(boot_device)
        self.device_name = boot_device
        self.disks = ()
        self.settings = {}
        self.boot_type = run.manager.boot_type(self.device)

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it."""
        return [(self.vs.id, self.vs.name)]

    def lines(self):
        """Return what will be done, a line a step."""
        return ["snapshot: %s" % self.vs.name, "boot from: %s" % self.device_name, "start: the snapshot",
                "wait until it has stopped by itself", "delete snapshot: %s" % self.vs.name]


def check(run, plan):
    """Make every check before a change, and complete ``plan``; raise what speaks against it."""
    plan.disks = checks.some_logical(plan.vs, checks.disks_of(run.manager, plan.vs))
    plan.settings = run.manager.settings_of(plan.vs.handle)
    checks.nobodys_disk(run.manager, plan.device, plan.device_name)
    api.require_for("boot", plan.vs.handle)
    checks.can_snapshot(run, plan.vs, plan.disks)
