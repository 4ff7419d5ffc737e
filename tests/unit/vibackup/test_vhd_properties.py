# -*- coding: utf-8 -*-
"""Whatever a disk holds comes back out of its VHD; whatever is done to the file, a bad one is refused and no more."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import shutil
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vhds import disk_of
from vibackup import compat, errors, vhd
from vibackup.vhd import BLOCK, DYNAMIC, FIXED

SECTORS = 3 * BLOCK // 512 + 5
HEADER, TABLE = 512, 1536  # bytes: where they are in the file

kinds = st.sampled_from([FIXED, DYNAMIC])
sizes = st.one_of(st.integers(1, SECTORS), st.sampled_from([1, 4095, 4096, 4097, SECTORS])).map(lambda n: n * 512)
offsets = st.one_of(st.integers(0, SECTORS * 512), st.sampled_from([0, 511, BLOCK - 1, BLOCK, 2 * BLOCK - 3]))
writes = st.lists(st.tuples(offsets, st.binary(min_size=1, max_size=5), st.sampled_from([1, 3, 600, 70000, BLOCK])),
                  max_size=5)


@pytest.fixture(scope="module")
def folder():
    path = tempfile.mkdtemp()
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def good(folder):
    """Return, for each kind, the bytes of a good file."""
    path = os.path.join(folder, "good.vhd")
    files = {}
    for kind in (FIXED, DYNAMIC):
        vhd.write(path, 65536, [(3, b"boot"), (60000, b"end")], kind)
        with io.open(path, "rb") as stream:
            files[kind] = stream.read()
    return files


def pieces_of(size, wanted):
    """Return what of the writes ``wanted`` is in order, does not overlap, and is on a disk of ``size`` bytes."""
    pieces = []
    done = 0
    for offset, data, times in sorted(wanted):
        data = (data * times)[:max(0, size - offset)]
        if offset >= done and data:
            pieces.append((offset, data))
            done = offset + len(data)
    return pieces


def verdict(folder, data):
    """Return whether the file with the bytes ``data`` is good; nothing but BadImage may say that it is not."""
    path = os.path.join(folder, "tried.vhd")
    with io.open(path, "wb") as stream:
        stream.write(data)
    try:
        vhd.check(path)
    except errors.BadImage as error:
        assert "\n" not in error.message and compat.text(path) in error.message
        return False
    for _piece in vhd.read(path):
        pass
    return True


@given(size=sizes, wanted=writes, kind=kinds)
def test_what_is_written_is_read_back(folder, size, wanted, kind):
    path = os.path.join(folder, "disk.vhd")
    pieces = pieces_of(size, wanted)
    vhd.write(path, size, pieces, kind)
    assert vhd.check(path, size).kind == kind
    assert disk_of(vhd.read(path), size) == disk_of(pieces, size)


@given(size=sizes, wanted=writes, kind=kinds)
def test_a_raw_image_comes_back(folder, size, wanted, kind):
    raw, packed, back = [os.path.join(folder, name) for name in ("disk.raw", "disk.vhd", "back.raw")]
    with io.open(raw, "wb") as stream:
        stream.truncate(size)
        for offset, data in pieces_of(size, wanted):
            stream.seek(offset)
            stream.write(data)
    vhd.pack(raw, packed, kind)
    vhd.unpack(packed, back)
    with io.open(raw, "rb") as before, io.open(back, "rb") as after:
        assert before.read() == after.read()


@pytest.mark.parametrize("kind, where", [(FIXED, range(-512, 0)), (DYNAMIC, range(-512, 0)),
                                         (DYNAMIC, range(HEADER + 1024))])
def test_every_changed_byte_of_what_has_a_checksum_is_noticed(folder, good, kind, where):
    """Each of the bytes, not a sample; what is changed in it runs through all values."""
    path = os.path.join(folder, "changed.vhd")
    before = bytearray(good[kind])
    with io.open(path, "w+b", buffering=0) as stream:
        stream.write(bytes(before))
        for place in where:
            put(stream, place % len(before), before[place] ^ (place % 255 + 1))
            with pytest.raises(errors.BadImage):
                vhd.check(path)
            put(stream, place % len(before), before[place])
    assert vhd.check(path).kind == kind


def put(stream, place, byte):
    stream.seek(place)
    stream.write(bytes(bytearray([byte])))


@given(kind=kinds, data=st.data())
def test_a_file_cut_anywhere_is_refused(folder, good, kind, data):
    size = data.draw(st.one_of(st.integers(0, 4096), st.integers(0, len(good[kind]) - 1)))
    assert not verdict(folder, good[kind][:size])


@given(kind=kinds, changes=st.lists(st.tuples(st.integers(0, 2048), st.binary(min_size=1, max_size=8)), max_size=4))
def test_nothing_but_a_clear_refusal_comes_of_a_damaged_file(folder, good, kind, changes):
    damaged = bytearray(good[kind])
    for place, data in changes:
        damaged[place:place + len(data)] = data
    verdict(folder, bytes(damaged))


@given(place=st.integers(16, 35), data=st.binary(min_size=1, max_size=8))
def test_a_wrong_header_with_a_right_checksum_is_refused_or_read(folder, good, place, data):
    damaged = bytearray(good[DYNAMIC])
    header = damaged[HEADER:HEADER + 1024]
    header[place:min(place + len(data), 36)] = data[:36 - place]
    header[36:40] = b"\0" * 4
    total = ~sum(header) & 0xFFFFFFFF
    header[36:40] = bytearray([total >> 24, total >> 16 & 255, total >> 8 & 255, total & 255])
    damaged[HEADER:HEADER + 1024] = header
    verdict(folder, bytes(damaged))


@given(table=st.binary(min_size=4, max_size=64))
def test_a_random_block_table_is_refused_or_read(folder, good, table):
    damaged = bytearray(good[DYNAMIC])
    damaged[TABLE:TABLE + len(table)] = table
    verdict(folder, bytes(damaged))


@given(st.binary(max_size=3000))
def test_random_bytes_are_refused(folder, data):
    assert not verdict(folder, data)
    assert not verdict(folder, b"conectix" + data)
    assert not verdict(folder, data[:512] + b"conectix" + data[512:].ljust(504, b"\0"))
