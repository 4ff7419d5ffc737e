"""Copy a logical disk into another disk group: the paper's clone of a logical disk, taken from a snapshot."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import checks, errors, ledger, making, source
from vibackup import manager as api


def clone_disk(run, plan):
    """Make the disk ``plan.name`` with the bytes of ``plan.source``; return what ``Plan.report`` returns.

    1. A snapshot is taken of the virtual server that has the disk; a disk that none has is read itself.
    2. The snapshot logical disk is cloned into the disk group.
    3. The snapshot is deleted.
    4. The clone, now known to be good, gets its name.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where there is no good clone, having taken
    back what it made.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with making.kept(run) as made:
            with source.standing_still(run, plan.source) as disk:
                clone = made.cloned_disk(plan.group, plan.name, disk)
                if plan.source.vs is not None:
                    checks.still_valid([disk])
            if clone.bytes < plan.source.bytes:
                raise errors.VibackupError("the clone of %s has %d of its %d bytes, so it is not kept: try again, or "
                                           "use export-disk and import-disk" % (
                                               plan.source.name, clone.bytes, plan.source.bytes))
        return plan.report(run, clone.bytes)


class Plan(object):
    """A clone of the logical disk called ``disk`` into the disk group called ``group``; the new one is ``name``.

    Raises NotFound, and Refused for a disk that cannot be copied.
    """

    def __init__(self, run, disk, group, name):
        self.source = source.find(run.manager, disk)
        self.group = run.manager.find("LvmDiskGroup", group)
        self.group_name = group
        self.name = name

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it: the disk's server, and the new disk's name."""
        return source.holds(self.source) + [making.hold(ledger.DISK, self.name)]

    def lines(self):
        """Return what will be done, a line a step."""
        line = "clone disk: %s, %d bytes in %s, of %s" % (
            self.name, self.source.bytes, self.group_name, self.source.name)
        return source.lines(self.source, line) + ["keep: %s" % self.name]

    def report(self, run, size):
        """Return what was copied, to a disk of ``size`` bytes, for the JSON document."""
        return {"name": self.name, "of": self.source.name, "bytes": size, "group": self.group_name,
                "seconds": run.elapsed()}


def check(run, plan):
    """Make every check that can be made before a change; raise what speaks against it."""
    source.check(run, plan.source)
    making.check(run.manager)
    api.require_for("clone", plan.source.handle)
    api.require_for("space", plan.group)
    checks.name_is_free(run.manager, "StorageDevice", plan.name)
    checks.disk_space(run.manager, source.reserved(run, plan.source) + [(plan.group, plan.source.bytes)])
