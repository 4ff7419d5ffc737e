"""Every object of a lab, as plain records by id, and what open jobs have changed of them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy

from fakes.faults import ManagementException

FORMAT = 3


class World(object):
    """The state of a lab: records (plain dicts with ``id``, ``kind``, ``name``), events, time, and what is due.

    ``now_ms`` is virtual time since the lab was made; ``wall_offset_ms`` makes a wall clock of it.
    """

    def __init__(self, state=None):
        state = state or {}
        self.now_ms = state.get("now_ms", 0)
        self.wall_offset_ms = state.get("wall_offset_ms", 0)
        self.next_number = state.get("next_number", 1)
        self.settings = state.get("settings", {})
        self.objects = state.get("objects", {})
        self.events = state.get("events", [])
        self.due = state.get("due", [])
        self.copies = state.get("copies", [])
        self.dirty = False
        self._undo = {}
        self._removed = {}
        self._reindex()

    def as_state(self):
        """Return what has been committed, as plain data that ``World`` takes back."""
        objects = dict(self.objects)
        for undo in self._undo.values():
            for identity, record in undo.items():
                if record is None:
                    objects.pop(identity, None)
                else:
                    objects[identity] = record
        return {"format": FORMAT, "now_ms": self.now_ms, "wall_offset_ms": self.wall_offset_ms,
                "next_number": self.next_number, "settings": self.settings, "objects": objects,
                "events": self.events, "due": self.due, "copies": self.copies}

    # -- finding

    def get(self, identity):
        """Return the record ``identity``; raise the manager's error where it is gone."""
        record = self.objects.get(identity)
        if record is None:
            raise ManagementException("object %s does not exist any more" % identity)
        return record

    def last(self, identity):
        """Return the record ``identity`` as it is, or as it was when it was removed: a client remembers names."""
        return self._removed.get(identity) or self.get(identity)

    def committed(self, record):
        """Return the record as it is without what an open job has changed: what guests and time go by."""
        for undo in self._undo.values():
            if undo.get(record["id"]) is not None:
                return undo[record["id"]]
        return record

    def get_committed(self, identity):
        """Return the record ``identity`` without what an open job has changed, also where it has removed it."""
        for undo in self._undo.values():
            if undo.get(identity) is not None:
                return undo[identity]
        return self.get(identity)

    def of_kinds(self, kind_names):
        """Return the records of those kinds, in order of their making."""
        return [record for record in self._in_order() if record["kind"] in kind_names]

    def named(self, kind_names, name):
        """Return the first record of those kinds called ``name``, or None."""
        found = [self.objects[identity] for identity in self._by_name.get(name, ())]
        found = [record for record in found if record["kind"] in kind_names]
        return min(found, key=_order) if found else None

    def holders(self, disk_id):
        """Return the virtual servers that have the device ``disk_id``."""
        return [self.objects[identity] for identity in sorted(self._holders.get(disk_id, ()))]

    def seers(self, disk_id):
        """Return the virtual servers whose guest sees the disk, attached or not any more."""
        return [self.objects[identity] for identity in sorted(self._seers.get(disk_id, ()))]

    def snapshot_disks(self):
        """Return the snapshot disks there are."""
        return [self.objects[identity] for identity in sorted(self._snapshot_disks)]

    def writers(self):
        """Return the virtual servers that write by themselves."""
        return [self.objects[identity] for identity in sorted(self._writers)]

    def members(self, group_id):
        """Return the disks of a disk group."""
        return [self.objects[identity] for identity in sorted(self._members.get(group_id, ()))]

    def _in_order(self):
        return sorted(self.objects.values(), key=_order)

    # -- changing

    def new_id(self, prefix):
        """Return an id that no object has had."""
        number = self.next_number
        self.next_number += 1
        return "%s-%d" % (prefix, number)

    def add(self, record, job=None):
        """Add a new record; under ``job`` it goes away with an abort."""
        if job is not None:
            self._undo.setdefault(job, {})[record["id"]] = None
        self.objects[record["id"]] = record
        self._index(record)
        self.dirty = True
        return record

    def change(self, record, job, **fields):
        """Change a record under ``job``; an object that another open job changed is refused."""
        self._keep(record, job)
        self._unindex(record)
        record.update(fields)
        self._index(record)
        self.dirty = True

    def claim(self, record, job):
        """Have ``job`` hold a record that it changes nothing of; refused as a change is."""
        self._keep(record, job)

    def claim_all(self, records, job):
        """Have ``job`` hold records that it is about to change: one that is refused leaves all of them as they were."""
        for record in records:
            self.claim(record, job)

    def remove(self, record, job):
        """Remove a record under ``job``."""
        self._keep(record, job)
        self._unindex(record)
        self._removed[record["id"]] = self.objects.pop(record["id"])
        self.dirty = True

    def settle(self, record, **fields):
        """Change what happens by itself (power, growth), in the record and in what an abort would restore."""
        for undo in self._undo.values():
            if undo.get(record["id"]) is not None:
                undo[record["id"]].update(copy.deepcopy(fields))
        self._unindex(record)
        record.update(fields)
        self._index(record)
        self.dirty = True

    def _keep(self, record, job):
        identity = record["id"]
        for other, undo in self._undo.items():
            if other is not job and identity in undo:
                raise ManagementException("%s is locked by the open job %s" % (record["name"], other.name))
        undo = self._undo.setdefault(job, {})
        if identity not in undo:
            undo[identity] = copy.deepcopy(record)

    # -- jobs

    def forget_undo(self, job):
        """Make what ``job`` did final."""
        self._undo.pop(job, None)

    def roll_back(self, job):
        """Undo what ``job`` did; returns ``[(record now or None, record before or None)]``."""
        pairs = []
        for identity, before in self._undo.pop(job, {}).items():
            self._removed.pop(identity, None)
            now = self.objects.pop(identity, None)
            if now is not None:
                self._unindex(now)
            if before is not None:
                self.objects[identity] = before
                self._index(before)
            pairs.append((now, before))
        self.dirty = True
        return pairs

    # -- indexes, so that ten thousand servers cost no more than ten

    def _reindex(self):
        self._by_name, self._holders, self._seers = {}, {}, {}
        self._members, self._snapshot_disks, self._writers = {}, set(), set()
        for record in self.objects.values():
            self._index(record)

    def _index(self, record):
        identity = record["id"]
        self._by_name.setdefault(record["name"], set()).add(identity)
        for device in record.get("devices", ()):
            self._holders.setdefault(device, set()).add(identity)
        for seen in record.get("visible", ()):
            self._seers.setdefault(seen["disk"], set()).add(identity)
        if record.get("disk_group"):
            self._members.setdefault(record["disk_group"], set()).add(identity)
        if record.get("snapshot_parent"):
            self._snapshot_disks.add(identity)
        if record.get("write_bytes_per_second"):
            self._writers.add(identity)

    def _unindex(self, record):
        identity = record["id"]
        self._by_name.get(record["name"], set()).discard(identity)
        for device in record.get("devices", ()):
            self._holders.get(device, set()).discard(identity)
        for seen in record.get("visible", ()):
            self._seers.get(seen["disk"], set()).discard(identity)
        if record.get("disk_group"):
            self._members.get(record["disk_group"], set()).discard(identity)
        self._snapshot_disks.discard(identity)
        self._writers.discard(identity)


def _order(record):
    return int(record["id"].rpartition("-")[2])
