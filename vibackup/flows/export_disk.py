"""Write a logical disk to a VHD file: the paper's export of a logical disk, taken from a snapshot."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import files, source
from vibackup import manager as api


def export_disk(run, plan):
    """Write the bytes of ``plan.source`` to the VHD ``plan.path``; return what ``Plan.report`` returns.

    1. A snapshot is taken of the virtual server that has the disk; a disk that none has is read itself.
    2. The manager exports the snapshot logical disk; the file is checked, and only then gets its name.
    3. The snapshot is deleted.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where there is no good file, having taken
    back what it made.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with source.standing_still(run, plan.source) as disk:
            files.exported(run, disk, plan.path, plan.source.bytes)
        return plan.report(run)


class Plan(object):
    """An export of the logical disk called ``disk`` to the new file ``path``.

    Raises NotFound, and Refused for a disk that cannot be copied.
    """

    def __init__(self, run, disk, path):
        self.source = source.find(run.manager, disk)
        self.path = files.absolute(path)

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it: the disk's server, and the file's name."""
        return source.holds(self.source) + [files.hold("file", self.path)]

    def lines(self):
        """Return what will be done, a line a step."""
        return source.lines(self.source, "export disk: %s, %d bytes to %s" % (
            self.source.name, self.source.bytes, self.path))

    def report(self, run):
        """Return what was exported, for the JSON document."""
        return {"name": self.source.name, "bytes": self.source.bytes, "file": self.path, "seconds": run.elapsed()}


def check(run, plan):
    """Make every check that can be made before a change; raise what speaks against it."""
    source.check(run, plan.source)
    api.require_for("export", plan.source.handle)
    files.check_target(plan.path, plan.source.bytes)
