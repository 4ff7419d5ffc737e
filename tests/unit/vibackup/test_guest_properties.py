# -*- coding: utf-8 -*-
"""Whatever a guest calls its disks: the right one, or a refusal, and never a wrong one."""
from __future__ import absolute_import, division, print_function, unicode_literals

from hypothesis import given
from hypothesis import strategies as st

from vibackup import errors, guest
from vibackup.guest import Completed, GuestDisk

LETTERS = "abcdefghij"
sizes = st.lists(st.integers(1, 3), max_size=4)
garbage = st.one_of(
    st.text(), st.lists(st.sampled_from(['"', ",", "\n", "\r", "\0", "0", "NAME", "SIZE=", "TYPE=\"disk\"", "Number",
                                         "Size", "Location", "DiskNumber", "é", " "])).map("".join))


@given(sizes, sizes, st.permutations(LETTERS), st.permutations(LETTERS), st.data())
def test_the_new_disks_are_found_or_the_guest_is_refused(own, new, letters_before, letters_after, data):
    """The manager gives each disk its place, in order; some guests do not tell it, of some disks or of all."""
    told = data.draw(st.lists(st.booleans(), min_size=len(own + new), max_size=len(own + new)))
    places = [(0, 0, number, 0) if told[number] else None for number in range(len(own + new))]
    before = [GuestDisk(letters_before[number], size, places[number], []) for number, size in enumerate(own)]
    after = [GuestDisk(letters_after[number], size, places[number], []) for number, size in enumerate(own + new)]
    right = after[len(own):]
    try:
        found = guest.new_disks(data.draw(st.permutations(before)), data.draw(st.permutations(after)), new, "pbh01")
    except errors.GuestError:
        assert not all(told), "with every place told there is no doubt"
    else:
        assert found == right


@given(sizes, sizes, st.permutations(LETTERS), st.data())
def test_a_disk_of_its_own_that_is_gone_or_a_new_one_that_is_missing_is_refused(own, new, letters, data):
    after = [GuestDisk(letters[number], size, (number,), []) for number, size in enumerate(own + new)]
    before = after[:len(own)]
    if not after:
        return
    after.remove(data.draw(st.sampled_from(after)))
    try:
        guest.new_disks(before, after, new, "pbh01")
    except errors.GuestError:
        return
    raise AssertionError("a disk is missing, and nobody noticed")


class Says(object):
    """A way into guests that says one thing."""

    def __init__(self, *words):
        self.words = list(words)

    @property
    def manager(self):
        return self

    @property
    def guests(self):
        return self

    def should_stop(self):
        return False

    def run(self, *_anything):
        return Completed(0, self.words.pop(0), "")


@given(garbage)
def test_garbage_from_lsblk_is_a_refusal_or_disks(output):
    look(guest.Guest(Says(output), "pbh01", "Linux"))


@given(garbage, garbage)
def test_garbage_from_powershell_is_a_refusal_or_disks(disks, partitions):
    look(guest.Guest(Says(disks, partitions), "pbhwin", "Windows"))
    header = '"Number","Size","Location"\r\n'
    look(guest.Guest(Says(header + disks, '"DiskNumber","PartitionNumber","DriveLetter"\n' + partitions), "pbhwin",
                     "Windows"))


def look(one):
    try:
        disks = one.disks()
    except errors.GuestError as error:
        assert error.exit_status == errors.FAILED
    else:
        assert all(disk.path.startswith(("/dev/", "\\\\.\\PHYSICALDRIVE")) and disk.bytes >= 0 for disk in disks)
