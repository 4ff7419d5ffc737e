# -*- coding: utf-8 -*-
"""The commands that a guest models: listing disks, mounting, freezing, an agent that only takes time."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from fakes import disks, kinds, storage
from fakes.guests import Guest
from tests.labs import MEGABYTE, disk, find, job, make_lab, raw_disk, run
from vibackup import compat

SERVER = kinds.VIRTUAL_SERVER


def folder_of(lab, name="web01"):
    return compat.native(Guest(lab, find(lab, SERVER, name).getId()).folder)


def windows_lab(**server):
    return make_lab(disks=[disk("system", files={"boot.ini": "x"}), disk("data", files={"data/orders": "1 2 3"})],
                    servers=[dict({"name": "web01", "node": "node1", "devices": ["system", "data"],
                                   "operating_system": "Windows"}, **server)])


def overwrite(lab, name, offset, data):
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, name), offset, data)


# -- which folders there are

@pytest.mark.parametrize("path, status", [("/", 1), ("/srv", 1), ("/tmp", 1), ("/usr/lib", 1), ("/etc/../etc/x", 1),
                                          ("/mnt", 0), ("/mnt/../etc", 1)])
def test_a_guest_has_its_own_folders_and_none_of_this_machines(path, status):
    lab = make_lab()
    run(lab, "web01", "mkdir", "-p", "/mnt/data")
    assert run(lab, "web01", "test", "-d", path).status == status


def test_a_folder_below_those_is_a_share_that_all_guests_see(tmpdir):
    lab, share = make_lab(), compat.text(tmpdir)
    assert [run(lab, name, "test", "-d", share).status for name in ("web01", "pbh01")] == [0, 0]
    assert run(lab, "web01", "test", "-d", share + "/nothing").status == 1


# -- disks

def test_lsblk_lists_disks_and_partitions_with_sizes_and_positions():
    lab = make_lab(disks=[disk("system", files={"etc/hostname": "web01\n"}), raw_disk("lun")],
                   servers=[{"name": "web01", "node": "node1", "devices": ["system", "lun"]}])
    assert run(lab, "web01", "lsblk", "-b", "-P").output.splitlines() == [
        'NAME="sda" SIZE="1048576" HCTL="0:0:0:0" TYPE="disk" FSTYPE="" PKNAME="" MOUNTPOINT=""',
        'NAME="sda1" SIZE="10240" HCTL="" TYPE="part" FSTYPE="labfs" PKNAME="sda" MOUNTPOINT="/mnt/system"',
        'NAME="sdb" SIZE="1048576" HCTL="0:0:1:0" TYPE="disk" FSTYPE="" PKNAME="" MOUNTPOINT=""']


def test_a_guest_may_hide_the_positions():
    lab = make_lab(servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"], "hide_positions": True}])
    assert 'HCTL=""' in run(lab, "web01", "lsblk").output.splitlines()[0]


def test_windows_lists_its_disks_as_csv():
    lab = windows_lab()
    assert run(lab, "web01", "powershell", "-Command", "Get-Disk | ConvertTo-Csv").output.split("\r\n") == [
        '"Number","Size","Location"', '"0","1048576","Integrated : Adapter 0 : Port 0 : Target 0 : LUN 0"',
        '"1","1048576","Integrated : Adapter 0 : Port 0 : Target 1 : LUN 0"', ""]


def test_windows_gives_each_file_system_a_letter_and_mounts_it():
    lab = windows_lab()
    assert run(lab, "web01", "powershell", "-Command", "Get-Partition").output.split("\r\n")[1:] == [
        '"0","1","C","10240"', '"1","1","D","10240"', ""]
    assert run(lab, "web01", "cat", "D:\\data/orders").output == "1 2 3"


def test_windows_has_no_letter_behind_z():
    count = 26
    names = ["disk%02d" % number for number in range(count)]
    lab = make_lab(disks=[disk(name, files={"file": name}) for name in names],
                   servers=[{"name": "web01", "node": "node1", "devices": names, "operating_system": "Windows"}])
    lines = run(lab, "web01", "powershell", "-Command", "Get-Partition").output.split("\r\n")
    assert [line.split(",")[2] for line in lines[24:27]] == ['"Z"', '""', '""']
    assert not os.path.exists("file") and not os.path.exists("[:\\")


def test_a_partition_table_of_garbage_shows_no_partition_beyond_the_disk():
    lab = make_lab()
    overwrite(lab, "web01-system", 0, b"\xff" * 512)
    assert len(run(lab, "web01", "lsblk").output.splitlines()) == 1


# -- mounts

def mounted(lab, folder="/mnt/x", server="web01", device="/dev/sda1"):
    run(lab, server, "mkdir", "-p", "--", folder)
    return run(lab, server, "mount", "-o", "ro", "--", device, folder)


def test_a_mounted_file_system_shows_its_files_until_it_is_unmounted():
    lab = make_lab()
    assert mounted(lab).status == 0
    assert run(lab, "web01", "cat", "/mnt/x/etc/hostname").output == "web01\n"
    assert run(lab, "web01", "umount", "--", "/mnt/x").status == 0
    assert run(lab, "web01", "ls", "-A", "/mnt/x").output == ""
    assert run(lab, "web01", "umount", "--", "/mnt/x").status == 32


def test_what_is_read_through_a_mount_is_what_the_snapshot_holds():
    lab = make_lab()
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
        find(lab, SERVER, "pbh01").addStorageDevice(snapshot.getStorageDevices()[0])
        find(lab, SERVER, "pbh01").reboot()
    lab.clock.sleep(60)
    overwrite(lab, "web01-system", 128 * 512 + 512, b"WEB99\n")
    assert mounted(lab, server="pbh01", device="/dev/sdb1").status == 0
    assert run(lab, "pbh01", "cat", "/mnt/x/etc/hostname").output == "web01\n"


@pytest.mark.parametrize("device, words", [("/dev/sdb1", "special device does not exist"),
                                           ("/dev/sda2", "special device does not exist"),
                                           ("sda1", "special device does not exist")])
def test_what_is_no_partition_is_not_mounted(device, words):
    lab = make_lab()
    completed = mounted(lab, device=device)
    assert completed.status == 32 and words in completed.errors


def test_a_partition_is_mounted_on_a_folder_that_is_there_and_not_taken():
    lab = make_lab()
    assert "mount point does not exist" in run(lab, "web01", "mount", "/dev/sda1", "/mnt/none").errors
    assert mounted(lab).status == 0
    assert "already mounted" in mounted(lab).errors
    assert "already mounted" in mounted(lab, "/mnt/x/").errors


def test_a_file_system_that_is_damaged_is_not_mounted():
    lab = make_lab()
    overwrite(lab, "web01-system", 128 * 512, b"\xff" * 257)  # the magic stays
    completed = mounted(lab)
    assert completed.status == 32 and "wrong fs type" in completed.errors
    assert run(lab, "web01", "mount", "/dev/sda1", "/mnt/x").status == 32


def test_damage_behind_the_first_file_does_not_end_the_lab():
    lab = make_lab(disks=[disk("web01-system", files={"a": "first", "b": "second"}), disk("pbh01-system")])
    overwrite(lab, "web01-system", 128 * 512 + 1024, b"\xff" * 512)
    assert mounted(lab).status in (0, 32)


def test_nothing_is_mounted_outside_mnt_so_that_no_folder_of_this_machine_is_emptied(tmpdir):
    lab = make_lab()
    precious = tmpdir.join("precious")
    precious.write("data")
    for folder in (compat.text(tmpdir), "/mnt/../" + compat.text(tmpdir), "relative", "/mnt/..", "/dev", "/"):
        assert run(lab, "web01", "mount", "/dev/sda1", folder).status == 32
        assert run(lab, "web01", "umount", folder).status == 32
    assert precious.read() == "data"
    assert os.path.isdir(lab.folder)


def test_a_name_of_a_file_in_an_inventory_stays_below_its_mount():
    lab = make_lab(disks=[disk("web01-system", files={"../../../../escaped": "x", "/absolute": "x", "fine": "x"}),
                          disk("pbh01-system")])
    assert mounted(lab).status == 0
    assert os.listdir(os.path.join(folder_of(lab), "mnt", "x")) == ["fine"]
    assert not os.path.exists("/absolute")
    for folder, _folders, files in os.walk(lab.folder):
        assert "escaped" not in files


def test_mounts_with_names_that_are_not_ascii():
    lab = make_lab(disks=[disk("web01-system", files={"étc/größe": "süß"}), disk("pbh01-system")])
    assert mounted(lab, "/mnt/süd 服务器").status == 0
    assert run(lab, "web01", "cat", "/mnt/süd 服务器/étc/größe").output == "süß"
    assert run(lab, "web01", "umount", "/mnt/süd 服务器").status == 0


def test_a_snapshot_of_a_server_has_none_of_its_mounts():
    lab = make_lab()
    mounted(lab)
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
    assert lab.world.get(snapshot.getId())["mounts"] == {}


# -- the guest's own disk

def test_a_guest_has_its_own_disk_mounted_and_its_files_there_once_they_are_asked_for():
    lab = make_lab()
    system = os.path.join(folder_of(lab), "mnt", "system")
    assert run(lab, "web01", "mountpoint", "-q", "/mnt/system").status == 0
    assert not os.path.exists(system)
    assert run(lab, "web01", "cat", "/mnt/system/etc/hostname").output == "web01\n"
    assert os.path.isdir(system)


@pytest.mark.parametrize("words", [["ls", "/mnt"], ["ls", "-d", "/mnt/system"], ["find", "/mnt/system/etc"],
                                   ["sh", "-c", "cat </mnt/system/etc/hostname"],
                                   ["tar", "-cf", "x", "-C/mnt", "system"]])
def test_however_a_command_names_the_guests_own_disk_its_files_are_there(words):
    lab = make_lab()
    assert run(lab, "web01", *words).status == 0
    assert os.path.isfile(os.path.join(folder_of(lab), "mnt", "system", "etc", "hostname"))


def test_the_guests_own_disk_stays_mounted_and_its_folder_is_taken():
    lab = make_lab(disks=[disk("web01-system", files={"a": "x"}), disk("data", files={"b": "y"})],
                   servers=[{"name": "web01", "node": "node1", "devices": ["web01-system", "data"]}])
    assert run(lab, "web01", "umount", "/mnt/system").status == 32
    assert "already mounted" in mounted(lab, "/mnt/system", device="/dev/sdb1").errors
    assert mounted(lab, "/mnt/x", device="/dev/sdb1").status == 0
    assert 'PKNAME="sdb" MOUNTPOINT="/mnt/x"' in run(lab, "web01", "lsblk").output


def test_the_guests_own_disk_shows_after_a_boot_what_it_holds_then():
    lab = make_lab()
    run(lab, "web01", "cat", "/mnt/system/etc/hostname")
    overwrite(lab, "web01-system", 128 * 512 + 512, b"WEB99\n")
    with job(lab):
        find(lab, SERVER, "web01").reboot()
    lab.clock.sleep(60)
    assert run(lab, "web01", "cat", "/mnt/system/etc/hostname").output == "WEB99\n"


def test_reading_the_guests_own_disk_takes_its_time():
    center = {"name": "East", "nodes": [{"name": "node1", "bytes_per_second": 100}, {"name": "node2"}],
              "disk_groups": [{"name": "group1", "bytes": 64 * MEGABYTE}]}
    lab = make_lab(data_centers=[center],
                   disks=[disk("web01-system", files={"big": "x" * 5000}), disk("pbh01-system")])
    assert run(lab, "web01", "cat", "/mnt/system/big").output == "x" * 5000
    assert 50 <= lab.clock.monotonic() < 51


def test_a_disk_without_files_and_that_of_a_snapshot_are_not_mounted():
    lab = make_lab()
    assert run(lab, "pbh01", "mountpoint", "/mnt/system").status == 32
    assert run(lab, "pbh01", "ls", "/mnt/system").status != 0
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
        snapshot.start()
    lab.clock.sleep(60)
    name = snapshot.getName()
    assert run(lab, name, "mountpoint", "/mnt/system").status == 32
    assert 'FSTYPE="labfs" PKNAME="sda" MOUNTPOINT=""' in run(lab, name, "lsblk").output


def test_windows_has_its_own_disk_as_drive_c():
    lab = windows_lab()
    assert run(lab, "web01", "cat", "C:\\boot.ini").output == "x"
    assert run(lab, "web01", "ls", "C:\\").output == "boot.ini\n"


# -- devices that are written

def test_a_guest_reads_its_partition_tables_again():
    lab = make_lab()
    assert run(lab, "web01", "blockdev", "--rereadpt", "/dev/sda").status == 0
    for device in ("/dev/sda1", "/dev/sdb", "sda"):
        completed = run(lab, "web01", "blockdev", "--rereadpt", device)
        assert completed.status == 1 and "cannot open %s" % device in completed.errors


def test_a_device_is_compared_with_zeros_whole():
    lab = make_lab(disks=[disk("web01-system", size=4 * MEGABYTE), disk("empty", size=4 * MEGABYTE, boot=False)],
                   servers=[{"name": "web01", "node": "node1", "devices": ["web01-system", "empty"]}])
    size = "%d" % (4 * MEGABYTE)
    assert run(lab, "web01", "cmp", "-n", size, "--", "/dev/sdb", "/dev/zero").status == 0
    completed = run(lab, "web01", "cmp", "--", "/dev/sdb", "/dev/zero")
    assert completed.status == 1 and "EOF on " in completed.errors  # zeros to its end
    completed = run(lab, "web01", "cmp", "--", "/dev/sda", "/dev/zero")
    assert completed.status == 1 and "differ" in completed.output
    overwrite(lab, "empty", 4 * MEGABYTE - 1, b"x")
    assert run(lab, "web01", "cmp", "-n", size, "--", "/dev/sdb", "/dev/zero").status == 1


# -- how much a guest writes

def writing_lab(**more):
    return make_lab(disks=[disk("web01-system", files={"a": "x"}), disk("data"), raw_disk("lun")],
                    servers=[dict({"name": "web01", "node": "node1", "devices": ["web01-system", "data", "lun"],
                                   "write_bytes_per_second": 4096}, **more)])


def sectors_written(lab):
    lines = [line.split() for line in run(lab, "web01", "cat", "/proc/diskstats").output.splitlines()]
    assert all(len(fields) == 14 for fields in lines)
    return dict((fields[2], int(fields[9])) for fields in lines)


def test_the_sectors_written_grow_with_time_and_are_shared_by_the_logical_disks():
    lab = writing_lab()
    before = sectors_written(lab)
    lab.clock.sleep(100)
    grown = dict((name, count - before[name]) for name, count in sectors_written(lab).items())
    assert grown == {"sda": 400, "sda1": 400, "sdb": 400, "sdc": 0}


def test_diskstats_looks_as_the_kernels_own():
    lab = writing_lab()
    lab.clock.sleep(1)
    assert run(lab, "web01", "cat", "--", "/proc/diskstats").output.splitlines()[:2] == [
        "   8       0 sda 0 0 0 0 0 0 4 0 0 0 0", "   8       1 sda1 0 0 0 0 0 0 4 0 0 0 0"]


def test_windows_says_how_much_it_writes_a_second():
    lab = windows_lab(write_bytes_per_second=8192)
    command = "(Get-Counter '\\PhysicalDisk(_Total)\\Disk Write Bytes/sec').CounterSamples[0].CookedValue"
    assert run(lab, "web01", "powershell", "-NoProfile", "-Command", command).output == "8192\r\n"


# -- time

def test_a_sleep_takes_virtual_time():
    lab = make_lab()
    assert run(lab, "web01", "sleep", "3600").status == 0
    assert lab.clock.monotonic() == 3600
    assert run(lab, "web01", "sleep", "3600", timeout=10).status is None
    assert lab.clock.monotonic() == 3610
    assert run(lab, "web01", "sleep", "long").status == 1


# -- quiesce

def test_a_file_system_is_frozen_once_and_thawed_once():
    lab = make_lab()
    statuses = [run(lab, "web01", "fsfreeze", option, "/").status for option in ("-u", "-f", "-f", "-u", "--unfreeze")]
    assert statuses == [1, 0, 1, 0, 1]


@pytest.mark.parametrize("words", [["fsfreeze"], ["mount"], ["mount", "/dev/sda1"], ["umount"], ["model-agent"],
                                   ["model-agent", "image"]])
def test_a_command_with_too_few_words_fails_as_a_program_does(words):
    completed = run(make_lab(), "web01", *words)
    assert completed.status not in (0, None) and words[0] in completed.errors


# -- the agent that is a model

def test_the_model_agent_takes_the_time_of_reading_the_device():
    center = {"name": "East", "nodes": [{"name": "node1", "bytes_per_second": MEGABYTE // 100}, {"name": "node2"}],
              "disk_groups": [{"name": "group1", "bytes": 64 * MEGABYTE}]}
    lab = make_lab(data_centers=[center])
    assert run(lab, "web01", "model-agent", "image", "/dev/sda", "name").output == "1048576 bytes read\n"
    assert 100 <= lab.clock.monotonic() < 101


def test_the_model_agent_reads_nothing_from_what_is_no_device():
    assert run(make_lab(), "web01", "model-agent", "image", "/dev/sdq", "name").output == "0 bytes read\n"


def test_the_partition_that_an_inventory_makes_holds_its_files():
    lab = make_lab()
    record = lab.world.named({"LogicalDisk"}, "web01-system")
    import tarfile
    data = disks.read(lab.pages, record["layers"], 128 * 512, 10240)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == ["etc/hostname"]
