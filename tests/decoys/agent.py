"""The agent of these tests: a model in this process that keeps what it reads, and writes it back; and ``cmp``."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from fakes import disks, guest_commands, storage
from tests.decoys.patching import patched
from vibackup.guest import Completed

TABLE = """
[keeper]
default_location = kept
image_backup = keeper keep {device} {name} {id}
image_restore = keeper bring {device} {name} {id}
image_discard = keeper drop {name} {id}
bytes = ([0-9]+) bytes read
"""


@contextlib.contextmanager
def installed(kept):
    """Have the guests of labs know the agent meanwhile; it keeps images in the dict ``kept``."""
    def keeper(guest, command):
        return _ACTIONS[command.argv[1]](kept, guest, command.argv[2:])
    with patched(guest_commands, "_MODELLED", dict(guest_commands._MODELLED, keeper=keeper, cmp=_cmp)):
        yield


def _keep(kept, guest, words):
    disk = _disk(guest, words[0])
    if disk is None or disk.get("lost"):
        return Completed(1, "", "cannot read %s" % words[0])
    guest.pass_seconds(5)
    kept[tuple(words[1:])] = _read(guest, disk)
    return Completed(0, "%d bytes read\n" % disk["bytes"], "")


def _bring(kept, guest, words):
    disk, data = _disk(guest, words[0]), kept.get(tuple(words[1:]))
    if disk is None or data is None or len(data) != disk["bytes"]:
        return Completed(1, "", "cannot restore %s" % " ".join(words))
    guest.pass_seconds(5)
    with guest.lab.exclusive():
        storage.write(guest.lab, disk, 0, data)
    return Completed(0, "", "")


def _drop(kept, _guest, words):
    kept.pop(tuple(words), None)
    return Completed(0, "", "")


_ACTIONS = {"keep": _keep, "bring": _bring, "drop": _drop}


def _cmp(guest, command):
    """``cmp -n BYTES -- DEVICE /dev/zero``, as the product calls it."""
    disk = _disk(guest, command.argv[4])
    blank = disk is not None and _read(guest, disk).strip(b"\0") == b""
    return Completed(0 if blank else 1, "", "" if blank else "differ")


def _disk(guest, device):
    found = guest.disk_of(guest.path(device))
    return found and found[1]


def _read(guest, disk):
    return disks.read(guest.lab.pages, disk["layers"], 0, disk["bytes"])
