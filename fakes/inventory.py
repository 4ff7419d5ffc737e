"""Inventories: a JSON description of what a lab holds, checked key by key, and the lab built from it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import io
import json
import os
import struct
import tarfile

import fakes
from fakes import disks, events, kinds, storage
from vibackup import compat, errors, records

DEMO = os.path.join(fakes.FOLDER, "inventories", "demo.json")
MEGABYTE = 1024 * 1024
FIRST_SECTOR = 128
MOST = 2 ** 60
LARGEST = 256 * MEGABYTE  # bytes of an inventory
LONGEST_PATH = 100  # bytes that the header of the lab's file system has room for
_NEEDED = object()

_TEXT, _WHOLE, _FLAG, _LIST, _OBJECT = (
    "text that is not empty", "a whole number from 0 to 2^60", "true or false", "a list", "an object")

_KEYS = {
    "inventory": {"clock_ms": (_WHOLE, 1212364800000), "events": (_TEXT, events.AFTER_CALL), "missing": (_LIST, []),
                  "job_ms": (_WHOLE, 0), "data_centers": (_LIST, _NEEDED), "disks": (_LIST, []),
                  "network_block_devices": (_LIST, []), "servers": (_LIST, [])},
    "data_centers": {"name": (_TEXT, _NEEDED), "nodes": (_LIST, _NEEDED), "disk_groups": (_LIST, [])},
    "nodes": {"name": (_TEXT, _NEEDED), "bytes_per_second": (_WHOLE, 100 * MEGABYTE)},
    "disk_groups": {"name": (_TEXT, _NEEDED), "bytes": (_WHOLE, _NEEDED),
                    "bytes_per_second": (_WHOLE, 100 * MEGABYTE)},
    "disks": {"name": (_TEXT, _NEEDED), "group": (_TEXT, None), "lun": (_TEXT, None), "bytes": (_WHOLE, _NEEDED),
              "content": (_OBJECT, {})},
    "content": {"boot": (_FLAG, False), "files": (_OBJECT, None), "fill": (_TEXT, None)},
    "network_block_devices": {"name": (_TEXT, _NEEDED), "live_cd": (_OBJECT, None)},
    "live_cd": {"seconds": (_WHOLE, _NEEDED), "crashes": (_FLAG, False)},
    "servers": {"name": (_TEXT, _NEEDED), "node": (_TEXT, _NEEDED), "operating_system": (_TEXT, "Linux"),
                "power": (_TEXT, "Running"), "devices": (_LIST, []), "boot_seconds": (_WHOLE, 30),
                "stop_seconds": (_WHOLE, 5), "write_bytes_per_second": (_WHOLE, 0),
                "memory_bytes": (_WHOLE, 1024 * MEGABYTE), "processors": (_WHOLE, 1), "networks": (_LIST, []),
                "device_naming": (_TEXT, "in order"), "hide_positions": (_FLAG, False), "commands": (_OBJECT, {})},
    "commands": {"seconds": (_WHOLE, 0), "exit_status": (_WHOLE, 0), "output": (_TEXT, "")},
}


# -- reading and checking

def load(path=None):
    """Return the inventory in the JSON file ``path`` (the demo by default), checked and with every key filled in.

    Raises UsageError, which names the file and the place in it.
    """
    path = path or DEMO
    try:
        with open(compat.native(path), "rb") as stream:
            found = records.parsed(records.read(stream, LARGEST))
    except (IOError, OSError, ValueError) as error:
        raise errors.UsageError("inventory %s: %s" % (compat.text(path), compat.message(error)))
    return check(found, compat.text(path))


def check(found, name):
    """Return the inventory ``found``, checked and completed; ``name`` says in errors where it comes from."""
    try:
        return _Check().inventory(found)
    except _Wrong as error:
        raise errors.UsageError("inventory %s: %s" % (name, error.message))


class _Wrong(Exception):
    def __init__(self, place, words):
        Exception.__init__(self, words)
        self.message = "%s: %s" % (place, words)


_REFERRED = {
    "disk group": lambda whole: [group for center in whole["data_centers"] for group in center["disk_groups"]],
    "node": lambda whole: [node for center in whole["data_centers"] for node in center["nodes"]],
    "disk or network block device": lambda whole: whole["disks"] + whole["network_block_devices"],
}


class _Check(object):
    def __init__(self):
        self._counts = {}

    def inventory(self, found):
        whole = self._object("inventory", "top level", found)
        for center in self._list(whole, "data_centers", "data_centers"):
            self._list(center, "nodes", "nodes", center["_place"])
            self._list(center, "disk_groups", "disk_groups", center["_place"])
        for disk in self._list(whole, "disks", "disks"):
            self._disk(whole, disk)
        for device in self._list(whole, "network_block_devices", "network_block_devices"):
            if device["live_cd"] is not None:
                device["live_cd"] = self._object("live_cd", device["_place"] + ".live_cd", device["live_cd"])
        for server in self._list(whole, "servers", "servers"):
            self._server(whole, server)
        if whole["events"] not in events.MODES:
            raise _Wrong("events", "must be one of: %s" % ", ".join(events.MODES))
        if not all(_is_text(each) for each in whole["missing"]):
            raise _Wrong("missing", "must be a list of names of calls")
        self._space(whole)
        self._sharing(whole)
        return whole

    def _disk(self, whole, disk):
        place = disk["_place"]
        if (disk["group"] is None) == (disk["lun"] is None):
            raise _Wrong(place, "give either group (a logical disk) or lun (a raw disk)")
        if disk["group"] is not None:
            self._reference(place + ".group", "disk group", disk["group"], whole)
        if disk["bytes"] % 512 or not disk["bytes"]:
            raise _Wrong(place + ".bytes", "must be a multiple of 512 above 0")
        content = disk["content"] = self._object("content", place + ".content", disk["content"])
        for path, words in sorted((content["files"] or {}).items()):
            file_place = "%s.content.files[%s]" % (place, json.dumps(path))
            if not _is_text(path) or "\0" in path or len(path.encode("utf-8")) > LONGEST_PATH:
                raise _Wrong(file_place, "the path must be text of at most %d bytes" % LONGEST_PATH)
            if words != "" and not _is_text(words):
                raise _Wrong(file_place, "must be text")
        room = disk["bytes"] if content["fill"] is None else disk["bytes"] // 2
        if content["files"] is not None and FIRST_SECTOR * 512 + _archive_bytes(content["files"]) > room:
            raise _Wrong(place + ".content", "the files do not fit in %d bytes" % room)

    def _space(self, whole):
        taken = collections.Counter()
        for disk in whole["disks"]:
            taken[disk["group"]] += disk["bytes"]
        for center in whole["data_centers"]:
            for group in center["disk_groups"]:
                if taken[group["name"]] > group["bytes"]:
                    raise _Wrong(group["_place"] + ".bytes", "%d bytes are too few for disks of %d" % (
                        group["bytes"], taken[group["name"]]))

    def _sharing(self, whole):
        shareable = set(device["name"] for device in whole["network_block_devices"])
        running = {}
        for server in whole["servers"]:
            for number, name in enumerate(server["devices"]):
                place = "%s.devices[%d]" % (server["_place"], number)
                if name in server["devices"][:number]:
                    raise _Wrong(place, "%s is there twice" % json.dumps(name))
                if server["power"] == "Running" and name not in shareable:
                    if name in running:
                        raise _Wrong(place, "%s is in use by %s, which is running too" % (
                            json.dumps(name), json.dumps(running[name])))
                    running[name] = server["name"]

    def _server(self, whole, server):
        place = server["_place"]
        self._reference(place + ".node", "node", server["node"], whole)
        for number, name in enumerate(server["devices"]):
            self._reference("%s.devices[%d]" % (place, number), "disk or network block device", name, whole)
        if not all(_is_text(each) for each in server["networks"]):
            raise _Wrong(place + ".networks", "must be a list of names")
        if server["power"] not in ("Running", "Stopped"):
            raise _Wrong(place + ".power", "must be Running or Stopped")
        if server["device_naming"] not in ("in order", "reversed"):
            raise _Wrong(place + ".device_naming", 'must be "in order" or "reversed"')
        for name, command in list(server["commands"].items()):
            command_place = "%s.commands[%s]" % (place, json.dumps(name))
            if not _is_text(name):
                raise _Wrong(command_place, "must be the name of a command")
            server["commands"][name] = self._object("commands", command_place, command)

    def _list(self, holder, key, kind, place=""):
        where = "%s.%s" % (place, key) if place else key
        items = []
        for number, item in enumerate(holder[key]):
            item_place = "%s[%d]" % (where, number)
            items.append(dict(self._object(kind, item_place, item), _place=item_place))
        holder[key] = items
        return items

    def _object(self, kind, place, found):
        if not isinstance(found, dict):
            raise _Wrong(place, "must be an object, in braces")
        keys = _KEYS[kind]
        for key in sorted(found):
            if key not in keys:
                raise _Wrong(place, "unknown key %s; known: %s" % (json.dumps(key), ", ".join(sorted(keys))))
        result = {}
        for key, (wanted, default) in keys.items():
            if key not in found and default is _NEEDED:
                raise _Wrong(place, "needs %s" % key)
            result[key] = self._value("%s.%s" % (place, key), wanted, found[key]) if key in found else default
        return result

    def _value(self, place, wanted, value):
        number = isinstance(value, compat.number_types) and not isinstance(value, bool)
        right = {_TEXT: _is_text(value), _WHOLE: number and 0 <= value <= MOST,
                 _FLAG: isinstance(value, bool), _LIST: isinstance(value, list), _OBJECT: isinstance(value, dict)}
        if not right[wanted]:
            raise _Wrong(place, "must be %s" % wanted)
        return value

    def _reference(self, place, what, name, whole):
        count = self._names(what, whole)[name] if isinstance(name, compat.text_type) else 0
        if count != 1:
            many = "no" if not count else "%d times a" % count
            raise _Wrong(place, "%s %s named %s" % (many, what, json.dumps(name)))

    def _names(self, what, whole):
        """Return how often each name is among the ``what``; counted once, after all of them are checked."""
        if what not in self._counts:
            self._counts[what] = collections.Counter(each["name"] for each in _REFERRED[what](whole))
        return self._counts[what]


def _is_text(value):
    """Tell whether ``value`` is text that is not empty and can be written down: half a surrogate pair cannot."""
    try:
        return isinstance(value, compat.text_type) and value.encode("utf-8") != b""
    except UnicodeError:
        return False


# -- building

def build(lab, description):
    """Put what the checked inventory ``description`` says into the empty ``lab``."""
    world = lab.world
    world.wall_offset_ms = description["clock_ms"]
    world.settings = {"events": description["events"], "missing": description["missing"],
                      "job_ms": description["job_ms"]}
    ids = {"group": {}, "node": {}, "device": {}}
    for center in description["data_centers"]:
        _build_center(world, center, ids)
    for disk in description["disks"]:
        ids["device"][disk["name"]] = _build_disk(lab, disk, ids)
    for device in description["network_block_devices"]:
        ids["device"][device["name"]] = _build_network_block_device(world, device)
    for server in description["servers"]:
        _build_server(lab, server, ids)


def _build_center(world, center, ids):
    made = world.add({"id": world.new_id("center"), "kind": kinds.VIRTUAL_DATA_CENTER.name, "name": center["name"]})
    for node in center["nodes"]:
        ids["node"][node["name"]] = world.add({
            "id": world.new_id("node"), "kind": kinds.MANAGED_NODE.name, "name": node["name"],
            "data_center": made["id"], "bytes_per_second": max(1, node["bytes_per_second"])})["id"]
    for group in center["disk_groups"]:
        ids["group"][group["name"]] = world.add({
            "id": world.new_id("group"), "kind": kinds.LVM_DISK_GROUP.name, "name": group["name"],
            "data_center": made["id"], "bytes": group["bytes"],
            "bytes_per_second": max(1, group["bytes_per_second"])})["id"]


def _build_disk(lab, disk, ids):
    world = lab.world
    record = {"id": world.new_id("disk"), "name": disk["name"], "bytes": disk["bytes"],
              "layers": [world.new_id("layer")]}
    if disk["lun"] is not None:
        record.update(kind=kinds.RAW_DISK.name, lun=disk["lun"])
    else:
        record.update(kind=kinds.LOGICAL_DISK.name, disk_group=ids["group"][disk["group"]],
                      snapshot_parent=None, lost=False, modelled_bytes=0)
    fill(lab.pages, record, disk["content"])
    return world.add(record)["id"]


def _build_network_block_device(world, device):
    live_cd = device["live_cd"]
    if live_cd is not None:
        live_cd = {"ms": live_cd["seconds"] * 1000, "crashes": live_cd["crashes"]}
    return world.add({"id": world.new_id("nbd"), "kind": kinds.NETWORK_BLOCK_DEVICE.name,
                      "name": device["name"], "live_cd": live_cd})["id"]


def _build_server(lab, server, ids):
    world = lab.world
    record = {"id": world.new_id("vs"), "kind": kinds.VIRTUAL_SERVER.name, "name": server["name"],
              "managed_node": ids["node"][server["node"]], "boot_type": "DISK", "snapshot": None,
              "snapshot_of": None, "status_event": None, "visible": [], "frozen": False, "mounts": {},
              "devices": [ids["device"][name] for name in server["devices"]],
              "boot_ms": server["boot_seconds"] * 1000, "stop_ms": server["stop_seconds"] * 1000}
    for key in ("operating_system", "power", "write_bytes_per_second", "memory_bytes", "processors", "networks",
                "device_naming", "hide_positions", "commands"):
        record[key] = server[key]
    world.add(record)
    if record["power"] == "Running":
        world.settle(record, visible=storage.seen_at_boot(lab, record))
        events.publish(lab, record, kinds.RUNNING_EVENT)
    else:
        events.publish(lab, record, kinds.STOPPED_EVENT)


# -- what is on the disks

def fill(pages, record, content):
    """Write the first content of a disk: a boot sector, one partition with files, and recognisable text. It fits."""
    parts = []
    if content["files"] is not None:
        data = _archive(content["files"])
        parts.append((FIRST_SECTOR * 512, data))
        parts.append((446, _partition_entry(len(data))))
    if content["boot"]:
        parts.append((510, b"\x55\xaa"))
    if content["fill"] is not None:
        start = record["bytes"] // 2
        parts.append((start, _recognisable(content["fill"], min(record["bytes"] // 4, 16 * disks.PAGE))))
    for offset, data in parts:
        disks.write(pages, record["layers"], offset, data)


def _partition_entry(size):
    return b"\x80\0\0\0\x83\0\0\0" + struct.pack(str("<II"), FIRST_SECTOR, (size + 511) // 512)


def _archive_bytes(files):
    """Return the size of ``_archive(files)``: a header and whole sectors for each, two sectors more, whole records."""
    size = 1024 + sum(512 + (len(words.encode("utf-8")) + 511) // 512 * 512 for words in files.values())
    return (size + tarfile.RECORDSIZE - 1) // tarfile.RECORDSIZE * tarfile.RECORDSIZE


def _archive(files):
    """Return the lab's file system: a tar archive of ``{path: text}``, the same bytes every time."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=str("w"), format=tarfile.USTAR_FORMAT, encoding=str("utf-8")) as archive:
        for path in sorted(files):
            data = files[path].encode("utf-8")
            member = tarfile.TarInfo(path if compat.PYTHON3 else path.encode("utf-8"))
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target.getvalue()


def _recognisable(words, size):
    lines = []
    length = 0
    while length < size:
        line = ("%s %08d\n" % (words, len(lines))).encode("utf-8")
        lines.append(line)
        length += len(line)
    return b"".join(lines)[:size]
