# -*- coding: utf-8 -*-
"""The plan of a night: everything is in one batch, or impossible."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests import fleets
from tests.fleets import Section, make, member, proxy, when, where


def test_what_no_proxy_can_do_is_impossible_and_keeps_nothing_else_from_being_done():
    made = make([member("web"), member("far", data_center="West")], [proxy("pbh")])
    assert [task.member.server.name for task in made.impossible] == ["far"]
    assert where(made) == {"web": "pbh"}


def test_a_proxy_that_is_a_member_too_is_done_by_another_one():
    made = make([member("pbh1"), member("web")], [proxy("pbh1"), proxy("pbh2")])
    assert where(made)["pbh1"] == "pbh2"


def test_an_agent_in_the_server_needs_no_proxy_and_no_reboot():
    own = Section("own", "agent-backup", "file", (), 0)
    made = make([member("web%d" % number, node="node%d" % number, section=own) for number in range(3)], [])
    assert where(made) == {"web0": None, "web1": None, "web2": None}
    assert made.reboots() == 0 and made.seconds == 600


@pytest.mark.parametrize("seconds, proxies, shortest", [
    ((("node1", 600), ("node2", 900), ("node3", 600)), ("node3", "node2", "node9"), 900),  # spared: 0
    ((("node1", 900), ("node1", 900), ("node2", 1200)), ("node2", "node9"), 2 * 900)])  # exponent: 2
def test_of_several_ways_to_pass_the_night_the_shortest_is_planned(seconds, proxies, shortest):
    """How much the scarcest counts, and for how long a proxy leaves its own managed node alone, is tried out."""
    members = [member("web%d" % number, each, node) for number, (node, each) in enumerate(seconds)]
    made = make(members, [proxy("pbh-" + node, node) for node in proxies], {"proxy": 1})
    assert made.seconds == 60 + shortest + 60


def test_nothing_to_do_is_a_plan_too():
    made = make([], [proxy("pbh")])
    assert (made.batches, made.impossible, made.seconds, made.lower_bound) == ([], [], 0, 0)


def test_the_same_fleet_has_the_same_plan():
    one, other = [fleets.Fleet(200, 7).plan() for _time in range(2)]
    assert where(one) == where(other) and when(one) == when(other)


def test_a_proxy_that_only_itself_could_back_up_is_said_to_be_impossible():
    made = make([member("pbh"), member("web")], [proxy("pbh")])
    assert [task.member.server.name for task in made.impossible] == ["pbh"]
    assert where(made) == {"web": "pbh"}


def test_where_all_chosen_proxies_are_on_the_servers_own_node_one_of_them_does_it():
    own = Section("own", "proxy-backup", "image", ("p[01]",), 0)
    members = [member("w0", node="n1", section=own), member("w1", node="n2"), member("w2", node="n2")]
    made = make(members, [proxy("p0", "n1"), proxy("p1", "n1"), proxy("p2", "n2")])
    assert sorted(where(made)) == ["w0", "w1", "w2"]


def test_many_sections_with_a_proxy_of_their_own_are_all_planned_within_tight_limits():
    members = [member("w%d" % number, node="n", section=Section("s%d" % number, "proxy-backup", "image",
                                                                 ("p%d" % number,), 0)) for number in range(8)]
    made = make(members, [proxy("p%d" % number, "q%d" % number) for number in range(8)], {"node": 1})
    assert len(where(made)) == 8 and made.impossible == []
