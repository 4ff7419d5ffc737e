# -*- coding: utf-8 -*-
"""What the tests of copied disks share: a lab with two disk groups, and the three commands in it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from tests.flows.helpers import KIB, compat, demo, in_a_job, named, small
from vibackup import manager as api
from vibackup import vhd

SIZE = 256 * KIB
SECONDS = 64  # that a disk of SIZE takes to be copied


def two_groups(**server):
    """Return an inventory: web01 with a disk in fastGroup, an empty bulkGroup, and the disk ``spare`` that nobody has.

    Groups are slow enough that a copy can be watched. ``server``: what else web01 has.
    """
    found = small()
    groups = found["data_centers"][0]["disk_groups"]
    groups.append({"name": "bulkGroup", "bytes": 8 * SIZE})
    for group in groups:
        group["bytes_per_second"] = SIZE // SECONDS
    found["disks"].append({"name": "spare", "group": "fastGroup", "bytes": SIZE, "content": {"fill": "spare"}})
    named(found["servers"], "web01").update(server)
    return found


def full_house():
    """Return the demo's inventory with two disks of one name that nobody has."""
    found = demo()
    found["disks"] += [{"name": "twin", "group": group, "bytes": SIZE} for group in ("fastGroup", "bulkGroup")]
    return found


def clone(stage, *words, **options):
    """Copy web01's disk to ``copy`` in bulkGroup, where ``options`` say nothing else."""
    return stage.vibackup("clone-disk", *(_words(options, disk="web01-system", to_group="bulkGroup", name="copy")
                                          + list(words)))


def export(stage, *words, **options):
    """Export web01's disk to ``target(stage)``, where ``options`` say nothing else."""
    return stage.vibackup("export-disk", *(_words(options, disk="web01-system", to=target(stage)) + list(words)))


def import_(stage, *words, **options):
    """Import ``source(stage)`` as ``copy`` into bulkGroup, where ``options`` say nothing else; ``path``: --from."""
    return stage.vibackup("import-disk", *(_words(options, path=source(stage), to_group="bulkGroup", name="copy")
                                           + list(words)))


def _words(options, **defaults):
    given = dict(defaults, **options)
    return ["--%s=%s" % ({"path": "from"}.get(key, key.replace("_", "-")), given[key]) for key in sorted(given)]


def target(stage, name="disk.vhd"):
    """Return the path of a file in a folder of its own."""
    folder = os.path.join(stage.folder, "exports")
    if not os.path.isdir(compat.native(folder)):
        os.makedirs(compat.native(folder))
    return os.path.join(folder, name)


def files(stage):
    """Return the names of all files in that folder."""
    return sorted(compat.text(name) for name in os.listdir(compat.native(os.path.dirname(target(stage)))))


def source(stage, size=SIZE, kind=vhd.DYNAMIC):
    """Write a VHD of ``size`` bytes, nearly all of them zero, to a file and return its path."""
    path = os.path.join(stage.folder, "source.vhd")
    vhd.write(path, size, [(512, b"begin"), (size - 3, b"end")], kind)
    return path


def delete(stage, name):
    """Delete a disk that nobody has, as an administrator does."""
    def change(manager):
        disk = manager.find_device(name)
        api.delete_disk(api.group_of(disk), disk)
    in_a_job(stage, change)
