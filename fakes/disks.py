"""Disks with real bytes: sparse pages in layers, so that a snapshot costs the same whatever the size.

A disk's content is a chain of layers, the newest first; a page is looked up from the top and is
zero where no layer has it. Writes go to the top layer. A snapshot freezes the chain below two new
top layers, one for the disk and one for the snapshot: copy-on-write.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import errno
import hashlib
import os
import shutil

from vibackup import compat

PAGE = 65536
_ZEROS = b"\0" * PAGE


class MemoryPages(object):
    """Layers of pages in memory; pages are kept without their trailing zeros."""

    def __init__(self):
        self._layers = {}

    def get(self, layer, index):
        """Return page ``index`` of ``layer`` without trailing zeros, or None where the layer has none."""
        return self._layers.get(layer, {}).get(index)

    def put(self, layer, index, data):
        """Store ``data`` (at most PAGE bytes) as page ``index`` of ``layer``."""
        self._layers.setdefault(layer, {})[index] = data.rstrip(b"\0")

    def indexes(self, layer):
        """Return the set of page numbers that ``layer`` has."""
        return set(self._layers.get(layer, ()))

    def move(self, source, target):
        """Move every page of layer ``source`` into ``target``, over what is there."""
        self._layers.setdefault(target, {}).update(self._layers.pop(source, {}))

    def drop(self, layer):
        """Forget ``layer``."""
        self._layers.pop(layer, None)


class FolderPages(object):
    """The same on disk, a file a page, each written atomically; safe to use from two processes."""

    def __init__(self, folder):
        self._folder = folder

    def _path(self, layer, index=None):
        path = os.path.join(self._folder, str(layer))
        return path if index is None else os.path.join(path, "%x" % index)

    def get(self, layer, index):
        """Return page ``index`` of ``layer`` without trailing zeros, or None where the layer has none."""
        try:
            with open(self._path(layer, index), "rb") as stream:
                return stream.read()
        except (IOError, OSError) as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def put(self, layer, index, data):
        """Store ``data`` (at most PAGE bytes) as page ``index`` of ``layer``."""
        path = self._path(layer, index)
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
        temporary = "%s.%d.new" % (path, os.getpid())
        with open(temporary, "wb") as stream:
            stream.write(data.rstrip(b"\0"))
        compat.replace(temporary, path)

    def indexes(self, layer):
        """Return the set of page numbers that ``layer`` has."""
        try:
            names = os.listdir(self._path(layer))
        except OSError:
            return set()
        return set(int(name, 16) for name in names if not name.endswith(".new"))

    def move(self, source, target):
        """Move every page of layer ``source`` into ``target``: a reader of both sees the same all the time."""
        if not os.path.isdir(self._path(target)):
            os.makedirs(self._path(target))
        for index in self.indexes(source):
            compat.replace(self._path(source, index), self._path(target, index))
        self.drop(source)

    def drop(self, layer):
        """Remove ``layer``."""
        shutil.rmtree(self._path(layer), ignore_errors=True)

    def keep_only(self, layers):
        """Remove every layer but those: what a killed process left unreferenced."""
        if os.path.isdir(self._folder):
            for name in os.listdir(self._folder):
                if name not in layers:
                    self.drop(name)


def page(pages, chain, index):
    """Return page ``index`` of a disk, PAGE bytes."""
    for layer in chain:
        data = pages.get(layer, index)
        if data is not None:
            return data + _ZEROS[len(data):]
    return _ZEROS


def read(pages, chain, offset, length):
    """Return ``length`` bytes of a disk from ``offset`` on."""
    parts = []
    end = offset + length
    while offset < end:
        index, start = divmod(offset, PAGE)
        count = min(PAGE - start, end - offset)
        parts.append(page(pages, chain, index)[start:start + count])
        offset += count
    return b"".join(parts)


def write(pages, chain, offset, data):
    """Write ``data`` to a disk at ``offset``; the caller has checked that it fits."""
    position = 0
    while position < len(data):
        index, start = divmod(offset + position, PAGE)
        part = data[position:position + PAGE - start]
        if len(part) < PAGE:
            old = page(pages, chain, index)
            pages.put(chain[0], index, old[:start] + part + old[start + len(part):])
        else:
            pages.put(chain[0], index, part)
        position += len(part)


def written(pages, chain):
    """Return the page numbers that any layer of ``chain`` has, in order."""
    indexes = set()
    for layer in chain:
        indexes |= pages.indexes(layer)
    return sorted(indexes)


def stream(pages, chain, size):
    """Yield the ``size`` bytes of a disk in order, a page at a time."""
    present = set(written(pages, chain))
    for index in range((size + PAGE - 1) // PAGE):
        data = page(pages, chain, index) if index in present else _ZEROS
        yield data[:size - index * PAGE]


def sha256(pages, chain, size):
    """Return the SHA-256 of a disk's ``size`` bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for data in stream(pages, chain, size):
        digest.update(data)
    return compat.text(digest.hexdigest())


def copy_out(pages, chain, size, path):
    """Write a disk's bytes to the file ``path``, with holes where it has no pages.

    Returns what ``copy_in`` needs to tell what a program has written to the file since.
    """
    was = {}
    with open(path, "wb") as target:
        for index in written(pages, chain):
            data = page(pages, chain, index)[:size - index * PAGE]
            was[index] = _digest(data)
            target.seek(index * PAGE)
            target.write(data)
        target.seek(size - 1)
        target.write(read(pages, chain, size - 1, 1))  # truncate does not make a file longer on Jython
    return was


def copy_in(pages, chain, size, path, was):
    """Write to a disk the pages of the file ``path`` that changed since ``copy_out`` made it and returned ``was``."""
    indexes = _data_pages(path, size) | set(was)
    with open(path, "rb") as source:
        for index in sorted(indexes):
            source.seek(index * PAGE)
            data = source.read(min(PAGE, size - index * PAGE))
            if data and (_digest(data) != was[index] if index in was else data.strip(b"\0")):
                write(pages, chain, index * PAGE, data)


def _digest(data):
    return hashlib.sha256(data).digest()


def _data_pages(path, size):
    """Return the numbers of the pages where a file is no hole; of all, where the system cannot tell."""
    end = min(size, os.path.getsize(path))
    found = set()
    position = 0
    with open(path, "rb") as source:
        try:
            while position < end:
                start = os.lseek(source.fileno(), position, os.SEEK_DATA)
                position = min(end, os.lseek(source.fileno(), start, os.SEEK_HOLE))
                found.update(range(start // PAGE, (position + PAGE - 1) // PAGE))
        except AttributeError:  # Python 2
            found.update(range((end + PAGE - 1) // PAGE))
        except OSError as error:
            if error.errno != errno.ENXIO:  # which says: no data behind this
                found.update(range((end + PAGE - 1) // PAGE))
    return found
