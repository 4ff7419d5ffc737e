"""Archive a whole virtual server: a snapshot of all its disks, each as a VHD, and a manifest that is written last."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import os

from vibackup import __version__, catalog, checks, compat, errors, files, ledger, manifest, quiesce, steps, vhd
from vibackup import manager as api
from vibackup.names import printable

AGENT, MODE = "vhd", "archive"  # of an archive in the catalog


def archive(run, plan):
    """Archive ``plan.vs`` in ``plan.folder``; return the catalog's entry.

    1. A snapshot of all its logical disks is taken.
    2. Each snapshot logical disk is exported to a VHD, which is checked.
    3. The snapshot is deleted.
    4. Each file's SHA-256 is worked out from what can be read back.
    5. The manifest is written; before that there is no archive.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where there is no good archive, having taken
    back what it made; what it could not take back is in ``run.leftovers``.
    """
    with run.held(plan.holds()):
        check(run, plan)
        plan.id = run.new_backup_id()
        with _unfinished(run, plan) as number:
            quiet = quiesce.around_snapshot(run, plan.vs, plan.vs_guest, plan.freeze, plan.thaw)
            with steps.snapshotted(run, plan.vs, quiet) as snapshot:
                plan.taken = run.now()
                for file, disk in zip(plan.files, plan.ordered(steps.snapshot_disks_of(
                        run.manager, plan.vs, snapshot, plan.names()))):
                    _export(run, plan, number, file, disk)
            found = [_measured(run, plan, file, disk) for file, disk in zip(plan.files, plan.disks)]
            with run.step("write manifest", plan.vs.name, "in %s" % plan.folder):
                manifest.write(plan.folder, run.id, plan.manifest(run, found))
            return _record(run, plan, found)


@contextlib.contextmanager
def _unfinished(run, plan):
    """Make the folder, and yield the number of its intent; where the body fails, whatever it wrote is removed."""
    number = run.ledger.intend(
        ledger.ARCHIVE, vs=plan.vs.id, vs_name=plan.vs.name, folder=plan.folder, new_folder=plan.new_folder,
        manifest=manifest.path_in(plan.folder),
        paths=[manifest.path_in(plan.folder), manifest.unfinished_path_in(plan.folder, run.id)])
    whole = False
    try:
        if plan.new_folder:
            _make_folder(run, plan, number)
        yield number
        whole = True
    finally:
        run.release(number, lambda: None if whole else files.release_files(run, run.ledger.facts(number)))


def _make_folder(run, plan, number):
    try:
        os.mkdir(compat.native(plan.folder))
    except OSError as error:
        run.ledger.made(number, new_folder=False)
        raise errors.VibackupError("cannot make the folder %s: %s" % (printable(plan.folder), compat.message(error)))


def _export(run, plan, number, file, disk):
    """Export ``disk`` (a SnapshotDisk); the file counts as ours from before it is there, unless it never was."""
    path = plan.path(file)
    before = run.ledger.facts(number)["paths"]
    run.ledger.made(number, paths=before + [path])
    try:
        files.exported(run, disk.handle, path, disk.bytes)
    except BaseException as error:
        run.ledger.made(number, paths=before)
        if isinstance(error, errors.ApiError):
            checks.still_valid([disk.handle])  # a lost snapshot is the better reason
        raise


def _measured(run, plan, file, disk):
    """Return what the manifest says of the finished file of ``disk`` (a ``checks.Disk``)."""
    path = plan.path(file)
    try:
        with run.step("checksum", disk.name, file):
            return _disk_entry(disk, file, os.path.getsize(compat.native(path)), manifest.sha256(path, run.check_stop))
    except (IOError, OSError) as error:
        raise errors.VibackupError("cannot read %s back: %s" % (printable(path), compat.message(error)))


def _disk_entry(disk, file, file_bytes, sha256):
    return {"name": disk.name, "bytes": disk.bytes, "group": disk.group, "file": file, "file_bytes": file_bytes,
            "sha256": sha256}


def _record(run, plan, found):
    """Write the archive to the catalog; return the entry."""
    disks = [dict(catalog.disk_entry(disk["name"], disk["bytes"], disk["group"], stored_as=disk["file"]),
                  sha256=disk["sha256"]) for disk in found]
    entry = catalog.new_entry(run, plan.id, plan.vs, AGENT, MODE, disks, location=plan.folder, server=plan.settings,
                              skipped=[disk.name for disk in plan.skipped],
                              outcome=catalog.WARNING if plan.skipped else catalog.OK)
    run.catalog.add(entry)
    return entry


def release(run, facts):
    """Remove what a run that was cut short has left of the archive that ``facts`` of the ledger speak of.

    Where its manifest is there it is whole, and stays.
    """
    if not os.path.exists(compat.native(facts["manifest"])):
        files.release_files(run, facts)


class Plan(object):
    """An archive of the virtual server called ``vs`` in ``folder``, which must be new or empty.

    skip_raw: leave raw disks out, instead of refusing. freeze, thaw: commands as lists of words, or None.
    Raises NotFound.
    """

    def __init__(self, run, vs, folder, skip_raw=False, freeze=None, thaw=None):
        self.vs = steps.find_server(run.manager, vs)
        self.folder = files.absolute(folder)
        self.skip_raw = skip_raw
        self.freeze, self.thaw = freeze, thaw
        self.id = self.taken = self.vs_guest = None
        self.new_folder = None
        self.disks = self.skipped = self.files = ()
        self.settings = {}

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it: the server, and the folder."""
        return [(self.vs.id, self.vs.name), ("folder " + self.folder, self.folder)]

    def names(self):
        """Return the names of the disks, in the server's order."""
        return [disk.name for disk in self.disks]

    def ordered(self, snapshot_disks):
        """Return SnapshotDisks in the server's order."""
        return sorted(snapshot_disks, key=lambda disk: self.names().index(disk.original))

    def path(self, file):
        """Return the path of the archive's file called ``file``."""
        return os.path.join(self.folder, file)

    def manifest(self, run, disks):
        """Return the manifest; ``disks``: what it says of each."""
        return {"format": manifest.FORMAT, "tool_version": compat.text(__version__), "vs": self.vs.name,
                "run": run.id, "taken": self.taken or run.now(), "settings": self.settings, "disks": disks,
                "skipped": [disk.name for disk in self.skipped]}

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        lines = ["snapshot: %s" % self.vs.name]
        if self.vs_guest is not None:
            lines = ["freeze: %s" % self.vs.name] + lines + ["thaw: %s" % self.vs.name]
        lines += ["export disk: %s, %d bytes to %s" % (disk.name, disk.bytes, self.path(file))
                  for disk, file in zip(self.disks, self.files)]
        lines.append("delete snapshot: %s" % self.vs.name)
        lines += ["checksum: %s" % file for file in self.files]
        return lines + ["write manifest: %s" % manifest.path_in(self.folder)]


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    disks = checks.disks_of(run.manager, plan.vs)
    plan.disks, plan.skipped = checks.choose_disks(plan.vs, disks, (), plan.skip_raw)
    plan.files = [manifest.disk_file(number, disk.name) for number, disk in enumerate(plan.disks)]
    plan.settings = run.manager.settings_of(plan.vs.handle)
    for disk in plan.disks:
        api.require_for("export", disk.handle)
        if disk.bytes > vhd.LARGEST:
            raise errors.Refused("%s has %d bytes, and a VHD takes %d at most: back it up by an agent" % (
                disk.name, disk.bytes, vhd.LARGEST))
    manifest.checked(plan.manifest(run, [
        _disk_entry(disk, file, disk.bytes, "0" * 64) for disk, file in zip(plan.disks, plan.files)]))
    checks.can_snapshot(run, plan.vs, [disk for disk in disks if disk.kind == api.LOGICAL])
    _check_folder(plan)
    if plan.freeze is not None:
        plan.vs_guest = quiesce.guest_of(run, plan.vs)
    for disk in plan.skipped:
        run.warn("%s: the raw disk %s is left out" % (plan.vs.name, disk.name))


def _check_folder(plan):
    """Refuse a folder that is neither new nor empty, or that cannot take the files."""
    local, shown = compat.native(plan.folder), printable(plan.folder)
    plan.new_folder = not os.path.lexists(local)
    if not plan.new_folder and not os.path.isdir(local):
        raise errors.Refused("%s is no folder: give one that is new or empty" % shown)
    where = os.path.dirname(plan.folder) if plan.new_folder else plan.folder
    if not os.path.isdir(compat.native(where)):
        raise errors.Refused("there is no folder %s: make it first" % printable(where))
    if not os.access(compat.native(where), os.R_OK | os.W_OK | os.X_OK):
        raise errors.Refused("the folder %s takes no files from this user: choose another one" % printable(where))
    if not plan.new_folder and os.listdir(local):
        raise errors.Refused("the folder %s is not empty: each archive wants one of its own" % shown)
    files.check_space(where, [disk.bytes for disk in plan.disks])
