"""Make a logical disk from a VHD file: the paper's import of a logical disk."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import checks, errors, files, making, vhd
from vibackup import manager as api


def import_disk(run, plan):
    """Make the logical disk ``plan.name`` from the VHD ``plan.path``; return what ``Plan.report`` returns.

    1. The file is checked.
    2. The manager imports it as a new logical disk of the disk group.
    3. The disk, now known to be whole, gets its name.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where there is no good disk, having taken
    back what it made.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with making.kept(run) as made:
            disk = made.imported_disk(plan.group, plan.name, plan.path)
            if disk.bytes < plan.bytes:
                raise errors.VibackupError("the disk made from %s has %d of its %d bytes" % (
                    plan.path, disk.bytes, plan.bytes))
        return plan.report(run)


class Plan(object):
    """An import of the file ``path`` into the disk group called ``group``; the new disk is ``name``.

    Raises NotFound.
    """

    def __init__(self, run, path, group, name):
        self.path = files.absolute(path)
        self.group = run.manager.find("LvmDiskGroup", group)
        self.group_name = group
        self.name = name
        self.bytes = None

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it: the new disk's name."""
        return [("new disk " + self.name, self.name)]

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        return ["import disk: %s, %d bytes in %s, from %s" % (self.name, self.bytes, self.group_name, self.path),
                "keep: %s" % self.name]

    def report(self, run):
        """Return what was imported, for the JSON document."""
        return {"name": self.name, "bytes": self.bytes, "group": self.group_name, "file": self.path,
                "seconds": run.elapsed()}


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    try:
        plan.bytes = vhd.check(plan.path).bytes
    except errors.BadImage as error:
        raise errors.Refused(error.message)
    api.require_for("import", plan.group)
    checks.name_is_free(run.manager, "StorageDevice", plan.name)
    checks.disk_space(run.manager, [(plan.group, plan.bytes)])
