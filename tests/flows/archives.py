# -*- coding: utf-8 -*-
"""What the tests of archives share: a lab whose db01 has two disks in two groups, its archive, and the manifest."""
from __future__ import absolute_import, division, print_function, unicode_literals

import hashlib
import io
import json
import os
import shutil

from tests.flows.helpers import KIB, compat, named, small
from vibackup import manifest

SIZES = {"db01-system": 256 * KIB, "db01-data": 128 * KIB}
FILES = ["00-db01-system.vhd", "01-db01-data.vhd"]
SECONDS = 32  # that its first disk takes to be copied


def two_disks(raw=False, **server):
    """Return an inventory: db01 with two disks, in fastGroup and bulkGroup, and if ``raw`` one more in front."""
    found = small("db01", "db01-system")
    groups = found["data_centers"][0]["disk_groups"]
    groups.append({"name": "bulkGroup", "bytes": 2048 * KIB})
    for group in groups:
        group["bytes_per_second"] = SIZES["db01-system"] // SECONDS
    found["disks"] += [
        {"name": "db01-data", "group": "bulkGroup", "bytes": SIZES["db01-data"], "content": {"fill": "orders"}},
        {"name": "db01-lun", "lun": "LUN-1", "bytes": 64 * KIB}]
    named(found["servers"], "db01").update(
        devices=(["db01-lun"] if raw else []) + ["db01-system", "db01-data"], networks=["lan"],
        memory_bytes=4 * 1024 ** 3, processors=2, **server)
    return found


def folder(stage):
    """Return the path of the archive's folder, which is not made."""
    return os.path.join(stage.folder, "db01 archive")


def make(stage, *words):
    """Archive db01 in ``folder(stage)``."""
    return stage.vibackup("archive", "--vs=db01", "--to=" + folder(stage), *words)


def restore(stage, *words):
    """Make db02 from that archive."""
    return stage.vibackup("archive", "--restore", "--from=" + folder(stage), "--new-vs=db02", *words)


def verify(stage, *words):
    """Check that archive."""
    return stage.vibackup("archive", "--verify", "--from=" + folder(stage), *words)


def remove(stage):
    """Remove that archive."""
    shutil.rmtree(compat.native(folder(stage)))


def exists(stage):
    """Tell whether there is anything of that archive."""
    return os.path.lexists(compat.native(folder(stage)))


def files(stage):
    """Return the names of all files in its folder."""
    return sorted(compat.text(name) for name in os.listdir(compat.native(folder(stage))))


def path(stage, name):
    """Return the path of a file of the archive, as the system takes it."""
    return compat.native(os.path.join(folder(stage), name))


def data(stage, name):
    """Return the bytes of a file of the archive."""
    with io.open(path(stage, name), "rb") as stream:
        return stream.read()


def put(stage, name, content):
    """Write a file of the archive."""
    with io.open(path(stage, name), "wb") as stream:
        stream.write(content)


def read_manifest(stage):
    """Return the manifest as it stands in its file."""
    return json.loads(data(stage, manifest.FILE_NAME).decode("ascii"))


def change_manifest(stage, change):
    """Have ``change`` change the manifest in place."""
    found = read_manifest(stage)
    change(found)
    put(stage, manifest.FILE_NAME, json.dumps(found).encode("ascii"))


def sha256(content):
    """Return the SHA-256 of bytes as a manifest has it."""
    return compat.text(hashlib.sha256(content).hexdigest())
