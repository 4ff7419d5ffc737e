"""Back up a virtual server through a proxy backup host: the paper's "Snapshots and a Proxy Backup Host"."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import agents, backup, checks, errors, guest, power, quiesce, steps
from vibackup.attempt import attempted
from vibackup.guest import layout
from vibackup.names import safe_name

MOUNTS = "/mnt/vibackup"


def proxy_backup(run, plan):
    """Back up the disks of ``plan.vs`` by ``plan.agent`` on ``plan.proxy``; return the catalog's entry.

    1. A snapshot of the primary volume is taken.
    2. The snapshot logical disk is assigned to the proxy.
    3. The proxy discovers it by a reboot.
    4. The proxy runs the backup.
    5. The logical disk is unassigned from the proxy.
    6. The snapshot is deleted.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where there is no good backup, having
    taken back what it made; what it could not take back is in ``run.leftovers``.
    """
    with run.held(plan.holds()):
        check(run, plan)
        moment = quiesce.around_snapshot(run, plan.vs, plan.vs_guest, plan.freeze, plan.thaw)
        return back_up_snapshot(run, plan, run.new_backup_id(), moment)


def back_up_snapshot(run, plan, identity, moment, others=list):
    """Take those six steps, where ``check`` has completed the plan; return the catalog's entry.

    identity: the backup's id. moment: a context manager around the first step. others: called at the end, returns
    the catalog's entries of disks that something else has backed up in the same moment, or raises where it has not.
    """
    plan.id = identity
    with power.running(run, plan.proxy):
        with steps.snapshotted(run, plan.vs, moment) as snapshot:
            disks = steps.snapshot_disks_of(run.manager, plan.vs, snapshot, [disk.name for disk in plan.disks])
            with steps.attached(run, disks, plan.proxy, plan.guest) as devices:
                return back_up_disks(run, plan, disks, devices, others)


def back_up_disks(run, plan, disks, devices, others=list):
    """Back up each of ``disks`` (SnapshotDisks) from its one of ``devices`` (GuestDisks); return the catalog's entry.

    All are good, or none is kept and an error raised; others: as ``back_up_snapshot`` takes it.
    """
    handles = [disk.handle for disk in disks]
    try:
        with attempted(run, plan, plan.proxy) as attempt:
            for disk, device in zip(disks, devices):
                steps.must_still_show(plan.proxy, plan.guest, disks, devices)
                _back_up_disk(run, plan, attempt, disk, device)
            steps.must_still_show(plan.proxy, plan.guest, disks, devices)
            checks.still_valid(handles)
            return attempt.record(dict((disk.name, disk.group) for disk in plan.disks),
                                  [disk.name for disk in plan.skipped], others())
    except errors.AgentFailed:
        checks.still_valid(handles)  # a lost snapshot is the better reason
        raise


def _back_up_disk(run, plan, attempt, disk, device):
    """Back up one disk, as an image or a partition at a time."""
    if plan.mode == backup.IMAGE:
        values = plan.values(disk.original, plan.id, device=device.path)
        attempt.back_up(disk.original, values, disk.bytes, layout(device))
        return
    folder = "%s/%s" % (MOUNTS, plan.values(disk.original, plan.id)["name"])
    with steps.mounted(run, plan.guest, device, folder) as mounts:
        for partition, where in mounts:
            attempt.back_up(disk.original, plan.partition_values(disk.original, plan.id, partition, where), disk.bytes)


class Plan(object):
    """A backup of the virtual server ``vs`` by ``agent`` (an ``agents.Agent``) on ``proxy``: names, or steps.Servers.

    mode: backup.IMAGE or backup.FILE. disks: names of logical disks; none: all. skip_raw: leave raw
    disks out, instead of refusing. location: where the agent keeps it; None: its default. freeze,
    thaw: commands as lists of words, or None. Raises NotFound.
    """

    def __init__(self, run, vs, proxy, agent, mode=backup.IMAGE, disks=(), skip_raw=False, location=None,
                 freeze=None, thaw=None):
        self.vs = steps.find_server(run.manager, vs)
        self.proxy = steps.find_server(run.manager, proxy)
        self.mode = mode
        self.agent = agent
        self.location = location or agent.default_location
        self.freeze, self.thaw = freeze, thaw
        self.skip_raw = skip_raw
        self.names = disks
        self.id = None
        self.guest = self.vs_guest = None
        self.disks = self.skipped = ()
        self.settings = {}
        self.proxy_was = None

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it."""
        return [(self.vs.id, self.vs.name), (self.proxy.id, self.proxy.name)]

    def values(self, disk, identifier, **more):
        """Return what the agent's placeholders stand for when it backs up ``disk``."""
        return agents.values_for(self.agent, self.vs.name, disk, self.location, identifier, **more)

    def origin(self, disk, number):
        """Return the lasting name of partition ``number`` of ``disk``, whatever letter or folder the proxy gives it."""
        if self.guest.family == guest.WINDOWS:
            return "\\\\%s\\%s.%d" % (safe_name(self.vs.name), safe_name(disk), number)
        return "/vibackup/%s/%d" % (safe_name(disk), number)

    def partition_values(self, disk, identifier, number, where):
        """Return the same for partition ``number`` of ``disk``, mounted at ``where``."""
        return self.values(disk, "%s.%d" % (identifier, number), mount=where, origin=self.origin(disk, number))

    def lines(self, also=(), then=()):
        """Return what will be done, a line a step, once ``check`` has completed the plan.

        also, then: lines of what else is done right before the snapshot, and right after the thaw.
        """
        moment = quiesce.lines_around(self.vs, self.vs_guest, list(also) + ["snapshot: %s" % self.vs.name])
        backups = ["backup: %s, as %s, by %s to %s" % (disk.name, self.mode, self.agent.name,
                                                       self.location or "its server") for disk in self.disks]
        on_proxy = steps.attached_lines([disk.name for disk in self.disks], self.proxy, backups)
        return power.running_lines(self.proxy, self.proxy_was, moment + list(then) + on_proxy + [
            "delete snapshot: %s" % self.vs.name])


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    checks.placement(run, plan.vs, plan.proxy)
    plan.guest = steps.guest_of(run, plan.proxy)
    disks = checks.disks_of(run.manager, plan.vs)
    plan.disks, plan.skipped = checks.choose_disks(plan.vs, disks, plan.names, plan.skip_raw)
    plan.settings = run.manager.settings_of(plan.vs.handle)
    _check_mode(plan)
    checks.can_snapshot(run, plan.vs, checks.logical(disks))
    plan.proxy_was = checks.proxy_answers(run, plan.proxy, plan.guest)
    if plan.freeze is not None:
        plan.vs_guest = quiesce.guest_of(run, plan.vs)
    checks.warn_of_skipped(run, plan.vs, plan.skipped)


def _check_mode(plan):
    operation = plan.mode + "_backup"
    plan.agent.commands(operation, plan.values("disk", "id", device="/dev/x", mount="/x", origin="/"))
    if plan.mode == backup.FILE:
        checks.same_operating_system(plan.vs, plan.proxy)
    else:
        checks.linux(plan.guest, "an image is read by a Linux proxy")
