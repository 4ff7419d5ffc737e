# -*- coding: utf-8 -*-
"""What export-disk writes is what qemu-img reads, and import-disk reads what qemu-img writes; cmp compares."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import random
import subprocess

import pytest

from tests.flows.copies import SIZE, export, import_, target, two_groups
from tests.flows.helpers import compat, named, same_by_cmp, stage, write_bytes  # noqa: F401

pytestmark = pytest.mark.needs("qemu-img", "cmp")


def call(*words):
    """Run a program; what it says is the failure where it fails."""
    child = subprocess.Popen([compat.native(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = compat.text(child.communicate()[0])
    assert child.returncode == 0, "%s: %s" % (words, said)


def sparse(seed, size):
    """Return the bytes of a disk with a few written places."""
    numbers = random.Random(seed)
    data = bytearray(size)
    for _piece in range(12):
        offset = numbers.randrange(size - 4096)
        data[offset:offset + 4096] = bytearray(numbers.randrange(256) for _byte in range(4096))
    return bytes(data)


@pytest.mark.parametrize("disk", ["web01-system", "spare"])
def test_qemu_img_reads_the_disks_bytes_from_an_exported_vhd(stage, disk):
    stage.open(two_groups())
    assert export(stage, disk=disk).status == 0
    call("qemu-img", "convert", "-f", "vpc", "-O", "raw", target(stage), target(stage, "exported.raw"))
    assert same_by_cmp(target(stage, "exported.raw"), stage.content(disk))


def test_qemu_img_reads_a_large_disk_of_the_demo_too(stage):
    assert export(stage, disk="db01-data").status == 0
    call("qemu-img", "convert", "-f", "vpc", "-O", "raw", target(stage), target(stage, "exported.raw"))
    assert same_by_cmp(target(stage, "exported.raw"), stage.content("db01-data"))


@pytest.mark.parametrize("subformat", ["dynamic", "fixed"])
@pytest.mark.parametrize("seed, size", [(1, SIZE), (2, 5 * 1024 * 1024), (3, 3 * 1024 * 1024 + 17 * 512)])
def test_a_vhd_of_qemu_imgs_making_becomes_a_disk_of_the_same_bytes(stage, subformat, seed, size):
    description = two_groups()
    named(description["data_centers"][0]["disk_groups"], "bulkGroup")["bytes"] = 2 * size
    stage.open(description)
    raw = write_bytes(target(stage, "made.raw"), sparse(seed, size))
    call("qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=%s,force_size=on" % subformat, raw,
         target(stage, "made.vhd"))
    assert import_(stage, path=target(stage, "made.vhd")).status == 0
    assert stage.object("copy")["bytes"] == size
    assert same_by_cmp(raw, stage.content("copy"))


def test_a_disk_that_was_exported_and_imported_is_the_same_to_cmp(stage):
    stage.open(two_groups())
    assert export(stage).status == 0 and import_(stage, path=target(stage)).status == 0
    assert same_by_cmp(stage.content("web01-system"), stage.content("copy"))
    assert export(stage, disk="copy", to=target(stage, "again.vhd")).status == 0
    call("qemu-img", "compare", "-f", "vpc", "-F", "vpc", target(stage), target(stage, "again.vhd"))


def test_a_file_that_was_cut_on_its_way_is_refused_as_qemu_img_would(stage):
    stage.open(two_groups())
    export(stage)
    with io.open(target(stage), "r+b") as stream:
        stream.truncate(os.path.getsize(target(stage)) - 4096)
    ran = import_(stage, path=target(stage))
    assert ran.status == 3 and "is no good VHD" in ran.error and stage.changes() == []
