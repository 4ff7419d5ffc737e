# -*- coding: utf-8 -*-
"""Guests: what they answer, which of their disks are new, and when in doubt a refusal."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.runs import fail, make_run, server, small_lab
from vibackup import compat, errors, guest
from vibackup.guest import Command, Completed, GuestDisk, Partition

MIB = 1024 * 1024


def disk(letter, size, position, *file_systems):
    """A disk as a Linux guest shows it; position: its SCSI target, or None."""
    return GuestDisk("/dev/sd" + letter, size * MIB, None if position is None else (0, position, 0),
                     [Partition(number, "/dev/sd%s%d" % (letter, number), file_system, None)
                      for number, file_system in enumerate(file_systems, 1)])


def found(before, after, *sizes):
    return [each.path for each in guest.new_disks(before, after, [size * MIB for size in sizes], "pbh01")]


def refusal(before, after, *sizes):
    with pytest.raises(errors.GuestError) as caught:
        found(before, after, *sizes)
    assert caught.value.message.startswith("pbh01: ")
    return caught.value.message


# -- which disks are new

OWN = disk("a", 4, 0)


def test_the_new_disk_is_the_one_that_was_not_there():
    assert found([OWN], [OWN, disk("b", 8, 1)], 8) == ["/dev/sdb"]


def test_letters_mean_nothing():
    """Here the guest calls its own disk sdb after the reboot, and the new one sda."""
    assert found([disk("a", 4, 0)], [disk("a", 4, 1), disk("b", 4, 0)], 4) == ["/dev/sda"]


def test_several_new_disks_come_in_the_order_in_which_they_were_attached():
    after = [disk("a", 8, 3), disk("b", 4, 0), disk("c", 8, 1), disk("d", 9, 2)]
    assert found([OWN], after, 8, 9, 8) == ["/dev/sdc", "/dev/sdd", "/dev/sda"]


def test_positions_are_compared_as_numbers():
    assert found([OWN], [OWN, disk("b", 8, 10), disk("c", 8, 9)], 8, 8) == ["/dev/sdc", "/dev/sdb"]


def test_a_proxy_that_had_no_disk_at_all_shows_only_new_ones():
    assert found([], [disk("a", 8, 0)], 8) == ["/dev/sda"]


def test_without_positions_a_size_of_its_own_tells_a_disk():
    assert found([disk("a", 4, None)], [disk("a", 8, None), disk("b", 4, None), disk("c", 9, None)], 9, 8) == \
        ["/dev/sdc", "/dev/sda"]


def test_without_positions_two_new_disks_of_one_size_are_a_refusal():
    assert "same size" in refusal([disk("a", 4, None)],
                                  [disk("a", 4, None), disk("b", 8, None), disk("c", 8, None)], 8, 8)


def test_without_positions_a_new_disk_as_big_as_its_own_is_a_refusal():
    assert "cannot tell its own disk" in refusal([disk("a", 4, None)], [disk("a", 4, None), disk("b", 4, None)], 4)


def test_without_positions_its_own_disks_of_one_size_are_left_alone():
    own = [disk("a", 4, None), disk("b", 4, None)]
    assert found(own, [disk("a", 8, None), disk("b", 4, None), disk("c", 4, None)], 8) == ["/dev/sda"]


def test_a_disk_with_a_position_does_not_count_for_one_without():
    """The proxy boots from a paravirtual disk without a place on the SCSI bus, and has a SCSI disk of the same size."""
    own = [disk("a", 4, None), disk("b", 4, 1)]
    assert "cannot tell its own disk" in refusal(own, [disk("a", 4, None), disk("b", 4, 1), disk("c", 4, None)], 4)


@pytest.mark.parametrize("after, sizes, words", [
    ([OWN], (8,), "sees 0 new disks where 1 were attached"),
    ([OWN, disk("b", 8, 1), disk("c", 8, 2)], (8,), "sees 2 new disks where 1 were attached"),
    ([OWN, disk("b", 9, 1)], (8,), "has 9437184 bytes where 8388608 were attached"),
    ([disk("b", 8, 1)], (8,), "its own disk /dev/sda (4194304 bytes) is not where it was"),
    ([disk("a", 5, 0), disk("b", 8, 1)], (8,), "is not where it was"),
    ([disk("a", 4, 2), disk("b", 8, 1)], (8,), "is not where it was"),
    ([OWN, disk("b", 8, 1), disk("c", 9, 1)], (9, 8), None),
    ([OWN, disk("b", 9, 1), disk("c", 8, 2)], (8, 9), "bytes where"),
    ([], (8,), "is not where it was")])
def test_what_does_not_fit_is_a_refusal(after, sizes, words):
    if words is None:  # two at one place: their sizes tell them apart
        assert found([OWN], after, *sizes) == ["/dev/sdc", "/dev/sdb"]
    else:
        assert words in refusal([OWN], after, *sizes)


def test_a_new_disk_in_the_place_of_its_own_is_a_refusal_where_what_is_on_them_differs():
    """Both are of one size and have changed places: what would be backed up is the proxy's own disk."""
    own = disk("a", 4, 0, "ext4", "swap")
    assert "is not where it was" in refusal([own], [disk("a", 4, 0, "xfs"), disk("b", 4, 1, "ext4", "swap")], 4)


# -- what a Linux guest answers

class Answers(object):
    """A way into guests that answers what it was given, by the first word or a part of the line."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def run(self, _name, command, *_more):
        self.asked.append(" ".join(command.argv))
        for part, answer in self.answers.items():
            if part in self.asked[-1].replace("-", ""):
                return answer if isinstance(answer, Completed) else Completed(0, answer, "")
        return Completed(127, "", "not found")


@pytest.fixture
def guest_that_answers(tmpdir):
    with small_lab() as lab:
        run = make_run(lab, tmpdir)

        def function(system="Linux", **answers):
            run.manager.guests = Answers(**answers)
            return guest.Guest(run, "pbh01", system)
        yield function


LSBLK = '''NAME="sda" SIZE="4194304" HCTL="2:0:0:0" TYPE="disk" FSTYPE="" PKNAME=""
NAME="sda2" SIZE="1024" HCTL="" TYPE="part" FSTYPE="swap" PKNAME="sda"
NAME="sda1" SIZE="4096" HCTL="" TYPE="part" FSTYPE="ext4" PKNAME="sda"
NAME="sda10" SIZE="4096" HCTL="" TYPE="part" FSTYPE="xfs" PKNAME="sda"
NAME="vg-root" SIZE="4096" HCTL="" TYPE="lvm" FSTYPE="ext4" PKNAME="sda1"
NAME="sr0" SIZE="1073741312" HCTL="1:0:0:0" TYPE="rom" FSTYPE="" PKNAME=""
NAME="vda" SIZE="8388608" HCTL="" TYPE="disk" FSTYPE="" PKNAME=""
NAME="cciss!c0d0" SIZE="512" HCTL="0:0:0:0" TYPE="disk" FSTYPE="" PKNAME=""
'''


def test_lsblk_is_understood(guest_that_answers):
    sda, vda, cciss = guest_that_answers(lsblk=LSBLK).disks()
    assert (sda.path, sda.bytes, sda.position) == ("/dev/sda", 4194304, (0, 0, 0))
    assert [(each.number, each.path, each.file_system) for each in sda.partitions] == [
        (1, "/dev/sda1", "ext4"), (2, "/dev/sda2", "swap"), (3, "/dev/sda10", "xfs")]
    assert (vda.path, vda.position, vda.partitions) == ("/dev/vda", None, [])
    assert cciss.path == "/dev/cciss/c0d0"


@pytest.mark.parametrize("name", ["zram0", "nbd0", "nbd15", "loop3", "ram1", "fd0", "sr0"])
def test_devices_that_come_and_go_with_software_are_no_disks(guest_that_answers, name):
    """One more of them after the reboot would be taken for the disk that was attached."""
    line = 'NAME="%s" SIZE="4194304" HCTL="" TYPE="disk" FSTYPE="" PKNAME=""\n' % name
    assert [each.path for each in guest_that_answers(lsblk=line + LSBLK).disks()] == [
        "/dev/sda", "/dev/vda", "/dev/cciss/c0d0"]


@pytest.mark.parametrize("host", ["0", "2", "31"])
def test_the_number_of_the_host_adapter_is_left_out_of_a_position(guest_that_answers, host):
    """It may be another one after a boot."""
    line = 'NAME="sdb" SIZE="1" HCTL="%s:0:3:1" TYPE="disk" FSTYPE="" PKNAME=""\n' % host
    assert guest_that_answers(lsblk=line).disks()[0].position == (0, 3, 1)


def test_a_disk_whose_adapter_has_another_number_after_the_boot_is_where_it_was(guest_that_answers):
    line = 'NAME="%s" SIZE="%d" HCTL="%d:0:%d:0" TYPE="disk" FSTYPE="" PKNAME=""\n'
    before = guest_that_answers(lsblk=line % ("sda", 4 * MIB, 0, 0)).disks()
    after = guest_that_answers(lsblk=line % ("sda", 4 * MIB, 2, 0) + line % ("sdb", 4 * MIB, 2, 1)).disks()
    assert found(before, after, 4) == ["/dev/sdb"]


@pytest.mark.parametrize("line", [
    "lsblk: command not quite found", 'NAME="../../etc" SIZE="1" TYPE="disk"', 'NAME="sda" SIZE="" TYPE="disk"',
    'NAME="sda" SIZE="4M" TYPE="disk"', 'NAME="sda;reboot" SIZE="1" TYPE="disk"', 'SIZE="1" TYPE="disk"',
    'NAME="" SIZE="1" TYPE="disk"', 'NAME="sda" SIZE="-1" TYPE="disk"', 'NAME="sda" TYPE="disk"',
    'NAME="s da" SIZE="1" TYPE="disk"', 'NAME="sda" SIZE="٣" TYPE="disk"'])
def test_an_lsblk_that_makes_no_sense_is_said_to(guest_that_answers, line):
    with pytest.raises(errors.GuestError) as caught:
        guest_that_answers(lsblk=line + "\n").disks()
    assert caught.value.message.startswith("pbh01: ")


def test_a_command_that_fails_says_what_it_said_last(guest_that_answers):
    answer = Completed(32, "some output", "warning\nlsblk: no such column\n\n")
    with pytest.raises(errors.GuestError) as caught:
        guest_that_answers(lsblk=answer).disks()
    assert caught.value.message == "pbh01: lsblk: lsblk: no such column (exit status 32)"


# -- what a Windows guest answers

DISKS = ('"Number","Size","Location"\r\n'
         '"0","4194304","Integrated : Adapter 0 : Port 0 : Target 0 : LUN 0"\r\n'
         '"12","8388608","Integrated : Adapter 0 : Port 0 : Target 3 : LUN 0"\r\n')
PARTITIONS = ('"DiskNumber","PartitionNumber","DriveLetter","Size"\r\n'
              '"0","1","\0","104857600"\r\n'
              '"0","2","C","4000000"\r\n'
              '"12","1","E","8000000"\r\n')


def windows(guest_that_answers, disks=DISKS, partitions=PARTITIONS):
    return guest_that_answers("Windows Server 2003", GetDisk=disks, GetPartition=partitions).disks()


def test_powershell_is_understood(guest_that_answers):
    """A partition without a letter has a zero byte there."""
    first, second = windows(guest_that_answers)
    assert (first.path, first.bytes) == ("\\\\.\\PHYSICALDRIVE0", 4194304)
    assert (second.path, second.position) == ("\\\\.\\PHYSICALDRIVE12", (0, 3, 0))
    assert [(each.number, each.mounted) for each in first.partitions] == [(1, None), (2, "C:\\")]
    assert [each.mounted for each in second.partitions] == ["E:\\"]


def test_a_windows_disk_without_a_place_has_no_position(guest_that_answers):
    disks = '"Number","Size","Location"\r\n"0","4194304",""\r\n'
    assert windows(guest_that_answers, disks)[0].position is None


def test_blank_lines_of_powershell_are_nothing(guest_that_answers):
    assert len(windows(guest_that_answers, "\r\n" + DISKS + "\r\n")) == 2


@pytest.mark.parametrize("disks", [
    "", "Get-Disk : The term 'Get-Disk' is not recognized", '"Number","Size"\r\n"0","1"\r\n',
    '"Number","Size","Location"\r\n"0","1"\r\n', '"Number","Size","Location"\r\n"0","much","x"\r\n',
    '"Number","Size","Location"\r\n"","1","x"\r\n', '"Number","Size","Location"\r\n"0","1","x","y"\r\n',
    '"Number","Size","Location"\r\n"0;reboot","1","x"\r\n', "x" * 200000])
def test_a_powershell_that_makes_no_sense_is_said_to(guest_that_answers, disks):
    with pytest.raises(errors.GuestError):
        windows(guest_that_answers, disks)


# -- the operating system

@pytest.mark.parametrize("words, family", [
    ("Linux", guest.LINUX), ("SUSE Linux Enterprise 10", guest.LINUX), ("SLES10", guest.LINUX),
    ("Red Hat 4", guest.LINUX), ("RHEL 5", guest.LINUX), ("Windows", guest.WINDOWS),
    ("Microsoft Windows Server 2003", guest.WINDOWS), ("Solaris 10", None), ("Darwin", None), ("", None)])
def test_the_managers_words_for_a_system_are_understood(words, family):
    assert guest.family(words) == family


def test_a_guest_whose_disks_cannot_be_listed_is_refused(guest_that_answers):
    with pytest.raises(errors.Refused) as caught:
        guest_that_answers("Solaris 10")
    assert "Solaris 10" in caught.value.message


# -- waiting for it to answer

def test_a_guest_that_answers_is_not_waited_for(lab, tmpdir):
    run = make_run(lab, tmpdir)
    before = run.manager.clock.monotonic()
    guest.Guest(run, "pbh01", "Linux").wait_until_it_answers(0)
    assert run.manager.clock.monotonic() == before


def test_a_guest_is_waited_for_until_it_takes_commands(lab, tmpdir):
    run = make_run(lab, tmpdir)
    fail(lab, "run", times=3)
    before = run.manager.clock.monotonic()
    guest.Guest(run, "pbh01", "Linux").wait_until_it_answers(60)
    assert run.manager.clock.monotonic() - before == 3 * guest.ANSWER_PAUSE_SECONDS


def test_a_guest_that_never_answers_is_given_up_at_the_deadline(tmpdir):
    with small_lab(lambda found: server(found, "pbh01").update(power="Stopped")) as lab:
        run = make_run(lab, tmpdir)
        before = run.manager.clock.monotonic()
        with pytest.raises(errors.TimedOut) as caught:
            guest.Guest(run, "pbh01", "Linux").wait_until_it_answers(300)
        assert run.manager.clock.monotonic() - before == 300
        assert "no route to host" in caught.value.message


def test_a_stop_ends_the_waiting(tmpdir):
    with small_lab(lambda found: server(found, "pbh01").update(power="Stopped")) as lab:
        run = make_run(lab, tmpdir, stop_status=lambda: errors.TERMINATED)
        with pytest.raises(errors.Stopped):
            guest.Guest(run, "pbh01", "Linux").wait_until_it_answers(300)


# -- a real shape of the lab

@pytest.mark.parametrize("name, path", [("pbh01", "/dev/sda"), ("db01", "\\\\.\\PHYSICALDRIVE0")])
def test_the_labs_guests_show_their_disks(lab, tmpdir, name, path):
    system = lab.world.named({"VirtualServer"}, name)["operating_system"]
    disks = guest.Guest(make_run(lab, tmpdir), name, system).disks()
    assert disks[0].path == path
    assert disks[0].bytes == MIB


def test_a_command_that_must_not_fail_gives_what_it_printed(lab, tmpdir):
    assert guest.Guest(make_run(lab, tmpdir), "pbh01", "Linux").must(["hostname"]) == "pbh01\n"


@pytest.mark.parametrize("completed, words", [
    (Completed(1, "", ""), "exit status 1"), (Completed(None, "", ""), "no exit status came back"),
    (Completed(2, "first\nlast line\n\n", ""), "last line (exit status 2)"),
    (Completed(2, "last line\n\n", "complaint\n"), "complaint (exit status 2)"),
    (Completed(2, "", "  a complaint  \n"), "a complaint (exit status 2)"),
    (Completed(1, "x" * 1000, ""), "x" * 300 + " (exit status 1)")])
def test_a_failure_in_one_line(completed, words):
    assert guest.failure(completed) == words


def test_commands_are_lists_of_words():
    assert Command(["a b", "$(c)"], None, None).argv == ["a b", "$(c)"]


# -- a guest's own disks, as the manager has them

def own(shown, *sizes):
    return [each.path for each in guest.in_devices_order(shown, [size and size * MIB for size in sizes], "web01")]


def test_a_guests_disks_are_told_by_their_place_on_the_bus_and_not_by_their_letters():
    assert own([disk("a", 8, 1), disk("b", 4, 0)], 4, 8) == ["/dev/sdb", "/dev/sda"]


def test_a_disk_whose_size_the_manager_does_not_know_is_told_by_its_place():
    assert own([disk("a", 8, 1), disk("b", 4, 0)], 4, None) == ["/dev/sdb", "/dev/sda"]


def test_without_places_sizes_tell_them():
    assert own([disk("a", 8, None), disk("b", 4, None)], 4, 8) == ["/dev/sdb", "/dev/sda"]
    assert own([disk("a", 8, None)], None) == ["/dev/sda"]


@pytest.mark.parametrize("shown, sizes, words", [
    ([disk("a", 4, 0)], (4, 8), "shows 1 disks where the manager has 2"),
    ([disk("a", 4, 0), disk("b", 8, 1)], (4,), "shows 2 disks where the manager has 1"),
    ([disk("a", 4, 0), disk("b", 8, 1)], (8, 4), "/dev/sda has 4194304 bytes where the manager has 8388608"),
    ([disk("a", 4, None), disk("b", 4, None)], (4, 4), "does not tell where its disks are"),
    ([disk("a", 4, None), disk("b", 8, None)], (4, None), "does not tell where its disks are"),
    ([disk("a", 4, 0), disk("b", 8, 0)], (4, 4), "does not tell where its disks are"),
    ([disk("a", 4, None)], (8,), "/dev/sda has 4194304 bytes"),
])
def test_in_any_doubt_no_disk_is_taken_for_another(shown, sizes, words):
    with pytest.raises(errors.GuestError) as caught:
        own(shown, *sizes)
    assert caught.value.message.startswith("web01: ") and words in caught.value.message


# -- what a guest has mounted

MOUNTED = r'''NAME="sda" TYPE="disk" FSTYPE="" MOUNTPOINT=""
NAME="sda1" TYPE="part" FSTYPE="ext4" MOUNTPOINT="/boot"
NAME="sda2" TYPE="part" FSTYPE="LVM2_member" MOUNTPOINT=""
NAME="vg-root" TYPE="lvm" FSTYPE="xfs" MOUNTPOINT="/"
NAME="vg-swap" TYPE="lvm" FSTYPE="swap" MOUNTPOINT="[SWAP]"
NAME="sdb" TYPE="disk" FSTYPE="ext4" MOUNTPOINT="/srv/s\xc3\xbcd \x22here\x22"
NAME="loop0" TYPE="loop" FSTYPE="squashfs" MOUNTPOINT="/snap/core"
NAME="sr0" TYPE="rom" FSTYPE="iso9660" MOUNTPOINT="/media/cdrom"
'''


def test_what_a_linux_guest_has_mounted_from_its_disks_is_known_whatever_lies_between(guest_that_answers):
    assert guest_that_answers(lsblk=MOUNTED).mounted_folders() == ["/", "/boot", "/srv/süd \"here\""]


@pytest.mark.parametrize("kind", ["btrfs", "zfs_member"])
def test_a_file_system_that_may_be_mounted_more_than_once_is_refused(guest_that_answers, kind):
    with pytest.raises(errors.Refused) as caught:
        guest_that_answers(lsblk=MOUNTED.replace("xfs", kind)).mounted_folders()
    assert kind in caught.value.message and "--path" in caught.value.message


def test_a_linux_guest_without_disks_has_nothing_mounted_from_them(guest_that_answers):
    assert guest_that_answers(lsblk="").mounted_folders() == []


@pytest.mark.parametrize("output", ["\n", "lsblk: unknown column", 'NAME="sda" TYPE="disk"\n'])
def test_a_list_of_mounts_that_makes_no_sense_is_said_to(guest_that_answers, output):
    with pytest.raises(errors.GuestError):
        guest_that_answers(lsblk=output).mounted_folders()


def test_the_drives_of_a_windows_guest_are_what_it_has_mounted(guest_that_answers):
    assert guest_that_answers("Windows", GetDisk=DISKS, GetPartition=PARTITIONS).mounted_folders() == ["C:\\", "E:\\"]


# -- questions

def test_a_question_about_a_path_is_answered(lab, tmpdir):
    host = guest.Guest(make_run(lab, tmpdir), "pbh01", "Linux")
    assert host.test("-d", compat.text(tmpdir)) is True and host.test("-d", "/nothing here") is False


def test_no_answer_is_not_taken_for_a_no(lab, tmpdir):
    fail(lab, "run")
    with pytest.raises(errors.GuestError):
        guest.Guest(make_run(lab, tmpdir), "pbh01", "Linux").test("-e", "/srv")
