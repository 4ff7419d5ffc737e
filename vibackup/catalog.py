"""The record of finished backups: one file each, written whole or not at all, and only when the backup is good."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os

from vibackup import compat, errors, state
from vibackup.names import safe_name


class Catalog(object):
    """The catalog in the state folder ``folder``."""

    def __init__(self, folder):
        self._folder = os.path.join(compat.native(folder), "catalog")

    def add(self, entry):
        """Record a good backup: a dict with at least ``id``, ``vs``, ``finished``, ``agent`` and ``disks``."""
        path = os.path.join(state.folder(self._folder), safe_name(entry["id"]) + ".json")
        state.write_json(path, entry)

    def has(self, identity):
        """Tell whether there is an entry with the id ``identity``."""
        return os.path.exists(os.path.join(self._folder, safe_name(identity) + ".json"))

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
            missing = [key for key in ("id", "vs", "finished", "agent", "disks") if key not in entry]
        except (IOError, OSError, ValueError, TypeError) as error:
            raise errors.UsageError("catalog: %s: %s" % (compat.text(path), compat.message(error)))
        if missing:
            raise errors.UsageError("catalog: %s: has no %s" % (compat.text(path), missing[0]))
        return entry
