"""Read a manager, change nothing, and say which calls of the API it has."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import manager as api

KNOWN, ASSUMED = "known", "assumed"


def probe(manager):
    """Return ``[{"kind", "call", "status", "present"}]``; present is None where there is no object to ask."""
    rows = []
    for kind, known, assumed in api.CALLS:
        samples = manager.samples(kind)
        for status, calls in ((KNOWN, known), (ASSUMED, assumed)):
            for call in calls:
                rows.append({"kind": kind, "call": call, "status": status,
                             "present": api.has(samples[0], call) if samples else None})
    return rows
