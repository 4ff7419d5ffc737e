# -*- coding: utf-8 -*-
"""How many of the proxies a night has use for, and which."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests import fleets
from tests.fleets import make, member, proxy, where
from vibackup.fleet import choice, tasks


def chosen(members, proxies):
    """Return the names of the proxies that are chosen for ``members``, which any of them can do."""
    found = [tasks.task_of(each, 3600) for each in members]
    can = {tasks.needs_of(found[0]): proxies}
    return [each.server.name for each in choice.choose(found, proxies, can, fleets.LIMITS)]


def test_no_more_proxies_are_used_than_are_of_use():
    members = [member("slow%d" % number, node="node1") for number in range(10)]
    made = make(members, [proxy("pbh%d" % number, "node9%d" % number) for number in range(8)], {"node": 1})
    assert len(set(where(made).values())) <= 2


def test_of_proxies_that_could_all_be_of_use_so_many_are_chosen_as_the_work_needs():
    """One disk group's four places take 3000 seconds: that is work for two proxies, and somewhat more than full."""
    members = [member("web%d" % number, node="node%d" % number) for number in range(20)]
    assert len(chosen(members, [proxy("pbh%d" % number, "node9%d" % number) for number in range(8)])) == 3


def test_those_are_chosen_whose_managed_nodes_have_least_to_do_themselves():
    members = [member("busy%d" % number, node="busy") for number in range(6)] + [member("web", node="node1")]
    proxies = [proxy("pbh1", "busy"), proxy("pbh2", "idle"), proxy("pbh3", "busy"), proxy("pbh4", "free")]
    assert chosen(members, proxies) == ["pbh2", "pbh4"]


def test_so_long_as_the_longest_takes_in_any_case_fewer_proxies_can_do_the_rest():
    """All takes 14400 seconds, the longest 7200: by then two places have done it, by 3600 it would want four."""
    members = [member("huge", 7200, "node0")] + [member("web%d" % number, 800, "node%d" % number)
                                                 for number in range(1, 10)]
    assert chosen(members, [proxy("pbh%d" % number, "node9%d" % number) for number in range(8)]) == ["pbh0", "pbh1"]


def test_where_a_proxy_is_all_that_is_to_be_backed_up_another_one_is_chosen_to_do_it():
    assert where(make([member("pbh1", 60)], [proxy("pbh1"), proxy("pbh2")])) == {"pbh1": "pbh2"}
