# -*- coding: utf-8 -*-
"""VHDs for tests: the bytes of a file, and of the disk that it holds."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io

from vibackup import compat, vhd


def disk_of(pieces, size):
    """Return a disk of ``size`` bytes that holds ``pieces``, pairs of place and bytes, and is zero elsewhere."""
    disk = bytearray(size)
    for offset, data in pieces:
        disk[offset:offset + len(data)] = data
    return bytes(disk)


def content(path):
    """Return the bytes of the disk in a VHD, which must be good."""
    return disk_of(vhd.read(path), vhd.check(path).bytes)


def bytes_of(path):
    """Return the bytes of a file."""
    with io.open(compat.native(path), "rb") as stream:
        return stream.read()
