# -*- coding: utf-8 -*-
"""The disk that a copy is made of: found by its name, and read while its bytes stand still."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import kinds
from tests import labs
from tests.runs import objects, small_lab
from vibackup import errors, source
from vibackup import manager as api


@pytest.fixture
def lab():
    with small_lab(lambda description: description["disks"].append(labs.disk("spare"))) as lab:
        yield lab


def test_a_disk_is_found_with_the_server_that_has_it(run):
    found = source.find(run.manager, "db01-data")
    assert (found.name, found.bytes, found.vs.name) == ("db01-data", 2 * 1024 * 1024, "db01")
    assert source.holds(found) == [(found.vs.id, "db01")]


def test_a_disk_that_no_server_has_is_held_itself(run):
    found = source.find(run.manager, "spare")
    assert found.vs is None and source.holds(found) == [("disk " + found.id, "spare")]


@pytest.mark.parametrize("name, error, words", [
    ("nothing", errors.NotFound, "no logical disk is called nothing"), ("", errors.NotFound, "no logical disk"),
    ("web01", errors.NotFound, "no logical disk is called web01"),
    ("raw01-lun", errors.Refused, "raw01-lun is a raw disk"),
    ("backup.iso", errors.Refused, "backup.iso is no logical disk")])
def test_what_is_no_logical_disk_is_refused(run, name, error, words):
    with pytest.raises(error) as caught:
        source.find(run.manager, name)
    assert type(caught.value) is error and words in caught.value.message


def test_of_two_disks_of_one_name_none_is_chosen(run, lab):
    lab.world.named({kinds.LOGICAL_DISK.name}, "db01-data")["name"] = "raw01-lun"
    with pytest.raises(errors.Refused) as caught:
        source.find(run.manager, "raw01-lun")
    assert "two disks are called raw01-lun" in caught.value.message


def test_a_servers_disk_is_read_in_a_snapshot_that_goes_again(run, lab):
    before = objects(lab)
    found = source.find(run.manager, "db01-data")
    source.check(run, found)
    with source.standing_still(run, found) as disk:
        assert api.identity_of(api.parent_of(disk)) == found.id
    assert objects(lab) == before


def test_the_snapshot_wants_a_part_of_every_disk_of_the_server(run):
    assert [size for _group, size in source.reserved(run, source.find(run.manager, "db01-data"))] == [
        1024 * 1024 // 10, 2 * 1024 * 1024 // 10]


def test_a_disk_that_no_server_has_is_read_itself_and_wants_nothing(run):
    found = source.find(run.manager, "spare")
    source.check(run, found)
    with source.standing_still(run, found) as disk:
        assert api.identity_of(disk) == found.id
    assert source.reserved(run, found) == [] and source.lines(found, "copy") == ["copy"] and run.steps == []


def test_a_snapshot_that_lacks_the_disk_is_an_error_and_goes_again(run, lab):
    before = objects(lab)
    found = source.find(run.manager, "web01-system")._replace(id="another")
    with pytest.raises(errors.VibackupError) as caught:
        with source.standing_still(run, found):
            raise AssertionError("nothing to read")
    assert "the snapshot of web01 has no disk of web01-system" in caught.value.message
    assert objects(lab) == before
