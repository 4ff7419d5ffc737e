"""Files that the manager writes: VHDs of logical disks, under their final names only when they are whole and good."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import errno
import os

from vibackup import checks, compat, errors, ledger, making, state, vhd
from vibackup import manager as api
from vibackup.job import job
from vibackup.names import printable

LONGEST_NAME = 200  # bytes: file systems take 255, and an unfinished file's name has our run's id behind it


def absolute(path):
    """Return ``path`` as the manager, whose folder is another one, understands it too."""
    return compat.text(os.path.abspath(compat.native(path)))


def hold(kind, path):
    """Return what a run must hold alone to write the ``kind`` (file or folder) ``path``, see ``Run.held``."""
    return ("%s %s" % (kind, compat.text(os.path.realpath(compat.native(path)))), path)


# -- what must hold before

def check_target(path, size):
    """Refuse ``path`` where no VHD of a disk of ``size`` bytes can be written as a new file."""
    folder, name = os.path.split(absolute(path))
    if os.path.lexists(compat.native(absolute(path))):
        raise errors.Refused("%s is there already: choose another name, or move it away" % printable(path))
    if not os.path.isdir(compat.native(folder)):
        raise errors.Refused("there is no folder %s: make it first" % printable(folder))
    if not os.access(compat.native(folder), os.W_OK | os.X_OK):
        raise errors.Refused("the folder %s takes no files from this user: choose another one" % printable(folder))
    if len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        raise errors.Refused("the file name %s is too long: choose one of %d bytes at most" % (
            printable(name), LONGEST_NAME))
    if size > vhd.LARGEST:
        raise errors.Refused("a disk of %d bytes is too large for a VHD, which takes %d at most" % (size, vhd.LARGEST))
    check_space(folder, [size])


def check_space(folder, sizes):
    """Refuse ``folder`` where its file system has no room for VHDs of disks of ``sizes`` bytes."""
    free, needed = free_bytes(folder), sum(_largest_file(size) for size in sizes)
    if free is not None and free < needed:
        raise errors.Refused("%s has %d bytes free where up to %d are wanted: free some space, or choose another "
                             "folder" % (printable(folder), free, needed))


def free_bytes(folder):
    """Return how many bytes the file system of ``folder`` has free, or None where nobody can tell."""
    return compat.free_bytes(folder)


def _largest_file(size):
    """Return more bytes than any VHD has whose every block holds something: whole blocks, bitmaps, tables."""
    return size + size // 1000 + 2 * vhd.BLOCK


# -- exporting

def exported(run, disk, path, size, note=lambda partial: None):
    """Have the manager write the logical ``disk`` (a handle) of ``size`` bytes to the VHD ``path``.

    Returns its ``vhd.Image``. It is written under another name in the same folder, and checked; a snapshot
    disk must still be whole then. ``note`` is called with that other name once all is written, before it is
    checked. Raises a VibackupError where there is no good file: then there is none of either name.
    """
    path = absolute(path)
    partial = "%s.partial-%s" % (path, run.id)
    parent = api.parent_of(disk)
    number = run.ledger.intend(ledger.FILES, folder=os.path.dirname(path), paths=[partial])
    try:
        with run.step("export disk", api.name_of(disk if parent is None else parent), "to %s" % path) as record:
            _export(run, disk, partial, size)
            if parent is not None:
                checks.still_valid([disk])
            note(partial)
            image = vhd.check(partial, size)
            _for_us_alone(run, partial)
            with _told(path):
                _finish(compat.native(partial), compat.native(path))
            record["detail"] += ", %d bytes" % size
        return image
    finally:
        run.release(number, lambda: release_files(run.ledger.facts(number)))


def _export(run, disk, partial, size):
    name = api.name_of(disk)
    with making.copying(run, lambda: api.copied_percent(disk)):
        with job(run.manager, "export %s" % name, lambda: _is_written(disk, partial, size)) as made:
            api.export_disk(disk, partial)
            api.describe(made, "Export %s" % name, disk)


def _is_written(disk, partial, size):
    """Tell whether an export whose end was not seen has ended well; raise BadImage where its file is not good."""
    vhd.check(partial, size)
    return api.copied_percent(disk) in (None, 100)


def _for_us_alone(run, partial):
    """Let nobody else read what holds all that a server has."""
    try:
        os.chmod(compat.native(partial), state.FILE_MODE)
    except OSError as error:
        run.warn("%s is the manager's own file, and others may be able to read it: %s" % (
            printable(partial), compat.message(error)))


def _finish(partial, path):
    """Bring the file to the disk and give it its name, which must not be taken from another that came meanwhile."""
    with open(partial, "r+b" if os.access(partial, os.W_OK) else "rb") as stream:  # Windows wants it writable
        os.fsync(stream.fileno())
    state.give_name(partial, path)


@contextlib.contextmanager
def _told(path):
    """Turn what the system says against the file into one of our errors."""
    try:
        yield
    except (IOError, OSError) as error:
        raise errors.VibackupError("cannot write %s: %s" % (printable(path), compat.message(error)))


# -- taking back

def release_files(facts):
    """Remove the files ``paths`` of ``facts`` of the ledger, and the ``folder`` where ``new_folder`` is there and true.

    A file stays that is not the one whose mark is in ``marks``, and a folder that holds something else. What is
    gone already is done. Raises OSError where something cannot be removed.
    """
    for path in facts["paths"]:
        if facts.get("marks", {}).get(path) is None or _is_ours(facts, path):
            _remove(compat.native(path))
    folder = compat.native(facts["folder"])
    if facts.get("new_folder") and os.path.isdir(folder) and not os.listdir(folder):
        os.rmdir(folder)


def release_archive(facts):
    """Remove what a run that was cut short has left of the archive that ``facts`` of the ledger speak of.

    Where its manifest is there it is whole, and stays; somebody else's manifest is not its. Raises OSError as
    ``release_files`` does.
    """
    if not _is_ours(facts, facts["manifest"]):
        release_files(facts)


def _is_ours(facts, path):
    """Tell whether what is at ``path`` is the file that we gave this name, as far as the system can tell."""
    marks = facts.get("marks", {path: None})
    local = compat.native(path)
    return path in marks and os.path.lexists(local) and marks[path] in (None, state.mark(local))


def _remove(path):
    try:
        os.remove(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
