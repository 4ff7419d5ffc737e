# -*- coding: utf-8 -*-
"""The new server that a backup or an archive is brought back as."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.labs import MEGABYTE
from vibackup import errors, new_server

ENTRY = {"vs": "web01", "server": {"node": "node1", "memory_bytes": 1024, "networks": ["lan"], "boot_type": "DISK"}}
DISKS = [{"name": "web01-system", "bytes": MEGABYTE, "group": "group1"}]


def wanted(run, entry=ENTRY, disks=DISKS, new_vs="web02", **more):
    return new_server.NewServer(run, "the backup 1", entry, disks, new_vs, **more)


@pytest.mark.parametrize("names, expected", [
    (["web01-system", "web01-data"], ["web02-system", "web02-data"]), (["data"], ["web02-data"]),
    (["web01"], ["web02"]), (["web01-data", "data"], ["web02-web01-data", "web02-data"]),
    (["web01-a", "a", "b"], ["web02-web01-a", "web02-a", "web02-b"])])
def test_disks_are_called_as_the_originals_and_no_two_the_same(names, expected):
    assert new_server.disk_names("web02", "web01", names) == expected


def test_what_the_original_had_is_the_default(run):
    found = wanted(run)
    assert (found.node_name, found.targets[0].name, found.targets[0].group_name) == ("node1", "web02-system", "group1")
    assert found.settings() == {"memory_bytes": 1024, "networks": ["lan"]}
    assert wanted(run, node="node2").node_name == "node2"
    assert wanted(run, isolated=True).settings() == {"memory_bytes": 1024, "networks": []}


def test_what_nobody_recorded_has_to_be_given(run):
    with pytest.raises(errors.Refused) as caught:
        wanted(run, {"vs": "web01"})
    assert "the backup 1 does not say which node its server had: give --to-node" in caught.value.message
    with pytest.raises(errors.Refused) as caught:
        wanted(run, disks=[{"name": "web01-system", "bytes": MEGABYTE}])
    assert "does not say which disk group web01-system was in: give --to-group" in caught.value.message
    assert wanted(run, {"vs": "web01"}, node="node1", group="group1").settings() == {}


@pytest.mark.parametrize("change, words", [
    ({"new_vs": "pbh01"}, "there is a virtual server called pbh01 already"),
    ({"disks": [dict(DISKS[0], bytes=MEGABYTE ** 2)]}, "the disk group group1 has")])
def test_where_there_is_no_room_it_is_refused(run, change, words):
    with pytest.raises(errors.Refused) as caught:
        new_server.check(run, wanted(run, **change), "new disk")
    assert words in caught.value.message


def test_what_will_not_be_as_it_was_is_a_warning(run):
    entry = dict(ENTRY, skipped=["web01-lun"], server=dict(ENTRY["server"], boot_type="CDROM"))
    new_server.check(run, wanted(run, entry), "import")
    assert run.warnings == [
        "the backup 1 has no web01-lun: web02 comes without it",
        "web01 boots from a network block device, and web02 will boot from its first disk",
        "web01 still exists, and web02 will have its networks and its address: see --isolated"]
