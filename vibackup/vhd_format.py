"""The bytes of a VHD's structures: made, and checked when they are read.

All numbers are big-endian, places are in bytes, but those of blocks in sectors. A fixed VHD is the disk and a
footer; a dynamic one is

    copy of the footer, dynamic header, block table (BAT), {sector bitmap, block}..., footer

with a block for each 2 MiB of the disk that holds something. What is read here was perhaps made by somebody
else, or damaged on its way: nothing in it is believed before it is checked.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import array
import collections
import errno
import heapq
import os
import struct
import time
import uuid

FIXED, DYNAMIC = "fixed", "dynamic"
SECTOR = 512  # bytes
BLOCK = 2 * 1024 ** 2  # bytes of the disk in each block that is written here
LARGEST = 2040 * 1024 ** 3  # bytes of the largest disk

_Footer = collections.namedtuple(
    "_Footer", "cookie features version header_place time creator creator_version creator_system original_size size "
               "cylinders heads track_sectors disk_type checksum identity saved_state")
_Header = collections.namedtuple("_Header", "cookie next_place table_place version entries block checksum")
Layout = collections.namedtuple("Layout", "kind size block table")  # table: its bytes; a fixed VHD has none

_FOOTER = struct.Struct(str(">8sIIQI4sI4sQQHBBII16sB427x"))
_HEADER = struct.Struct(str(">8sQQIIII984x"))  # the rest is about the parent of a differencing VHD
NUMBER = struct.Struct(str(">I"))
_FOOTER_CHECKSUM, _HEADER_CHECKSUM = 64, 36  # where in them it is

_FOOTER_COOKIE, _HEADER_COOKIE = b"conectix", b"cxsparse"
_VERSION = 0x00010000
_NOWHERE = 0xFFFFFFFFFFFFFFFF
_UNUSED = 0xFFFFFFFF  # in the block table: this block holds nothing
_TYPES = {FIXED: 2, DYNAMIC: 3}
_DIFFERENCING = 4
# Readers such as qemu's take the disk's size from its geometry, which cannot say every size, unless they know
# that the creator means "current size". Hyper-V's own name is known to all of them.
_CREATOR, _CREATOR_VERSION, _CREATOR_SYSTEM = b"win ", 0x000A0000, b"Wi2k"
_EPOCH = 946684800  # 2000-01-01 UTC, in seconds since 1970
_LARGEST_GEOMETRY = (65535, 16, 255)
_CAPPED_CYLINDERS = (16383, 65535)  # where writers stop counting: ATA's limit, and the field's
_MOST_ENTRIES = LARGEST // (512 * 1024)  # of a block table; Hyper-V's smallest block
TABLE_PLACE = _FOOTER.size + _HEADER.size  # where the block table begins that is written here
_RUN = 16 * 1024  # entries of the block table that are unpacked and sorted at once


class Fault(Exception):
    """What is wrong with a file. Its path is not known where this is raised."""


# -- making

def make_footer(kind, size):
    """Return the footer of a VHD of ``kind``, whose disk has ``size`` bytes."""
    seconds = max(0, int(time.time()) - _EPOCH)
    cylinders, heads, track_sectors = _geometry(size // SECTOR)
    return _with_checksum(_FOOTER_CHECKSUM, _FOOTER.pack(
        _FOOTER_COOKIE, 2, _VERSION, _FOOTER.size if kind == DYNAMIC else _NOWHERE, seconds & 0xFFFFFFFF,
        _CREATOR, _CREATOR_VERSION, _CREATOR_SYSTEM, size, size, cylinders, heads, track_sectors,
        _TYPES[kind], 0, uuid.uuid4().bytes, 0))


def make_header(entries):
    """Return the dynamic header for a block table of ``entries``, which begins right after it."""
    return _with_checksum(_HEADER_CHECKSUM, _HEADER.pack(
        _HEADER_COOKIE, _NOWHERE, TABLE_PLACE, _VERSION, entries, BLOCK, 0))


def _with_checksum(place, data):
    return data[:place] + NUMBER.pack(_checksum(place, data)) + data[place + NUMBER.size:]


def _checksum(place, data):
    """Return the ones' complement of the sum of all bytes but those of the checksum itself."""
    return ~(sum(bytearray(data)) - sum(bytearray(data[place:place + NUMBER.size]))) & 0xFFFFFFFF


def _geometry(sectors):
    """Return (cylinders, heads, sectors per track) as the specification's appendix works them out."""
    cylinders, heads, track_sectors = _LARGEST_GEOMETRY
    sectors = min(sectors, cylinders * heads * track_sectors)
    if sectors >= 65535 * 16 * 63:
        return sectors // track_sectors // heads, heads, track_sectors
    tracks = sectors // 17
    heads, track_sectors = max(4, (tracks + 1023) // 1024), 17
    if tracks >= heads * 1024 or heads > 16:
        heads, track_sectors = 16, 31
        tracks = sectors // 31
    if tracks >= heads * 1024:
        track_sectors = 63
        tracks = sectors // 63
    return tracks // heads, heads, track_sectors


# -- checking

def read_layout(stream):
    """Check the open file ``stream``; return its Layout. Raises Fault; IOError or OSError where it cannot be read."""
    end = length_of(stream) - _FOOTER.size
    if end < 0:
        raise Fault("it is cut short: no VHD has only %d bytes" % (end + _FOOTER.size))
    footer = _checked_footer(read_at(stream, end, _FOOTER.size), "footer")
    if footer.disk_type == _TYPES[FIXED]:
        if end != footer.size:
            raise Fault("it has %d bytes before its footer, and its disk has %d" % (end, footer.size))
        return Layout(FIXED, footer.size, None, None)
    copy = _checked_footer(read_at(stream, 0, min(_FOOTER.size, end)), "copy of the footer")
    if _essence(copy) != _essence(footer):
        raise Fault("its footer and the copy of it differ")
    header = _checked_header(stream, footer, end)
    table = _checked_table(stream, footer, header, end)
    return Layout(DYNAMIC, footer.size, header.block, table)


def _checked_footer(data, name):
    if not data.startswith(_FOOTER_COOKIE) or len(data) < _FOOTER.size:
        raise Fault("it has no %s: it is cut short, or no VHD" % name)
    _check_checksum(_FOOTER_CHECKSUM, data, name)
    footer = _Footer(*_FOOTER.unpack(data))
    _check_version(footer.version, name)
    if footer.disk_type == _DIFFERENCING:
        raise Fault("it is a differencing VHD, which holds only what differs from another file")
    if footer.disk_type not in _TYPES.values():
        raise Fault("its disk type %d is not known" % footer.disk_type)
    check_size(footer.size)
    _check_geometry(footer)
    return footer


def _check_checksum(place, data, name):
    if NUMBER.unpack(data[place:place + NUMBER.size])[0] != _checksum(place, data):
        raise Fault("the checksum of its %s is wrong" % name)


def _check_version(version, name):
    if version != _VERSION:
        raise Fault("its %s has version %d.%d, not 1.0" % (name, version >> 16, version & 0xFFFF))


def check_size(size):
    """Raise Fault where no VHD can be of a disk of ``size`` bytes."""
    if size % SECTOR or not SECTOR <= size <= LARGEST:
        raise Fault("its disk of %d bytes is no multiple of %d from %d to %d" % (size, SECTOR, SECTOR, LARGEST))


def _check_geometry(footer):
    """Check that the geometry ends in the disk's last cylinder, or is one of those that mean "too large to say"."""
    geometry = (footer.cylinders, footer.heads, footer.track_sectors)
    cylinder = footer.heads * footer.track_sectors
    lacking = footer.size // SECTOR - footer.cylinders * cylinder
    of_a_resized_disk = geometry == _geometry(footer.original_size // SECTOR)
    short = lacking >= cylinder and footer.cylinders not in _CAPPED_CYLINDERS and not of_a_resized_disk
    if geometry != _LARGEST_GEOMETRY and (not cylinder or lacking < 0 or short):
        raise Fault("its geometry of %d cylinders, %d heads and %d sectors does not fit a disk of %d bytes" % (
            geometry + (footer.size,)))


def _essence(footer):
    return footer.header_place, footer.size, footer.disk_type, footer.identity


def _checked_header(stream, footer, end):
    if not _FOOTER.size <= footer.header_place <= end - _HEADER.size:
        raise Fault("its dynamic header is not within the file: it is cut short")
    data = read_at(stream, footer.header_place, _HEADER.size)
    if not data.startswith(_HEADER_COOKIE):
        raise Fault("it has no dynamic header at byte %d" % footer.header_place)
    _check_checksum(_HEADER_CHECKSUM, data, "dynamic header")
    header = _Header(*_HEADER.unpack(data))
    _check_version(header.version, "dynamic header")
    if header.block < SECTOR or header.block & (header.block - 1):
        raise Fault("its blocks of %d bytes are no power of two" % header.block)
    if not number_of(footer.size, header.block) <= header.entries <= _MOST_ENTRIES:
        raise Fault("its block table of %d entries does not fit a disk of %d bytes" % (header.entries, footer.size))
    return header


def _checked_table(stream, footer, header, end):
    """Return the block table's bytes, as many as the disk needs, once no block is out of place."""
    table_end = header.table_place + header.entries * NUMBER.size
    header_end = footer.header_place + _HEADER.size
    if table_end > end:
        raise Fault("its block table ends after the file: it is cut short")
    if header.table_place < _FOOTER.size or (header.table_place < header_end and table_end > footer.header_place):
        raise Fault("its block table lies on its header")
    taken = [(0, _FOOTER.size), (footer.header_place, header_end), (header.table_place, table_end)]
    table = read_at(stream, header.table_place, header.entries * NUMBER.size)
    _check_blocks(table, bitmap_bytes(header.block) + header.block, taken, end)
    return table[:number_of(footer.size, header.block) * NUMBER.size]


def _check_blocks(table, block, taken, end):
    """Check that no ``block`` (bytes, bitmap and all) is after ``end``, on another, or on what is ``taken``."""
    front = max(stop for _start, stop in taken)
    free = 0
    for sector in _sorted_sectors(table):
        place = sector * SECTOR
        if place < free:
            raise Fault("two of its blocks overlap at byte %d" % place)
        free = place + block
        if place < front and any(place < stop and start < free for start, stop in taken):
            raise Fault("its block at byte %d lies on the header or the block table" % place)
    if free > end:
        raise Fault("its last block ends at byte %d and its footer begins at %d: it is cut short" % (free, end))


def _sorted_sectors(table):
    """Yield where blocks are, in ascending order; a list of all of them would be ten times the table."""
    runs = []
    for sectors in _sectors(table):
        runs.append(array.array(str("I"), sorted(sector for sector in sectors if sector != _UNUSED)))
    return heapq.merge(*runs)


def _sectors(table):
    """Yield the entries of the block table, a tuple of many at a time."""
    for begin in range(0, len(table), _RUN * NUMBER.size):
        part = table[begin:begin + _RUN * NUMBER.size]
        yield struct.unpack(str(">%dI" % (len(part) // NUMBER.size)), part)


def bitmap_bytes(block):
    """Return how long the bitmap before a block of ``block`` bytes is, in bytes."""
    return in_sectors(number_of(block, SECTOR * 8))


def number_of(whole, part):
    """Return how many ``part`` it takes to hold ``whole``."""
    return -(-whole // part)


def in_sectors(size):
    """Return ``size`` rounded up to whole sectors, in bytes."""
    return number_of(size, SECTOR) * SECTOR


def blocks(layout):
    """Yield (offset, place, bytes) of each block that the file has: where in the disk, and where in the file."""
    if layout.kind == FIXED:
        yield 0, 0, layout.size
        return
    offset = 0
    for sectors in _sectors(layout.table):
        for sector in sectors:
            if sector != _UNUSED:
                yield offset, sector * SECTOR + bitmap_bytes(layout.block), min(layout.block, layout.size - offset)
            offset += layout.block


def length_of(stream):
    """Return the bytes of an open file."""
    stream.seek(0, os.SEEK_END)
    return stream.tell()


def read_at(stream, place, count):
    """Return ``count`` bytes of the file at ``place``."""
    stream.seek(place)
    data = stream.read(count)
    while len(data) < count:
        more = stream.read(count - len(data))
        if not more:
            raise shortened(stream)
        data += more
    return data


def shortened(stream):
    """Return the error for an open file that has less than it had."""
    return IOError(errno.EIO, "it became shorter while it was read", stream.name)
