# -*- coding: utf-8 -*-
"""What is to be backed up, what it loads, and which proxy can do it."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.fleets import Section, make, member, proxy, where
from vibackup import guest
from vibackup.checks import Disk
from vibackup.fleet import tasks


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


def test_a_proxy_may_be_named_as_it_is_called_also_where_that_reads_as_a_pattern():
    made = make([member("web", section=Section("a", "proxy-backup", "image", ("pbh[1]",), 0))], [proxy("pbh[1]")])
    assert where(made) == {"web": "pbh[1]"}


def test_a_task_has_the_keys_of_all_that_it_loads():
    task = tasks.task_of(member("web", groups=("a", "b"), agent_server="tsm1"), 3600)
    assert task.keys == (("node", "node1"), ("disk group", "a"), ("disk group", "b"), ("agent server", "tsm1"))


def test_what_a_server_writes_is_shared_out_over_the_disk_groups_of_its_disks():
    """A byte a second, while its snapshot lives: three quarters of it in the group of the disk of that size."""
    writing = Section("db", "proxy-backup", "image", (), 1)
    disks = [Disk(None, "db-system", "logical", 100, "fastGroup"), Disk(None, "db-data", "logical", 300, "bulkGroup")]
    db = member("db", section=writing)._replace(disks=disks, bytes=400)
    assert tasks.task_of(db, 1200).space == (("bulkGroup", 900), ("fastGroup", 300))


def test_an_agent_in_the_server_wants_no_room_for_a_snapshot():
    own = Section("own", "agent-backup", "file", (), 1)
    assert tasks.task_of(member("web", section=own, size=1000), 900).space == ()
