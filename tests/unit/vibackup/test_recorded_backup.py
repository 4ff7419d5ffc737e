# -*- coding: utf-8 -*-
"""A backup of the catalog: which of its disks are wanted, whose they are, and where its agent keeps them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from vibackup import agents, errors, recorded_backup
from vibackup.masking import MASK

DISKS = [{"name": "system", "bytes": 512}, {"name": "data", "bytes": 1024}, {"name": "lun", "bytes": None}]
ENTRY = {"id": "b1", "vs": "web01", "agent": "dd", "verb": "proxy-backup", "mode": "image", "location": "/srv",
         "disks": DISKS}


def names(disks):
    return [disk["name"] for disk in disks]


def test_without_a_name_all_images_are_wanted_in_the_order_of_the_server():
    assert names(recorded_backup.choose(ENTRY, ())) == ["system", "data"]


def test_disks_come_in_the_order_in_which_they_are_named():
    assert names(recorded_backup.choose(ENTRY, ["data", "system"])) == ["data", "system"]


@pytest.mark.parametrize("name", ["lun", "syste", ""])
def test_a_disk_that_has_no_image_in_the_backup_is_not_found_and_those_that_have_are_named(name):
    with pytest.raises(errors.NotFound) as caught:
        recorded_backup.choose(ENTRY, [name])
    assert caught.value.message == "the backup b1 has no disk %s; it has: system, data" % name


@pytest.mark.parametrize("mode, instead", [
    ("file", "--to=FOLDER"), ("archive", "vibackup archive --restore"), ("array", "the storage array"),
    ("boot", "what it was booted from"), ("another", "see the README")])
def test_a_backup_without_images_is_refused_with_the_way_that_there_is(mode, instead):
    with pytest.raises(errors.Refused) as caught:
        recorded_backup.choose(dict(ENTRY, mode=mode), ())
    assert "holds no image" in caught.value.message and instead in caught.value.message


def test_a_backup_of_no_disk_is_refused():
    with pytest.raises(errors.Refused):
        recorded_backup.choose(dict(ENTRY, disks=DISKS[2:]), ())


def test_the_agent_is_the_one_that_made_it():
    known = agents.load()
    assert recorded_backup.agent_of(ENTRY, known) is known["dd"]
    with pytest.raises(errors.Refused) as caught:
        recorded_backup.agent_of(dict(ENTRY, agent="site"), known)
    assert "the agent site, which is not known here: give --agents" in caught.value.message


@pytest.mark.parametrize("recorded, given, location", [
    ("/srv", None, "/srv"), ("/srv", "/mnt/nas", "/mnt/nas"), (None, None, None),
    ("rest:https://me:%s@store/" % MASK, "rest:https://me:secret@store/", "rest:https://me:secret@store/")])
def test_the_location_is_the_backups_own_unless_another_is_given(recorded, given, location):
    assert recorded_backup.location_of(dict(ENTRY, location=recorded), given) == location


def test_a_location_of_which_the_catalog_keeps_a_part_alone_must_be_given():
    with pytest.raises(errors.Refused) as caught:
        recorded_backup.location_of(dict(ENTRY, location="rest:https://me:%s@store/" % MASK), None)
    assert "give --location" in caught.value.message
