# -*- coding: utf-8 -*-
"""What is urgent: what waits for a limit is next when that has room, and is in nobody's way until then."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests import fleets
from tests.fleets import Section, member
from vibackup.fleet.limits import Limits
from vibackup.fleet.tasks import task_of
from vibackup.fleet.urgency import Queue

OWN = Section("own", "agent-backup", "file", (), 0)


def test_what_is_next_on_a_node_but_waits_for_its_disk_group_too_leaves_the_place_to_another():
    """Both wait for node1; the more urgent one is asked first, and nothing ends later that would ask the other."""
    most = dict(fleets.LIMITS, **{str("node"): 1, str("disk group"): 1})
    limits, node, group = Limits(most), ("node", "node1"), ("disk group", "full")
    limits.take([node, group])
    members = [member("urgent", 900, groups=("full",), section=OWN),
               member("other", 60, groups=("empty",), section=OWN)]
    queue = Queue([task_of(each, 3600) for each in members], most, limits, 1)

    def take():
        """Return the name of what may begin, or None."""
        task = queue.take([None], None, None, {None: None}, None)
        return task and task.member.server.name
    assert take() is None
    queue.over([node])
    assert take() == "other"
    queue.over([group])
    assert take() == "urgent"
