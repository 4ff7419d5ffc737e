"""The record of finished backups: one file each, written whole or not at all, and only when the backup is good."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os

from vibackup import compat, errors, state
from vibackup.names import safe_name


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
        return self._read(self._path(identity))

    def mark(self, identity, **facts):
        """Add ``facts`` to the entry with the id ``identity``: what became known since it was made."""
        state.write_json(self._path(identity), dict(self.find(identity), **facts))

    def entries(self, vs=None):
        """Return all entries, or those of the virtual server called ``vs``, the oldest first."""
        if not os.path.isdir(self._folder):
            return []
        found = [self._read(os.path.join(self._folder, name))
                 for name in os.listdir(self._folder) if name.endswith(".json")]
        return sorted((entry for entry in found if vs in (None, entry["vs"])),
                      key=lambda entry: (entry["finished"], entry["id"]))

    def _read(self, path):
        try:
            with open(path, "rb") as stream:
                entry = json.loads(stream.read().decode("utf-8"))
        except (IOError, OSError, ValueError) as error:
            raise errors.UsageError("catalog: %s: %s" % (compat.text(path), compat.message(error)))
        if not _is_entry(entry):
            raise errors.UsageError("catalog: %s: not an entry that vibackup wrote" % compat.text(path))
        return entry


def new_entry(run, identity, vs, agent, mode, disks, **more):
    """Return an entry for the backup ``identity`` of ``vs`` (a ``steps.Server``), made in ``run``; agent: its name.

    mode: image, file or boot. disks: what ``disk_entry`` returned, one each. more: what else is known;
    server: the settings as ``Manager.settings_of`` gives them, with which a restore makes the new one.
    """
    entry = {"id": identity, "run": run.id, "verb": run.verb, "manager": run.manager.name,
             "lab": run.manager.lab is not None, "vs": vs.name, "vs_id": vs.id, "agent": agent, "mode": mode,
             "location": None, "finished": run.now(), "seconds": run.elapsed(), "outcome": OK, "skipped": [],
             "server": {}, "disks": disks}
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


def _is_entry(entry):
    """Tell whether ``entry`` has what every entry has."""
    if not isinstance(entry, dict) or not isinstance(entry.get("disks"), list):
        return False
    words = [entry.get(key) for key in ("id", "vs", "finished", "agent")]
    words += [disk.get("name") if isinstance(disk, dict) else None for disk in entry["disks"]]
    return all(isinstance(word, compat.text_type) for word in words)
