# -*- coding: utf-8 -*-
"""How many backups may be under way at once."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.fleets import LIMITS, member, proxy
from vibackup.fleet import limits
from vibackup.fleet.limits import Limits

WEB = limits.keys_of(member("web"))


def test_what_has_no_room_is_not_counted_at_all():
    """Otherwise what is refused by its disk group would keep others from its managed node."""
    counted = Limits(dict(LIMITS, **{"disk group": 1}))
    assert counted.take(WEB)
    assert not counted.take(WEB) and counted.full(WEB) == ("disk group", "fastGroup")
    assert counted.take((("node", "node1"),)) and not counted.take((("node", "node1"),))  # two, as is allowed


def test_what_is_over_makes_room():
    counted = Limits(dict(LIMITS, node=1))
    assert counted.take(WEB) and not counted.take(WEB)
    counted.give_back(WEB)
    assert counted.take(WEB)


def test_a_backup_through_a_proxy_loads_the_proxy_and_both_managed_nodes():
    assert set(limits.keys_with(WEB, proxy("pbh", "node9"))) - set(WEB) == set(
        [("in all", None), ("proxy", "id of pbh"), ("node", "node9")])


def test_on_one_managed_node_it_loads_that_once():
    assert limits.keys_with(WEB, proxy("pbh", "node1")).count(("node", "node1")) == 1


def test_an_agent_in_the_server_loads_no_proxy():
    assert set(limits.keys_with(WEB, None)) - set(WEB) == set([("in all", None)])
