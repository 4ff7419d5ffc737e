# -*- coding: utf-8 -*-
"""How good a plan can be at the most."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.fleets import Section, make, member, proxy


def test_no_plan_is_shorter_than_the_lower_bound_and_a_good_one_is_hardly_longer():
    made = make([member("web%d" % number, node="node%d" % number) for number in range(48)], [proxy("pbh")], batch=48,
                snapshot_age=86400)
    assert made.lower_bound == made.seconds == 60 + 24 * 600 + 60


def test_a_proxy_on_the_servers_own_node_loads_that_once_in_the_lower_bound_too():
    members = [member("%s%d" % (name, number), 600, node, section=Section(name, "proxy-backup", "image", (host,), 0))
               for name, node, host in (("a", "n1", "pa"), ("b", "n2", "pb")) for number in range(10)]
    made = make(members, [proxy("pa", "n1"), proxy("pb", "n2")], {"node": 1, "disk group": 9})
    assert (made.lower_bound, made.seconds) == (10 * 600, 60 + 10 * 600 + 60)


def test_the_longest_server_bounds_the_night():
    assert make([member("huge", 7200), member("web", 60)], [proxy("pbh")]).lower_bound == 7200 + 120


def test_where_each_is_on_a_managed_node_of_its_own_the_limit_of_all_bounds_the_night():
    members = [member("web%d" % number, node="node%d" % number) for number in range(10)]
    made = make(members, [proxy("pbh")], {"in all": 1})
    assert (made.lower_bound, made.seconds) == (10 * 600, 60 + 10 * 600 + 60)


def test_a_proxy_reads_no_more_at_once_than_it_has_places_however_idle_its_managed_node_is():
    """In 5000 seconds pbh9 reads as many; pbh1 no more than the other 4000: node1, for two, has 6000 of its own."""
    members = [member("%s%d" % (node, number), node=node) for node, count in (("node1", 10), ("node2", 5))
               for number in range(count)]
    made = make(members, [proxy("pbh1", "node1"), proxy("pbh9", "node9")], {"proxy": 1})
    assert round(made.lower_bound) == 5000
