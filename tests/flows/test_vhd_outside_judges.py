# -*- coding: utf-8 -*-
"""qemu-img reads what is written here, and what it writes is read here: the same bytes, both ways."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import random
import struct

import pytest

from tests.vhds import bytes_of
from vibackup import compat, errors, guest, vhd
from vibackup import process as child
from vibackup.vhd import BLOCK, DYNAMIC, FIXED

GIBIBYTE = 1024 ** 3
SIZES = [512, 511 * 512, BLOCK, BLOCK + 512, 5 * BLOCK - 1024, 33 * BLOCK + 7 * 512]
BEYOND_GEOMETRY = 136 * GIBIBYTE + 512  # more than cylinders, heads and sectors can say (127 GiB)

pytestmark = pytest.mark.needs("qemu-img")


@pytest.fixture
def place(tmpdir):
    return lambda name: compat.text(tmpdir.join(name))


@pytest.fixture(params=[FIXED, DYNAMIC])
def kind(request):
    return request.param


def qemu_img(*words):
    """Run qemu-img, which must succeed; return what it prints."""
    done = child.run(guest.Command(["qemu-img"] + list(words), None, None))
    assert done.status == 0, done
    return done.output


def compare(vhd_path, raw_path):
    assert "identical" in compat.text(qemu_img("compare", "-f", "vpc", "-F", "raw", vhd_path, raw_path))


def size_told(path):
    return json.loads(compat.text(qemu_img("info", "--output=json", "-f", "vpc", path)))["virtual-size"]


def random_image(path, size, seed):
    """Write a sparse raw image of ``size`` bytes with random data in a few places and at both ends."""
    numbers = random.Random(seed)
    with io.open(compat.native(path), "wb") as stream:
        for _turn in range(6):
            count = min(size, numbers.choice([1, 511, 4096, 65537, 200000]))
            few = bytearray(numbers.randrange(256) for _byte in range(999))
            stream.seek(numbers.randrange(size - count + 1))
            stream.write(bytes(few * (count // len(few) + 1))[:count])
        for offset in (0, size - 1):
            stream.seek(offset)
            stream.write(b"!")


def without_trailing_zeros(data):
    return data.rstrip(b"\0")


@pytest.mark.parametrize("size", SIZES)
def test_qemu_reads_what_is_written_here(place, kind, size):
    random_image(place("disk.raw"), size, size)
    vhd.pack(place("disk.raw"), place("disk.vhd"), kind)
    assert size_told(place("disk.vhd")) == size
    compare(place("disk.vhd"), place("disk.raw"))
    qemu_img("convert", "-f", "vpc", "-O", "raw", place("disk.vhd"), place("back.raw"))
    assert bytes_of(place("back.raw")) == bytes_of(place("disk.raw"))


def test_qemu_img_check_opens_the_file_and_has_nothing_to_check_in_this_format(place, kind):
    vhd.write(place("disk.vhd"), SIZES[-1], [(0, b"x")], kind)
    done = child.run(guest.Command(["qemu-img", "check", "-f", "vpc", place("disk.vhd")], None, None))
    assert done.status == 63 and "does not support checks" in done.errors, done


@pytest.mark.parametrize("exact", ["on", "off"])
@pytest.mark.parametrize("size", SIZES)
def test_what_qemu_writes_is_read_here(place, kind, size, exact):
    """Without force_size qemu makes the disk larger, so that its geometry can say how large it is."""
    random_image(place("disk.raw"), size, size + 1)
    qemu_img("convert", "-f", "raw", "-O", "vpc", "-o", "subformat=%s,force_size=%s" % (kind, exact),
             place("disk.raw"), place("disk.vhd"))
    size_made = size if exact == "on" else size_told(place("disk.vhd"))
    assert vhd.check(place("disk.vhd"), size_made).kind == kind and size_made >= size
    vhd.unpack(place("disk.vhd"), place("back.raw"))
    assert os.path.getsize(place("back.raw")) == size_made
    compare(place("disk.vhd"), place("back.raw"))
    assert without_trailing_zeros(bytes_of(place("back.raw"))) == without_trailing_zeros(bytes_of(place("disk.raw")))


@pytest.mark.parametrize("seed", range(6))
def test_random_sparse_images_go_there_and_back(place, kind, seed):
    size = random.Random(seed).randrange(1, 9 * BLOCK // 512) * 512
    random_image(place("disk.raw"), size, seed)
    vhd.pack(place("disk.raw"), place("ours.vhd"), kind)
    qemu_img("convert", "-f", "vpc", "-O", "vpc", "-o", "subformat=%s,force_size=on" % kind,
             place("ours.vhd"), place("qemu.vhd"))
    vhd.unpack(place("qemu.vhd"), place("back.raw"))
    assert bytes_of(place("back.raw")) == bytes_of(place("disk.raw"))


@pytest.mark.parametrize("size", [BEYOND_GEOMETRY, vhd.LARGEST])
def test_qemu_reads_a_disk_that_is_larger_than_a_geometry_can_say(place, size):
    pieces = [(0, b"first"), (size // 2 + 77, b"middle"), (size - 4, b"last")]
    vhd.write(place("disk.vhd"), size, pieces)
    assert size_told(place("disk.vhd")) == size
    for offset, data in pieces:
        sector = offset // 512
        qemu_img("dd", "-f", "vpc", "-O", "raw", "bs=512", "skip=%d" % sector, "count=%d" % (sector + 1),
                 "if=" + place("disk.vhd"), "of=" + place("sector.raw"))
        assert bytes_of(place("sector.raw"))[offset % 512:].startswith(data)


@pytest.mark.parametrize("size", [BEYOND_GEOMETRY, vhd.LARGEST])
def test_a_disk_of_qemu_that_is_larger_than_a_geometry_can_say_is_read_here(place, size):
    qemu_img("create", "-f", "vpc", "-o", "force_size=on", place("disk.vhd"), "%d" % size)
    assert vhd.check(place("disk.vhd"), size) == (DYNAMIC, size, 0)
    assert list(vhd.read(place("disk.vhd"))) == []


def test_a_fixed_disk_that_is_larger_than_a_geometry_can_say(place):
    vhd.write(place("disk.vhd"), BEYOND_GEOMETRY, [(0, b"first"), (BEYOND_GEOMETRY - 4, b"last")], FIXED)
    assert size_told(place("disk.vhd")) == BEYOND_GEOMETRY
    assert vhd.check(place("disk.vhd"), BEYOND_GEOMETRY).kind == FIXED


@pytest.mark.parametrize("size", [20808 * 512, 2048000 * 512])
def test_the_structures_are_those_that_qemu_makes(place, kind, size):
    """All their bytes are the same, but for the creator, the time, the identity and the checksum of these.

    qemu gives a disk a block more than it needs where its last block is full; neither of these is.
    """
    qemu_img("create", "-f", "vpc", "-o", "subformat=%s" % kind, place("qemu.vhd"), "%d" % size)
    made = size_told(place("qemu.vhd"))
    vhd.write(place("ours.vhd"), made, [], kind)
    ours, theirs = [structures(place(name)) for name in ("ours.vhd", "qemu.vhd")]
    assert [len(part) for part in ours] == [len(part) for part in theirs]
    assert ours == theirs


def structures(path):
    """Return the footer, and of a dynamic VHD all before it, without what may differ between two writers."""
    with io.open(compat.native(path), "rb") as stream:
        front = stream.read(1536)
        stream.seek(1536)
        rest = stream.read() if front.startswith(b"conectix") else b"".ljust(512)
        stream.seek(-512, os.SEEK_END)
        footer = stream.read()
    parts = [without_writer(footer)]
    if front.startswith(b"conectix"):
        parts += [without_writer(front[:512]), front[512:], rest[:-512]]
    return parts


def without_writer(footer):
    """Return the footer without time, creator, its version, checksum and identity."""
    return footer[:24] + footer[36:64] + footer[84:]


@pytest.mark.parametrize("place_in_file", ["last", "first"])
def test_what_qemu_calls_broken_is_refused_here(place, place_in_file):
    vhd.write(place("disk.vhd"), 2 * BLOCK, [(0, b"x"), (BLOCK, b"y")])
    with io.open(compat.native(place("disk.vhd")), "r+b") as stream:
        if place_in_file == "last":
            stream.truncate(2048 + BLOCK)
        else:
            stream.seek(1536)
            stream.write(struct.pack(str(">I"), 2 ** 31))
    assert child.run(guest.Command(["qemu-img", "info", "-f", "vpc", place("disk.vhd")], None, None)).status != 0
    with pytest.raises(errors.BadImage):
        vhd.check(place("disk.vhd"))
