# -*- coding: utf-8 -*-
"""How many of the proxies a night has use for, and which."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests import fleets
from tests.fleets import make, member, proxy, where
from vibackup.fleet import choice, tasks


def test_no_more_proxies_are_used_than_are_of_use():
    members = [member("slow%d" % number, node="node1") for number in range(10)]
    made = make(members, [proxy("pbh%d" % number, "node9%d" % number) for number in range(8)], {"node": 1})
    assert len(set(where(made).values())) <= 2


def test_of_proxies_that_could_all_be_of_use_so_many_are_chosen_as_the_work_needs():
    """One disk group's four places take 3000 seconds: that is work for two proxies, and somewhat more than full."""
    found = [tasks.task_of(member("web%d" % number, node="node%d" % number), 3600) for number in range(20)]
    proxies = [proxy("pbh%d" % number, "node9%d" % number) for number in range(8)]
    assert len(choice.choose(found, proxies, {tasks.needs_of(found[0]): proxies}, fleets.LIMITS)) == 3


def test_where_a_proxy_is_all_that_is_to_be_backed_up_another_one_is_chosen_to_do_it():
    assert where(make([member("pbh1", 60)], [proxy("pbh1"), proxy("pbh2")])) == {"pbh1": "pbh2"}
