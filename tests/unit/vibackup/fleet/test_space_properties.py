# -*- coding: utf-8 -*-
"""What holds of the room that snapshots want, whatever the night."""
from __future__ import absolute_import, division, print_function, unicode_literals

from hypothesis import given, strategies

from tests.unit.vibackup.fleet.test_space import GROUP, wants
from vibackup.fleet.space import Space

HOSTS = "abc"
SIZES = strategies.integers(1, 9)
MOVES = strategies.lists(strategies.tuples(strategies.sampled_from(HOSTS), strategies.integers(0, 50),
                                           strategies.one_of(strategies.none(), SIZES)), max_size=40)


@given(MOVES, strategies.integers(0, 20), SIZES)
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
