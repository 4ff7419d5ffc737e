# -*- coding: utf-8 -*-
"""What snapshots may want of the disk groups, in a night that passes in mind."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup.fleet.space import Space

GROUP = "fastGroup"
Task = collections.namedtuple("Task", "space")


def wants(size):
    return Task(((GROUP, size),))


def test_a_snapshot_that_is_read_late_has_wanted_its_room_since_its_batch_began():
    space = Space({GROUP: 250})
    space.take("one", 0, wants(100))
    space.take("two", 0, wants(100))
    space.give_back("two", 700)
    assert not space.has_room(0, wants(100)) and space.has_room(0, wants(50))
    assert space.has_room(700, wants(150)) and not space.has_room(700, wants(151))


def test_where_a_group_has_no_snapshot_the_check_before_the_first_decides():
    space = Space({GROUP: 5})
    assert space.has_room(0, wants(100))
    space.take("one", 0, wants(100))
    assert not space.has_room(0, wants(1))
    space.give_back("one", 10)
    assert space.has_room(5, wants(100))


def test_a_snapshot_has_room_in_every_group_that_it_has_disks_in():
    space = Space({"fast": 100, "slow": 10})
    space.take("one", 0, Task((("fast", 50), ("slow", 5))))
    assert space.has_room(0, Task((("fast", 50), ("slow", 5))))
    assert not space.has_room(0, Task((("fast", 50), ("slow", 6))))
