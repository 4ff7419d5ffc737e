# -*- coding: utf-8 -*-
"""The structures of a VHD, byte by byte; what is done with whole files is in test_vhd."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import struct

import pytest

from vibackup import vhd_format
from vibackup.vhd_format import BLOCK, DYNAMIC, FIXED, Fault, Layout

SIZE = 3 * BLOCK
HEADER_PLACE, TIME = slice(16, 24), slice(24, 28)  # where they are in a footer


class Dripping(io.BytesIO):
    """A file that gives no more than three bytes at once, as one may that is read without a buffer."""

    name = "slow.vhd"

    def read(self, count=-1):
        return io.BytesIO.read(self, min(count, 3))


def table_of(*sectors):
    return struct.pack(str(">%dI" % len(sectors)), *sectors)


@pytest.mark.parametrize("whole, part, number", [(0, 512, 0), (1, 512, 1), (512, 512, 1), (513, 512, 2)])
def test_what_is_begun_counts_as_a_whole_one(whole, part, number):
    assert vhd_format.number_of(whole, part) == number
    assert vhd_format.in_sectors(whole) == 512 * number


@pytest.mark.parametrize("block, size", [(512, 512), (512 * 1024, 512), (BLOCK, 512), (2 * BLOCK, 1024)])
def test_a_bitmap_has_a_bit_for_each_sector_and_fills_whole_sectors(block, size):
    assert vhd_format.bitmap_bytes(block) == size


def test_a_fixed_disk_is_one_block_at_the_beginning_of_the_file():
    assert list(vhd_format.blocks(Layout(FIXED, SIZE, None, None))) == [(0, 0, SIZE)]


def test_blocks_are_told_in_the_disks_order_and_the_last_ends_with_the_disk():
    layout = Layout(DYNAMIC, 2 * BLOCK + 512, BLOCK, table_of(9000, 0xFFFFFFFF, 100))
    assert list(vhd_format.blocks(layout)) == [(0, 9001 * 512, BLOCK), (2 * BLOCK, 101 * 512, 512)]


@pytest.mark.parametrize("last, fails", [(100 + 4097, False), (100 + 4096, True), (100, True)])
def test_blocks_that_overlap_are_found_however_far_apart_they_are_in_the_table(last, fails):
    """The table is sorted in runs: these two are in different ones."""
    table = table_of(*([100] + [0xFFFFFFFF] * 20000 + [last]))
    if fails:
        with pytest.raises(Fault) as caught:
            vhd_format._check_blocks(table, BLOCK + 512, [(0, 1536)], 10 ** 9)
        assert "two of its blocks overlap" in str(caught.value)
    else:
        assert vhd_format._check_blocks(table, BLOCK + 512, [(0, 1536)], 10 ** 9) is None


def test_two_footers_are_never_of_the_same_identity():
    assert vhd_format.make_footer(FIXED, SIZE)[68:84] != vhd_format.make_footer(FIXED, SIZE)[68:84]


@pytest.mark.parametrize("kind, place", [(FIXED, b"\xff" * 8), (DYNAMIC, b"\0" * 6 + b"\x02\0")])
def test_only_a_dynamic_vhd_has_a_header_that_its_footer_points_to(kind, place):
    footer = vhd_format.make_footer(kind, SIZE)
    assert len(footer) == 512 and footer[HEADER_PLACE] == place


@pytest.mark.parametrize("now, seconds", [(946684800, 0), (946684801.9, 1), (0, 0)])
def test_time_is_counted_from_the_year_2000_and_a_wrong_clock_breaks_nothing(monkeypatch, now, seconds):
    class Clock(object):
        @staticmethod
        def time():
            return now
    monkeypatch.setattr(vhd_format, "time", Clock)
    assert struct.unpack(str(">I"), vhd_format.make_footer(FIXED, SIZE)[TIME]) == (seconds,)


def test_a_header_says_how_many_blocks_there_are_and_where_their_table_is():
    header = vhd_format.make_header(7)
    assert header.startswith(b"cxsparse") and len(header) == 1024
    assert struct.unpack(str(">QIII"), header[16:36]) == (1536, 0x00010000, 7, BLOCK)


def test_a_file_that_gives_its_bytes_bit_by_bit_is_read_whole():
    assert vhd_format.read_at(Dripping(b"0123456789"), 1, 8) == b"12345678"


def test_a_file_that_became_shorter_meanwhile_is_an_error_that_names_it():
    with pytest.raises(IOError) as caught:
        vhd_format.read_at(Dripping(b"0123456789"), 1, 10)
    assert "it became shorter while it was read" in str(caught.value) and "slow.vhd" in str(caught.value)
