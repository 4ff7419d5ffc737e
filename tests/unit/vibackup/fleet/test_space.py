# -*- coding: utf-8 -*-
"""What snapshots may want of the disk groups, in a night that passes in mind."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from hypothesis import given, strategies

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


HOSTS = "abc"
MOVES = strategies.lists(strategies.tuples(strategies.sampled_from(HOSTS), strategies.integers(0, 50),
                                           strategies.one_of(strategies.none(), strategies.integers(1, 9))), max_size=40)


@given(MOVES, strategies.integers(0, 20), strategies.integers(1, 9))
def test_there_is_room_where_no_moment_since_has_had_too_little(moves, free, size):
    """Each move lets time pass; then a host ends its batch (None), or takes what one more snapshot wants."""
    space, now = Space({GROUP: free}), 0
    begun, lives = dict.fromkeys(HOSTS, 0), []  # of each snapshot: its host, when it was taken, its size, its end
    for host, seconds, wanted in moves:
        now += seconds
        if wanted is None:
            space.give_back(host, now)
            lives = [(whose, since, much, now if whose == host and end is None else end)
                     for whose, since, much, end in lives]
            begun[host] = now
        else:
            space.take(host, begun[host], wants(wanted))
            lives.append((host, begun[host], wanted, None))
    for since in begun.values():
        moments = [since] + [began for _host, began, _size, _end in lives if began >= since]
        taken = [sum(much for _host, began, much, end in lives if began <= moment and (end is None or end > moment))
                 for moment in moments]
        is_empty = not any(end is None for _host, _began, _size, end in lives)
        assert space.has_room(since, wants(size)) == (max(taken) + size <= free or is_empty)
