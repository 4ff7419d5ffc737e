"""A backup on its way into the catalog: all of its parts are good, or none of them is kept."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

import pytest

from tests.runs import find
from vibackup import agents, backup, compat, errors, ledger
from vibackup.attempt import attempted
from vibackup.guest import Completed

INI = """[writer]
image_before = ready {device}
image_backup = write {device}
file_backup = write {mount}
image_discard = forget {id}
file_discard = forget {id}
bytes = ([0-9]+) bytes
"""

SIZE = 512

Plan = collections.namedtuple("Plan", "id vs agent mode location settings guest")


class Host(object):
    """A guest in which every program but those named ``failing`` ends well; notes what was run."""

    name = "web01"

    def __init__(self, failing=()):
        self.failing = failing
        self.ran = []

    def command(self, command, _timeout=60, _on_output=None):
        self.ran.append(" ".join(command.argv))
        return Completed(1 if self.ran[-1] in self.failing else 0, "512 bytes\n", "")


@pytest.fixture
def plan(run, tmpdir):
    """Return a function that makes a plan of a backup in web01."""
    tmpdir.join("agents.ini").write(INI)
    agent = agents.load(compat.text(str(tmpdir.join("agents.ini"))))["writer"]
    return lambda mode=backup.IMAGE, **host: Plan("b1", find(run, "web01"), agent, mode, "here", {"node": "node1"},
                                                  Host(**host))


def values(plan, name, **more):
    return agents.values_for(plan.agent, "web01", name, "/srv", "b1", **more)


def test_what_is_recorded_is_in_the_catalog_and_no_more_in_the_ledger(run, plan):
    made = plan()
    with attempted(run, made, made.vs) as attempt:
        attempt.back_up("system", values(made, "system", device="/dev/sda"), SIZE, [[1, "ext3"]])
        entry = attempt.record({"system": "group1"})
    assert run.catalog.find("b1") == entry and run.ledger.open_facts(ledger.BACKUP) == []
    [disk] = entry["disks"]
    assert (disk["name"], disk["bytes"], disk["group"], disk["partitions"], disk["files"]) == (
        "system", SIZE, "group1", [[1, "ext3"]], None)
    assert entry["server"] == {"node": "node1"} and entry["outcome"] == "ok"


@pytest.mark.parametrize("where, proxy", [("web01", None), ("pbh01", "pbh01")])
def test_the_proxy_is_recorded_where_there_was_one(run, plan, where, proxy):
    with attempted(run, plan(), find(run, where)) as attempt:
        assert attempt.record({})["proxy"] == proxy


def test_of_files_is_recorded_what_finds_them_again(run, plan):
    made = plan(backup.FILE)
    with attempted(run, made, made.vs) as attempt:
        attempt.back_up("/srv", values(made, "/srv", mount="/srv", origin="/"), None)
        entry = attempt.record({})
    assert entry["disks"][0]["files"] == {"id": "b1", "mount": "/srv", "origin": "/"}
    assert entry["disks"][0]["bytes"] is None and entry["disks"][0]["bytes_read"] == SIZE


def test_a_disk_left_out_is_a_warning(run, plan):
    made = plan()
    with attempted(run, made, made.vs) as attempt:
        attempt.back_up("system", values(made, "system", device="/dev/sda"), SIZE)
        assert attempt.record({}, ["lun"])["outcome"] == "warning"


def test_where_a_part_fails_those_before_it_are_removed(run, plan):
    made = plan(failing=["write /dev/sdb"])
    with pytest.raises(errors.AgentFailed):
        with attempted(run, made, made.vs) as attempt:
            attempt.back_up("system", values(made, "system", device="/dev/sda"), SIZE)
            attempt.back_up("data", values(made, "data", device="/dev/sdb"), SIZE)
    assert "forget b1" in made.guest.ran[made.guest.ran.index("write /dev/sdb"):]
    assert not run.catalog.has("b1") and run.leftovers == [] and run.ledger.open_facts(ledger.BACKUP) == []


def test_where_nothing_could_be_made_nothing_is_removed(run, plan):
    made = plan(failing=["ready /dev/sda"])
    with pytest.raises(errors.AgentFailed):
        with attempted(run, made, made.vs) as attempt:
            attempt.back_up("system", values(made, "system", device="/dev/sda"), SIZE)
    assert made.guest.ran == ["ready /dev/sda"]
    assert run.leftovers == [] and run.ledger.open_facts(ledger.BACKUP) == []


def test_where_the_second_part_could_not_be_made_the_first_is_removed(run, plan):
    made = plan(failing=["ready /dev/sdb"])
    with pytest.raises(errors.AgentFailed):
        with attempted(run, made, made.vs) as attempt:
            attempt.back_up("system", values(made, "system", device="/dev/sda"), SIZE)
            attempt.back_up("data", values(made, "data", device="/dev/sdb"), SIZE)
    assert made.guest.ran[made.guest.ran.index("ready /dev/sdb") + 1:] == ["forget b1", "forget b1"]
    assert run.leftovers == []


def test_what_cannot_be_removed_is_a_leftover_with_the_commands_that_do_it(run, plan):
    made = plan(failing=["write /dev/sda", "forget b1"])
    with pytest.raises(errors.AgentFailed):
        with attempted(run, made, made.vs) as attempt:
            attempt.back_up("system", values(made, "system", device="/dev/sda"), SIZE)
    assert [left["what"] for left in run.leftovers] == ["an unfinished backup of web01, made on web01"]
    assert run.ledger.open_facts(ledger.BACKUP)[0]["commands"] == [[["forget", "b1"], None, None]]


def test_what_is_in_the_catalog_is_whole_and_stays_whatever_happens_then(run, plan):
    made = plan()
    with pytest.raises(KeyError):
        with attempted(run, made, made.vs) as attempt:
            attempt.back_up("system", values(made, "system", device="/dev/sda"), SIZE)
            attempt.record({})
            raise KeyError("something else")
    assert run.catalog.has("b1") and "forget b1" not in made.guest.ran


def test_an_image_must_have_the_bytes_of_its_disk_and_files_need_not(run, plan):
    made = plan()
    with pytest.raises(errors.AgentFailed) as caught:
        with attempted(run, made, made.vs) as attempt:
            attempt.back_up("system", values(made, "system", device="/dev/sda"), 2 * SIZE)
    assert "read 512 bytes of web01/system where the disk has 1024" in caught.value.message
