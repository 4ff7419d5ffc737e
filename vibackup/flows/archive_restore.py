"""Bring an archive back as a new virtual server, once all of it is checked; or only check it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from vibackup import errors, files, making, manifest, new_server, power
from vibackup.names import printable


def restore_archive(run, plan):
    """Make the virtual server ``plan.new_vs`` from an archive; return what ``Plan.report`` returns.

    1. The manifest and every file are checked.
    2. Each VHD is imported as a new logical disk.
    3. Every file is checked again: what was imported must be what was checked.
    4. A new virtual server is created with the settings of the original and these disks, in their order.
    5. It boots from the first of them.

    run: a ``run.Run``. plan: a Plan. The original is not touched. Raises a VibackupError where the new
    server does not run, having taken back all that was made.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with making.kept(run) as made:
            disks = [_imported(plan, made, target) for target in plan.targets]
            _check_files(run, plan, errors.BadArchive)
            server = made.server(plan.node, plan.new_vs, plan.settings(), disks)
            power.start(run, server)
        return plan.report(run)


def _imported(plan, made, target):
    disk = made.imported_disk(target.group, target.name, plan.path(target.entry["file"]))
    if disk.bytes != target.entry["bytes"]:
        raise errors.VibackupError("%s has %d bytes once it is imported, and its manifest says %d: check the archive "
                                   "again with --verify" % (disk.name, disk.bytes, target.entry["bytes"]))
    return disk


class Plan(new_server.NewServer):
    """A restore of the archive in ``folder`` into a new virtual server ``new_vs``, see ``new_server.NewServer``.

    Raises NotFound, also where there is no archive, and Refused where its manifest is not good.
    """

    def __init__(self, run, folder, new_vs, node=None, group=None, isolated=False):
        self.folder = files.absolute(folder)
        self.found = manifest.read(self.folder)
        entry = {"vs": self.found["vs"], "server": self.found["settings"], "skipped": self.found["skipped"]}
        new_server.NewServer.__init__(self, run, "the archive %s" % self.folder, entry, self.found["disks"], new_vs,
                                      node, group, isolated)

    def path(self, file):
        """Return the path of the archive's file called ``file``."""
        return os.path.join(self.folder, file)

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        lines = ["import disk: %s, %d bytes in %s from %s" % (
            target.name, target.entry["bytes"], target.group_name, self.path(target.entry["file"]))
            for target in self.targets]
        lines += ["check file: %s" % self.path(target.entry["file"]) for target in self.targets]
        names = [target.name for target in self.targets] + [self.new_vs]
        return lines + ["create server: %s on %s" % (self.new_vs, self.node_name), "start: %s" % self.new_vs,
                        "keep: %s" % ", ".join(names)]

    def report(self, run):
        """Return what was restored, for the JSON document."""
        return dict(new_server.NewServer.report(self, run), archive=self.folder, taken=self.found["taken"])


def check(run, plan):
    """Make every check that can be made before a change, the long one of the files last; raise what is against it."""
    new_server.check(run, plan, "import")
    _warn_of_others(run, plan.folder, plan.found)
    _check_files(run, plan, errors.Refused)


def _check_files(run, plan, failure):
    """Raise ``failure``, a class of errors, where a file is not what the manifest says."""
    for target in plan.targets:
        with run.step("check file", target.entry["name"], target.entry["file"]):
            wrong = manifest.wrong_with(plan.folder, target.entry, run.check_stop)
            if wrong is not None:
                raise failure(damaged(plan.folder, wrong))


def _warn_of_others(run, folder, found):
    for name in manifest.not_named(folder, found):
        run.warn("the archive %s has no disk in %s, though the file is in its folder: its manifest does not name it" % (
            printable(folder), printable(name)))


def verify(run, folder, tell):
    """Check the archive in ``folder``, which wants no manager; return ``(manifest, files)``.

    files: ``{"file", "disk", "bytes", "wrong"}`` each, wrong: what is wrong with it, or None; ``tell`` is called
    with each. Raises NotFound where there is no archive, and Refused where its manifest is not good.
    """
    found = manifest.read(files.absolute(folder))
    checked = []
    for disk in found["disks"]:
        wrong = manifest.wrong_with(files.absolute(folder), disk, run.check_stop)
        checked.append({"file": disk["file"], "disk": disk["name"], "bytes": disk["bytes"], "wrong": wrong})
        tell(checked[-1])
    for name in found["skipped"]:
        run.warn("the archive %s has no %s" % (files.absolute(folder), name))
    _warn_of_others(run, files.absolute(folder), found)
    return found, checked


def damaged(folder, wrong):
    """Return in words that the archive in ``folder`` is no good, for what is ``wrong`` with a file of it."""
    return "the archive %s is damaged: %s; take another archive" % (printable(folder), wrong)
