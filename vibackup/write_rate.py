"""How fast a virtual server writes to its disks, as its own guest counts it: what its snapshot grows by."""
from __future__ import absolute_import, division, print_function, unicode_literals

import re

from vibackup import errors, events, guest, steps
from vibackup import manager as api

SECONDS = 10
SECTOR = 512  # what /proc/diskstats counts in, whatever the disk has
_COUNTER = ["powershell", "-NoProfile", "-Command",
            "(Get-Counter '\\PhysicalDisk(_Total)\\Disk Write Bytes/sec').CounterSamples.CookedValue"]


def bytes_per_second(run, server):
    """Return how many bytes a second ``server`` (a ``steps.Server``) writes at present; 0 where it does not run.

    Takes about SECONDS. Raises Refused or GuestError where its guest does not tell.
    """
    state = events.state_of(run.manager, server.handle)
    if state in (api.STOPPED, api.FAILED):
        return 0.0
    if state != api.RUNNING:
        raise errors.Refused("%s is neither running nor stopped" % server.name)
    host = steps.guest_of(run, server)
    return _counted(run, host) if host.family == guest.LINUX else _figure(host)


def _counted(run, host):
    """Compare what a Linux guest has written at two moments."""
    names = [disk.path[len("/dev/"):] for disk in host.disks()]
    clock = run.manager.clock
    begun, before = clock.monotonic(), _written(host, names)
    clock.sleep(SECONDS)
    run.check_stop()
    seconds, after = clock.monotonic() - begun, _written(host, names)
    if after < before or seconds <= 0:
        raise errors.GuestError("%s: /proc/diskstats counts backwards" % host.name)
    return (after - before) / seconds


def _written(host, names):
    """Return the bytes that a Linux guest has written to the disks ``names`` since it booted."""
    sectors = {}
    for line in host.must(["cat", "/proc/diskstats"]).splitlines():
        fields = line.split()
        if len(fields) >= 10 and re.match(r"[0-9]{1,20}\Z", fields[9]):
            sectors[fields[2]] = int(fields[9])
    missing = [name for name in names if name not in sectors]
    if missing or not names:
        raise errors.GuestError("%s: /proc/diskstats does not count %s" % (host.name, ", ".join(missing) or "any disk"))
    return SECTOR * sum(sectors[name] for name in names)


def _figure(host):
    """Ask a Windows guest; its figure has the decimal sign of its own language."""
    said = host.must(_COUNTER).strip()
    if not re.match(r"[0-9]{1,20}([.,][0-9]+)?(E\+?[0-9]{1,2})?\Z", said):
        raise errors.GuestError("%s: powershell: not a number of bytes a second: %s" % (
            host.name, said[:80] or "nothing"))
    return float(said.replace(",", "."))
