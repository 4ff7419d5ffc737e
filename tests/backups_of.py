# -*- coding: utf-8 -*-
"""Entries of the catalog for tests of retention: as vibackup writes them, but for what nobody asks for here."""
from __future__ import absolute_import, division, print_function, unicode_literals

import calendar
import time

from vibackup import agents, compat, prunable

BEGIN = calendar.timegm((2008, 6, 1, 22, 0, 0))  # a Sunday
DAY = 86400
MANAGER = "vmserver"
SITE = prunable.Site(MANAGER, False, agents.load())


def entry(number, seconds=None, **facts):
    """Return the backup ``number`` of web01; seconds: since 1970, when it finished: else a night after the other."""
    moment = time.gmtime(BEGIN + number * DAY if seconds is None else seconds)
    run = "20080601-220000-%08x" % number
    return dict({"id": run, "run": run, "verb": "proxy-backup", "mode": "image", "manager": MANAGER, "lab": False,
                 "vs": "web01", "vs_id": "vs-1", "agent": "dd", "location": "/srv", "outcome": "ok", "skipped": [],
                 "finished": compat.text(time.strftime(str("%Y-%m-%dT%H:%M:%SZ"), moment)), "seconds": 60.0,
                 "proxy": "pbh01", "disks": [disk("system"), disk("data")]}, **facts)


def disk(name):
    return {"name": name, "bytes": 512, "backup_id": "x", "stored_as": "web01/" + name}


def nights(count, **facts):
    """Return the backups of so many nights, the oldest first."""
    return [entry(number, **facts) for number in range(count)]
