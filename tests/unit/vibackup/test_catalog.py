# -*- coding: utf-8 -*-
"""The catalog: good backups, whole or not at all."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from vibackup import compat, errors, state
from vibackup.catalog import Catalog

GONE = 2 ** 30  # more than any process's number


@pytest.fixture
def catalog(folder):
    return Catalog(folder)


def entry(identity, vs="web01", finished="2008-06-01T00:00:00Z", **more):
    return dict({"id": identity, "vs": vs, "finished": finished, "agent": "dd", "disks": [{"name": "system"}]}, **more)


def ids(entries):
    return [each["id"] for each in entries]


def test_a_catalog_without_a_folder_is_empty_and_makes_none(catalog, folder):
    assert catalog.entries() == []
    assert not os.path.exists(folder)


def test_what_is_added_comes_back(catalog):
    catalog.add(entry("b1", vs="süd\n"))
    assert catalog.entries() == [entry("b1", vs="süd\n")]
    assert catalog.has("b1")
    assert not catalog.has("b2")


@pytest.mark.parametrize("identity", ["b1", "../../x", "süd", "", ".", "a\nb"], ids=repr)
def test_an_entry_is_there_by_its_very_id(catalog, identity):
    assert not catalog.has(identity)
    catalog.add(entry(identity))
    assert catalog.has(identity)
    assert not catalog.has(identity + " ")


def test_an_id_is_not_written_twice(catalog):
    catalog.add(entry("b1"))
    with pytest.raises(errors.VibackupError) as caught:
        catalog.add(entry("b1", vs="db01"))
    assert "b1" in caught.value.message
    assert catalog.entries() == [entry("b1")]


def test_an_entry_that_is_taken_out_is_gone_and_no_other(catalog):
    catalog.add(entry("b1"))
    catalog.add(entry("../b2"))
    catalog.remove("../b2")
    assert catalog.entries() == [entry("b1")]
    with pytest.raises(errors.NotFound):
        catalog.remove("../b2")


def test_an_entry_that_cannot_be_taken_out_is_said_to_stay(catalog, monkeypatch):
    catalog.add(entry("b1"))

    def refuses(_path):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "remove", refuses)
    with pytest.raises(errors.VibackupError) as caught:
        catalog.remove("b1")
    assert caught.value.message.startswith("catalog: cannot take out the entry of the backup b1: ")
    assert catalog.has("b1")


def test_entries_come_the_oldest_first_whatever_their_ids(catalog):
    catalog.add(entry("a", finished="2008-06-03T00:00:00Z"))
    catalog.add(entry("z", finished="2008-06-01T00:00:00Z"))
    catalog.add(entry("b", finished="2008-06-01T00:00:00Z"))
    assert ids(catalog.entries()) == ["b", "z", "a"]


def test_entries_of_one_server_are_those_of_its_very_name(catalog):
    for number, vs in enumerate(["web01", "web01 ", "web011", "WEB01"]):
        catalog.add(entry("b%d" % number, vs=vs))
    assert ids(catalog.entries("web01")) == ["b0"]


def test_the_id_of_a_backup_never_leads_out_of_the_folder(catalog, folder):
    catalog.add(entry("../../x"))
    assert os.listdir(compat.native(folder)) == ["catalog"]
    assert ids(catalog.entries()) == ["../../x"]


def test_what_a_crash_left_of_an_entry_is_no_entry(catalog, folder):
    """Written beside, and never renamed."""
    catalog.add(entry("b1"))
    with open(os.path.join(compat.native(folder), "catalog", "b2.json.4711.new"), "wb") as stream:
        stream.write(b'{"id": "b2"')
    assert ids(catalog.entries()) == ["b1"]


def test_what_a_crash_left_of_an_entry_is_tidied_and_what_is_being_written_is_not(catalog, folder):
    catalog.tidy()
    catalog.add(entry("b1"))
    names = ["b2.json.%d.new" % GONE, "b3.json.%d.new" % os.getpid()]
    for name in names:
        with open(os.path.join(compat.native(folder), "catalog", name), "wb") as stream:
            stream.write(b"{")
    catalog.tidy()
    assert sorted(os.listdir(os.path.join(compat.native(folder), "catalog"))) == ["b1.json", names[1]]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b"7", b"{}", b'{"id": "b2"}', b"\xff\xfe", b'"text"',
    b'{"id": "b2", "vs": "web01", "finished": "x", "agent": "dd"}'], ids=repr)
def test_a_damaged_entry_is_an_error_that_names_the_file(catalog, folder, damage):
    catalog.add(entry("b1"))
    with open(os.path.join(compat.native(folder), "catalog", "b2.json"), "wb") as stream:
        stream.write(damage)
    with pytest.raises(errors.UsageError) as caught:
        catalog.entries()
    assert "b2.json" in caught.value.message


def test_an_entry_is_for_us_alone_to_read(catalog, folder):
    catalog.add(entry("b1"))
    assert os.stat(os.path.join(compat.native(folder), "catalog", "b1.json")).st_mode & 0o077 == 0


def test_an_entry_that_cannot_be_written_leaves_the_others(catalog, monkeypatch):
    catalog.add(entry("b1"))

    def no_space(*_anything):
        raise IOError(28, "No space left on device")

    monkeypatch.setattr(state, "_to_disk", no_space)
    with pytest.raises(errors.VibackupError) as caught:
        catalog.add(entry("b2"))
    assert "b2.json" in caught.value.message and "No space left" in caught.value.message
    assert ids(catalog.entries()) == ["b1"]


@pytest.mark.parametrize("wrong", [
    {"id": 7}, {"id": None}, {"vs": None}, {"vs": ["web01"]}, {"finished": 1212357600}, {"agent": {}}, {"disks": None},
    {"protected": "yes"}, {"protected": None}, {"finished": "2041Z"}, {"finished": "2008-13-01T00:00:00Z"},
    {"finished": ""}, {"finished": "gestern, süd"},
    {"disks": {}}, {"disks": "system"}, {"disks": ["system"]}, {"disks": [{}]}, {"disks": [{"name": 1}]}], ids=repr)
def test_an_entry_of_wrong_types_is_one_error_that_names_the_file(catalog, folder, wrong):
    catalog.add(entry("b1"))
    state.write_json(os.path.join(compat.native(folder), "catalog", "b2.json"), dict(entry("b2"), **wrong))
    with pytest.raises(errors.UsageError) as caught:
        catalog.entries("web01")
    assert "b2.json" in caught.value.message
    assert "\n" not in caught.value.message
