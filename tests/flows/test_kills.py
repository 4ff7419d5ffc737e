# -*- coding: utf-8 -*-
"""Runs that are killed with SIGKILL at any moment, and files that end in the middle of a record.

300 kills on a newer CPython, fewer where they take longer. By hand, as many as one likes, from whichever seed::

    VIBACKUP_KILLS=1000 VIBACKUP_SEED=7 python -m pytest -s tests/flows/test_kills.py
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import glob
import os
import random
import time

import pytest

from tests.flows import kills
from tests.flows.helpers import EVERY, JYTHON, compat, named, objects_in, opened, write_bytes
from tests.flows.kills import BACK_UP, SCENARIOS, Ground, read
from vibackup.ledger import Ledger

KILLS = int(os.environ.get("VIBACKUP_KILLS", 10 if JYTHON else 300 if EVERY == 1 else 100))
SEED = int(os.environ.get("VIBACKUP_SEED", 20260131))
MOST_TRIES = 3  # for each kill: one that comes after the end of a run does not count
WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def grounds(tmpdir_factory):
    return Ground(tmpdir_factory.mktemp(str("kills")))


@pytest.fixture
def ground(grounds):
    grounds.begin("base", anew=True)
    return grounds


# -- killed

def test_after_a_kill_at_any_moment_one_fix_leaves_nothing_and_a_second_changes_nothing(ground):
    """L1, L4, L5 for each flow, and for reconcile --fix itself; see ``kills.Ground`` for what is looked at."""
    chance, scenarios = random.Random(SEED), SCENARIOS[::3 if JYTHON else 1]
    alive = tried = 0
    print("seed %d" % SEED)
    while alive < KILLS and tried < MOST_TRIES * KILLS:
        alive += ground.kill(scenarios[tried % len(scenarios)], chance.random())
        tried += 1
    print("%d kills, %d of them while the run was alive" % (tried, alive))
    assert alive >= KILLS


SLOW = """
[slow]
description = keeps what it has read only when it is told to go on
default_location = vibackup-images
suffix = .img
image_before = mkdir -p -- {folder}
image_backup =
    sh -c 'exec 3>"$2"; while [ -e wait ]; do sleep 0.02; done; cat "$1" >&3; echo >over' - {device} {file}.partial
    mv -T -- {file}.partial {file}
image_after = rm -f -- {file}.partial
image_discard = rm -f -- {file}
"""


def test_an_agent_that_outlives_its_killed_run_is_ended_by_the_reboot_and_leaves_nothing(ground, tmpdir):
    """L1, L4: the clean-up reboots the proxy before it removes what the agent has written."""
    home = ground.home()
    table = write_bytes(compat.text(tmpdir.join("agents.ini")), SLOW.encode("utf-8"))
    wait = write_bytes(os.path.join(home, "wait"), b"")
    before = objects_in(ground.lab)
    run = ground.run(BACK_UP[:-1] + ["--agents=" + table, "--agent=slow"])
    _wait_for(os.path.join(home, "*", "*", "*", "*.partial"), run)
    run.kill()
    assert run.wait() is None
    assert ground.vibackup("reconcile", "--fix").status == 0
    run.wait_for_children(home)
    os.remove(compat.native(wait))
    assert not os.path.exists(compat.native(os.path.join(home, "over")))
    assert ground.litter() == [] and objects_in(ground.lab) == before
    assert [entry["id"] for entry in ground.must("backups")["backups"]] == [ground.backup]


def _wait_for(pattern, run):
    end = compat.monotonic() + WAIT_SECONDS
    while not glob.glob(compat.native(pattern)):
        assert compat.monotonic() < end, run.said()
        time.sleep(0.02)


# -- cut short

def _growths(ground):
    """Return the numbers of the calls of a proxy-backup before which its ledger has grown."""
    folder = os.path.join(ground.lab, "state", "ledger")
    sizes, found = [0], []
    with opened(ground.lab) as lab:
        count = lab.count_call

        def counted(*call):
            number = count(*call)
            sizes.append(sum(os.path.getsize(path) for path in kills.paths_in(folder)))
            found.extend([number] if sizes[-1] > sizes[-2] else [])
            return number
        lab.count_call = counted
        ground.must(*BACK_UP)
    return found


def test_a_ledger_cut_short_at_any_byte_of_its_last_record_says_what_held_before_it(ground):
    ground.begin("left")
    path = _ledger(ground)
    whole = read(path)
    ends = [place + 1 for place in range(len(whole)) if whole[place:place + 1] == b"\n"]
    said = {}
    for end in ends:
        write_bytes(path, whole[:end])
        said[end] = _leftovers(ground)
    assert len(ends) > 6 and len(said[ends[-1]]) == 3
    for before, end in zip([0] + ends, ends):
        for cut in range(before, end, EVERY):
            write_bytes(path, whole[:cut])
            assert _leftovers(ground) == said.get(before, []), cut


def test_after_a_kill_in_the_middle_of_writing_any_record_one_fix_leaves_nothing(ground):
    """L4: the record is cut in its middle, or only its line's end is missing."""
    numbers = _growths(ground)
    ground.begin("base", anew=True)
    before = objects_in(ground.lab)
    assert len(numbers) >= 6
    for number in numbers[::EVERY]:
        for part in (0.5, 0.999):
            ground.begin("base", anew=True)
            assert ground.run(BACK_UP + ["--lab-fault=%d:before:crash" % number]).wait() is None
            _cut_last_record(_ledger(ground), part)
            fixed = ground.vibackup("reconcile", "--fix")
            assert fixed.status == 0, (number, part, fixed.errors)
            assert objects_in(ground.lab) == before and ground.litter() == [], (number, part)
            assert ground.must("reconcile", "--fix")["released"] == 0


def _ledger(ground):
    return [path for path in kills.paths_in(os.path.join(ground.lab, "state", "ledger"))][0]


def _leftovers(ground):
    return [(left.number, left.kind, left.facts) for left in
            Ledger(os.path.join(ground.lab, "state"), "reader", "reconcile").leftovers()]


def _cut_last_record(path, part):
    whole = read(path)
    begin = whole.rstrip(b"\n").rfind(b"\n") + 1
    write_bytes(path, whole[:begin + int(part * (len(whole) - begin))])


def test_a_catalog_entry_cut_short_anywhere_is_one_line_and_no_empty_catalog(ground):
    """Entries are written whole or not at all: one that is not was damaged by somebody else."""
    path = kills.paths_in(os.path.join(ground.lab, "state", "catalog"))[0]
    whole = read(path)
    for cut in range(0, len(whole.rstrip()), 3 * EVERY):
        write_bytes(path, whole[:cut])
        _refused(ground.vibackup("backups"), 2, os.path.basename(path))
    _refused(ground.vibackup("verify", "--backup=" + ground.backup, "--proxy=pbh01"), 2, os.path.basename(path))
    write_bytes(path, whole)
    assert len(ground.must("backups")["backups"]) == 1


def test_a_labs_file_cut_short_anywhere_is_one_line(ground):
    path = os.path.join(ground.lab, "lab.json")
    whole = read(path)
    for cut in list(range(0, len(whole), 97 * EVERY)) + list(range(len(whole) - 20, len(whole))):
        write_bytes(path, whole[:cut])
        _refused(ground.vibackup("reconcile", "--fix"), 2, "lab.json")
        assert read(path) == whole[:cut]


def test_a_lock_cut_short_anywhere_locks_and_says_what_to_do(ground):
    """L6: nobody can tell whether its process lives, so it is not broken."""
    run = ground.run(BACK_UP + ["--lab-fault=60:before:crash"])
    assert run.wait() is None
    server = named(objects_in(ground.lab), "web01")["id"]
    path = kills.paths_in(os.path.join(ground.lab, "state", "locks", server))[0]
    whole = read(path)
    for cut in range(0, len(whole), EVERY):
        write_bytes(path, whole[:cut])
        _refused(ground.vibackup(*BACK_UP), 4, "web01 is busy")
        assert read(path) == whole[:cut]
    write_bytes(path, whole)
    assert ground.vibackup(*BACK_UP).status == 6
    assert ground.vibackup("reconcile", "--fix").status == 0 and ground.litter() == []


def _refused(ran, status, words):
    """Check that a run ended with one line that says ``words``, and no traceback."""
    assert ran.status == status, (status, ran.status, ran.errors)
    assert words in ran.document["error"]["message"] and "Traceback" not in ran.errors
    assert len([line for line in ran.errors.splitlines() if line.startswith("vibackup: ")]) == 1
