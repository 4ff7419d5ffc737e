# -*- coding: utf-8 -*-
"""proxy-backup believes an agent, and a snapshot, no further than they deserve."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.helpers import KIB, demo, named, site_agent, small, stage  # noqa: F401


# -- what the agent says

def backed_up_by(stage, script, *words):
    return stage.vibackup("proxy-backup", "--vs=web01", "--proxy=pbh01", *(site_agent(stage, script) + list(words)))


def test_an_agent_that_skipped_something_makes_exit_status_5(stage):
    stage.open(small())
    before = stage.objects()
    ran = backed_up_by(stage, "echo read 9; exit 3", "--mode=file")
    assert ran.status == 5 and ran.document["outcome"] == "warning"
    assert [entry["outcome"] for entry in stage.catalog()] == ["warning"]
    assert stage.objects() == before


def test_an_image_of_which_something_was_skipped_is_no_image(stage):
    stage.open(small())
    before = stage.objects()
    assert backed_up_by(stage, "echo read 9; exit 3").status == 1
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.parametrize("script, told", [
    ("exit 1", "exit status 1"), ("exit 2", "exit status 2"), ("exit 255", "exit status 255"),
    ("exit 126", "exit status 126"), ("kill -9 $$", "exit status 137"), ("kill -15 $$", "exit status 143"),
    ("echo OK, backup completed; exit 1", "OK, backup completed (exit status 1)"),
    ("echo cannot read >&2; exit 1", "cannot read (exit status 1)")])
def test_an_agent_that_fails_makes_exit_status_1_and_everything_is_taken_back(stage, script, told):
    stage.open(small())
    before = stage.objects()
    ran = backed_up_by(stage, script)
    assert ran.status == 1 and ran.error_class == "AgentFailed" and ran.error == "site: sh: " + told
    assert stage.objects() == before and stage.catalog() == []


@pytest.mark.parametrize("said", [0, 262143, 262145])
def test_an_agent_that_read_other_than_the_disks_bytes_has_no_good_image(stage, said):
    stage.open(small())
    before = stage.objects()
    ran = backed_up_by(stage, "echo read %d" % said)
    assert ran.status == 1 and "read %d bytes" % said in ran.error and "has 262144" in ran.error
    assert stage.objects() == before and stage.catalog() == []


def test_an_agent_that_read_the_disks_bytes_has_a_good_image(stage):
    stage.open(small())
    assert backed_up_by(stage, "echo read 262144").status == 0


def test_an_agent_that_is_not_on_the_proxy_is_a_failure(stage):
    stage.open(small())
    before = stage.objects()
    table = stage.write("agents.ini", "[gone]\nimage_backup = no-such-program-anywhere {device}\n")
    ran = stage.proxy_backup("--agents=" + table, "--location=here", agent="gone")
    assert ran.status == 1 and ran.error_class == "AgentFailed"
    assert stage.objects() == before and stage.catalog() == []


def test_an_agent_whose_time_is_up_is_a_failure_that_leaves_nothing(stage):
    before = stage.objects()
    ran = stage.proxy_backup("--timeout=2", agent="dd")  # it wants four seconds
    assert ran.status == 1
    assert stage.objects() == before and stage.catalog() == [] and stage.files() == []


@pytest.mark.parametrize("agent", ["dd", pytest.param("borg", marks=pytest.mark.needs("borg"))])
def test_a_location_in_which_nothing_can_be_made_does_not_lock_the_proxy(stage, tmpdir, agent):
    stage.open(small())
    before = stage.objects()
    tmpdir.join("loop").mksymlinkto(tmpdir.join("loop"))
    ran = stage.proxy_backup("--location=%s" % tmpdir.join("loop"), agent=agent)
    assert ran.status == 1 and ran.error_class == "AgentFailed" and ran.document["leftovers"] == []
    assert stage.objects() == before and stage.proxy_backup().status == 0


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("program", ["mkdir", "test", "env", "mv", "sync"])
def test_an_agent_that_loses_its_connection_is_a_failure_that_keeps_no_image(stage, program, phase):
    stage.open(small())
    before = stage.objects()
    stage.proxy_backup(agent="dd")
    number = [place for place, call in enumerate(stage.calls, 1)
              if call.method == "run" and call.arguments[0] == program][0]
    stage.fault_at(number, phase)
    ran = stage.proxy_backup(agent="dd")
    assert ran.status == 1 and ran.error_class == "AgentFailed"
    assert stage.objects() == before
    assert len(stage.catalog()) == len(stage.files()) == 1


# -- the snapshot's space

def filling_up(vs, at_second, disks=1):
    """An inventory whose snapshot of ``vs`` (of so many disks) is lost ``at_second`` after it was taken.

    The read begins at about second 52; 256 KiB take 64 seconds.
    """
    inventory = demo()
    for node in inventory["data_centers"][0]["nodes"]:
        node["bytes_per_second"] = 4 * KIB
    named(inventory["servers"], vs)["write_bytes_per_second"] = 1000
    taken = sum(disk["bytes"] for disk in inventory["disks"] if disk.get("group") == "fastGroup")
    inventory["data_centers"][0]["disk_groups"][0]["bytes"] = taken + disks * at_second * 1000
    return inventory


@pytest.mark.parametrize("agent", ["dd", "model"])
def test_space_that_runs_out_in_the_middle_of_the_read_is_a_failure_that_leaves_nothing(stage, agent):
    stage.open(filling_up("web01", at_second=84))
    before = stage.objects()
    ran = stage.proxy_backup(agent=agent)
    assert ran.status == 1 and ran.error_class == "SnapshotLost"
    assert ran.error == ("Snapshot of web01-system was lost while it was read (Snapshot of web01-system is lost: its "
                         "group ran out of space): look at the space of its disk group fastGroup")
    assert ran.document["backup"] is None and ran.document["leftovers"] == []
    assert stage.objects() == before
    assert stage.catalog() == [] and stage.files() == []


def test_space_that_runs_out_under_the_second_disk_makes_the_first_image_worthless_too(stage):
    stage.open(filling_up("db01", at_second=150, disks=2))
    before = stage.objects()
    ran = stage.proxy_backup(vs="db01", agent="dd")  # the second is read from second 116 on
    assert ran.status == 1 and ran.error_class == "SnapshotLost"
    assert stage.objects() == before and stage.catalog() == [] and stage.files() == []
