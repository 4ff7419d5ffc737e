# -*- coding: utf-8 -*-
"""Labs for tests: small ones in memory, and the demo kept in a folder.

Every lab made here is closed by ``close_all``, which a module's own fixture may call; closing twice is fine.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import shutil
import tempfile

from fakes import inventory
from fakes.faults import ManagementException
from fakes.lab import Lab
from fakes.opening import open_lab
from vibackup import compat
from vibackup.guest import Command

MEGABYTE = 1024 * 1024

_made = []


def description(**keys):
    """Return an inventory: ``web01`` and the proxy ``pbh01`` with a disk each, but for what ``keys`` replace."""
    whole = {
        "data_centers": [{"name": "East",
                          "nodes": [{"name": "node1"}, {"name": "node2"}],
                          "disk_groups": [{"name": "group1", "bytes": 64 * MEGABYTE}]}],
        "disks": [disk("web01-system", files={"etc/hostname": "web01\n"}), disk("pbh01-system")],
        "network_block_devices": [{"name": "backup.iso", "live_cd": {"seconds": 120}}],
        "servers": [{"name": "web01", "node": "node1", "devices": ["web01-system"]},
                    {"name": "pbh01", "node": "node2", "devices": ["pbh01-system"]}]}
    whole.update(keys)
    return whole


def disk(name, size=MEGABYTE, group="group1", boot=True, **content):
    """Return the inventory's entry for a logical disk of ``size`` bytes that a server can boot from."""
    return {"name": name, "group": group, "bytes": size, "content": dict(content, boot=boot)}


def raw_disk(name, size=MEGABYTE, lun="LUN-1", boot=False, **content):
    """Return the inventory's entry for a raw disk of ``size`` bytes."""
    return {"name": name, "lun": lun, "bytes": size, "content": dict(content, boot=boot)}


def make_lab(**keys):
    """Return an installed lab in memory, made from ``description(**keys)``."""
    lab = Lab(tempfile.mkdtemp(prefix=str("vibackup-test-")), persistent=False)
    _made.append(lab)
    inventory.build(lab, inventory.check(description(**keys), "test"))
    return lab.install()


def demo_lab(tmpdir, name="lab"):
    """Return the demo as an installed lab that is kept in ``tmpdir/name``: made there, or opened again."""
    lab = open_lab(compat.text(tmpdir.join(name)))
    if lab not in _made:
        _made.append(lab)
    return lab


def close_all():
    """Close every lab that was made here."""
    while _made:
        lab = _made.pop()
        lab.close()
        if not lab.persistent:
            shutil.rmtree(lab.folder, ignore_errors=True)


# -- the management API, as a script uses it

def find(lab, kind, name):
    """Return the handle of the object called ``name``; ``kind`` is a ``fakes.kinds`` constant."""
    found = lab.configuration_manager().findObject(kind, name)
    assert found is not None, name
    return found


@contextlib.contextmanager
def job(lab, name="test"):
    """A begun job, committed at the end and aborted by an error; yields its handle."""
    made = lab.configuration_manager().createJob(name)
    made.begin()
    try:
        yield made
    except (BaseException,) + compat.FAULTS:
        made.abort()
        raise
    made.commit()


@contextlib.contextmanager
def refused(words):
    """Expect the manager's error that says ``words``."""
    try:
        yield
    except ManagementException as error:
        assert words in compat.message(error)
        return
    raise AssertionError("not refused: %s" % words)


# -- guests

def run(lab, server, *words, **more):
    """Run the command ``words`` in the guest of the virtual server called ``server``; returns how it ended.

    ``stdin``, ``stdout``: paths in the guest; whatever else goes to ``fakes.guests.Guests.run``.
    """
    command = Command(list(words), more.pop("stdin", None), more.pop("stdout", None))
    return lab.guests.run(server, command, **more)
