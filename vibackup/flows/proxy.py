"""Back up a virtual server through a proxy backup host: the paper's "Snapshots and a Proxy Backup Host"."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import agents, backup, catalog, checks, errors, events, guest, ledger, steps
from vibackup import manager as api
from vibackup.guest import layout
from vibackup.masking import mask
from vibackup.names import safe_name
from vibackup.quiesce import not_quiesced, quiesced

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
        plan.id = run.new_backup_id()
        with steps.running(run, plan.proxy):
            with steps.snapshotted(run, plan.vs, _quiesce(run, plan)) as snapshot:
                disks = plan.chosen(steps.snapshot_disks(run.manager, snapshot))
                with steps.attached(run, disks, plan.proxy, plan.guest) as devices:
                    return back_up_disks(run, plan, disks, devices)


def _quiesce(run, plan):
    if plan.vs_guest is None:
        return not_quiesced()
    return quiesced(run, plan.vs, plan.vs_guest, plan.freeze, plan.thaw)


def back_up_disks(run, plan, disks, devices):
    """Back up each of ``disks`` (SnapshotDisks) from its device; all are good, or none is kept and an error raised."""
    number = run.ledger.intend(ledger.BACKUP, proxy=plan.proxy.id, proxy_name=plan.proxy.name, vs_name=plan.vs.name,
                               backup=plan.id, commands=[])
    done = []
    try:
        for disk, device in zip(disks, devices):
            _back_up_disk(run, plan, disk, device, number, done)
        checks.still_valid([disk.handle for disk in disks])
        entry = _record(run, plan, done)
        run.release(number, lambda: None)
        return entry
    except BaseException as error:
        run.release(number, lambda: _discard(run, plan, done, run.ledger.facts(number)["commands"]))
        if isinstance(error, errors.AgentFailed):
            checks.still_valid([disk.handle for disk in disks])  # a lost snapshot is the better reason
        raise


def _discard(run, plan, done, commands):
    """Remove what was made of a backup that is none; what the catalog has is whole, and stays."""
    if not run.catalog.has(plan.id):
        for found in done:
            backup.discard(run, plan.guest, plan.agent, plan.mode, found)
        backup.undo(plan.guest, commands)


def _back_up_disk(run, plan, disk, device, number, done):
    """Back up one disk, as an image or a partition at a time; what is complete is added to ``done``."""
    if plan.mode == backup.IMAGE:
        values = plan.values(disk.original, plan.id, device=device.path)
        found = _run_agent(run, plan, disk, values, disk.bytes, number)
        done.append(dict(found, partitions=layout(device)))
        return
    folder = "%s/%s" % (MOUNTS, plan.values(disk.original, plan.id)["name"])
    with steps.mounted(run, plan.guest, device, folder) as mounts:
        for partition, where in mounts:
            values = plan.partition_values(disk.original, plan.id, partition, where)
            done.append(_run_agent(run, plan, disk, values, None, number))


def _run_agent(run, plan, disk, values, size, number):
    undo = backup.undo_commands(plan.agent, plan.mode, values)
    run.ledger.made(number, commands=run.ledger.facts(number)["commands"] + undo)
    with run.step("backup", disk.original, "by %s on %s" % (plan.agent.name, plan.proxy.name)) as record:
        found = backup.back_up(run, plan.guest, plan.agent, plan.mode, values, size)
        record["detail"] += ", %s" % (found["outcome"] if found["bytes"] is None else "%d bytes" % found["bytes"])
        return dict(found, name=disk.original, size=disk.bytes)


def _record(run, plan, done):
    """Write the backup to the catalog, now that it is known to be good; return the entry."""
    warned = plan.skipped or any(found["outcome"] != agents.OK for found in done)
    groups = dict((disk.name, disk.group) for disk in plan.disks)
    disks = [catalog.disk_entry(found["name"], found["size"], groups[found["name"]], found["bytes"],
                                found["backup_id"], found["values"]["name"], found["outcome"], found.get("partitions"))
             for found in done]
    entry = catalog.new_entry(run, plan.id, plan.vs, plan.agent.name, plan.mode, disks, location=mask(plan.location),
                              server=plan.settings, skipped=[disk.name for disk in plan.skipped],
                              outcome=catalog.WARNING if warned else catalog.OK)
    run.catalog.add(entry)
    return entry


class Plan(object):
    """A backup of the virtual server ``vs`` by ``agent`` (an ``agents.Agent``) on ``proxy``; both are names.

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

    def chosen(self, snapshot_disks):
        """Return those of the SnapshotDisks whose originals are to be backed up."""
        names = [disk.name for disk in self.disks]
        found = [disk for disk in snapshot_disks if disk.original in names]
        if sorted(disk.original for disk in found) != sorted(names):
            raise errors.VibackupError("the snapshot of %s has the disks %s where these were to be backed up: %s" % (
                self.vs.name, ", ".join(disk.original for disk in found) or "none", ", ".join(names)))
        return found

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

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        disks = ", ".join(disk.name for disk in self.disks)
        lines = ["snapshot: %s" % self.vs.name, "attach: %s to %s" % (disks, self.proxy.name),
                 "reboot: %s" % self.proxy.name, "find disks: %s" % self.proxy.name]
        lines += ["backup: %s, as %s, by %s to %s" % (disk.name, self.mode, self.agent.name,
                                                      self.location or "its server") for disk in self.disks]
        lines += ["detach: %s from %s" % (disks, self.proxy.name), "reboot: %s" % self.proxy.name,
                  "check disks: %s" % self.proxy.name, "delete snapshot: %s" % self.vs.name]
        if self.vs_guest is not None:
            lines = ["freeze: %s" % self.vs.name, lines[0], "thaw: %s" % self.vs.name] + lines[1:]
        if self.proxy_was != api.RUNNING:
            lines = ["start: %s" % self.proxy.name] + lines + ["stop: %s" % self.proxy.name]
        return lines


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    checks.placement(run, plan.vs, plan.proxy)
    plan.guest = steps.guest_of(run, plan.proxy)
    disks = checks.disks_of(run.manager, plan.vs)
    plan.disks, plan.skipped = checks.choose_disks(plan.vs, disks, plan.names, plan.skip_raw)
    plan.settings = run.manager.settings_of(plan.vs.handle)
    _check_mode(plan)
    api.require_for("proxy", plan.proxy.handle)
    checks.can_snapshot(run, plan.vs, [disk for disk in disks if disk.kind == api.LOGICAL])
    plan.proxy_was = checks.power(run.manager, plan.proxy)
    if plan.proxy_was == api.RUNNING:
        checks.answers(plan.guest)
    if plan.freeze is not None:
        _check_quiesce(run, plan)
    for disk in plan.skipped:
        run.warn("%s: the raw disk %s is left out" % (plan.vs.name, disk.name))


def _check_mode(plan):
    operation = plan.mode + "_backup"
    plan.agent.commands(operation, plan.values("disk", "id", device="/dev/x", mount="/x", origin="/"))
    if plan.mode == backup.FILE:
        checks.same_operating_system(plan.vs, plan.proxy)
    elif plan.guest.family != guest.LINUX:
        raise errors.Refused("%s is not a Linux guest: an image is read by a Linux proxy" % plan.proxy.name)


def _check_quiesce(run, plan):
    """A server that does not run has nothing to hold still."""
    if events.state_of(run.manager, plan.vs.handle) == api.RUNNING:
        plan.vs_guest = steps.guest_of(run, plan.vs)
        checks.answers(plan.vs_guest)
    else:
        run.warn("%s does not run, so it is not frozen" % plan.vs.name)
