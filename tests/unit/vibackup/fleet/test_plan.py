# -*- coding: utf-8 -*-
"""The plan of a night: who is backed up when, by which proxy, in which batch."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests import fleets
from tests.fleets import Section, make, member, proxy
from vibackup import guest
from vibackup.fleet import choice, plan, schedule, tasks


def where(made):
    """Return the name of the proxy of each virtual server, None where it needs none."""
    return dict((start.task.member.server.name, batch.proxy and batch.proxy.server.name)
                for batch in made.batches for start in batch.starts)


def when(made):
    """Return when each virtual server's backup begins."""
    return dict((start.task.member.server.name, start.at) for batch in made.batches for start in batch.starts)


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


# -- who can do what

def test_a_proxy_on_another_managed_node_is_chosen():
    made = make([member("web1", node="node1"), member("web2", node="node2")],
                [proxy("pbh1", "node1"), proxy("pbh2", "node2")])
    assert where(made) == {"web1": "pbh2", "web2": "pbh1"}


def test_where_there_is_no_other_the_proxy_on_the_same_node_does_it():
    assert where(make([member("web1", node="node1")], [proxy("pbh1", "node1")])) == {"web1": "pbh1"}


def test_files_want_a_proxy_with_the_operating_system_of_the_server():
    files = Section("files", "proxy-backup", "file", (), 0)
    made = make([member("web", section=files), member("db", section=files, family=guest.WINDOWS)],
                [proxy("pbh"), proxy("pbhwin", family=guest.WINDOWS)])
    assert where(made) == {"web": "pbh", "db": "pbhwin"}


def test_an_image_wants_a_linux_proxy_whatever_the_server_has():
    made = make([member("db", family=guest.WINDOWS)], [proxy("pbhwin", family=guest.WINDOWS), proxy("pbh")])
    assert where(made) == {"db": "pbh"}


def test_a_section_has_the_proxies_that_it_names():
    made = make([member("web", section=Section("a", "proxy-backup", "image", ("pbh2*",), 0))],
                [proxy("pbh1"), proxy("pbh21")])
    assert where(made) == {"web": "pbh21"}


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


def test_nothing_to_do_is_a_plan_too():
    made = make([], [proxy("pbh")])
    assert (made.batches, made.impossible, made.seconds, made.lower_bound) == ([], [], 0, 0)


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


def test_the_scarcest_is_begun_first():
    """node1 has as much to do one after the other as all others together."""
    members = [member("slow%d" % number, node="node1") for number in range(5)]
    members += [member("other%d" % number, node="other%d" % number) for number in range(5)]
    made = make(members, [proxy("pbh1"), proxy("pbh2", "node8")], {"node": 1, "proxy": 1})
    assert made.seconds == 60 + 5 * 600 + 60


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


def test_a_proxy_leaves_its_managed_node_alone_while_that_has_most_to_do_itself():
    """What the proxy on node1 did would be in the way of node1's own servers, which others back up."""
    members = [member("%s%d" % (node, number), node=node) for node in ("node1", "node3") for number in range(8)]
    made = make(members, [proxy("pbh1", "node1"), proxy("pbh2", "node2"), proxy("pbh4", "node4")])
    assert set(where(made).values()) == {"pbh2", "pbh4"}
    assert made.seconds == 60 + 4 * 600 + 60


def test_the_last_of_a_batch_is_one_that_keeps_the_reboot_from_nothing():
    """After 800 seconds a place of two is free for 200: a longer one would leave the other place idle to its end."""
    members = [member("web%d" % seconds, seconds, "node%d" % seconds) for seconds in (1000, 800, 600, 601, 200)]
    rules = plan.Rules(fleets.LIMITS, 3, 4 * 3600, {}, 60)
    found = [tasks.task_of(each, 4 * 3600) for each in members]
    one = proxy("pbh")
    batches, seconds = schedule.Schedule(found, [one], {tasks.needs_of(found[0]): [one]}, rules,
                                         schedule.Way(1, True)).pass_()
    assert [sorted(start.task.seconds for start in batch.starts) for batch in batches] == [[200, 800, 1000], [600, 601]]
    assert seconds == 60 + 1000 + 60 + 601 + 60


def test_the_same_fleet_has_the_same_plan():
    one, other = [fleets.Fleet(200, 7).plan() for _time in range(2)]
    assert where(one) == where(other) and when(one) == when(other)


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


def test_a_task_has_the_keys_of_all_that_it_loads():
    task = tasks.task_of(member("web", groups=("a", "b"), agent_server="tsm1"), 3600)
    assert task.keys == (("node", "node1"), ("disk group", "a"), ("disk group", "b"), ("agent server", "tsm1"))


# -- nobody is lost

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
