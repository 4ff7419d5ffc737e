# -*- coding: utf-8 -*-
"""A night passed in mind: what begins when, through which proxy, in which batch."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests import fleets
from tests.fleets import Section, make, member, proxy, when, where
from vibackup.fleet import plan, schedule, tasks


def pass_night(members, proxies, way, batch=12):
    """Return the batches and the seconds of a night that passes in one ``schedule.Way``."""
    found = [tasks.task_of(each, 4 * 3600) for each in members]
    rules = plan.Rules(fleets.LIMITS, batch, 4 * 3600, {}, 60)
    return schedule.Schedule(found, proxies, {tasks.needs_of(found[0]): proxies}, rules, way).pass_()


# -- one reboot for many

def test_one_reboot_serves_a_whole_batch_and_one_more_ends_the_night():
    made = make([member("web%d" % number) for number in range(10)], [proxy("pbh")])
    assert len(made.batches) == 1 and made.reboots() == 2
    assert made.seconds == 60 + 5 * 600 + 60  # two at once


def test_a_batch_has_no_more_servers_than_the_policy_allows():
    made = make([member("web%d" % number) for number in range(10)], [proxy("pbh")], batch=4)
    assert [len(batch.starts) for batch in made.batches] == [4, 4, 2]
    assert made.reboots() == 4


def test_a_batch_ends_where_its_snapshots_would_get_too_old():
    made = make([member("web%d" % number, 1000) for number in range(8)], [proxy("pbh")], snapshot_age=2100)
    assert [len(batch.starts) for batch in made.batches] == [4, 4]
    for batch in made.batches:
        assert all(start.at + 1000 - batch.begins <= 2100 for start in batch.starts)


def test_one_that_takes_longer_than_a_snapshot_may_get_old_is_first_in_its_batch():
    """Its snapshot gets too old whatever is done; that is no reason not to back it up."""
    made = make([member("huge", 9000), member("web", 100)], [proxy("pbh")], snapshot_age=3600)
    assert when(made)["huge"] == 60


def test_a_proxy_reads_the_next_batch_after_the_reboot_that_forgets_the_last():
    first, second = make([member("web%d" % number) for number in range(4)], [proxy("pbh")], batch=2).batches
    assert (first.begins, [start.at for start in first.starts]) == (0, [60, 60])
    assert (second.begins, [start.at for start in second.starts]) == (660, [720, 720])


def test_the_last_of_a_batch_is_one_that_keeps_the_reboot_from_nothing():
    """After 800 seconds a place of two is free for 200: a longer one would leave the other place idle to its end."""
    members = [member("web%d" % seconds, seconds, "node%d" % seconds) for seconds in (1000, 800, 600, 601, 200)]
    batches, seconds = pass_night(members, [proxy("pbh")], schedule.Way(1, 0.9), batch=3)
    assert [sorted(start.task.seconds for start in batch.starts) for batch in batches] == [[200, 800, 1000], [600, 601]]
    assert seconds == 60 + 1000 + 60 + 601 + 60


def test_batches_are_numbered_in_the_order_in_which_they_begin_not_that_in_which_they_end():
    sections = [Section("of " + name, "proxy-backup", "image", (name,), 0) for name in ("pbh1", "pbh2")]
    members = [member("long", 3000, section=sections[0])]
    members += [member("short%d" % number, 300, "node2", section=sections[1]) for number in range(3)]
    made = make(members, [proxy("pbh1"), proxy("pbh2", "node8")], {"proxy": 1}, batch=1)
    assert [(batch.number, batch.begins) for batch in made.batches] == [(1, 0), (2, 0), (3, 360), (4, 720)]


# -- through which proxy, and in which order

def test_a_proxy_on_another_managed_node_is_chosen():
    made = make([member("web1", node="node1"), member("web2", node="node2")],
                [proxy("pbh1", "node1"), proxy("pbh2", "node2")])
    assert where(made) == {"web1": "pbh2", "web2": "pbh1"}


def test_where_there_is_no_other_the_proxy_on_the_same_node_does_it():
    assert where(make([member("web1", node="node1")], [proxy("pbh1", "node1")])) == {"web1": "pbh1"}


def test_the_scarcest_is_begun_first():
    """node1 has as much to do one after the other as all others together."""
    members = [member("slow%d" % number, node="node1") for number in range(5)]
    members += [member("other%d" % number, node="other%d" % number) for number in range(5)]
    made = make(members, [proxy("pbh1"), proxy("pbh2", "node8")], {"node": 1, "proxy": 1})
    assert made.seconds == 60 + 5 * 600 + 60


def test_a_proxy_leaves_its_managed_node_alone_while_that_has_most_to_do_itself():
    """What the proxy on node1 did would be in the way of node1's own servers, which others back up."""
    members = [member("%s%d" % (node, number), node=node) for node in ("node1", "node3") for number in range(8)]
    made = make(members, [proxy("pbh1", "node1"), proxy("pbh2", "node2"), proxy("pbh4", "node4")])
    assert set(where(made).values()) == {"pbh2", "pbh4"}
    assert made.seconds == 60 + 4 * 600 + 60


def test_the_first_is_read_by_the_proxy_whose_managed_node_has_least_to_do_itself():
    """Were pbh1 the first, what it reads would keep web1, which is on the same managed node, from being read."""
    members = [member("web%d" % number, node="node%d" % number) for number in (1, 2, 3)]
    batches, seconds = pass_night(members, [proxy("pbh1", "node1"), proxy("pbh9", "node9")], schedule.Way(1, 0))
    assert sorted((batch.proxy.server.name, len(batch.starts)) for batch in batches) == [("pbh1", 1), ("pbh9", 2)]
    assert seconds == 60 + 600 + 60


# -- limits

@pytest.mark.parametrize("kind, differs", [
    ("node", {"node": "one"}), ("disk group", {"groups": ("one",)}), ("agent server", {"agent_server": "one"})])
def test_of_one_node_group_or_agent_server_no_more_are_at_work_than_its_limit(kind, differs):
    own = {"node": "node%d", "agent_server": "agent server %d"}
    members = []
    for number in range(6):
        keys = dict((key, words % number) for key, words in own.items())
        keys["groups"] = ("group %d" % number,)
        members.append(member("web%d" % number, **dict(keys, **differs)))
    made = make(members, [proxy("pbh%d" % number, "proxies%d" % number) for number in range(3)],
                {kind: 1, "node": 1 if kind == "node" else 9})
    assert sorted(when(made).values()) == [60 + 600 * number for number in range(6)]


def test_a_proxy_loads_its_own_managed_node():
    members = [member("web%d" % number, node="node%d" % number) for number in range(4)]
    made = make(members, [proxy("pbh1", "busy"), proxy("pbh2", "busy")], {"node": 1})
    assert sorted(when(made).values()) == [60, 660, 1260, 1860]


# -- space

def test_snapshots_that_live_at_once_leave_each_other_room_in_their_disk_group():
    """A tenth of each disk: two of these have room at once.

    The next are taken before the reboot behind which the last are deleted: beside two there is no room for two.
    """
    members = [member("web%d" % number, node="node%d" % number, size=1000) for number in range(4)]
    made = make(members, [proxy("pbh")], free={"fastGroup": 250})
    assert [len(batch.starts) for batch in made.batches] == [2, 1, 1]
    made = make(members, [proxy("pbh")], free={"fastGroup": 399}, batch=2)
    assert [len(batch.starts) for batch in made.batches] == [2, 1, 1]
    made = make(members, [proxy("pbh")], free={"fastGroup": 400}, batch=2)
    assert [len(batch.starts) for batch in made.batches] == [2, 2]


def test_a_snapshot_that_is_read_late_in_its_batch_has_wanted_room_since_the_batch_began():
    """pbh2 has given its room back by then; before that there was room for two."""
    first, second = [Section("of " + name, "proxy-backup", "image", (name,), 0) for name in ("pbh1", "pbh2")]
    members = [member("long", 1200, section=first, size=1000), member("late", 600, section=first, size=1000),
               member("short", 60, "node2", section=second, size=1000)]
    proxies = [proxy("pbh1"), proxy("pbh2", "node8")]
    made = make(members, proxies, {"proxy": 1}, free={"fastGroup": 250})
    assert sorted(len(batch.starts) for batch in made.batches) == [1, 1, 1]
    made = make(members, proxies, {"proxy": 1}, free={"fastGroup": 300})
    assert sorted(len(batch.starts) for batch in made.batches) == [1, 2]


def test_a_server_that_is_known_to_write_much_is_given_more_room():
    writing = Section("db", "proxy-backup", "image", (), 1)
    members = [member("db%d" % number, node="node%d" % number, size=1000, section=writing) for number in range(2)]
    assert [len(batch.starts) for batch in make(members, [proxy("pbh")], snapshot_age=900,
                                                free={"fastGroup": 1800}).batches] == [2]
    assert [len(batch.starts) for batch in make(members, [proxy("pbh")], snapshot_age=900,
                                                free={"fastGroup": 1799}).batches] == [1, 1]


def test_a_server_that_has_no_room_at_all_is_planned_alone_and_refused_by_the_check_before_its_snapshot():
    members = [member("web%d" % number, node="node%d" % number, size=1000) for number in range(2)]
    assert [len(batch.starts) for batch in make(members, [proxy("pbh")], free={"fastGroup": 5}).batches] == [1, 1]
