# -*- coding: utf-8 -*-
"""Locks between processes: taken by one, broken only where its owner is proven dead."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import sys

import pytest

from vibackup import compat, locks, records

ROUNDS = 40

# Takes the lock again and again; every third time it leaves it behind as one of a process that is gone.
RACER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from vibackup import locks, records
folder, inside, name, rounds = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
living = locks.this_process()
for number in range(rounds):
    owner = dict(living, token="%s-%d" % (name, number))
    holder = locks.take(folder, owner)
    while holder is not None:
        locks.break_dead(folder, holder)
        holder = locks.take(folder, owner)
    os.mkdir(inside)
    os.rmdir(inside)
    if number % 3 < 2:
        locks.drop(folder, owner)
    else:  # from here on, this is the lock of a process that is gone
        with open(inside + name, "wb") as stream:
            stream.write(records.sealed(dict(owner, started="gone")))
        os.rename(inside + name, os.path.join(folder, os.listdir(folder)[0]))
print("all rounds")
"""


@pytest.fixture
def folder(tmpdir):
    return compat.native(compat.text(str(tmpdir.join("locks", "vs-1"))))


def owner(token="one", **changes):
    return dict(dict(locks.this_process(), token=token, run="run-" + token), **changes)


class Child(object):
    """A real process that lives until it is told otherwise."""

    def __init__(self):
        self.process = subprocess.Popen(["sh", "-c", "echo $$; exec cat"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.pid = int(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def child():
    child = Child()
    yield child
    if child.process.poll() is None:
        child.end()


# -- taking and dropping

def test_a_free_lock_is_ours(folder):
    assert locks.take(folder, owner()) is None
    assert locks.holder(folder) == owner()


def test_a_lock_that_is_held_is_not_taken_and_says_who_holds_it(folder):
    locks.take(folder, owner("one"))
    assert locks.take(folder, owner("two"))["run"] == "run-one"
    assert locks.holder(folder)["run"] == "run-one"


def test_a_lock_that_was_dropped_is_free(folder):
    locks.take(folder, owner("one"))
    locks.drop(folder, owner("one"))
    assert locks.holder(folder) is None
    assert locks.take(folder, owner("two")) is None


def test_nobody_drops_the_lock_of_another(folder):
    locks.take(folder, owner("one"))
    locks.drop(folder, owner("two"))
    assert locks.holder(folder)["run"] == "run-one"


def test_two_runs_of_one_process_exclude_each_other(folder):
    assert locks.take(folder, owner("one")) is None
    assert locks.take(folder, owner("two")) is not None


def test_dropping_twice_is_nothing(folder):
    locks.take(folder, owner())
    locks.drop(folder, owner())
    locks.drop(folder, owner())
    assert locks.holder(folder) is None


def test_a_lock_leaves_nothing_beside_it(folder):
    locks.take(folder, owner("one"))
    locks.take(folder, owner("two"))
    locks.drop(folder, owner("one"))
    assert os.listdir(os.path.dirname(folder)) == []


def test_an_empty_folder_of_a_process_that_died_while_dropping_is_a_free_lock(folder):
    os.makedirs(folder)
    assert locks.holder(folder) is None
    assert locks.take(folder, owner()) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"7", b"[]", b"null", b'"text"'], ids=repr)
def test_a_lock_whose_file_cannot_be_read_is_held_by_nobody_knows_whom(folder, content):
    os.makedirs(folder)
    with open(os.path.join(folder, "1-x.json"), "wb") as stream:
        stream.write(content)
    holder = locks.take(folder, owner())
    assert holder["host"] == "?"
    assert not locks.is_dead(holder)


# -- who is dead

def test_this_process_is_not_dead():
    assert not locks.is_dead(locks.this_process())


def test_another_process_is_dead_when_it_is_gone_and_not_before(child):
    other = dict(locks.this_process(), pid=child.pid, started=locks.started(child.pid))
    assert other["started"]
    assert not locks.is_dead(other)
    child.end()
    assert locks.is_dead(other)


def test_a_process_id_that_is_used_again_is_another_process(child):
    before = dict(locks.this_process(), pid=child.pid, started="another boot/4711")
    assert locks.is_dead(before)


def test_a_process_of_another_host_is_never_known_to_be_dead():
    assert not locks.is_dead({"host": "another.example", "pid": 2 ** 22 + 1, "started": "long ago"})


@pytest.mark.parametrize("damaged", [{}, {"host": None}, {"pid": 1}, None, [], "text"], ids=repr)
def test_an_owner_that_makes_no_sense_is_not_known_to_be_dead(damaged):
    assert not locks.is_dead(damaged)
    if isinstance(damaged, dict):
        assert not locks.is_dead(dict(locks.this_process(), pid="no number"))


def test_an_owner_that_could_not_say_when_it_began_is_not_known_to_be_dead(child):
    assert not locks.is_dead(dict(locks.this_process(), started=None))
    assert not locks.is_dead(dict(locks.this_process(), pid=child.pid, started=None))


def test_where_the_system_does_not_tell_nobody_is_known_to_be_dead(monkeypatch, child):
    """Out of file descriptors, for one."""
    other = dict(locks.this_process(), pid=child.pid, started=locks.started(child.pid))

    def no_answer(_pid):
        raise locks.NotKnown("too many open files")

    monkeypatch.setattr(locks, "started", no_answer)
    assert not locks.is_dead(other)


def test_ps_knows_what_proc_knows(child):
    """On a system without /proc."""
    begun = locks._started_by_ps(child.pid)
    assert begun and begun == locks._started_by_ps(child.pid)
    child.end()
    assert locks._started_by_ps(child.pid) is None


@pytest.mark.parametrize("variable, value", [("LC_ALL", "de_DE.UTF-8"), ("TZ", "Asia/Tokyo"), ("LC_TIME", "fr_FR")])
def test_what_ps_says_is_the_same_in_every_language_and_time_zone(monkeypatch, child, variable, value):
    begun = locks._started_by_ps(child.pid)
    monkeypatch.setenv(str(variable), str(value))
    assert locks._started_by_ps(child.pid) == begun


# -- who is elsewhere

def renamed(monkeypatch):
    monkeypatch.setattr(locks.socket, "gethostname", lambda: "renamed.example")


def tells_boots():
    """Tell whether this system says which boot a process is of."""
    return "/" in locks.this_process()["started"]


def test_a_process_of_this_host_is_not_elsewhere(child):
    assert not locks.is_elsewhere(locks.this_process())
    assert not locks.is_elsewhere(dict(locks.this_process(), pid=child.pid, started="another-boot/1"))


def test_a_process_of_another_host_is_elsewhere():
    assert locks.is_elsewhere({"host": "another.example", "pid": 1, "started": "another-boot/1"})


@pytest.mark.parametrize("damaged", [{}, {"pid": 1}, None, [], "text", 7, {"host": "x", "started": None},
                                     {"host": "x", "started": 7}], ids=repr)
def test_an_owner_that_makes_no_sense_is_not_known_to_be_elsewhere(damaged):
    assert locks.is_elsewhere(damaged) in (True, False)
    if damaged in ({}, None, [], "text", 7):
        assert not locks.is_elsewhere(damaged)


def test_a_process_of_this_machine_is_judged_by_its_process_though_the_host_was_renamed_since(monkeypatch, child):
    """A DHCP lease, or a laptop: what a run wrote under the old name would be nobody's for ever."""
    other = dict(locks.this_process(), pid=child.pid, started=locks.started(child.pid))
    renamed(monkeypatch)
    assert locks.is_elsewhere(other) != tells_boots()
    assert not locks.is_dead(other)
    child.end()
    assert locks.is_dead(other) == tells_boots()


def test_a_process_of_an_earlier_boot_under_another_name_is_not_known_to_be_dead(monkeypatch):
    before = dict(locks.this_process(), started="another-boot/1")
    assert locks.is_dead(before)
    renamed(monkeypatch)
    assert not locks.is_dead(before)
    assert locks.is_elsewhere(before)


def test_the_lock_of_a_dead_process_is_broken_though_the_host_was_renamed_since(monkeypatch, folder, child):
    dead = owner("one", pid=child.pid, started=locks.started(child.pid))
    locks.take(folder, dead)
    child.end()
    renamed(monkeypatch)
    locks.break_dead(folder, dead)
    assert (locks.take(folder, owner("two")) is None) == tells_boots()


# -- breaking

def test_the_lock_of_a_dead_process_can_be_broken_and_taken(folder, child):
    dead = owner("one", pid=child.pid, started=locks.started(child.pid))
    locks.take(folder, dead)
    child.end()
    locks.break_dead(folder, dead)
    assert locks.take(folder, owner("two")) is None


def test_the_lock_of_a_living_process_is_never_broken(folder, child):
    living = owner("one", pid=child.pid, started=locks.started(child.pid))
    locks.take(folder, living)
    locks.break_dead(folder, living)
    assert locks.take(folder, owner("two")) == living


def test_breaking_a_dead_lock_late_does_not_touch_who_has_taken_it_since(folder):
    dead = owner("one", started="gone")
    locks.take(folder, dead)
    locks.break_dead(folder, dead)
    locks.take(folder, owner("two"))
    locks.break_dead(folder, dead)
    assert locks.holder(folder)["run"] == "run-two"


def test_a_lock_that_is_given_back_while_it_is_asked_for_is_taken(folder, monkeypatch):
    """Otherwise it would seem to be held by nobody knows whom, for ever."""
    locks.take(folder, owner("one"))
    real = locks.shutil.rmtree
    monkeypatch.setattr(locks.shutil, "rmtree", lambda path: [real(path), locks.drop(folder, owner("one"))])
    assert locks.take(folder, owner("two")) is None
    assert locks.holder(folder)["run"] == "run-two"


def test_a_lock_is_taken_though_somebody_tidies_what_is_half_made(folder, monkeypatch):
    real, tidied = os.chmod, []

    def chmod(path, mode):
        if not tidied:
            tidied.append(locks.tidy(path))
        real(path, mode)
    monkeypatch.setattr(os, "chmod", chmod)
    assert locks.take(folder, owner()) is None and tidied
    assert locks.holder(folder) == owner()


def test_processes_that_race_for_a_lock_and_break_it_are_never_in_it_together(folder, tmpdir):
    """Each round makes a folder while it holds the lock, which throws where another is there too."""
    script = tmpdir.join("racer.py")
    script.write(RACER)
    root = os.path.dirname(os.path.dirname(os.path.abspath(locks.__file__)))
    inside = str(tmpdir.join("inside"))
    racers = [subprocess.Popen([sys.executable, str(script), root, folder, inside, str("racer%d" % number),
                                str(ROUNDS)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE) for number in range(2)]
    ended = [racer.communicate() for racer in racers]
    assert [(compat.text(output).strip(), compat.text(said)) for output, said in ended] == [("all rounds", "")] * 2


def test_a_lock_is_for_its_owner_alone_to_read(folder):
    locks.take(folder, owner())
    assert os.stat(folder).st_mode & 0o077 == 0


def test_what_is_in_a_lock_says_who_what_and_where(folder):
    locks.take(folder, owner("one", verb="proxy-backup"))
    with open(os.path.join(folder, os.listdir(folder)[0]), "rb") as stream:
        held = records.unsealed(stream.read())
    assert sorted(held) == ["host", "pid", "run", "started", "token", "verb"]
