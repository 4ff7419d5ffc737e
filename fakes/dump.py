"""A lab's committed state as JSON, for a person to read and for a test to compare."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from fakes import disks, storage
from fakes.registry import World

_HIDDEN = ("layers", "status_event", "boot_ms", "stop_ms", "content", "modelled_bytes", "commands",
           "device_naming", "hide_positions")
_Committed = collections.namedtuple(str("_Committed"), "world pages")


def dump(lab):
    """Return ``{"clock_ms", "events", "objects"}``; the objects are sorted by id, each with what its kind has.

    After a flow that leaves nothing, ``objects`` is what it was before.
    """
    lab.refresh()
    records = lab.world.as_state()["objects"]
    committed = _Committed(World(lab.world.as_state()), lab.pages) if lab.open_jobs else lab
    return {"clock_ms": lab.wall_ms(),
            "events": [dict(event) for event in lab.world.events],
            "objects": [_object(committed, records[identity]) for identity in sorted(records)]}


def _object(lab, record):
    shown = dict((key, value) for key, value in record.items() if key not in _HIDDEN)
    if "layers" in record:
        shown["sha256"] = None if record.get("lost") else \
            disks.sha256(lab.pages, record["layers"], record["bytes"])
    if record["kind"] == "LvmDiskGroup":
        shown["free_bytes"] = storage.free_bytes(lab, record)
    return shown
