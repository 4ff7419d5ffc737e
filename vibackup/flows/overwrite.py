"""Restore a backup's images onto logical disks that exist, and that the administrator has named one by one."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import contextlib

from vibackup import checks, errors, ledger, power, recorded_backup, source, steps
from vibackup import manager as api
from vibackup.recorded_backup import RecordedBackup

# A disk to write over; it can be attached as a ``steps.SnapshotDisk`` can. vs: the Server that has it, or None.
Target = collections.namedtuple("Target", "handle id name original bytes group vs")


def overwrite(run, plan):
    """Write a backup's images over the disks of ``plan``; return what was restored, for the JSON document.

    1. The disks are assigned to the proxy beside the server that has them, which does not run.
    2. The proxy discovers them by a reboot.
    3. The images are restored to the disk devices and verified.
    4. The disks are removed from the proxy, which is rebooted.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where an image did not come back whole. What is
    half-written then is worthless: it is a leftover, and named.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with power.running(run, plan.proxy):
            with steps.attached(run, plan.targets, plan.proxy, plan.guest) as devices:
                with _whole_or_named(run, plan):
                    recorded_backup.write_images(run, plan, plan.targets, devices)
        return plan.report(run)


@contextlib.contextmanager
def _whole_or_named(run, plan):
    """From the first byte to the last the disks are worthless: the ledger knows, so that nobody takes them for good."""
    numbers = [_intend(run, target) for target in plan.targets]
    whole = False
    try:
        yield
        whole = True
    finally:
        for number in numbers:
            run.release(number, (lambda: None) if whole else _refuse)


def _intend(run, target):
    held = source.holds(target)[0]
    return run.ledger.intend(ledger.OVERWRITE, vs=held[0], vs_name=held[1], disk=target.id, disk_name=target.name)


def _refuse():
    raise errors.Refused("its content is worthless until it is restored again: vibackup reconcile --fix, then restore")


class Plan(RecordedBackup):
    """A restore of the backup ``identity`` through ``proxy`` onto the logical disks called ``names``, in their order.

    See RecordedBackup. Raises NotFound, and Refused where the names do not fit the backup's disks.
    """

    def __init__(self, run, identity, proxy, names, known, disks=(), location=None):
        RecordedBackup.__init__(self, run, identity, proxy, known, disks, location)
        if len(names) != len(self.entries):
            raise errors.Refused("--overwrite names %d where the backup %s has %d to restore (%s): name a disk for "
                                 "each, or choose with --disk" % (
                                     len(names), self.entry["id"], len(self.entries),
                                     ", ".join(entry["name"] for entry in self.entries)))
        self.targets = [_target(run.manager, name) for name in names]

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it."""
        return [(self.proxy.id, self.proxy.name)] + [held for target in self.targets for held in source.holds(target)]

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        return self.proxy_lines([target.name for target in self.targets], blank=False)

    def report(self, run):
        """Return what was restored, for the JSON document."""
        return {"vs": None, "backup": self.entry["id"], "of": self.entry["vs"], "node": None,
                "disks": [{"name": target.name, "of": entry["name"], "bytes": target.bytes,
                           "group": target.group}
                          for target, entry in zip(self.targets, self.entries)],
                "seconds": run.elapsed()}


def _target(manager, name):
    same = [disk for disk in manager.objects("LogicalDisk") if api.name_of(disk) == name]
    if len(same) != 1:
        raise errors.NotFound("%s logical disk is called %s" % ("no" if not same else "more than one", name))
    holder = manager.holder_of(same[0])
    return Target(same[0], api.identity_of(same[0]), name, name, api.bytes_of(same[0]),
                  api.name_of(api.group_of(same[0])),
                  steps.server_of(holder) if holder is not None else None)


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    if len(set(target.id for target in plan.targets)) != len(plan.targets):
        raise errors.Refused("one disk is named twice with --overwrite: %s" % ", ".join(
            target.name for target in plan.targets))
    run.manager.require_events()
    recorded_backup.check(run, plan)
    _check_not_crossed(plan)
    for target, entry in zip(plan.targets, plan.entries):
        _check_target(run, target, entry)
        if target.vs is not None and target.vs.id == plan.proxy.id:
            raise errors.Refused("%s is a disk of the proxy %s itself" % (target.name, plan.proxy.name))


def _check_not_crossed(plan):
    """Refuse to write the image of one disk over a disk that is called like another one of the backup."""
    for target, entry in zip(plan.targets, plan.entries):
        if target.name != entry["name"] and target.name in [each["name"] for each in plan.entry["disks"]]:
            raise errors.Refused("%s would get the image of %s, and the backup has one of %s itself: name the disks of "
                                 "--overwrite in the order of the backup's, or of --disk" % (
                                     target.name, entry["name"], target.name))


def _check_target(run, target, entry):
    if target.bytes != entry["bytes"]:
        raise errors.Refused("%s has %d bytes, and the backup of %s has %d: they must be equal" % (
            target.name, target.bytes, entry["name"], entry["bytes"]))
    if api.parent_of(target.handle) is not None:
        raise errors.Refused("%s is a snapshot disk, which is never written to" % target.name)
    for disk in run.manager.objects("LogicalDisk"):
        parent = api.parent_of(disk)
        if parent is not None and api.identity_of(parent) == target.id:
            raise errors.Refused("%s has a snapshot, called %s: discard that first" % (target.name, api.name_of(disk)))
    if target.vs is not None and checks.power(run.manager, target.vs) == api.RUNNING:
        raise errors.Refused("%s is a disk of %s, which runs: stop it first" % (target.name, target.vs.name))
