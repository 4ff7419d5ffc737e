# -*- coding: utf-8 -*-
"""Whatever a run wrote, what it reads back after a crash is what was open."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import shutil
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from vibackup import ledger, locks

KINDS = (ledger.SNAPSHOT, ledger.ATTACHMENT, ledger.POWER, ledger.BACKUP, ledger.FREEZE)
NAMES = {"vs_name": "web01", "proxy_name": "pbh01", "disk_names": "system"}  # what every intent of ours says
facts = st.dictionaries(st.sampled_from(["vs", "proxy", "name", "disks"]), st.one_of(st.text(), st.lists(st.text())),
                        max_size=3)
actions = st.lists(st.one_of(
    st.tuples(st.just("intend"), st.sampled_from(KINDS), facts.map(lambda more: dict(NAMES, **more))),
    st.tuples(st.just("made"), st.integers(0, 9), facts),
    st.tuples(st.just("released"), st.integers(0, 9), st.none())), max_size=12)


def write(book, done):
    """Do the ``actions`` in the ledger; returns what is open after each of them, by number."""
    still_open, history = {}, [{}]
    for what, which, more in done:
        if what == "intend":
            still_open[book.intend(which, **more)] = (which, dict(more))
        elif still_open:
            number = sorted(still_open)[which % len(still_open)]
            if what == "made":
                book.made(number, **more)
                still_open[number][1].update(more)
            else:
                book.released(number)
                del still_open[number]
        history.append(dict((number, (kind, dict(known))) for number, (kind, known) in still_open.items()))
    return history


def in_a_folder(check):
    folder = tempfile.mkdtemp()
    me = locks.this_process
    try:
        locks.this_process = lambda: dict(me(), started="gone")
        dead = ledger.Ledger(folder, "dead", "test")
        locks.this_process = me
        check(dead, ledger.Ledger(folder, "living", "test"))
    finally:
        locks.this_process = me
        shutil.rmtree(folder)


def read(living):
    return dict((left.number, (left.kind, left.facts)) for left in living.leftovers())


@given(actions)
def test_what_is_read_is_what_is_open(done):
    def what_is_open_is_read(dead, living):
        last = write(dead, done)[-1]
        assert read(living) == last
        assert [left.number for left in living.leftovers()] == sorted(last, reverse=True)
    in_a_folder(what_is_open_is_read)


@given(actions, st.integers(0, 400))
def test_a_crash_at_any_byte_loses_the_last_action_alone(done, lost):
    def no_more_than_the_last_action_is_lost(dead, living):
        history = write(dead, done)
        if not os.path.exists(dead._path):
            return
        with open(dead._path, "r+b") as stream:
            data = stream.read()
            stream.truncate(max(0, len(data) - lost))
        assert read(living) in history
        if lost == 0:
            assert read(living) == history[-1]
    in_a_folder(no_more_than_the_last_action_is_lost)


@given(actions)
def test_releasing_all_that_is_read_leaves_no_file(done):
    def all_is_released(dead, living):
        write(dead, done)
        dead.close()
        for left in living.leftovers():
            living.release_of(left)
        assert living.leftovers() == []
        assert os.listdir(living._folder) == []
    in_a_folder(all_is_released)
