# -*- coding: utf-8 -*-
"""Guests: real programs that read and write a lab's disks, and nothing of the machine they run on."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import subprocess
import threading

import pytest

from fakes import disks, kinds, storage
from fakes.disks import PAGE
from fakes.faults import Fault
from fakes.guests import Guest
from tests.labs import MEGABYTE, disk, find, job, make_lab, run
from vibackup import compat

SERVER, DISK = kinds.VIRTUAL_SERVER, kinds.LOGICAL_DISK
NAMES = ["a b", "a'b", 'a"b', "$(touch planted)", "a;touch planted", "a\nb", "-rf", "a=b", "..", "süd-服务器"]


def guest_of(lab, name="web01"):
    return Guest(lab, find(lab, SERVER, name).getId())


def in_guest(lab, *path, **more):
    """Return the real path of something in a guest."""
    return os.path.join(compat.native(guest_of(lab, more.get("name", "web01")).folder), *path)


def content(lab, name, offset, length):
    record = lab.world.named({"LogicalDisk", "RawDisk"}, name)
    return disks.read(lab.pages, record["layers"], offset, length)


def read_file(path):
    with io.open(path, "rb") as stream:
        return stream.read()


# -- reaching a guest

def test_a_guest_that_does_not_run_is_not_reached():
    lab = make_lab()
    with job(lab):
        find(lab, SERVER, "web01").stop()
    lab.clock.sleep(60)
    completed = run(lab, "web01", "hostname")
    assert (completed.status, completed.errors) == (255, "connect to host web01: no route to host")


def test_an_unknown_name_is_not_reached():
    assert run(make_lab(), "web02", "hostname").status == 255


def test_a_fault_before_a_command_breaks_the_connection_and_the_command_never_ran():
    lab = make_lab()
    lab.faults.append(Fault("before", "throw", method="run"))
    assert run(lab, "web01", "mkdir", "/mnt/x").status is None
    assert not os.path.exists(in_guest(lab, "mnt", "x"))


def test_a_fault_after_a_command_loses_its_status_alone():
    lab = make_lab()
    lab.faults.append(Fault("after", "throw", method="run", name="web01"))
    assert run(lab, "pbh01", "true").status == 0
    assert run(lab, "web01", "mkdir", "-p", "/mnt/x").status is None
    assert os.path.isdir(in_guest(lab, "mnt", "x"))


def test_a_hanging_connection_breaks_after_an_hour():
    lab = make_lab()
    lab.faults.append(Fault("before", "hang", method="run"))
    assert run(lab, "web01", "true").status is None
    assert lab.clock.monotonic() == 3600


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_command_that_hangs_is_given_up_at_its_time_out(phase):
    lab = make_lab()
    lab.faults.append(Fault(phase, "hang", method="run"))
    completed = run(lab, "web01", "mkdir", "-p", "/mnt/x", timeout=60)
    assert completed == (None, "", "it was not finished within 60 seconds, the time it was given")
    assert lab.clock.monotonic() == 60 and os.path.isdir(in_guest(lab, "mnt", "x")) == (phase == "after")


def test_a_command_whose_status_is_lost_has_said_all_that_it_says():
    lab = make_lab()
    lab.faults.append(Fault("after", "lose", method="run"))
    assert run(lab, "web01", "echo", "done") == (None, "done\n", "")


def test_a_command_in_a_guest_counts_and_is_traced_as_a_call(tmpdir):
    lab = make_lab()
    lab.trace_to(compat.text(tmpdir.join("trace")))
    run(lab, "web01", "echo", "two\nlines")
    assert tmpdir.join("trace").read_binary() == b"1 VirtualServer web01 run echo two\\nlines\n"


# -- programs

def test_a_program_runs_with_its_exit_status_and_output():
    completed = run(make_lab(), "web01", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (completed.status, completed.output, completed.errors) == (3, "out\n", "err\n")


def test_a_program_that_is_not_there_is_127():
    assert run(make_lab(), "web01", "no-such-program").status == 127


@pytest.mark.parametrize("name", NAMES)
def test_no_shell_reads_a_word(name):
    lab = make_lab()
    assert run(lab, "web01", "printf", "%s", name).output == name
    assert os.listdir(in_guest(lab, "home")) == []


@pytest.mark.parametrize("words", [["shutdown", "-h", "now"], ["/sbin/reboot"], ["poweroff"], ["halt"], ["init", "6"]])
def test_no_guest_shuts_this_machine_down(words):
    completed = run(make_lab(), "web01", *words)
    assert (completed.status, completed.errors) == (127, "%s: not in a lab" % words[0])


def test_a_program_works_in_the_guests_own_folder():
    lab = make_lab()
    run(lab, "web01", "touch", "here")
    assert os.listdir(in_guest(lab, "home")) == ["here"]


# -- devices

def test_a_program_reads_the_bytes_of_the_disk():
    lab = make_lab()
    run(lab, "web01", "cp", "/dev/sda", "copy")
    assert read_file(in_guest(lab, "home", "copy")) == content(lab, "web01-system", 0, MEGABYTE)


def test_a_program_may_read_a_device_as_its_standard_input_and_write_to_a_file():
    lab = make_lab()
    run(lab, "web01", "cat", stdin="/dev/sda", stdout="copy")
    assert read_file(in_guest(lab, "home", "copy")) == content(lab, "web01-system", 0, MEGABYTE)


def test_what_a_program_writes_comes_back_into_the_disk():
    lab = make_lab()
    run(lab, "web01", "sh", "-c", "printf written | dd of=/dev/sda bs=1 seek=4096 conv=notrunc 2>/dev/null")
    run(lab, "web01", "printf", "output", stdout="/dev/sda")
    assert content(lab, "web01-system", 4096, 7) == b"written"
    assert content(lab, "web01-system", 0, 6) == b"output"
    assert content(lab, "web01-system", 510, 2) == b"\x55\xaa"


def test_reading_writes_nothing_back():
    lab = make_lab()
    before = lab.dump()["objects"]
    run(lab, "web01", "cat", "/dev/sda", stdout="/dev/null")
    assert lab.dump()["objects"] == before


def test_a_program_reaches_a_disk_through_a_link_to_it():
    lab = make_lab()
    for option in ("-sf", "-f"):
        run(lab, "web01", "mkdir", "-p", "/dev/vibackup/web 01")
        run(lab, "web01", "ln", option, "/dev/sda", "/dev/vibackup/web 01/system")
        with lab.exclusive():
            storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 8192, option.encode("ascii"))
        run(lab, "web01", "cp", "/dev/vibackup/web 01/system", "copy")
        assert read_file(in_guest(lab, "home", "copy"))[8192:8194] == option.encode("ascii")[:2]


def test_two_disks_in_one_command():
    lab = make_lab(disks=[disk("one", fill="the words"), disk("two")],
                   servers=[{"name": "web01", "node": "node1", "devices": ["one", "two"]}])
    run(lab, "web01", "dd", "if=/dev/sda", "of=/dev/sdb", "conv=notrunc")
    assert content(lab, "two", 0, MEGABYTE) == content(lab, "one", 0, MEGABYTE)


def test_windows_names_its_disks_otherwise():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"],
                             "operating_system": "Windows"}])
    run(lab, "web01", "cp", "\\\\.\\PHYSICALDRIVE0", "copy")
    assert read_file(in_guest(lab, "home", "copy")) == content(lab, "web01-system", 0, MEGABYTE)


def test_an_attached_disk_is_seen_after_a_reboot_and_not_before():
    lab = make_lab(disks=[disk("web01-system"), disk("pbh01-system"), disk("spare", fill="spare words")])
    with job(lab):
        find(lab, SERVER, "pbh01").addStorageDevice(find(lab, DISK, "spare"))
    assert run(lab, "pbh01", "cat", "/dev/sdb", stdout="copy").status != 0
    with job(lab):
        find(lab, SERVER, "pbh01").reboot()
    lab.clock.sleep(60)
    assert run(lab, "pbh01", "cat", "/dev/sdb", stdout="copy").status == 0
    assert b"spare words" in read_file(in_guest(lab, "home", "copy", name="pbh01"))


def test_a_detached_disk_is_seen_until_the_reboot():
    lab = make_lab(disks=[disk("web01-system"), disk("spare")],
                   servers=[{"name": "web01", "node": "node1", "devices": ["web01-system", "spare"]}])
    with job(lab):
        find(lab, SERVER, "web01").removeStorageDevice(find(lab, DISK, "spare"))
    assert "sdb" in run(lab, "web01", "lsblk").output
    assert run(lab, "web01", "test", "-e", "/dev/sdb").status == 0
    with job(lab):
        find(lab, SERVER, "web01").reboot()
    lab.clock.sleep(60)
    assert "sdb" not in run(lab, "web01", "lsblk").output
    assert run(lab, "web01", "test", "-e", "/dev/sdb").status == 1


def test_a_lost_snapshot_has_nothing_to_read():
    lab = make_lab(data_centers=[{"name": "East", "nodes": [{"name": "node1"}, {"name": "node2"}],
                                  "disk_groups": [{"name": "group1", "bytes": 2 * MEGABYTE}]}])
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
        find(lab, SERVER, "pbh01").addStorageDevice(snapshot.getStorageDevices()[0])
        find(lab, SERVER, "pbh01").reboot()
    lab.clock.sleep(60)
    run(lab, "web01", "printf", "x", stdout="/dev/sda")
    run(lab, "pbh01", "cp", "/dev/sdb", "copy")
    assert read_file(in_guest(lab, "home", "copy", name="pbh01")) == b""


def test_a_snapshot_that_is_lost_in_the_middle_of_the_reading_is_read_to_there():
    center = {"name": "East", "nodes": [{"name": "node1"}, {"name": "node2", "bytes_per_second": MEGABYTE // 10}],
              "disk_groups": [{"name": "group1", "bytes": 2 * MEGABYTE + 50000}]}
    lab = make_lab(data_centers=[center], servers=[
        {"name": "web01", "node": "node1", "devices": ["web01-system"], "write_bytes_per_second": 0},
        {"name": "pbh01", "node": "node2", "devices": ["pbh01-system"], "stop_seconds": 0, "boot_seconds": 0}])
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
        find(lab, SERVER, "pbh01").addStorageDevice(snapshot.getStorageDevices()[0])
        find(lab, SERVER, "pbh01").reboot()
    lab.clock.sleep(1)
    with lab.exclusive():
        lab.world.settle(lab.world.named({"VirtualServer"}, "web01"), write_bytes_per_second=10000)
    run(lab, "pbh01", "cp", "/dev/sdb", "copy")
    read = len(read_file(in_guest(lab, "home", "copy", name="pbh01")))
    assert 0 < read < MEGABYTE and read % PAGE == 0


def test_reading_takes_the_time_of_the_managed_node():
    center = {"name": "East", "nodes": [{"name": "node1", "bytes_per_second": MEGABYTE // 64}, {"name": "node2"}],
              "disk_groups": [{"name": "group1", "bytes": 64 * MEGABYTE}]}
    lab = make_lab(data_centers=[center])
    run(lab, "web01", "cat", "/dev/sda", stdout="/dev/null")
    assert lab.clock.monotonic() == 64


def test_a_program_that_takes_longer_than_its_bound_has_no_status_and_wrote_nothing():
    center = {"name": "East", "nodes": [{"name": "node1", "bytes_per_second": 1024}, {"name": "node2"}],
              "disk_groups": [{"name": "group1", "bytes": 64 * MEGABYTE}]}
    lab = make_lab(data_centers=[center])
    assert run(lab, "web01", "dd", "if=/dev/zero", "of=/dev/sda", "count=1", timeout=60).status is None
    assert lab.clock.monotonic() == 60
    assert content(lab, "web01-system", 510, 2) == b"\x55\xaa"


@pytest.mark.parametrize("words", [["rm", "/dev/sda"], ["mv", "/dev/sda", "elsewhere"]])
def test_a_program_that_removes_its_device_removes_nothing_else(words):
    lab = make_lab()
    before = lab.dump()["objects"]
    assert run(lab, "web01", *words).status == 0
    assert lab.dump()["objects"] == before
    assert run(lab, "web01", "test", "-s", "/dev/sda").status == 0


def test_what_others_write_to_the_disk_while_a_program_runs_is_kept(tmpdir):
    lab = make_lab()
    fifo = compat.text(tmpdir.join("fifo"))
    subprocess.check_call(["mkfifo", fifo])
    thread = threading.Thread(target=lambda: run(
        lab, "web01", "sh", "-c", "printf program | dd of=/dev/sda bs=1 seek=4096 conv=notrunc; : >'%s'" % fifo))
    thread.start()
    with io.open(compat.native(fifo), "rb") as stream:
        with lab.exclusive():
            storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 8 * PAGE, b"meanwhile")
        stream.read()
    thread.join()
    assert content(lab, "web01-system", 8 * PAGE, 9) == b"meanwhile"
    assert content(lab, "web01-system", 4096, 7) == b"program"


# -- nothing of this machine

@pytest.mark.parametrize("words", [
    ["dd", "if=/dev/zero", "of=/dev/vibackup-test", "count=1"],
    ["dd", "if=/dev/zero", "of=//dev/vibackup-test", "count=1"],
    ["dd", "if=/dev/zero", "of=/tmp/../dev/vibackup-test", "count=1"],
    ["touch", "/dev/vibackup-test"],
    ["touch", "//dev///vibackup-test"],
    ["touch", "/./dev/vibackup-test"],
    ["touch", "/mnt/../dev/vibackup-test"],
    ["touch", "/dev/../../../../../../../../../../dev/vibackup-test"],
    ["sh", "-c", "echo x >/dev/vibackup-test"],
    ["sh", "-c", "echo x > '/dev/vibackup-test'"],
    ["sh", "-c", 'echo x >"/dev/vibackup-test"; :'],
    ["tar", "-cf/dev/vibackup-test", "-T", "/dev/null"],
    ["tee", "/dev/null", "/dev/vibackup-test"]])
def test_a_guest_writes_below_the_labs_folder_and_to_no_device_of_this_machine(words):
    lab = make_lab()
    try:
        completed = run(lab, "web01", *words)
        assert not os.path.lexists("/dev/vibackup-test")
    finally:
        if os.path.lexists("/dev/vibackup-test"):
            os.remove("/dev/vibackup-test")
    assert completed.status == 0, completed.errors
    assert os.path.exists(in_guest(lab, "dev", "vibackup-test"))


def test_redirections_stay_below_the_labs_folder_too():
    lab = make_lab()
    run(lab, "web01", "mkdir", "-p", "/mnt/x", "/dev")
    for path in ("/mnt/x/../x/file", "/dev/vibackup-test", "home-file"):
        assert run(lab, "web01", "printf", "x", stdout=path).status == 0
    assert os.path.isfile(in_guest(lab, "mnt", "x", "file"))
    assert os.path.isfile(in_guest(lab, "dev", "vibackup-test"))
    assert os.path.isfile(in_guest(lab, "home", "home-file"))


@pytest.mark.parametrize("word", ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/stdin", "/dev/fd/0", "2>/dev/null",
                                  "/dev/shm/x/y",
                                  "/devices", "x/dev/sda", "/tmp/mnt", "/mntx", "./dev/sda", "web01",
                                  "//a//b/../c", "http://mnt/x", "http://dev/x", "a/mnt/b", ""])
def test_what_is_no_path_of_a_device_or_mount_stays_as_it_is(word):
    assert guest_of(make_lab()).path(word) == word


@pytest.mark.parametrize("word, local", [
    ("/dev/sdb", "{}/dev/sdb"), ("/dev", "{}/dev"), ("/mnt", "{}/mnt"), ("/mnt/a b/c", "{}/mnt/a b/c"),
    ("/mnt/x/", "{}/mnt/x/"), ("of=/dev/sdb", "of={}/dev/sdb"), ("file:///dev/sdb", "file:{}/dev/sdb"),
    ("nas:/mnt/x", "nas:{}/mnt/x"), ("x; rm //dev/sdb", "x; rm {}/dev/sdb"),
    ("--a=/dev/sdb:/dev/sdc", "--a={}/dev/sdb:{}/dev/sdc"),
    ("/mnt/../../etc/passwd", "/etc/passwd"), ("/mnt/a/../../mnt/b", "{}/mnt/b"),
    ("\\\\.\\PHYSICALDRIVE1", "{}/dev/PHYSICALDRIVE1"), ("E:\\Users", "{}/drive/E/Users"),
    ("-f=D:\\", "-f={}/drive/D/")])
def test_a_path_of_the_guest_as_a_path_of_this_machine(word, local):
    guest = guest_of(make_lab())
    assert guest.path(word) == local.replace("{}", guest.folder)


def test_this_machines_files_in_memory_are_a_share_and_no_device():
    guest = guest_of(make_lab())
    assert not guest.is_elsewhere("/dev/shm/x/y") and guest.is_elsewhere("/etc/shm/x")


# -- quiesce and modelled commands

def test_a_modelled_command_takes_its_time_and_answers_what_the_inventory_says():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "commands": {
        "freeze-db": {"seconds": 7, "exit_status": 4, "output": "frozen\n"}}}])
    completed = run(lab, "web01", "freeze-db", "now")
    assert (completed.status, completed.output) == (4, "frozen\n")
    assert lab.clock.monotonic() == 7


def test_a_modelled_command_is_ended_at_its_bound():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "commands": {
        "freeze-db": {"seconds": 7000}}}])
    assert run(lab, "web01", "freeze-db", timeout=60).status is None
    assert lab.clock.monotonic() == 60


def test_a_boot_forgets_mounts_and_freezes():
    lab = make_lab()
    run(lab, "web01", "mkdir", "-p", "/mnt/x")
    run(lab, "web01", "mount", "-o", "ro", "--", "/dev/sda1", "/mnt/x")
    run(lab, "web01", "fsfreeze", "-f", "/")
    with job(lab):
        find(lab, SERVER, "web01").reboot()
    lab.clock.sleep(60)
    record = lab.world.named({"VirtualServer"}, "web01")
    assert (record["mounts"], record["frozen"]) == ({}, False)
    assert os.listdir(in_guest(lab, "mnt", "x")) == []
