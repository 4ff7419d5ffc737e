"""Archive a whole virtual server: a snapshot of all its disks, each as a VHD, and a manifest that is written last."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import os

from vibackup import catalog, checks, compat, errors, files, ledger, manifest, quiesce, state, steps, vhd
from vibackup import manager as api
from vibackup.names import printable
from vibackup.version import __version__

AGENT, MODE = "vhd", "archive"  # of an archive in the catalog


def archive(run, plan):
    """Archive ``plan.vs`` in ``plan.folder``; return the catalog's entry.

    1. A snapshot of all its logical disks is taken.
    2. Each snapshot logical disk is exported to a VHD, whose SHA-256 is noted, and which is checked.
    3. The snapshot is deleted.
    4. Each file is read back, and must be what was exported still.
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
                copies = plan.ordered(steps.snapshot_disks_of(run.manager, plan.vs, snapshot, plan.names()))
                found = [_exported(run, plan, number, file, disk, copy.handle)
                         for file, disk, copy in zip(plan.files, plan.disks, copies)]
            for entry in found:
                _check_still_so(run, plan, entry)
            with run.step("write manifest", plan.vs.name, "in %s" % plan.folder):
                _write_manifest(run, plan, number, found)
            return _record(run, plan, found)


@contextlib.contextmanager
def _unfinished(run, plan):
    """Make the folder, and yield the number of its intent; where the body fails, whatever it wrote is removed."""
    number = run.ledger.intend(
        ledger.ARCHIVE, vs=plan.vs.id, vs_name=plan.vs.name, folder=plan.folder, new_folder=plan.new_folder,
        manifest=manifest.path_in(plan.folder), paths=[manifest.unfinished_path_in(plan.folder, run.id)], marks={})
    whole = False
    try:
        if plan.new_folder:
            _make_folder(run, plan, number)
        yield number
        whole = True
    finally:
        run.release(number, lambda: None if whole else files.release_files(run.ledger.facts(number)))


def _make_folder(run, plan, number):
    try:
        os.mkdir(compat.native(plan.folder), state.FOLDER_MODE)
        os.chmod(compat.native(plan.folder), state.FOLDER_MODE)
    except OSError as error:
        run.ledger.made(number, new_folder=False)
        raise errors.VibackupError("cannot make the folder %s: %s" % (printable(plan.folder), compat.message(error)))


def _exported(run, plan, number, file, disk, handle):
    """Export the snapshot disk ``handle`` of ``disk`` (a ``checks.Disk``); return what the manifest says of it."""
    entries = []

    def note(partial):
        _claim(run, number, plan.path(file), partial)
        entries.append(_measured(run, partial, file, disk))
    try:
        files.exported(run, handle, plan.path(file), disk.bytes, note)
    except errors.ApiError:
        checks.still_valid([handle])  # a lost snapshot is the better reason
        raise
    _own(run, number, plan.path(file))
    return entries[0]


def _measured(run, partial, file, disk):
    try:
        return _disk_entry(disk, file, os.path.getsize(compat.native(partial)),
                           manifest.sha256(partial, run.check_stop))
    except (IOError, OSError) as error:
        raise errors.VibackupError("cannot read %s back: %s" % (printable(partial), compat.message(error)))


def _check_still_so(run, plan, entry):
    """Raise BadArchive where the file of ``entry`` (of the manifest) is no more what was exported."""
    with run.step("checksum", entry["name"], entry["file"]):
        wrong = manifest.wrong_with(plan.folder, entry, run.check_stop)
        if wrong is not None:
            raise errors.BadArchive("%s is no more what was exported, so there is no archive: %s; try again, in a "
                                    "folder that nobody else writes to" % (printable(plan.path(entry["file"])), wrong))


def _write_manifest(run, plan, number, found):
    path = manifest.path_in(plan.folder)
    manifest.write(plan.folder, run.id, plan.manifest(run, found),
                   lambda unfinished: _claim(run, number, path, unfinished))
    _own(run, number, path)


# What we take back, also after a crash, is never what somebody else has put where we meant to put ours: a file's
# mark is recorded before it gets its name, and where there are no marks the path only after that.

def _claim(run, number, path, unfinished):
    """Record that the file that is ``unfinished`` yet is about to get the name ``path``."""
    mark = state.mark(compat.native(unfinished))
    run.ledger.made(number, marks=dict(list(run.ledger.facts(number)["marks"].items()) + [(path, mark)]))
    if mark is not None:
        _own(run, number, path)


def _own(run, number, path):
    """Record that the file ``path`` is ours; the newest first, so that a manifest goes before what it names."""
    paths = run.ledger.facts(number)["paths"]
    if path not in paths:
        run.ledger.made(number, paths=[path] + paths)


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
        return [(self.vs.id, self.vs.name), files.hold("folder", self.folder)]

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
        return {"format": manifest.FORMAT, "tool_version": __version__, "vs": self.vs.name,
                "run": run.id, "taken": self.taken or run.now(), "settings": self.settings, "disks": disks,
                "skipped": [disk.name for disk in self.skipped]}

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        lines = quiesce.lines_around(self.vs, self.vs_guest, ["snapshot: %s" % self.vs.name])
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
    checks.can_snapshot(run, plan.vs, checks.logical(disks))
    _check_folder(plan)
    if plan.freeze is not None:
        plan.vs_guest = quiesce.guest_of(run, plan.vs)
    checks.warn_of_skipped(run, plan.vs, plan.skipped)


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
