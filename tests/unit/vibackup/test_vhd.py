# -*- coding: utf-8 -*-
"""VHD files: what is written is read back, and what is not whole and good is refused in one line."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import struct
import subprocess
import sys

import pytest

from tests.vhds import bytes_of, disk_of
from vibackup import compat, errors, vhd
from vibackup.vhd import BLOCK, DYNAMIC, FIXED

SIZE = 3 * BLOCK + 512
HEADER, TABLE, FIRST_BLOCK = 512, 1536, 2048  # bytes: where they are in a dynamic VHD of a few blocks
PIECES = [(5, b"boot"), (BLOCK - 2, b"over the edge of a block"), (3 * BLOCK, b"last" * 128)]


@pytest.fixture
def path(tmpdir):
    return compat.text(tmpdir.join("web01.vhd"))


@pytest.fixture(params=[FIXED, DYNAMIC])
def kind(request):
    return request.param


@pytest.fixture
def dynamic(path):
    vhd.write(path, SIZE, PIECES)
    return path


def content(path, size=SIZE):
    """Return the disk in the VHD at ``path``; what is read must be in order."""
    disk = bytearray(size)
    done = 0
    for offset, data in vhd.read(path):
        assert done <= offset and 0 < len(data) <= BLOCK
        done = offset + len(data)
        disk[offset:done] = data
    assert len(disk) == size
    return bytes(disk)


def put(path, place, data):
    """Write ``data`` into the file at ``place``, from its end where that is negative."""
    with io.open(compat.native(path), "r+b") as stream:
        stream.seek(place, os.SEEK_SET if place >= 0 else os.SEEK_END)
        stream.write(data)


def cut(path, size):
    with io.open(compat.native(path), "r+b") as stream:
        stream.truncate(size)


def with_checksum(data, place):
    data = bytearray(data)
    data[place:place + 4] = b"\0" * 4
    data[place:place + 4] = struct.pack(str(">I"), ~sum(data) & 0xFFFFFFFF)
    return bytes(data)


def change_footers(path, place, data):
    """Put ``data`` at ``place`` in the footer and its copy, with checksums that are right."""
    whole = bytes_of(path)
    footer = whole[-512:]
    footer = with_checksum(footer[:place] + data + footer[place + len(data):], 64)
    put(path, -512, footer)
    if whole.startswith(b"conectix"):
        put(path, 0, footer)


def change_header(path, place, data):
    header = bytes_of(path)[HEADER:HEADER + 1024]
    put(path, HEADER, with_checksum(header[:place] + data + header[place + len(data):], 36))


def number(value, form=">I"):
    return struct.pack(str(form), value)


def refusal(path, **keys):
    """Return why the file is refused; in one line that names it, and by all that read it."""
    with pytest.raises(errors.BadImage) as caught:
        vhd.check(path, **keys)
    message = caught.value.message
    assert path in message and "\n" not in message and caught.value.exit_status == errors.FAILED
    if not keys:
        with pytest.raises(errors.BadImage):
            vhd.read(path)
        with pytest.raises(errors.BadImage):
            vhd.unpack(path, path + ".raw")
        assert not os.path.exists(compat.native(path + ".raw"))
    return message


# -- writing and reading

def test_what_is_written_is_read_back_and_all_else_is_zero(path, kind):
    vhd.write(path, SIZE, PIECES, kind)
    assert content(path) == disk_of(PIECES, SIZE)


def test_a_good_file_says_its_kind_its_size_and_how_much_of_the_disk_it_holds(path, kind):
    vhd.write(path, SIZE, PIECES, kind)
    assert vhd.check(path) == (kind, SIZE, SIZE if kind == FIXED else 2 * BLOCK + 512)
    assert vhd.check(path, SIZE).bytes == SIZE


def test_blocks_that_are_all_zero_get_no_place(path):
    vhd.write(path, 100 * BLOCK, [(0, b"\0" * 512), (BLOCK, bytearray(2 * BLOCK)), (7 * BLOCK + 3, b"x")])
    assert vhd.check(path).data_bytes == BLOCK
    assert os.path.getsize(path) == FIRST_BLOCK + 512 + BLOCK + 512


def test_an_empty_disk_and_a_disk_of_one_sector(path, kind):
    vhd.write(path, 512, [], kind)
    assert vhd.check(path, 512).bytes == 512 and content(path, 512) == bytes(bytearray(512))
    vhd.write(path, 512, [(0, b""), (511, b"!")], kind)
    assert content(path, 512) == b"\0" * 511 + b"!"


def test_pieces_may_be_longer_than_a_block_and_lie_anywhere(path, kind):
    pieces = [(1, b"a" * (2 * BLOCK)), (2 * BLOCK + 1, bytearray(b"b" * 7)), (SIZE - 1, b"c")]
    vhd.write(path, SIZE, pieces, kind)
    assert content(path) == disk_of(pieces, SIZE)


def test_a_file_that_was_there_is_replaced(path, kind):
    vhd.write(path, SIZE, [(0, b"old" * BLOCK)], FIXED)
    vhd.write(path, 1024, [(0, b"new")], kind)
    assert content(path, 1024).rstrip(b"\0") == b"new"


@pytest.mark.parametrize("size", [0, -512, 511, 513, vhd.LARGEST + 512])
def test_a_size_that_no_vhd_can_have_is_refused_before_anything_is_written(path, kind, size):
    with pytest.raises(errors.BadImage) as caught:
        vhd.write(path, size, [], kind)
    assert path in caught.value.message and not os.path.exists(path)


@pytest.mark.parametrize("pieces", [[(512, b"b"), (0, b"a")], [(0, b"ab"), (1, b"b")], [(SIZE, b"x")], [(-1, b"x")]])
def test_pieces_out_of_order_overlapping_or_outside_the_disk_are_refused(path, kind, pieces):
    with pytest.raises(ValueError):
        vhd.write(path, SIZE, pieces, kind)


@pytest.mark.parametrize("kind", [DYNAMIC, FIXED])
def test_a_file_whose_writing_broke_off_is_no_good_vhd(path, kind):
    def breaking_off():
        yield 0, b"x" * 100
        raise RuntimeError("the disk is gone")
    with pytest.raises(RuntimeError):
        vhd.write(path, SIZE, breaking_off(), kind)
    refusal(path)


def test_sectors_whose_bit_is_clear_were_never_written(path):
    vhd.write(path, BLOCK, [(0, b"x" * 16 * 512)])
    put(path, FIRST_BLOCK, b"\x41\x80" + b"\0" * 510)
    read = content(path, BLOCK)
    written = {at // 512 for at in range(0, BLOCK, 512) if read[at:at + 512].strip(b"\0")}
    assert written == {1, 7, 8}


def test_the_largest_disk_takes_no_more_than_its_block_table(path):
    vhd.write(path, vhd.LARGEST, [(0, b"first"), (vhd.LARGEST - 4, b"last")])
    assert vhd.check(path, vhd.LARGEST) == (DYNAMIC, vhd.LARGEST, 2 * BLOCK)
    assert os.path.getsize(path) == TABLE + 4 * 1044480 + 2 * (512 + BLOCK) + 512
    pieces = [(offset, data.strip(b"\0")) for offset, data in vhd.read(path) if data.strip(b"\0")]
    assert pieces[0][0] == 0 and pieces[-1][0] <= vhd.LARGEST - 4
    assert b"".join(data for _offset, data in pieces) == b"firstlast"


CHECK_AND_TELL_MEMORY = """
import sys
from vibackup import vhd
checked = vhd.check(sys.argv[1])
with open("/proc/self/status") as stream:
    most = [line.split() for line in stream if line.startswith("VmHWM:")][0]
print("%d %s %s" % (checked.data_bytes, most[1], most[2]))
"""


def full_of_blocks(path):
    """Write a dynamic VHD of the largest disk that has every block, the last one first; the file is a hole."""
    vhd.write(path, vhd.LARGEST, [])
    footer, count, block = bytes_of(path)[-512:], vhd.LARGEST // BLOCK, (BLOCK + 512) // 512
    first = (TABLE + count * 4) // 512
    with io.open(compat.native(path), "r+b") as stream:
        stream.seek(TABLE)
        stream.write(struct.pack(str(">%dI" % count), *range(first + (count - 1) * block, first - 1, -block)))
        stream.seek((first + count * block) * 512)
        stream.write(footer)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory is told by Linux, and on Jython by nobody")
def test_the_largest_disk_with_all_its_blocks_is_checked_in_less_than_64_mib(path):
    full_of_blocks(path)
    child = subprocess.Popen([sys.executable, "-c", CHECK_AND_TELL_MEMORY, path], stdout=subprocess.PIPE,
                             cwd=os.path.dirname(os.path.dirname(os.path.abspath(vhd.__file__))))
    data_bytes, most, unit = child.communicate()[0].split()
    assert child.returncode == 0 and int(data_bytes) == vhd.LARGEST
    assert unit == b"kB" and int(most) < 64 * 1024


def test_a_raw_image_comes_back_byte_for_byte(tmpdir, kind):
    raw, packed, back = [compat.text(tmpdir.join(name)) for name in ("disk.raw", "disk.vhd", "back.raw")]
    with io.open(compat.native(raw), "wb") as stream:
        stream.write(disk_of(PIECES[:2], SIZE))
    vhd.pack(raw, packed, kind)
    vhd.unpack(packed, back)
    assert bytes_of(back) == bytes_of(raw)


def test_the_holes_of_a_raw_image_are_not_read_and_come_back_as_holes(tmpdir):
    """Where the system can tell holes the disk is so large that reading them would take an hour."""
    size = vhd.LARGEST if hasattr(os, "SEEK_DATA") else 5 * BLOCK
    raw, packed, back = [compat.text(tmpdir.join(name)) for name in ("disk.raw", "disk.vhd", "back.raw")]
    with io.open(compat.native(raw), "wb") as stream:
        stream.write(b"first")
        stream.seek(size - 4)
        stream.write(b"last")
    vhd.pack(raw, packed)
    assert vhd.check(packed, size).data_bytes == 2 * BLOCK
    vhd.unpack(packed, back)
    with io.open(compat.native(back), "rb") as stream:
        assert stream.read(8) == b"first\0\0\0"
        stream.seek(size - 5)
        assert stream.read() == b"\0last"


def test_a_raw_image_of_half_a_sector_is_refused(tmpdir, path):
    raw = compat.text(tmpdir.join("disk.raw"))
    with io.open(compat.native(raw), "wb") as stream:
        stream.write(b"x" * 700)
    with pytest.raises(errors.BadImage):
        vhd.pack(raw, path)


@pytest.mark.parametrize("sectors, geometry", [
    (1, (0, 4, 17)), (20808, (306, 4, 17)), (65535 * 16 * 63 - 1, (65534, 16, 63)),
    (65535 * 16 * 63, (16191, 16, 255)), (65535 * 16 * 255 + 9, (65535, 16, 255)), (2048000, (2031, 16, 63))])
def test_the_geometry_is_the_specifications(path, sectors, geometry):
    vhd.write(path, sectors * 512, [])
    assert struct.unpack(str(">HBB"), bytes_of(path)[56:60]) == geometry


def test_the_front_of_a_file_is_what_the_specification_says(path):
    vhd.write(path, SIZE, [(BLOCK, b"x")])
    whole = bytes_of(path)
    assert whole[:512] == whole[-512:]
    assert whole[:24] == b"conectix" + number(2) + number(0x10000) + number(512, ">Q")
    assert whole[28:32] == b"win "  # "current size" to those who know
    assert whole[HEADER:HEADER + 36] == (b"cxsparse" + b"\xff" * 8 + number(TABLE, ">Q") + number(0x10000) +
                                         number(4) + number(BLOCK))
    assert whole[TABLE:FIRST_BLOCK] == b"\xff" * 4 + number(FIRST_BLOCK // 512) + b"\xff" * 504
    assert whole[FIRST_BLOCK:FIRST_BLOCK + 513] == b"\xff" * 512 + b"x"


# -- what is refused

@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1000, 2048, FIRST_BLOCK + 512, FIRST_BLOCK + BLOCK])
def test_a_file_that_is_cut_short_is_refused(path, kind, size):
    vhd.write(path, SIZE, PIECES, kind)
    cut(path, size)
    assert "cut short" in refusal(path)


def test_no_file_and_a_folder_are_refused(path, tmpdir):
    assert "no plain file" in refusal(path)
    assert "no plain file" in refusal(compat.text(tmpdir))


def test_a_name_with_a_line_break_stays_on_one_line(tmpdir):
    with pytest.raises(errors.BadImage) as caught:
        vhd.check(compat.text(tmpdir.join("two\nlines")))
    assert "\n" not in caught.value.message


def test_a_disk_of_another_size_is_refused(path, kind):
    vhd.write(path, SIZE, PIECES, kind)
    assert "%d bytes, not %d" % (SIZE, SIZE - 512) in refusal(path, size=SIZE - 512)


@pytest.mark.parametrize("place", [0, 8, 12, 31, 47, 56, 63, 64, 70, 84, 200, 511])
def test_a_changed_byte_in_the_footer_or_its_copy_is_noticed(path, kind, place):
    for at in [place - 512] + [place] * (kind == DYNAMIC):
        vhd.write(path, SIZE, PIECES, kind)
        before = bytearray(bytes_of(path))[at]
        put(path, at, bytes(bytearray([before ^ 1])))
        refusal(path)


def test_a_footer_that_is_not_its_copy_is_refused(dynamic):
    footer = bytes_of(dynamic)[-512:]
    put(dynamic, 0, with_checksum(footer[:68] + b"another identity" + footer[84:], 64))
    assert "differ" in refusal(dynamic)


@pytest.mark.parametrize("place, data, words", [
    (12, number(0x20000), "version 2.0"), (60, number(4), "differencing"), (60, number(6), "disk type 6"),
    (48, number(0, ">Q"), "0 bytes"), (48, number(SIZE + 1, ">Q"), "multiple"),
    (48, number(2 ** 64 - 512, ">Q"), "multiple"), (56, struct.pack(str(">HBB"), 1, 1, 1), "geometry"),
    (56, struct.pack(str(">HBB"), 100, 0, 17), "geometry"), (56, struct.pack(str(">HBB"), 9999, 4, 17), "geometry")])
def test_a_footer_with_a_good_checksum_may_still_be_wrong(path, kind, place, data, words):
    vhd.write(path, SIZE, PIECES, kind)
    change_footers(path, place, data)
    assert words in refusal(path)


def test_a_fixed_disk_that_is_not_as_long_as_its_footer_says_is_refused(path):
    vhd.write(path, SIZE, PIECES, FIXED)
    change_footers(path, 48, number(SIZE - 512, ">Q"))
    assert "before its footer" in refusal(path)


@pytest.mark.parametrize("place", [0, 512, SIZE, 2 ** 40, 2 ** 64 - 1])
def test_a_header_that_is_not_where_the_footer_says_is_refused(dynamic, place):
    change_footers(dynamic, 16, number(place, ">Q"))
    if place == 512:
        put(dynamic, HEADER, b"\0")
    assert "dynamic header" in refusal(dynamic)


@pytest.mark.parametrize("place", [0, 9, 23, 27, 31, 35, 36, 64, 600, 1023])
def test_a_changed_byte_in_the_dynamic_header_is_noticed(dynamic, place):
    before = bytearray(bytes_of(dynamic))[HEADER + place]
    put(dynamic, HEADER + place, bytes(bytearray([before ^ 0x80])))
    assert "dynamic header" in refusal(dynamic)


@pytest.mark.parametrize("place, data, words", [
    (24, number(0x10001), "version 1.1"), (32, number(0), "power of two"), (32, number(BLOCK + 512), "power of two"),
    (32, number(256), "power of two"), (32, number(2 ** 19), "4 entries"), (28, number(3), "3 entries"),
    (28, number(0), "0 entries"), (28, number(2 ** 32 - 1), "entries"), (28, number(4000000), "ends after the file"),
    (16, number(0, ">Q"), "on its header"), (16, number(1024, ">Q"), "on its header"),
    (16, number(2 ** 64 - 1, ">Q"), "ends after the file")])
def test_a_dynamic_header_with_a_good_checksum_may_still_be_wrong(dynamic, place, data, words):
    change_header(dynamic, place, data)
    assert words in refusal(dynamic)


@pytest.mark.parametrize("sector, words", [
    (0, "lies on the header"), (1, "lies on the header"), (3, "lies on the header"), (FIRST_BLOCK // 512, "overlap"),
    (FIRST_BLOCK // 512 + 1, "overlap"), (FIRST_BLOCK // 512 + 3 * 4097, "cut short"), (2 ** 32 - 2, "cut short")])
def test_a_block_on_something_else_or_outside_the_file_is_refused(dynamic, sector, words):
    put(dynamic, TABLE + 4, number(sector))
    assert words in refusal(dynamic)


def test_a_block_beyond_the_disks_end_must_lie_right_as_well(dynamic):
    change_header(dynamic, 28, number(5))
    put(dynamic, TABLE + 16, number(FIRST_BLOCK // 512))
    assert "overlap" in refusal(dynamic)


# -- what is odd and good

def test_a_block_table_may_be_longer_than_the_disk_needs(dynamic):
    change_header(dynamic, 28, number(128))
    assert vhd.check(dynamic, SIZE).data_bytes == 2 * BLOCK + 512 and content(dynamic) == disk_of(PIECES, SIZE)


def test_blocks_may_lie_in_any_order(path):
    vhd.write(path, 2 * BLOCK, [(0, b"first"), (BLOCK, b"second")])
    table = bytes_of(path)[TABLE:TABLE + 8]
    put(path, TABLE, table[4:] + table[:4])
    assert content(path, 2 * BLOCK) == disk_of([(0, b"second"), (BLOCK, b"first")], 2 * BLOCK)


def test_blocks_may_be_smaller(path):
    vhd.write(path, BLOCK, [(0, b"x" * BLOCK)])
    change_header(path, 32, number(BLOCK // 4))
    change_header(path, 28, number(4))
    put(path, TABLE, number(FIRST_BLOCK // 512) + number(FIRST_BLOCK // 512 + 1 + 1024) + b"\xff" * 8)
    put(path, FIRST_BLOCK + 1025 * 512, b"\xff" * 512 + b"second")
    read = content(path, BLOCK)
    assert read.startswith(b"x" * (BLOCK // 4) + b"secondx") and not read[BLOCK // 2:].strip(b"\0")


@pytest.mark.parametrize("geometry", [(65535, 16, 255), (16383, 16, 63)])
def test_a_geometry_may_be_as_large_as_its_writer_can_say(path, geometry):
    vhd.write(path, 100 * 1024 ** 3, [])
    change_footers(path, 56, struct.pack(str(">HBB"), *geometry))
    assert vhd.check(path).bytes == 100 * 1024 ** 3


def test_a_disk_that_was_made_larger_may_keep_its_geometry(path):
    vhd.write(path, SIZE, [])
    before = bytes_of(path)[40:48] + bytes_of(path)[56:60]
    vhd.write(path, 2 * SIZE, [])
    change_footers(path, 40, before[:8])
    change_footers(path, 56, before[8:])
    assert vhd.check(path).bytes == 2 * SIZE
