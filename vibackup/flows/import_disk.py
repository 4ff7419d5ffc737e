"""Make a logical disk from a VHD file: the paper's import of a logical disk."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from vibackup import checks, compat, errors, files, ledger, making, vhd
from vibackup import manager as api
from vibackup.names import printable


def import_disk(run, plan):
    """Make the logical disk ``plan.name`` from the VHD ``plan.path``; return what ``Plan.report`` returns.

    1. The file is checked.
    2. The manager imports it as a new logical disk of the disk group.
    3. The file must be the one that was checked still, and the disk as large as it says.
    4. The disk, now known to be whole, gets its name.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where there is no good disk, having taken
    back what it made.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with making.kept(run) as made:
            disk = made.imported_disk(plan.group, plan.name, plan.path)
            _check_made(plan, disk)
        return plan.report(run)


def _check_made(plan, disk):
    if disk.bytes != plan.bytes:
        raise errors.VibackupError("the disk made from %s has %d bytes instead of %d, so it is not kept: try again, or "
                                   "export the disk again" % (printable(plan.path), disk.bytes, plan.bytes))
    if _checked(plan.path) != plan.checked:
        raise errors.VibackupError("%s has changed since it was checked, so the disk made from it is not kept: try "
                                   "again when nobody writes to it" % printable(plan.path))


def _checked(path):
    """Check the VHD; return its ``vhd.Image`` and what tells this file, as it stands, from any other."""
    image = vhd.check(path)
    try:
        found = os.stat(compat.native(path))
    except OSError as error:
        raise errors.BadImage("%s cannot be read: %s" % (printable(path), compat.message(error)))
    return image, (found.st_dev, found.st_ino, found.st_size, found.st_mtime, found.st_ctime)


class Plan(object):
    """An import of the file ``path`` into the disk group called ``group``; the new disk is ``name``.

    Raises NotFound.
    """

    def __init__(self, run, path, group, name):
        self.path = files.absolute(path)
        self.group = run.manager.find("LvmDiskGroup", group)
        self.group_name = group
        self.name = name
        self.bytes = self.checked = None

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it: the new disk's name."""
        return [making.hold(ledger.DISK, self.name)]

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
        plan.checked = _checked(plan.path)
        plan.bytes = plan.checked[0].bytes
    except errors.BadImage as error:
        raise errors.Refused(error.message)
    making.check(run.manager)
    api.require_for("import", plan.group)
    checks.name_is_free(run.manager, "StorageDevice", plan.name)
    checks.disk_space(run.manager, [(plan.group, plan.bytes)])
