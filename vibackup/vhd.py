"""The VHD format: Microsoft's Virtual Hard Disk Image Format Specification, version 1.0, fixed and dynamic.

``vhd_format`` has the bytes of its structures; here is what is done with whole files. However
large a disk is, no more of it is in memory than a piece, and the block table.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import binascii
import collections
import contextlib
import errno
import io
import os

from vibackup import compat, errors, names, vhd_format
from vibackup.vhd_format import BLOCK, DYNAMIC, FIXED, LARGEST, NUMBER, SECTOR  # noqa: F401

# What a good file holds: FIXED or DYNAMIC, the bytes of the disk, and those of them that have a place in the file.
Image = collections.namedtuple("Image", "kind bytes data_bytes")

_CHUNK = 256 * 1024  # bytes that are read at once
_DRAINED = 2 * 1024 ** 2  # bytes after which the system is told to bring them to the disk
_ZEROS = b"\0" * BLOCK
_FULL_BITMAP = b"\xff" * (BLOCK // SECTOR // 8)


# -- writing

def write(path, size, pieces, kind=DYNAMIC):
    """Write a new VHD to ``path`` and bring it to the disk; what was there is gone.

    ``size`` is the disk's, in bytes: a multiple of 512, from 1 sector to LARGEST. ``pieces`` are (offset, data), data
    as bytes or bytearray of any length and alignment, in ascending order and not overlapping; everywhere else the disk
    is zero. A block that is all zero gets no place in a dynamic VHD. ``kind`` is DYNAMIC or FIXED.

    Raises BadImage for a size that no VHD can have, before anything is written; ValueError for pieces that break
    these rules, and IOError or OSError where the system cannot write: then what is at ``path`` is no good VHD.
    """
    try:
        vhd_format.check_size(size)
    except vhd_format.Fault as fault:
        raise errors.BadImage("%s cannot be written as a VHD: %s" % (_shown(path), fault))
    write_to = {FIXED: _write_fixed, DYNAMIC: _write_dynamic}[kind]
    with io.open(compat.native(path), "wb") as stream:
        write_to(stream, size, _drained(stream, _parts(_checked(pieces, size))))
        stream.flush()
        os.fsync(stream.fileno())


def pack(raw_path, vhd_path, kind=DYNAMIC):
    """Write the raw image at ``raw_path`` as a VHD; its holes are not read where the system can tell them.

    Raises BadImage for a size that no VHD can have, IOError or OSError where a file cannot be read or written.
    """
    with io.open(compat.native(raw_path), "rb", buffering=0) as stream:
        size = vhd_format.length_of(stream)
        write(vhd_path, size, _pieces(stream, 0, size, 0), kind)


def _checked(pieces, size):
    done = 0
    for offset, data in pieces:
        if offset < done or offset + len(data) > size:
            raise ValueError("a piece of %d bytes at %d, after one that ends at %d, on a disk of %d bytes" % (
                len(data), offset, done, size))
        done = offset + len(data)
        yield offset, data


def _parts(pieces):
    """Yield ``pieces`` cut where blocks begin, without those that are all zero."""
    for offset, data in pieces:
        begin = 0
        while begin < len(data):
            count = min(len(data) - begin, BLOCK - (offset + begin) % BLOCK)
            part = bytes(data[begin:begin + count])
            if not _ZEROS.startswith(part):
                yield offset + begin, part
            begin += count


def _drained(stream, parts):
    """Yield ``parts``; on the way, where the system can, have it begin with what the last fsync would wait for."""
    begun = waiting = 0
    for offset, part in parts:
        yield offset, part
        waiting += len(part)
        if waiting >= _DRAINED and hasattr(os, "posix_fadvise"):
            place = stream.tell()
            os.posix_fadvise(stream.fileno(), begun, place - begun, os.POSIX_FADV_DONTNEED)
            begun, waiting = place, 0


def _write_fixed(stream, size, parts):
    for offset, part in parts:
        _put(stream, offset, part)
    _put(stream, size, vhd_format.make_footer(FIXED, size))


def _write_dynamic(stream, size, parts):
    """Write the front last: a file that was cut short has none."""
    entries = vhd_format.number_of(size, BLOCK)
    table = bytearray(b"\xff") * vhd_format.in_sectors(entries * NUMBER.size)
    end = vhd_format.TABLE_PLACE + len(table)
    block = None
    for offset, part in parts:
        index, inside = divmod(offset, BLOCK)
        if index != block:
            block, place = index, end
            end += len(_FULL_BITMAP) + BLOCK
            table[index * NUMBER.size:(index + 1) * NUMBER.size] = NUMBER.pack(place // SECTOR)
            _put(stream, place, _FULL_BITMAP)  # all of it: some readers do not look
        _put(stream, place + len(_FULL_BITMAP) + inside, part)
    footer = vhd_format.make_footer(DYNAMIC, size)
    _put(stream, end, footer)
    _put(stream, 0, footer + vhd_format.make_header(entries) + bytes(table))


def _put(stream, place, data):
    stream.seek(place)
    stream.write(data)


# -- checking

def check(path, size=None):
    """Check that the file at ``path`` is a whole and good VHD, and where ``size`` (bytes) is given, of a disk that big.

    Everything but the content is checked: footer, its copy, dynamic header, with their checksums, and that each block
    of the table is in the file and on top of nothing else. Returns an Image.

    Raises BadImage, which names the file and says what is wrong; so also where it cannot be read.
    """
    with _opened(path) as stream:
        layout = vhd_format.read_layout(stream)
        if size is not None and layout.size != size:
            raise vhd_format.Fault("its disk has %d bytes, not %d" % (layout.size, size))
    return Image(layout.kind, layout.size, sum(count for _offset, _place, count in vhd_format.blocks(layout)))


# -- reading

def read(path):
    """Check the VHD at ``path`` as ``check`` does; return a generator of what its disk holds.

    It yields (offset, data) in ascending order, data of at most BLOCK bytes. What was never written is left out: that
    is zero. Raises BadImage, also later where the file changes or cannot be read to its end.
    """
    with _opened(path) as stream:
        layout = vhd_format.read_layout(stream)
    return _content(path, layout)


def unpack(vhd_path, raw_path):
    """Write the disk in the VHD at ``vhd_path`` as a raw image, with holes where nothing was written.

    Raises BadImage before anything is written where the VHD is not good, IOError or OSError where the raw image
    cannot be written.
    """
    with _opened(vhd_path) as stream:
        layout = vhd_format.read_layout(stream)
    with io.open(compat.native(raw_path), "wb") as stream:
        done = 0
        for offset, data in _content(vhd_path, layout):
            _put(stream, offset, data)
            done = offset + len(data)
        if done < layout.size:
            _put(stream, layout.size - 1, b"\0")  # Jython's truncate makes no file longer
        stream.flush()
        os.fsync(stream.fileno())


def _content(path, layout):
    with _opened(path) as stream:
        for offset, place, count in _written(stream, layout):
            for piece in _pieces(stream, place, place + count, offset - place):
                yield piece


def _written(stream, layout):
    """Yield (offset, place, bytes) of each run of sectors that the bitmaps say were written."""
    for offset, place, count in vhd_format.blocks(layout):
        if layout.kind == FIXED:
            yield offset, place, count
            continue
        bitmap = place - vhd_format.bitmap_bytes(layout.block)
        for begin in range(0, count, BLOCK):
            end = min(begin + BLOCK, count)
            sectors = (end - begin) // SECTOR
            bits = vhd_format.read_at(stream, bitmap + begin // SECTOR // 8, vhd_format.number_of(sectors, 8))
            for first, last in _runs(bits, sectors):
                yield offset + begin + first * SECTOR, place + begin + first * SECTOR, (last - first) * SECTOR


def _runs(bits, sectors):
    """Yield (first, last + 1) of each run of ones among the first ``sectors`` of ``bits``, the highest first."""
    digits = bin(int(b"1" + binascii.hexlify(bits), 16))[3:][:sectors]  # without "0b" and the 1 that keeps zeros
    last = 0
    while True:
        first = digits.find("1", last)
        if first < 0:
            return
        last = digits.find("0", first)
        if last < 0:
            last = sectors
        yield first, last


def _pieces(stream, begin, end, shift):
    """Yield (place + ``shift``, data) of what the file holds from byte ``begin`` to ``end``, without its holes."""
    for place, stop in _filled(stream, begin, end):
        while place < stop:
            data = vhd_format.read_at(stream, place, min(_CHUNK, stop - place))
            yield place + shift, data
            place += len(data)


def _filled(stream, begin, end):
    """Yield (begin, end) of what is no hole in the file; all of it where the system cannot tell."""
    while begin < end:
        try:
            begin = os.lseek(stream.fileno(), begin, os.SEEK_DATA)
            stop = os.lseek(stream.fileno(), begin, os.SEEK_HOLE)
        except AttributeError:
            stop = end
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end of the file
                if vhd_format.length_of(stream) < end:
                    raise vhd_format.shortened(stream)
                return
            stop = end
        if begin < end:
            yield begin, min(stop, end)
        begin = stop


@contextlib.contextmanager
def _opened(path):
    """Open the VHD at ``path`` to read it; what goes wrong with it is a BadImage that names it."""
    try:
        if not os.path.isfile(compat.native(path)):
            raise vhd_format.Fault("no plain file is there")
        with io.open(compat.native(path), "rb", buffering=0) as stream:
            yield stream
    except (vhd_format.Fault, IOError, OSError) as error:
        raise errors.BadImage("%s is no good VHD: %s; export the disk again" % (
            _shown(path), compat.message(error)))


def _shown(path):
    return names.printable(compat.text(path))
