# -*- coding: utf-8 -*-
"""A lab's state in its folder: saved at each commit, shared by processes, surviving their death."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import subprocess
import sys
import threading

import pytest

import fakes
from fakes import disks, kinds, registry, saved
from tests.labs import demo_lab, find, job
from vibackup import compat
from vibackup.errors import UsageError

SERVER, DISK = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK
ROOT = os.path.dirname(fakes.FOLDER)

PROLOGUE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from fakes import kinds
from fakes.opening import open_lab
from vibackup import compat
lab = open_lab(compat.arguments([sys.argv[2]])[0])
manager = lab.configuration_manager()
def find(name):
    return manager.findObject(kinds.VIRTUAL_SERVER, name)
def begun(name):
    job = manager.createJob(name)
    job.begin()
    return job
"""


def start(tmpdir, body, name="lab"):
    """Start another process that opens the lab and does ``body``."""
    return subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + body, ROOT, compat.native(compat.text(tmpdir.join(name)))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process, said=b""):
    """Wait for the process; returns its exit status and what it printed."""
    output, errors = process.communicate(said)
    assert b"Traceback" not in errors, errors
    return process.returncode, output


def state(tmpdir, name="lab"):
    with io.open(compat.native(compat.text(tmpdir.join(name, "lab.json"))), "rb") as stream:
        return json.loads(stream.read().decode("utf-8"))


def name_of_saved(tmpdir, identity):
    return state(tmpdir)["objects"][identity]["name"]


# -- the file

def test_a_job_is_saved_when_it_commits_and_not_before(tmpdir):
    lab = demo_lab(tmpdir)
    web01 = find(lab, SERVER, "web01")
    made = lab.configuration_manager().createJob("test")
    made.begin()
    web01.setName("renamed")
    assert name_of_saved(tmpdir, web01.getId()) == "web01"
    made.commit()
    assert name_of_saved(tmpdir, web01.getId()) == "renamed"


def test_the_commit_of_one_job_saves_nothing_of_another_that_is_open(tmpdir):
    lab = demo_lab(tmpdir)
    web01, pbh01 = find(lab, SERVER, "web01"), find(lab, SERVER, "pbh01")
    made = lab.configuration_manager().createJob("open")
    made.begin()
    web01.setName("renamed")

    def other():
        with job(lab):
            pbh01.setName("proxy")

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert name_of_saved(tmpdir, pbh01.getId()) == "proxy"
    assert name_of_saved(tmpdir, web01.getId()) == "web01"
    made.abort()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', "not json", '{"format": 1'])
def test_a_damaged_state_is_one_clear_line(tmpdir, text):
    tmpdir.mkdir("lab").join("lab.json").write(text)
    with pytest.raises(UsageError) as caught:
        demo_lab(tmpdir)
    assert "lab.json" in caught.value.message and "\n" not in caught.value.message


def test_only_what_has_a_state_is_a_lab(tmpdir):
    assert saved.is_in(demo_lab(tmpdir, "süd").folder)
    assert not saved.is_in(compat.text(tmpdir)) and not saved.is_in(compat.text(tmpdir.join("nothing")))


def test_a_damaged_lock_is_one_clear_line_and_stays(tmpdir):
    """L6."""
    lab = demo_lab(tmpdir)
    tmpdir.join("lab", "lock").ensure(dir=True).join("owner").write("torn")
    with pytest.raises(UsageError) as caught:
        lab.enter()
    assert "lock is damaged" in caught.value.message and "\n" not in caught.value.message
    assert tmpdir.join("lab", "lock", "owner").read() == "torn"


# -- with other processes

def test_another_process_finds_a_lab_with_an_odd_name(tmpdir):
    name = "süd $(touch x)\n"
    count = len(demo_lab(tmpdir, name).dump()["objects"])
    code, output = ended(start(tmpdir, "print(len(lab.dump()['objects']))", name))
    assert (code, int(output)) == (0, count)


def test_a_process_sees_what_another_one_has_done(tmpdir):
    lab = demo_lab(tmpdir)
    assert ended(start(tmpdir, "job = begun('other')\nfind('web01').setName('renamed')\njob.commit()\n"))[0] == 0
    assert lab.configuration_manager().findObject(SERVER, "web01") is None
    with job(lab):
        find(lab, SERVER, "renamed").setName("again")
    assert ended(start(tmpdir, "print(find('again').getName())"))[1].strip() == b"again"


def test_a_copy_whose_process_was_killed_is_no_longer_under_way(tmpdir):
    lab = demo_lab(tmpdir)
    group = find(lab, kinds.LVM_DISK_GROUP, "bulkGroup")
    with job(lab):
        group.createLogicalDisk("source", 4 * 1024 * 1024)
    other = start(tmpdir, "import signal\n"
                          "lab.clock.call_after(3, lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
                          "group = manager.findObject(kinds.LVM_DISK_GROUP, 'bulkGroup')\n"
                          "job = begun('clone')\n"
                          "manager.findObject(kinds.LOGICAL_DISK, 'source').cloneTo(group, 'clone')\njob.commit()\n")
    assert ended(other)[0] != 0
    assert len(state(tmpdir)["copies"]) == 1
    clone = find(lab, DISK, "clone")
    assert clone.getCopyPercent() == 100
    with job(lab):
        group.deleteLogicalDisk(clone)


def test_a_job_of_one_process_keeps_others_waiting_and_reading_works_all_the_while(tmpdir):
    lab = demo_lab(tmpdir)
    other = start(tmpdir, "job = begun('other')\nfind('web01').setName('theirs')\n"
                          "print('begun'); sys.stdout.flush()\nsys.stdin.readline()\njob.commit()\nlab.close()\n")
    assert other.stdout.readline().strip() == b"begun"
    assert find(lab, SERVER, "web01").getName() == "web01"  # reads what is committed, and does not wait
    assert state(tmpdir)["format"] == registry.FORMAT
    other.stdin.write(b"go on\n")
    other.stdin.flush()
    with job(lab):
        find(lab, SERVER, "theirs").setName("ours")
    assert ended(other)[0] == 0
    assert find(lab, SERVER, "ours")


def test_two_processes_that_work_at_once_lose_nothing_of_each_other(tmpdir):
    lab = demo_lab(tmpdir)
    body = ("server = find(%r)\nfor number in range(12):\n"
            "    job = begun('work')\n    server.setName('%%s-%%d' %% (%r, number))\n    job.commit()\n")
    processes = [start(tmpdir, body % (str(name), str(name))) for name in ("web01", "db01")]
    for number in range(12):
        with job(lab):
            find(lab, SERVER, "pbh01").setName("pbh01")
        state(tmpdir)
    assert [ended(process)[0] for process in processes] == [0, 0]
    assert find(lab, SERVER, "web01-11") and find(lab, SERVER, "db01-11")
    assert lab.clock.monotonic() == 36  # every job took its second


@pytest.mark.parametrize("when, name", [("before the commit", "web01"), ("after the commit", "renamed")])
def test_a_killed_process_leaves_what_was_committed_and_no_lock(tmpdir, when, name):
    lab = demo_lab(tmpdir)
    body = "job = begun('other')\nfind('web01').setName('renamed')\n"
    body += "job.commit()\n" if when == "after the commit" else ""
    code, _output = ended(start(tmpdir, body + "os.kill(os.getpid(), 9)\n"))
    assert code in (-9, 137)
    with job(lab):
        pass
    assert find(lab, SERVER, name).getName() == name


def test_a_process_killed_by_a_fault_of_the_lab_leaves_a_whole_lab(tmpdir):
    lab = demo_lab(tmpdir)
    before = lab.dump()["objects"]
    body = """
from fakes import faults
lab.faults.append(faults.Fault("before", "crash", method="commit"))
job = begun("other")
find("web01").snapshot()
job.commit()
"""
    assert ended(start(tmpdir, body))[0] in (-9, 137)
    assert lab.dump()["objects"] == before
    with job(lab):
        find(lab, SERVER, "web01").snapshot()


def test_pages_that_a_killed_process_left_are_gone_with_the_next_start(tmpdir):
    lab = demo_lab(tmpdir)
    before = sorted(os.listdir(os.path.join(lab.folder, "layers")))
    body = """
from fakes import storage
job = begun("other")
snapshot = find("web01").snapshot()
storage.write(lab, lab.world.get(snapshot.getStorageDevices()[0].getId()), 0, b"x" * 99)
os.kill(os.getpid(), 9)
"""
    assert ended(start(tmpdir, body))[0] in (-9, 137)
    assert sorted(os.listdir(os.path.join(lab.folder, "layers"))) != before
    with job(lab):
        pass
    assert sorted(os.listdir(os.path.join(lab.folder, "layers"))) == before


def test_processes_that_make_the_same_lab_at_once_find_one_lab(tmpdir):
    processes = [start(tmpdir, "job = begun('one')\nfind('web01').setName('web01')\njob.commit()\n")
                 for _number in range(3)]
    assert [ended(process)[0] for process in processes] == [0, 0, 0]
    lab = demo_lab(tmpdir)
    assert lab.clock.monotonic() == 3
    assert disks.read(lab.pages, lab.world.named({"LogicalDisk"}, "web01-system")["layers"], 510, 2) == b"\x55\xaa"


def test_a_process_killed_while_it_made_a_lab_does_not_stand_in_the_way(tmpdir):
    body = PROLOGUE.replace("lab = open_lab(", """
from fakes import inventory
build = inventory.build
def half(lab, description):
    build(lab, description)
    os.kill(os.getpid(), 9)
inventory.build = half
lab = open_lab(""")
    child = subprocess.Popen([sys.executable, "-c", body, ROOT, str(tmpdir.join("lab"))])
    assert child.wait() in (-9, 137)
    assert os.listdir(str(tmpdir.join("lab")))
    assert demo_lab(tmpdir).dump()["objects"]


def test_the_lab_is_free_while_a_program_runs_in_a_guest(tmpdir):
    lab = demo_lab(tmpdir)
    web01 = "lab.guests.run('web01', Command(['sh', '-c', 'echo started; read line; dd if=/dev/sda of=copy'], " \
            "os.path.join(sys.argv[2], 'fifo'), None), on_output=show)"
    fifo = os.path.join(lab.folder, "fifo")
    subprocess.check_call(["mkfifo", fifo])
    other = start(tmpdir, """
from vibackup.guest import Command
def show(line):
    sys.stdout.write(line + "\\n"); sys.stdout.flush()
%s
""" % web01)
    with io.open(fifo, "wb") as stream:
        assert other.stdout.readline().strip() == b"started"
        with job(lab):  # would wait for ever if the other one held the lab
            find(lab, SERVER, "pbh01").setName("proxy")
        stream.write(b"go on\n")
    assert ended(other)[0] == 0
