"""Files that outlive a crash: a state folder of our own, whole files or none, lines that are whole or ignored."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import errno
import io
import json
import os
import re
import stat

from vibackup import compat, errors, records
from vibackup.names import printable

FOLDER_MODE = 0o700
FILE_MODE = 0o600
FOLDERS = ("ledger", "locks", "catalog")  # of which a state folder is made
LARGEST = 64 * 1024 ** 2  # bytes of one file: what is larger is damaged
_CHUNK_BYTES = 4096
_UNFINISHED = re.compile(r"\.([0-9]{1,18})\.new\Z")  # as _write_whole calls it
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


# -- folders, and who may write to them

def folder(*parts):
    """Return the folder ``parts`` joined, made with those above it (for us alone) where it is not there."""
    path = os.path.join(*[compat.native(part) for part in parts])
    try:
        _make_folder(path)
    except OSError as error:
        raise errors.UsageError("cannot make the folder %s: %s" % (compat.text(path), compat.message(error)))
    return path


def _make_folder(path):
    if os.path.isdir(path):
        return
    above = os.path.dirname(path.rstrip(os.sep))
    if above and above != path:
        _make_folder(above)
    try:
        os.mkdir(path, FOLDER_MODE)
    except OSError:
        if not os.path.isdir(path):  # another run may have made it meanwhile
            raise
    else:
        os.chmod(path, FOLDER_MODE)  # whatever the umask is; and Jython knows no mode


def check_private(path):
    """Refuse a state folder that somebody else may write to: what it says decides what is deleted.

    So also for its folders, and for a folder above it that everybody may write to, who could put another in its
    place; unless that is "sticky", as /tmp is. Raises Refused.
    """
    if compat.WINDOWS:
        return
    for each in [path] + [os.path.join(path, compat.native(name)) for name in FOLDERS]:
        if os.path.lexists(each):
            _check_ours(each)
    _check_above(os.path.realpath(path))


def _check_ours(path):
    found, shown = _status(path), printable(compat.text(path))
    if not stat.S_ISDIR(found.st_mode):
        raise errors.Refused("%s is in the state folder, and no folder: move it away" % shown)
    if hasattr(os, "getuid") and set((found.st_uid, os.lstat(path).st_uid)) != set((os.getuid(),)):
        raise errors.Refused("the state folder %s belongs to another user: give one of your own with --state" % shown)
    if found.st_mode & _OTHERS:
        raise errors.Refused("others may write to the state folder %s; mend it with chmod 700" % shown)


def _status(path):
    try:
        return os.stat(path)
    except OSError as error:
        raise errors.Refused("%s is in the state folder, and leads nowhere: %s" % (
            printable(compat.text(path)), compat.message(error)))


def _check_above(path):
    above = os.path.dirname(path)
    while above != path:
        mode = os.stat(above).st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise errors.Refused("everybody may write to %s, and so put another state folder in the place of %s: "
                                 "choose another place, or mend it with chmod o-w" % (
                                     printable(compat.text(above)), printable(compat.text(path))))
        path, above = above, os.path.dirname(above)


# -- whole files

def new_file(path):
    """Return the new file ``path``, open to write bytes: for us alone from its first moment, whatever the umask is.

    Raises OSError where there is one of that name, or the system makes none.
    """
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), FILE_MODE)
    os.chmod(path, FILE_MODE)  # Jython knows no mode, and a umask may keep our own rights from us
    return os.fdopen(handle, str("wb"))


def read(path):
    """Return the bytes of the state file ``path``; raise IOError or OSError, and UsageError for one that is not ours.

    That is one that others may write to, or that is larger than any.
    """
    with open(path, "rb") as stream:
        mode = os.stat(path).st_mode
        if mode & _OTHERS and not compat.WINDOWS:
            raise errors.UsageError("%s: others may write to it, so nobody knows who wrote it: look at it, and mend "
                                    "it with chmod 600" % printable(compat.text(path)))
        try:
            return records.read(stream, LARGEST)
        except ValueError as error:
            raise errors.UsageError("%s: %s, and vibackup writes no such file; move it away" % (
                printable(compat.text(path)), compat.message(error)))


@contextlib.contextmanager
def _told(path):
    """Turn what the system says against writing ``path`` into one of our errors."""
    try:
        yield
    except (IOError, OSError) as error:
        raise errors.VibackupError("cannot write the state file %s: %s" % (compat.text(path), compat.message(error)))


def write_json(path, value):
    """Write ``value`` to the file ``path`` in one atomic step, for us alone; raise VibackupError where it cannot be."""
    with _told(path):
        _write_json(path, value)


def _write_json(path, value):
    _write_whole(path, json.dumps(value, indent=1, sort_keys=True).encode("ascii") + b"\n")


def write_file(path, data, mode=FILE_MODE):
    """Write the bytes ``data`` to ``path``, a file that is not the state's, in one atomic step; raise VibackupError.

    One that is there keeps its mode; a new one gets ``mode``.
    """
    path = os.path.realpath(compat.native(path))  # a link stays one
    try:
        if os.path.lexists(path):
            mode = stat.S_IMODE(os.stat(path).st_mode)
        _write_whole(path, data, mode)
    except (IOError, OSError) as error:
        raise errors.VibackupError("cannot write %s: %s" % (printable(compat.text(path)), compat.message(error)))


def _write_whole(path, data, mode=FILE_MODE):
    temporary = "%s.%d.new" % (path, os.getpid())
    _remove_quietly(temporary)  # of a process that had our number, and was killed
    whole = False
    try:
        with new_file(temporary) as stream:
            stream.write(data)
            _to_disk(stream)
        if mode != FILE_MODE:
            os.chmod(temporary, mode)
        compat.replace(temporary, path)
        whole = True
    finally:
        if not whole:
            _remove_quietly(temporary)
    sync_folder(os.path.dirname(path))


def remove_unfinished(path, is_gone):
    """Remove what processes left in the folder ``path`` that were killed while they wrote a whole file.

    is_gone: tells whether the process of a number is.
    """
    for name in os.listdir(path):
        writer = _UNFINISHED.search(compat.text(name))
        if writer is not None and is_gone(int(writer.group(1))):
            _remove_quietly(os.path.join(path, name))


def _remove_quietly(path):
    try:
        os.remove(path)
    except OSError:
        return  # it was never made, or it cannot be removed: why it was not written is the better thing to tell


# -- files of lines

def append_line(path, value):
    """Add the dict ``value`` as one line to ``path``; it is on the disk when this returns, or VibackupError raised."""
    with _told(path):
        _append_line(path, value)


def _append_line(path, value):
    if not os.path.exists(path):
        _write_whole(path, records.sealed(value) + b"\n")  # another run may look at it while it is made
        return
    with io.open(path, "r+b") as stream:
        place = _cut_unfinished_line(stream)
        stream.write(records.sealed(value, place) + b"\n")
        _to_disk(stream)


def _cut_unfinished_line(stream):
    """Take away a last line that a crash cut short: what is added would become a part of it. Returns its place."""
    end = stream.seek(0, os.SEEK_END)
    whole = end
    while whole > 0:
        stream.seek(max(0, whole - _CHUNK_BYTES))
        chunk = stream.read(min(whole, _CHUNK_BYTES))
        if b"\n" in chunk:
            whole -= len(chunk) - chunk.rindex(b"\n") - 1
            break
        whole -= len(chunk)
    if whole < end:
        stream.truncate(whole)
    return stream.seek(0, os.SEEK_END)


def read_lines(path):
    """Return the values of a file of lines; a last line that a crash cut short is not there.

    Raises UsageError where a line is not what was written there: then nothing in the file is to be believed.
    """
    lines = read(path).split(b"\n")
    values, place = [], 0
    try:
        for line in lines[:-1]:
            values.append(records.unsealed(line, place))
            place += len(line) + 1
        records.check_unfinished(lines[-1], place)
    except ValueError:
        raise errors.UsageError("%s: line %d is damaged: bring the file back from a copy, or look at what it speaks of "
                                "by hand and move it away" % (printable(compat.text(path)), len(values) + 1))
    return values


def _to_disk(stream):
    stream.flush()
    os.fsync(stream.fileno())


# -- names of files

def give_name(unfinished, final):
    """Give the file ``unfinished`` the name ``final`` (paths in one folder), and bring that to the disk.

    ``unfinished`` may stay as a second name. Raises VibackupError where another file has the name already: none is
    ever replaced. Raises OSError where the system cannot do it.
    """
    try:
        os.link(unfinished, final)  # a rename would replace what is there
    except (AttributeError, OSError):
        _rename_new(unfinished, final)  # not every file system has links
    sync_folder(os.path.dirname(final))


def _rename_new(unfinished, final):
    """Rename where nothing is: the name is taken first, by an empty file."""
    try:
        os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
        raise errors.VibackupError("%s has come into being meanwhile: choose another name" % printable(
            compat.text(final)))
    named = False
    try:
        compat.replace(unfinished, final)
        named = True
    finally:
        if not named:
            _remove_quietly(final)


def mark(path):
    """Return what tells the file ``path`` from another one that later has its name, as text; None: nobody can tell.

    It stays the same when the file gets another name. Raises OSError where there is no such file.
    """
    number = os.lstat(path).st_ino
    return compat.text(number) if number else None


def sync_folder(path):
    """Bring the names of the files in a folder to the disk, where the system can: not all can do that to a folder."""
    try:
        handle = os.open(path or os.curdir, os.O_RDONLY)
    except (IOError, OSError):
        return  # Windows and Jython open no folder
    try:
        os.fsync(handle)
    except (IOError, OSError):
        return  # nor does every file system bring one to the disk
    finally:
        os.close(handle)
