"""How fast a disk's bytes come out of the lab, beside a plain file of the same bytes."""
import os
import random
import statistics

from common import MEBIBYTE, interleaved, seconds_of, workspace, write_json
from fakes import disks, opening, storage

NAME = "reading a disk of 64 MiB out of the lab"
SIZE = 64 * MEBIBYTE
REPETITIONS = 9


def figure():
    """Return the MiB/s of the disk in memory, in a kept lab, and of a plain file, as text."""
    with workspace() as folder:
        path = write_json(folder, "inventory.json", inventory())
        labs = [opening.open_lab(None, path)]
        labs.append(opening.open_lab(os.path.join(folder, "lab"), path))
        try:
            return _measure(folder, labs)
        finally:
            for each in labs:
                each.close()


def inventory():
    """Return the description of a lab with one disk."""
    return {"data_centers": [{"name": "East", "nodes": [{"name": "node1"}],
                              "disk_groups": [{"name": "group", "bytes": 4 * SIZE}]}],
            "disks": [{"name": "disk", "group": "group", "bytes": SIZE}]}


def _measure(folder, labs):
    data = random.Random(1).getrandbits(8 * SIZE).to_bytes(SIZE, "big")
    plain = os.path.join(folder, "plain")
    with open(plain, "wb") as stream:
        stream.write(data)
    for each in labs:
        with each.exclusive():
            storage.write(each, _disk(each), 0, data)
        if b"".join(_pages_of(each)) != data:
            raise RuntimeError("the lab does not give back what was written")
    readers = [lambda each=each: _read(_pages_of(each)) for each in labs] + [lambda: _read_file(plain)]
    seconds = [statistics.median(each) for each in
               interleaved([lambda reader=reader: seconds_of(reader) for reader in readers], REPETITIONS)]
    return "in memory %d MiB/s, --lab=DIR %d MiB/s, a plain file of the same bytes %d MiB/s (no goal)" % tuple(
        SIZE / MEBIBYTE / each for each in seconds)


def _disk(opened):
    return opened.world.named({"LogicalDisk"}, "disk")


def _pages_of(opened):
    disk = _disk(opened)
    return disks.stream(opened.pages, disk["layers"], disk["bytes"])


def _read(parts):
    """Copy every part to one place: a page that is only looked up has not been read."""
    place = bytearray(disks.PAGE)
    for part in parts:
        place[:len(part)] = part


def _read_file(path):
    with open(path, "rb", buffering=0) as stream:
        _read(iter(lambda: stream.read(disks.PAGE), b""))
