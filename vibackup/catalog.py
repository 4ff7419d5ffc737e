"""The record of finished backups: one file each, written whole or not at all, and only when the backup is good."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import time

from vibackup import compat, errors, locks, records, state
from vibackup.names import printable, safe_name


OK, WARNING = "ok", "warning"


class Catalog(object):
    """The catalog in the state folder ``folder``."""

    def __init__(self, folder):
        self._folder = os.path.join(compat.native(folder), "catalog")

    def add(self, entry):
        """Record a good backup: a dict with at least ``id``, ``vs``, ``finished``, ``agent`` and ``disks``.

        Raises VibackupError where there is one with that id.
        """
        if self.has(entry["id"]):
            raise errors.VibackupError("the catalog has a backup %s already" % entry["id"])
        state.folder(self._folder)
        state.write_json(self._path(entry["id"]), entry)

    def has(self, identity):
        """Tell whether there is an entry with the id ``identity``."""
        return os.path.exists(self._path(identity))

    def _path(self, identity):
        return os.path.join(self._folder, safe_name(identity) + ".json")

    def find(self, identity):
        """Return the entry with the id ``identity``; raise NotFound."""
        if not self.has(identity):
            raise errors.NotFound("the catalog has no backup %s: list what it has with vibackup backups" % identity)
        entry = self._read(self._path(identity))
        if entry["id"] != identity:
            raise errors.UsageError("catalog: the entry of the backup %s says that it is %s: move one of them away" % (
                identity, entry["id"]))
        return entry

    def mark(self, identity, **facts):
        """Add ``facts`` to the entry with the id ``identity``: what became known since it was made."""
        state.write_json(self._path(identity), dict(self.find(identity), **facts))

    def remove(self, identity):
        """Take the entry with the id ``identity`` out, for good; raise NotFound, or VibackupError where it stays."""
        self.find(identity)
        try:
            os.remove(self._path(identity))
        except OSError as error:
            raise errors.VibackupError("catalog: cannot take out the entry of the backup %s: %s" % (
                identity, compat.message(error)))
        state.sync_folder(self._folder)

    def entries(self, vs=None):
        """Return all entries, or those of the virtual server called ``vs``, the oldest first."""
        found, damaged = self.readable(vs)
        if damaged:
            raise damaged[0]
        return found

    def readable(self, vs=None):
        """Return the entries that are good, as ``entries`` does, and a UsageError for each that is not."""
        found, damaged = [], []
        for name in sorted(os.listdir(self._folder)) if os.path.isdir(self._folder) else ():
            if name.endswith(str(".json")):
                try:
                    found.append(self._read(os.path.join(self._folder, name)))
                except errors.UsageError as error:
                    damaged.append(error)
        return sorted((entry for entry in found if vs in (None, entry["vs"])),
                      key=lambda entry: (entry["finished"], entry["id"])), damaged

    def tidy(self):
        """Remove what crashes have left of entries that were being written."""
        if os.path.isdir(self._folder):
            state.remove_unfinished(self._folder, locks.is_gone)

    def _read(self, path):
        try:
            entry = records.parsed(state.read(path))
        except (IOError, OSError, ValueError) as error:
            raise _damaged(path, compat.message(error))
        if not _is_entry(entry):
            raise _damaged(path, "not an entry that vibackup wrote")
        return entry


def hold(identity):
    """Return what a run must hold alone to change the entry ``identity``, or remove its backup, see ``Run.held``."""
    return ("backup %s" % identity, "the backup %s" % identity)


def _damaged(path, why):
    return errors.UsageError("catalog: %s: %s; bring it back from a copy, or move it away" % (
        printable(compat.text(path)), why))


def new_entry(run, identity, vs, agent, mode, disks, **more):
    """Return an entry for the backup ``identity`` of ``vs`` (a ``steps.Server``), made in ``run``; agent: its name.

    mode: image, file, boot, array or archive. disks: what ``disk_entry`` returned, one each. more: what else is known;
    server: the settings as ``Manager.settings_of`` gives them, with which a restore makes the new one; proxy: the
    name of the server that the agent ran on, None where that is ``vs`` itself, or where there is no agent.
    """
    entry = {"id": identity, "run": run.id, "verb": run.verb, "manager": run.manager.name,
             "lab": run.manager.lab is not None, "vs": vs.name, "vs_id": vs.id, "agent": agent, "mode": mode,
             "location": None, "finished": run.now(), "seconds": run.elapsed(), "outcome": OK, "skipped": [],
             "server": {}, "proxy": None, "disks": disks}
    entry.update(more)
    return entry


def disk_entry(name, size, group=None, bytes_read=None, backup_id=None, stored_as=None, outcome=OK, partitions=None,
               files=None):
    """Return one disk of an entry: its name, bytes and disk group, and what its agent said: None where it said nothing.

    partitions: ``[[number, file system]]`` as a guest saw them, or None where none looked. files: of a backup of
    files, the agent's ``{"id", "mount", "origin"}``, with which it finds them again.
    """
    return {"name": name, "bytes": size, "group": group, "bytes_read": bytes_read, "backup_id": backup_id,
            "stored_as": stored_as, "outcome": outcome, "partitions": partitions, "files": files}


_TEXT = (compat.text_type,)
_NUMBER = compat.number_types
_NOTHING = (type(None),)

# What a file of the catalog must hold, and what it may: a damaged one is found when it is read.
_ENTRY = {"id": _TEXT, "vs": _TEXT, "finished": _TEXT, "agent": _TEXT, "disks": (list,)}
_ENTRY_MAY = {"mode": _TEXT, "verb": _TEXT, "run": _TEXT, "manager": _TEXT, "lab": (bool,), "outcome": _TEXT,
              "location": _TEXT + _NOTHING, "proxy": _TEXT + _NOTHING, "skipped": (list,), "server": (dict,),
              "verified": (dict,), "protected": (bool,), "seconds": _NUMBER + (float,),
              "agent_seconds": _NUMBER + (float,)}
_DISK = {"name": _TEXT}
_DISK_MAY = {"bytes": _NUMBER + _NOTHING, "group": _TEXT + _NOTHING, "backup_id": _TEXT + _NOTHING,
             "stored_as": _TEXT + _NOTHING, "outcome": _TEXT, "partitions": (list,) + _NOTHING,
             "array": _TEXT + _NOTHING, "lun": _TEXT + _NOTHING, "tag": _TEXT + _NOTHING}
_SERVER_MAY = {"memory_bytes": _NUMBER, "processors": _NUMBER, "networks": (list,), "operating_system": _TEXT,
               "boot_type": _TEXT, "node": _TEXT}
_VERIFIED = {"outcome": _TEXT}
_VERIFIED_MAY = {"restore_seconds": _NUMBER + (float,) + _NOTHING}


def _is_entry(entry):
    """Tell whether ``entry`` has what every entry has, and nothing of a wrong type."""
    return (_fits(entry, _ENTRY, _ENTRY_MAY) and _is_moment(entry["finished"])
            and all(_is_disk(disk) for disk in entry["disks"])
            and _all_text(entry.get("skipped", ())) and _fits(entry.get("server", {}), {}, _SERVER_MAY)
            and _all_text(entry.get("server", {}).get("networks", ()))
            and ("verified" not in entry or _fits(entry["verified"], _VERIFIED, _VERIFIED_MAY)))


def _is_moment(words):
    try:
        return bool(time.strptime(compat.native(words), str("%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        return False


def _is_disk(disk):
    if not _fits(disk, _DISK, _DISK_MAY):
        return False
    size = disk.get("bytes")
    return size is None or (size > 0 and size % 512 == 0 and not isinstance(size, bool))


def _fits(found, must, may):
    """Tell whether the dict ``found`` has the keys ``must`` with these types, and of ``may`` none with another."""
    return isinstance(found, dict) and all(isinstance(found.get(key), kinds) for key, kinds in must.items()) and all(
        isinstance(found[key], kinds) for key, kinds in may.items() if key in found)


def _all_text(found):
    return all(isinstance(each, compat.text_type) for each in found)
