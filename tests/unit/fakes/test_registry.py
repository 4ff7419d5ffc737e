# -*- coding: utf-8 -*-
"""The registry: records by id, what open jobs changed of them, and the indexes."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json

from fakes.registry import World
from tests.labs import refused


class Job(object):
    def __init__(self, name):
        self.name = name


def world_with(*records):
    world = World()
    for record in records:
        world.add(record)
    return world


def server(number, name, **more):
    return dict({"id": "vs-%d" % number, "kind": "VirtualServer", "name": name, "devices": []}, **more)


def disk(number, name, **more):
    return dict({"id": "disk-%d" % number, "kind": "LogicalDisk", "name": name, "snapshot_parent": None}, **more)


def test_ids_are_never_used_again():
    world = World()
    first = world.new_id("disk")
    assert world.new_id("disk") != first
    assert World(world.as_state()).new_id("disk") not in (first, "disk-2")


def test_an_object_is_found_by_kind_and_name():
    world = world_with(server(1, "web01"), disk(2, "web01"))
    assert world.named({"LogicalDisk"}, "web01")["id"] == "disk-2"
    assert world.named({"RawDisk"}, "web01") is None
    assert world.named({"VirtualServer"}, "web") is None


def test_of_two_with_one_name_the_older_is_found():
    world = world_with(server(10, "web01"), server(9, "web01"))
    assert world.named({"VirtualServer"}, "web01")["id"] == "vs-9"


def test_objects_come_in_the_order_of_their_making_and_not_of_their_spelling():
    world = world_with(server(10, "b"), server(9, "a"), disk(2, "c"))
    assert [record["id"] for record in world.of_kinds({"VirtualServer", "LogicalDisk"})] == ["disk-2", "vs-9", "vs-10"]


def test_what_is_gone_is_said_to_be_gone():
    with refused("object disk-7 does not exist any more"):
        World().get("disk-7")


def test_a_change_is_undone_by_rolling_back():
    world = world_with(server(1, "web01"))
    job = Job("one")
    world.change(world.get("vs-1"), job, name="renamed")
    assert world.named({"VirtualServer"}, "renamed")["id"] == "vs-1"
    world.roll_back(job)
    assert world.named({"VirtualServer"}, "renamed") is None
    assert world.named({"VirtualServer"}, "web01")["name"] == "web01"


def test_a_removed_record_comes_back_and_an_added_one_goes():
    world = world_with(disk(1, "old"))
    job = Job("one")
    world.remove(world.get("disk-1"), job)
    world.add(disk(2, "new"), job)
    world.change(world.get("disk-2"), job, name="newer")
    world.roll_back(job)
    assert sorted(world.objects) == ["disk-1"]
    assert world.named({"LogicalDisk"}, "newer") is None


def test_a_record_added_and_removed_in_one_job_leaves_nothing_either_way():
    for end in ("roll_back", "forget_undo"):
        world = World()
        job = Job("one")
        world.add(disk(1, "brief"), job)
        world.remove(world.get("disk-1"), job)
        getattr(world, end)(job)
        assert world.objects == {}


def test_two_open_jobs_on_one_record_the_second_is_refused():
    world = world_with(server(1, "web01"))
    one, two = Job("the first"), Job("the second")
    world.change(world.get("vs-1"), one, name="a")
    with refused("a is locked by the open job the first"):
        world.change(world.get("vs-1"), two, name="b")
    world.forget_undo(one)
    world.change(world.get("vs-1"), two, name="b")


def test_a_record_that_another_open_job_has_made_is_refused_too():
    world = World()
    one, two = Job("one"), Job("two")
    world.add(disk(1, "new"), one)
    with refused("locked by the open job one"):
        world.remove(world.get("disk-1"), two)


def test_the_committed_state_leaves_out_what_open_jobs_did():
    world = world_with(server(1, "web01"), disk(2, "system"))
    before = json.dumps(world.as_state()["objects"], sort_keys=True)
    one, two = Job("one"), Job("two")
    world.change(world.get("vs-1"), one, name="renamed", devices=["disk-2"])
    world.remove(world.get("disk-2"), two)
    world.add(disk(3, "new"), two)
    assert json.dumps(world.as_state()["objects"], sort_keys=True) == before


def test_what_happens_by_itself_outlives_a_roll_back():
    world = world_with(server(1, "web01", power="Starting"))
    job = Job("one")
    world.change(world.get("vs-1"), job, name="renamed")
    world.settle(world.get("vs-1"), power="Running")
    assert world.as_state()["objects"]["vs-1"] == server(1, "web01", power="Running")
    world.roll_back(job)
    assert world.get("vs-1") == server(1, "web01", power="Running")


def test_the_indexes_follow_every_change():
    world = world_with(server(1, "web01"), disk(2, "system", disk_group="group-9"))
    job = Job("one")
    world.change(world.get("vs-1"), job, devices=["disk-2"])
    world.settle(world.get("vs-1"), visible=[{"disk": "disk-2"}])
    world.add(disk(3, "copy", disk_group="group-9", snapshot_parent="disk-2"), job)

    def indexed():
        return [[record["id"] for record in found] for found in (
            world.holders("disk-2"), world.seers("disk-2"), world.snapshot_disks(), world.members("group-9"))]

    assert indexed() == [["vs-1"], ["vs-1"], ["disk-3"], ["disk-2", "disk-3"]]
    world.roll_back(job)
    assert indexed() == [[], ["vs-1"], [], ["disk-2"]]


def test_a_name_is_remembered_after_its_object_is_gone():
    world = world_with(disk(1, "old"))
    job = Job("one")
    world.remove(world.get("disk-1"), job)
    assert world.last("disk-1")["name"] == "old"
    world.forget_undo(job)
    assert world.last("disk-1")["name"] == "old"
