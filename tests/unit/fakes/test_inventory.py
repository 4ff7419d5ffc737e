# -*- coding: utf-8 -*-
"""Inventories: what may be in them, and the one line that says what is wrong."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import tarfile

import pytest

from fakes import disks, inventory, kinds
from tests.labs import MEGABYTE, description, disk, find, make_lab, raw_disk
from vibackup import compat
from vibackup.errors import UsageError


def wrong(found):
    with pytest.raises(UsageError) as caught:
        inventory.check(found, "here.json")
    assert caught.value.message.startswith("inventory here.json: ") and "\n" not in caught.value.message
    return caught.value.message[len("inventory here.json: "):]


def server(**more):
    return dict({"name": "web01", "node": "node1"}, **more)


def file_with(tmpdir, data):
    path = tmpdir.join("inventory.json")
    path.write_binary(data)
    return compat.text(path)


# -- the demo

def test_the_demo_has_what_the_readme_speaks_of():
    demo = inventory.load()
    assert [each["name"] for each in demo["servers"]] == ["web01", "db01", "raw01", "mixed01", "pbh01", "pbhwin"]
    assert [each["name"] for each in demo["network_block_devices"]] == ["backup.iso"]
    center = demo["data_centers"][0]
    assert [each["name"] for each in center["nodes"] + center["disk_groups"]] == [
        "node1", "node2", "fastGroup", "bulkGroup"]


# -- files

def test_a_file_that_is_not_there(tmpdir):
    with pytest.raises(UsageError) as caught:
        inventory.load(compat.text(tmpdir.join("none.json")))
    assert "none.json" in caught.value.message


@pytest.mark.parametrize("data", [b"", b"{", b"[1,]", b"\xff\xfe", b"NaN", b"null", b"3", b'"text"', b"[]",
                                  b"[" * 100000, b'{"a":' * 100000])
def test_what_is_no_inventory_is_one_line(tmpdir, data):
    with pytest.raises(UsageError) as caught:
        inventory.load(file_with(tmpdir, data))
    assert caught.value.message.startswith("inventory %s" % compat.text(tmpdir))
    assert "\n" not in caught.value.message


def test_a_file_may_begin_with_blank_lines(tmpdir):
    assert inventory.load(file_with(tmpdir, b'\n\n{"data_centers": []}\n'))["servers"] == []


# -- what is wrong, and where

@pytest.mark.parametrize("keys, words", [
    ({"typo": 1}, 'top level: unknown key "typo"; known: clock_ms, '),
    ({"_place": 1}, 'top level: unknown key "_place"'),
    ({"data_centers": None}, "top level.data_centers: must be a list"),
    ({"data_centers": [3]}, "data_centers[0]: must be an object"),
    ({"data_centers": [{}]}, "data_centers[0]: needs "),
    ({"data_centers": [{"name": "x", "nodes": [{}]}]}, "data_centers[0].nodes[0]: needs name"),
    ({"clock_ms": -1}, "clock_ms: must be a whole number from 0"),
    ({"clock_ms": 1.5}, "clock_ms: must be a whole number"),
    ({"clock_ms": True}, "clock_ms: must be a whole number"),
    ({"job_ms": 10 ** 400}, "job_ms: must be a whole number from 0 to 2^60"),
    ({"events": "sometimes"}, "events: must be one of: after-call, backlog"),
    ({"missing": [1]}, "missing: must be a list of names"),
    ({"disks": [{"name": "d", "bytes": 512}]}, "disks[0]: give either group"),
    ({"disks": [{"name": "d", "bytes": 512, "group": "group1", "lun": "L"}]}, "disks[0]: give either group"),
    ({"disks": [disk("d", group="none")]}, 'disks[0].group: no disk group named "none"'),
    ({"disks": [disk("d", size=0)]}, "disks[0].bytes: must be a multiple of 512"),
    ({"disks": [disk("d", size=513)]}, "disks[0].bytes: must be a multiple of 512"),
    ({"disks": [disk("d", boot=3)]}, "disks[0].content.boot: must be true or false"),
    ({"disks": [disk("")]}, "disks[0].name: must be text"),
    ({"disks": [disk("d", files={"a": 3})]}, 'disks[0].content.files["a"]: must be text'),
    ({"disks": [disk("d", files={"": "x"})]}, 'disks[0].content.files[""]: the path must be'),
    ({"disks": [disk("d", files={"x" * 101: "x"})]}, "the path must be text of at most 100 bytes"),
    ({"disks": [disk("d", files={"a": "x" * MEGABYTE})]}, "disks[0].content: the files do not fit in 1048576 bytes"),
    ({"disks": [disk("d", files={"a": "x" * (MEGABYTE // 2)}, fill="y")]}, "the files do not fit in 524288 bytes"),
    ({"servers": [], "disks": [disk("d", size=65 * MEGABYTE)]},
     "data_centers[0].disk_groups[0].bytes: 67108864 bytes are too few"),
    ({"network_block_devices": [{"name": "x", "live_cd": {}}]}, "network_block_devices[0].live_cd: needs seconds"),
    ({"servers": [server(node="none")]}, 'servers[0].node: no node named "none"'),
    ({"servers": [server(devices=["none"])]}, 'servers[0].devices[0]: no disk or network block device named "none"'),
    ({"servers": [server(devices=[{"a": [1]}])]}, "servers[0].devices[0]: no disk or network block device"),
    ({"servers": [server(devices=["web01-system", "web01-system"])]},
     'servers[0].devices[1]: "web01-system" is there twice'),
    ({"servers": [server(devices=["web01-system"]), server(name="two", devices=["web01-system"])]},
     'servers[1].devices[0]: "web01-system" is in use by "web01", which is running too'),
    ({"servers": [server(power="Failed")]}, "servers[0].power: must be Running or Stopped"),
    ({"servers": [server(device_naming="random")]}, "servers[0].device_naming: must be"),
    ({"servers": [server(networks=[1])]}, "servers[0].networks: must be a list of names"),
    ({"servers": [server(commands={"x": 1})]}, 'servers[0].commands["x"]: must be an object'),
    ({"servers": [server(commands={"x": {"seconds": "1"}})]}, 'servers[0].commands["x"].seconds: must be'),
])
def test_what_is_wrong_is_named_with_its_place(keys, words):
    assert words in wrong(description(**keys))


def test_a_name_that_is_there_twice_cannot_be_referred_to():
    assert wrong(description(disks=[disk("d"), disk("d")], servers=[server(devices=["d"])])) == \
        'servers[0].devices[0]: 2 times a disk or network block device named "d"'


# -- what is right

def test_two_servers_may_share_a_disk_while_one_of_them_is_stopped():
    make_lab(servers=[server(devices=["web01-system"]),
                      server(name="two", devices=["web01-system"], power="Stopped")])


def test_running_servers_may_share_a_network_block_device():
    make_lab(servers=[server(devices=["web01-system", "backup.iso"]),
                      server(name="two", devices=["pbh01-system", "backup.iso"])])


def test_a_group_may_be_exactly_full():
    center = {"name": "East", "nodes": [{"name": "node1"}, {"name": "node2"}],
              "disk_groups": [{"name": "group1", "bytes": 2 * MEGABYTE}]}
    lab = make_lab(data_centers=[center])
    assert find(lab, kinds.LVM_DISK_GROUP, "group1").getFreeBytes() == 0


def test_every_server_has_the_status_that_its_power_says():
    lab = make_lab(servers=[server(devices=["web01-system"]), server(name="two", power="Stopped")])
    assert find(lab, kinds.VIRTUAL_SERVER, "web01").getStatusEvent().getKind() is kinds.RUNNING_EVENT
    assert find(lab, kinds.VIRTUAL_SERVER, "two").getStatusEvent().getKind() is kinds.STOPPED_EVENT


def test_the_clock_begins_where_the_inventory_says():
    lab = make_lab(clock_ms=1000)
    lab.clock.sleep(2)
    assert lab.configuration_manager().getLocalTime() == 3000


def test_a_disk_holds_its_boot_signature_its_files_and_its_words():
    lab = make_lab(disks=[disk("d", files={"größe/ä": "süß", "empty": ""}, fill="words of ä")], servers=[])
    record = lab.world.named({"LogicalDisk"}, "d")
    data = b"".join(disks.stream(lab.pages, record["layers"], record["bytes"]))
    assert data[510:512] == b"\x55\xaa"
    assert data[MEGABYTE // 2:].startswith("words of ä 00000000\nwords of ä 00000001\n".encode("utf-8"))
    assert len(data[MEGABYTE // 2:].rstrip(b"\0")) == MEGABYTE // 4
    with tarfile.open(fileobj=io.BytesIO(data[inventory.FIRST_SECTOR * 512:MEGABYTE // 2])) as archive:
        found = dict((compat.text(member.name), archive.extractfile(member).read()) for member in archive)
    assert found == {"größe/ä": "süß".encode("utf-8"), "empty": b""}


@pytest.mark.parametrize("files", [{}, {"a": ""}, {"a": "x" * 512}, {"a": "x" * 513, "b": "ä" * 5000},
                                   dict(("%d" % number, "x") for number in range(40))])
def test_the_room_that_files_take_is_known_before_they_are_written(files):
    assert inventory._archive_bytes(files) == len(inventory._archive(files))


def test_files_that_just_fit_do_fit():
    size = inventory.FIRST_SECTOR * 512 + 10240
    make_lab(disks=[disk("d", size=size, files={"a": "x" * (10240 - 512 - 1024)})], servers=[])
    assert "do not fit" in wrong(description(
        disks=[disk("d", size=size, files={"a": "x" * (10240 - 512 - 1023)})], servers=[]))


def test_the_same_inventory_makes_the_same_lab():
    assert make_lab().dump() == make_lab().dump()


def test_a_raw_disk_has_bytes_too():
    lab = make_lab(disks=[raw_disk("lun", boot=True)], servers=[server(devices=["lun"])])
    assert len([each for each in lab.dump()["objects"] if each["name"] == "lun"][0]["sha256"]) == 64


def test_an_inventory_is_plain_json(tmpdir):
    loaded = inventory.load(file_with(tmpdir, json.dumps(description()).encode("ascii")))
    assert loaded == inventory.check(description(), "here")
