# -*- coding: utf-8 -*-
"""What is read of a state folder: of each policy the newest night, whole; and nothing hides behind what is damaged."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from tests.nights import OPENS, DAY, Fleet, ended, night, tried
from vibackup import compat, errors, state
from vibackup.fleet import journal, sources


@pytest.fixture
def folder(tmpdir):
    """The path of a state folder that is there."""
    return state.folder(compat.text(str(tmpdir.join("state"))))


def write(folder, *lines, **facts):
    made = night(*lines, **facts)
    written = journal.Journal(folder, made.id)
    written.write("night", **made.facts)
    for kind, each in lines:
        written.write(kind, **each)
    return made.id


def ids(source):
    return [[each.id for each in chain] for chain in source.chains]


def test_of_each_policy_and_shard_the_newest_night_is_read(folder):
    for number in range(3):
        write(folder, id="n%d" % number, started=OPENS + number * DAY)
    write(folder, id="w1", name="weekly", started=OPENS - 5 * DAY)
    write(folder, id="s1", name="big", shard="1/2")
    write(folder, id="s2", name="big", shard="2/2")
    assert sorted(ids(sources.read(folder))) == [["n2"], ["s1"], ["s2"], ["w1"]]
    assert ids(sources.read(folder, ["weekly"])) == [["w1"]]


def test_two_policies_of_one_name_are_told_apart_and_said_to_be_ambiguous(folder):
    write(folder, id="a", policy="/etc/a/nightly.ini")
    write(folder, id="b", policy="/etc/b/nightly.ini", started=OPENS + 10)
    found = sources.read(folder)
    assert sorted(ids(found)) == [["a"], ["b"]]
    assert sources.ambiguous([found]) == set(["nightly"])


def test_shards_of_another_number_are_over(folder):
    write(folder, id="old", shard="1/3")
    write(folder, id="new", shard="1/2", started=OPENS + DAY)
    assert ids(sources.read(folder)) == [["new"]]


def test_a_night_is_read_with_those_that_it_takes_up(folder):
    write(folder, id="n1")
    write(folder, id="n2", resumes="n1", started=OPENS + 10)
    write(folder, id="n3", resumes="n2", started=OPENS + 20)
    assert ids(sources.read(folder)) == [["n1", "n2", "n3"]]
    assert ids(sources.read(folder, night="n2")) == [["n1", "n2", "n3"]]
    assert ids(sources.read(folder, night="none")) == []


def test_a_night_that_takes_up_itself_is_read_once(folder):
    write(folder, id="n1", resumes="n1")
    assert ids(sources.read(folder)) == [["n1"]]


def test_a_damaged_journal_is_named_and_the_others_are_read(folder):
    write(folder, id="n1", name="nightly")
    write(folder, tried(), ended(), id="w1", name="weekly")
    path = os.path.join(compat.native(folder), str("fleet"), str("n1.jsonl"))
    with io.open(path, "r+b") as stream:
        stream.seek(40)
        stream.write(b"?")
    found = sources.read(folder)
    assert ids(found) == [["w1"]] and len(found.damaged) == 1 and "n1.jsonl" in found.damaged[0].message


def test_a_journal_that_was_killed_in_its_first_line_is_no_night(folder):
    write(folder, id="n1")
    path = os.path.join(compat.native(folder), str("fleet"), str("n2.jsonl"))
    with state.new_file(path) as stream:
        stream.write(b'{"check": "0')
    assert ids(sources.read(folder)) == [["n1"]] and sources.read(folder).damaged == []


def test_whose_state_it_is_says_the_night_or_the_catalog_or_its_folder(folder):
    assert sources.read(folder).manager == "state"
    Fleet(3, manager="vm7").write(folder)
    assert sources.read(folder).manager == "vm7"


def test_a_state_folder_that_is_not_there_is_no_empty_one(folder):
    with pytest.raises(errors.UsageError) as caught:
        sources.read(folder + "-typo")
    assert "there is no such state folder" in caught.value.message and not os.path.exists(folder + "-typo")


def test_what_a_thousand_lines_say_is_what_is_read(folder):
    fleet = Fleet(600)
    fleet.write(folder)
    found = sources.read(folder)
    assert len(found.chains[0][0].of("backup")) == len([kind for kind, _facts in fleet.records if kind == "backup"])
    assert found.chains[0][0].end == fleet.end and found.damaged == []
