# -*- coding: utf-8 -*-
"""The lab's state as JSON."""
from __future__ import absolute_import, division, print_function, unicode_literals

import hashlib
import json

from fakes import kinds
from tests.labs import MEGABYTE, disk, find, job, make_lab, raw_disk


def shown(lab, name):
    (found,) = [each for each in lab.dump()["objects"] if each["name"] == name]
    return found


def test_a_dump_is_json_sorted_by_id():
    lab = make_lab()
    dump = json.loads(json.dumps(lab.dump()))
    assert sorted(dump) == ["clock_ms", "events", "objects"]
    ids = [each["id"] for each in dump["objects"]]
    assert ids == sorted(ids) and len(ids) == len(set(ids))
    assert all(each["kind"] and each["name"] for each in dump["objects"])


def test_each_kind_shows_what_it_has():
    lab = make_lab(disks=[disk("web01-system"), raw_disk("lun", lun="LUN-9")],
                   servers=[{"name": "web01", "node": "node1", "devices": ["web01-system", "lun"]}])
    web01, system, lun, group = [shown(lab, name) for name in ("web01", "web01-system", "lun", "group1")]
    assert web01["power"] == "Running" and web01["boot_type"] == "DISK" and web01["snapshot"] is None
    assert web01["devices"] == [system["id"], lun["id"]]
    assert web01["managed_node"] == shown(lab, "node1")["id"]
    assert web01["memory_bytes"] == 1024 * MEGABYTE and web01["processors"] == 1 and web01["networks"] == []
    assert web01["operating_system"] == "Linux"
    assert system["bytes"] == MEGABYTE and system["disk_group"] == group["id"] and system["snapshot_parent"] is None
    assert group["free_bytes"] == 63 * MEGABYTE
    assert lun["lun"] == "LUN-9"


def test_the_sum_of_a_disk_is_that_of_its_bytes():
    lab = make_lab(disks=[disk("plain", size=MEGABYTE)], servers=[])
    data = b"\0" * 510 + b"\x55\xaa" + b"\0" * (MEGABYTE - 512)
    assert shown(lab, "plain")["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_snapshot_shows_whose_it_is():
    lab = make_lab()
    with job(lab):
        snapshot = find(lab, kinds.VIRTUAL_SERVER, "web01").snapshot()
    assert shown(lab, "web01")["snapshot"] == snapshot.getId()
    assert shown(lab, "Snapshot of web01")["snapshot_of"] == shown(lab, "web01")["id"]
    copy = shown(lab, "Snapshot of web01-system")
    assert copy["snapshot_parent"] == shown(lab, "web01-system")["id"]
    assert copy["sha256"] == shown(lab, "web01-system")["sha256"]


def test_dumping_changes_nothing():
    lab = make_lab()
    assert lab.dump() == lab.dump()
    lab.dump()["objects"][0]["name"] = "mine"
    assert "mine" not in json.dumps(lab.dump())
