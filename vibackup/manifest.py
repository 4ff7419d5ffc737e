"""The manifest of an archive: what a folder of VHDs holds, written last, and believed only once it is checked.

A folder without one is no archive. What is read here was perhaps made by somebody else, or damaged on its way:
every key has to be there, of its type, and within its bounds, and no name leads out of the folder.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import hashlib
import io
import json
import os
import re

from vibackup import compat, errors, records, state, vhd
from vibackup.names import printable, safe_name

FILE_NAME = "manifest.json"
FORMAT = 1

_LARGEST = 4 * 1024 ** 2  # bytes of a manifest
_MOST_BYTES = 2 ** 53  # of a file or of memory; from there on JSON's numbers are not exact everywhere
_LONGEST_NAME = 4096  # characters
_CHUNK = 1024 ** 2  # bytes that are read at once
_DISK_FILE = re.compile(r"[0-9]{2,6}-[A-Za-z0-9._%-]{1,200}\.vhd\Z")  # no separator, no "..", no device of Windows
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class _Fault(Exception):
    """What is wrong with a manifest. Its path is not known where this is raised."""


# -- writing

def disk_file(number, disk):
    """Return the name of the file of the disk called ``disk``, the ``number``th (from 0) of its server."""
    return "%02d-%s.vhd" % (number, safe_name(disk))


def path_in(folder):
    """Return the path of the manifest of the archive in ``folder``."""
    return os.path.join(folder, FILE_NAME)


def unfinished_path_in(folder, run_id):
    """Return where the run ``run_id`` writes the manifest before it has its name."""
    return "%s.partial-%s" % (path_in(folder), run_id)


def checked(manifest):
    """Return ``manifest``, which is to be written; raise Refused where nobody could read it again."""
    try:
        return _checked(manifest)
    except _Fault as fault:
        raise errors.Refused("no manifest can say this of %s: %s" % (manifest["vs"], compat.message(fault)))


def write(folder, run_id, manifest, note=lambda unfinished: None):
    """Write ``manifest`` into ``folder``, whole or not at all: from then on there is an archive.

    ``note`` is called with the path of the whole file before it has its name. Raises VibackupError where it
    cannot be written, or where there is one: that stays as it is.
    """
    unfinished, final = compat.native(unfinished_path_in(folder, run_id)), compat.native(path_in(folder))
    try:
        data = json.dumps(_checked(manifest), indent=1, sort_keys=True).encode("ascii") + b"\n"
        with state.new_file(unfinished) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        note(unfinished_path_in(folder, run_id))
        state.give_name(unfinished, final)
        if os.path.lexists(unfinished):
            os.remove(unfinished)
    except (_Fault, IOError, OSError) as error:
        raise errors.VibackupError("cannot write %s: %s" % (printable(path_in(folder)), compat.message(error)))


# -- reading

def read(folder):
    """Return the manifest of the archive in ``folder``; raise NotFound where there is none, Refused for a bad one."""
    local = compat.native(folder)
    if not os.path.isdir(local):
        raise errors.NotFound("there is no folder %s: give that of an archive" % printable(folder))
    path = compat.native(path_in(folder))
    if not os.path.lexists(path):
        raise errors.NotFound("%s is no archive, for it has no %s: give the folder of one that was finished" % (
            printable(folder), FILE_NAME))
    try:
        return _checked(_parsed(path))
    except (_Fault, IOError, OSError) as error:
        raise errors.Refused("%s is no good manifest: %s; take another archive" % (
            printable(path_in(folder)), printable(compat.message(error))))


def _parsed(path):
    if os.path.islink(path) or not os.path.isfile(path):
        raise _Fault("it is no plain file")
    try:
        with io.open(path, "rb") as stream:
            data = records.read(stream, _LARGEST)
    except ValueError as error:
        raise _Fault("it %s" % compat.message(error))
    try:
        return records.parsed(data)
    except ValueError:
        raise _Fault("it is no JSON, or cut short")


# -- what must hold

def _checked(manifest):
    """Return ``manifest`` if it is one; raise _Fault, which says what is wrong with it first."""
    if not isinstance(manifest, dict):
        raise _Fault("it is no JSON object")
    _check_format(manifest.get("format"))
    _check_keys(manifest, _KEYS, "")
    _check_settings(manifest["settings"])
    for number, disk in enumerate(manifest["disks"]):
        _check_keys(disk, _DISK_KEYS, "disks[%d]." % number)
    for key in ("name", "file"):
        _check_no_two([disk[key] for disk in manifest["disks"]], key)
    return manifest


def _check_format(number):
    if not _is_count(number):
        raise _Fault("it has no format number")
    if number != FORMAT:
        raise _Fault("it has the format %d, and this vibackup knows %d alone: use the one that wrote it" % (
            number, FORMAT))


def _check_keys(value, keys, where):
    if not isinstance(value, dict):
        raise _Fault("%s is no JSON object" % where.rstrip("."))
    for key, (is_good, words) in sorted(keys.items()):
        if key not in value:
            raise _Fault("it has no %s%s" % (where, key))
        if not is_good(value[key]):
            raise _Fault("its %s%s is not %s" % (where, key, words))


def _check_settings(settings):
    for key, (is_good, words) in sorted(_SETTINGS.items()):
        if key in settings and not is_good(settings[key]):
            raise _Fault("its settings.%s is not %s" % (key, words))


def _check_no_two(names, key):
    """Names of files count as the same where a file system may take them for the same."""
    seen = set()
    for number, name in enumerate(names):
        name = name.lower() if key == "file" else name
        if name in seen:
            raise _Fault("its disks[%d].%s is that of another disk too" % (number, key))
        seen.add(name)


def _is_count(value):
    return isinstance(value, compat.number_types) and not isinstance(value, bool) and 0 < value < _MOST_BYTES


def _is_name(value):
    return isinstance(value, compat.text_type) and 0 < len(value) <= _LONGEST_NAME and _can_be_written(value)


def _can_be_written(words):
    """JSON can name halves of characters, which nothing else takes."""
    try:
        return bool(words.encode("utf-8"))
    except UnicodeError:
        return False


def _is_names(value):
    return isinstance(value, list) and all(_is_name(each) for each in value)


def _matches(pattern):
    return lambda value: isinstance(value, compat.text_type) and pattern.match(value) is not None


_NAME = (_is_name, "a name")
_NAMES = (_is_names, "a list of names")
_COUNT = (_is_count, "a whole number above 0")
_KEYS = {
    "vs": _NAME, "run": _NAME, "tool_version": _NAME, "skipped": _NAMES,
    "taken": (_matches(_MOMENT), "a moment such as 2008-06-01T22:00:56Z"),
    "settings": (lambda value: isinstance(value, dict), "a JSON object"),
    "disks": (lambda value: isinstance(value, list) and len(value) > 0, "a list of disks")}
_DISK_KEYS = {
    "name": _NAME, "group": _NAME, "file_bytes": _COUNT,
    "bytes": (lambda value: _is_count(value) and value <= vhd.LARGEST and value % vhd.SECTOR == 0,
              "the size of a disk: a multiple of %d, %d at most" % (vhd.SECTOR, vhd.LARGEST)),
    "file": (_matches(_DISK_FILE), "a file's name as an archive has them, such as 00-NAME.vhd"),
    "sha256": (_matches(_SHA256), "a SHA-256 in 64 hexadecimal digits")}
_SETTINGS = {"memory_bytes": _COUNT, "processors": _COUNT, "networks": _NAMES, "operating_system": _NAME, "node": _NAME,
             "boot_type": (lambda value: value in ("DISK", "CDROM"), "DISK or CDROM")}


# -- the files

def wrong_with(folder, disk, tick=lambda: None):
    """Return what is wrong with the file of ``disk`` (of a manifest) in ``folder``, on one line, or None.

    It must be a plain file in the folder itself, of the recorded size, a good VHD of a disk of the recorded size, with
    the recorded SHA-256. ``tick()`` is called now and then meanwhile, and may raise.
    """
    path = os.path.join(folder, disk["file"])
    local = compat.native(path)
    if not os.path.lexists(local):
        return "%s is missing" % disk["file"]
    if os.path.islink(local) or not os.path.isfile(local):
        return "%s is no plain file" % disk["file"]
    try:
        found = os.path.getsize(local)
        if found != disk["file_bytes"]:
            return "%s has %d bytes, and %d were recorded" % (disk["file"], found, disk["file_bytes"])
        vhd.check(path, disk["bytes"])
        if sha256(path, tick) != disk["sha256"]:
            return "%s has another SHA-256 than was recorded" % disk["file"]
    except errors.BadImage as error:
        words = error.message.rsplit(";", 1)[0]  # what to do is not to export a disk that may be gone
        return words.replace(printable(path), disk["file"], 1)
    except (IOError, OSError) as error:
        return "%s cannot be read: %s" % (disk["file"], compat.message(error))
    return None


def not_named(folder, manifest):
    """Return the names of the VHDs in ``folder`` that ``manifest`` does not name: then one of the two is not whole."""
    named = set(disk["file"].lower() for disk in manifest["disks"])
    found = sorted(compat.text(name) for name in os.listdir(compat.native(folder)))
    return [name for name in found if name.lower().endswith(".vhd") and name.lower() not in named]


def sha256(path, tick=lambda: None):
    """Return the SHA-256 of the file ``path``, as hexadecimal digits; raise IOError or OSError. ``tick``: as above."""
    found = hashlib.sha256()
    with io.open(compat.native(path), "rb") as stream:
        while True:
            tick()
            data = stream.read(_CHUNK)
            if not data:
                return compat.text(found.hexdigest())
            found.update(data)
