"""Files that outlive a crash: a state folder of our own, whole files or none, lines that are whole or ignored."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import errno
import io
import json
import os
import stat

from vibackup import compat, errors
from vibackup.names import printable

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_CHUNK_BYTES = 4096


def folder(*parts):
    """Return the folder ``parts`` joined, made (for us alone) where it is not there."""
    path = os.path.join(*[compat.native(part) for part in parts])
    if not os.path.isdir(path):
        try:
            os.makedirs(path)
            os.chmod(path, FOLDER_MODE)
        except OSError as error:
            if not os.path.isdir(path):
                raise errors.UsageError("cannot make the folder %s: %s" % (compat.text(path), compat.message(error)))
    return path


def check_private(path):
    """Refuse a state folder that somebody else owns or may write to: what it says decides what is deleted."""
    status = os.stat(path)
    if compat.WINDOWS:
        return
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        raise errors.Refused("the state folder %s belongs to another user" % compat.text(path))
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise errors.Refused("others may write to the state folder %s; mend it with chmod 700" % compat.text(path))


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
    data = json.dumps(value, indent=1, sort_keys=True).encode("ascii") + b"\n"
    temporary = "%s.%d.new" % (path, os.getpid())
    whole = False
    try:
        with open(temporary, "wb") as stream:
            stream.write(data)
            _to_disk(stream)
        os.chmod(temporary, FILE_MODE)
        compat.replace(temporary, path)
        whole = True
    finally:
        if not whole:
            _remove_quietly(temporary)
    sync_folder(os.path.dirname(path))


def _remove_quietly(path):
    try:
        os.remove(path)
    except OSError:
        return  # it was never made, or it cannot be removed: why it was not written is the better thing to tell


def append_line(path, value):
    """Add ``value`` as one line of JSON to ``path``; it is on the disk when this returns, or VibackupError raised."""
    with _told(path):
        _append_line(path, value)


def _append_line(path, value):
    is_new = not os.path.exists(path)
    with io.open(path, "a+b") as stream:
        _cut_unfinished_line(stream)
        stream.write(json.dumps(value, sort_keys=True).encode("ascii") + b"\n")
        _to_disk(stream)
    os.chmod(path, FILE_MODE)
    if is_new:
        sync_folder(os.path.dirname(path))


def _cut_unfinished_line(stream):
    """Take away a last line that a crash cut short: what is added would become a part of it."""
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
    stream.seek(0, os.SEEK_END)


def read_lines(path):
    """Return the values of a file of JSON lines; a last line that a crash cut short is not there."""
    with open(path, "rb") as stream:
        lines = stream.read().split(b"\n")
    values = []
    for line in lines[:-1]:
        try:
            values.append(_object(line))
        except ValueError:
            raise errors.UsageError("%s: line %d is damaged" % (compat.text(path), len(values) + 1))
    return values


def _object(line):
    value = json.loads(line.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


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
