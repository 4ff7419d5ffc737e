# -*- coding: utf-8 -*-
"""Disks as layers of sparse pages, in memory and in a folder."""
from __future__ import absolute_import, division, print_function, unicode_literals

import hashlib
import io
import os

import pytest

from fakes import disks
from fakes.disks import PAGE
from vibackup import compat

SIZE = 3 * PAGE + 512


@pytest.fixture(params=["memory", "folder"])
def pages(request, tmpdir):
    if request.param == "memory":
        return disks.MemoryPages()
    return disks.FolderPages(compat.text(tmpdir.join("layers")))


def content(pages, chain, size=SIZE):
    return b"".join(disks.stream(pages, chain, size))


def test_a_new_disk_is_all_zeros(pages):
    assert disks.read(pages, ["a"], 0, SIZE) == b"\0" * SIZE


def test_what_was_written_is_read_back_and_nothing_around_it_changes(pages):
    disks.write(pages, ["a"], PAGE - 2, b"over the edge")
    assert disks.read(pages, ["a"], PAGE - 4, 17) == b"\0\0over the edge\0\0"


def test_a_write_over_many_pages(pages):
    data = bytes(bytearray(number % 251 for number in range(2 * PAGE + 77)))
    disks.write(pages, ["a"], 33, data)
    assert content(pages, ["a"]) == b"\0" * 33 + data + b"\0" * (SIZE - 33 - len(data))


def test_an_empty_write_changes_nothing(pages):
    disks.write(pages, ["a"], 5, b"")
    assert disks.written(pages, ["a"]) == []


def test_only_written_pages_are_kept(pages):
    disks.write(pages, ["a"], 1000 * PAGE, b"far out")
    assert disks.written(pages, ["a"]) == [1000]


def test_an_upper_layer_hides_the_lower_one_page_by_page(pages):
    disks.write(pages, ["low"], 0, b"A" * (2 * PAGE))
    disks.write(pages, ["top", "low"], 3, b"b")
    assert disks.read(pages, ["top", "low"], 0, 6) == b"AAAbAA"
    assert disks.read(pages, ["top", "low"], PAGE, 4) == b"AAAA"
    assert disks.read(pages, ["low"], 0, 6) == b"AAAAAA"


def test_zeros_written_in_an_upper_layer_hide_what_is_below(pages):
    disks.write(pages, ["low"], 0, b"A" * PAGE)
    disks.write(pages, ["top", "low"], 0, b"\0" * PAGE)
    assert disks.read(pages, ["top", "low"], 0, PAGE) == b"\0" * PAGE


def test_move_puts_the_pages_of_one_layer_over_those_of_another(pages):
    disks.write(pages, ["low"], 0, b"A" * PAGE + b"A" * PAGE)
    disks.write(pages, ["top", "low"], PAGE, b"b")
    before = content(pages, ["top", "low"])
    pages.move("top", "low")
    assert pages.indexes("top") == set()
    assert content(pages, ["top", "low"]) == before
    assert content(pages, ["low"]) == before


def test_moving_a_layer_that_has_nothing_is_fine(pages):
    pages.move("nothing", "low")
    assert pages.indexes("low") == set()


def test_a_dropped_layer_is_empty_and_can_be_dropped_again(pages):
    disks.write(pages, ["a"], 0, b"x")
    pages.drop("a")
    pages.drop("a")
    assert pages.indexes("a") == set()


def test_the_stream_ends_with_the_disk_in_the_middle_of_a_page(pages):
    disks.write(pages, ["a"], SIZE - 3, b"end")
    parts = list(disks.stream(pages, ["a"], SIZE))
    assert [len(part) for part in parts] == [PAGE, PAGE, PAGE, 512]
    assert parts[-1].endswith(b"end")


def test_the_sum_is_that_of_the_bytes(pages):
    disks.write(pages, ["a"], 70000, b"some bytes")
    assert disks.sha256(pages, ["a"], SIZE) == hashlib.sha256(content(pages, ["a"])).hexdigest()


# -- files

def test_a_copy_in_a_file_has_the_bytes_and_the_size(pages, tmpdir):
    disks.write(pages, ["a"], PAGE + 1, b"text")
    path = compat.text(tmpdir.join("copy"))
    disks.copy_out(pages, ["a"], SIZE, path)
    assert tmpdir.join("copy").read_binary() == content(pages, ["a"])


def test_a_copy_of_an_empty_disk_has_its_size_too(pages, tmpdir):
    path = compat.text(tmpdir.join("copy"))
    disks.copy_out(pages, ["a"], SIZE, path)
    assert tmpdir.join("copy").read_binary() == b"\0" * SIZE


def test_a_copy_of_a_sparse_terabyte_takes_no_room(pages, tmpdir):
    path = compat.text(tmpdir.join("copy"))
    disks.write(pages, ["a"], 1 << 39, b"in the middle")
    disks.copy_out(pages, ["a"], 1 << 40, path)
    assert os.path.getsize(path) == 1 << 40
    assert int(os.popen("du -k '%s'" % path).read().split()[0]) < 1024


def copied(pages, tmpdir, *writes):
    """Copy a disk out, change the file, and copy it in again; returns the pages that the file changed."""
    path = compat.text(tmpdir.join("copy"))
    was = disks.copy_out(pages, ["a"], SIZE, path)
    with io.open(path, "r+b") as stream:
        for offset, data in writes:
            stream.seek(offset)
            stream.write(data)
    return path, was


def test_what_was_written_to_the_file_comes_back_into_the_disk(pages, tmpdir):
    disks.write(pages, ["a"], 0, b"before")
    path, was = copied(pages, tmpdir, (2, b"XY"), (2 * PAGE + 5, b"new"))
    disks.copy_in(pages, ["a"], SIZE, path, was)
    assert disks.read(pages, ["a"], 0, 6) == b"beXYre"
    assert disks.read(pages, ["a"], 2 * PAGE + 4, 5) == b"\0new\0"


def test_zeros_written_to_the_file_come_back_too(pages, tmpdir):
    disks.write(pages, ["a"], 0, b"secret" * (SIZE // 6))
    path, was = copied(pages, tmpdir, (PAGE, b"\0" * PAGE))
    disks.copy_in(pages, ["a"], SIZE, path, was)
    assert disks.read(pages, ["a"], PAGE, PAGE) == b"\0" * PAGE
    assert disks.read(pages, ["a"], 0, 6) == b"secret"


def test_pages_that_the_program_did_not_write_keep_what_others_wrote_meanwhile(pages, tmpdir):
    disks.write(pages, ["a"], 0, b"old" * (SIZE // 3))
    path, was = copied(pages, tmpdir, (0, b"program"))
    disks.write(pages, ["a"], PAGE, b"another")
    disks.write(pages, ["a"], 3 * PAGE, b"and more")
    disks.copy_in(pages, ["a"], SIZE, path, was)
    assert disks.read(pages, ["a"], 0, 7) == b"program"
    assert disks.read(pages, ["a"], PAGE, 7) == b"another"
    assert disks.read(pages, ["a"], 3 * PAGE, 8) == b"and more"


def test_a_file_that_grew_does_not_make_the_disk_larger(pages, tmpdir):
    path, was = copied(pages, tmpdir, (SIZE - 1, b"x" * (2 * PAGE)))
    disks.copy_in(pages, ["a"], SIZE, path, was)
    assert disks.read(pages, ["a"], SIZE - 2, 2) == b"\0x"
    assert disks.written(pages, ["a"]) == [3]
    assert disks.read(pages, ["a"], 3 * PAGE, PAGE) == b"\0" * 511 + b"x" + b"\0" * (PAGE - 512)


def test_a_file_that_was_cut_leaves_the_rest_of_the_disk_alone(pages, tmpdir):
    disks.write(pages, ["a"], 0, b"A" * SIZE)
    path, was = copied(pages, tmpdir)
    with io.open(path, "r+b") as stream:
        stream.truncate(PAGE + 1)
    disks.copy_in(pages, ["a"], SIZE, path, was)
    assert content(pages, ["a"]) == b"A" * SIZE


def test_copying_in_keeps_a_copy_on_write_page_in_the_top_layer(pages, tmpdir):
    disks.write(pages, ["low"], 0, b"A" * SIZE)
    path = compat.text(tmpdir.join("copy"))
    was = disks.copy_out(pages, ["top", "low"], SIZE, path)
    with io.open(path, "r+b") as stream:
        stream.write(b"b")
    disks.copy_in(pages, ["top", "low"], SIZE, path, was)
    assert pages.indexes("top") == {0}
    assert content(pages, ["low"]) == b"A" * SIZE


# -- in a folder

def test_another_process_sees_the_pages_of_a_folder(tmpdir):
    folder = compat.text(tmpdir.join("layers"))
    disks.write(disks.FolderPages(folder), ["a"], 5, b"shared")
    assert disks.read(disks.FolderPages(folder), ["a"], 5, 6) == b"shared"


def test_a_half_written_page_of_a_killed_process_is_not_seen(tmpdir):
    pages = disks.FolderPages(compat.text(tmpdir.join("layers")))
    disks.write(pages, ["a"], 0, b"whole")
    tmpdir.join("layers", "a", "1.4711.new").write_binary(b"half")
    assert pages.indexes("a") == {0}
    assert content(pages, ["a"]) == b"whole" + b"\0" * (SIZE - 5)


def test_a_page_that_cannot_be_read_is_an_error_and_not_zeros(tmpdir):
    pages = disks.FolderPages(compat.text(tmpdir.join("layers")))
    disks.write(pages, ["a"], 0, b"x")
    tmpdir.join("layers", "a", "0").remove()
    tmpdir.join("layers", "a", "0").mkdir()  # reading it fails, and not because there is nothing
    with pytest.raises((IOError, OSError)):
        disks.read(pages, ["a"], 0, 1)


def test_only_the_layers_in_use_are_kept(tmpdir):
    pages = disks.FolderPages(compat.text(tmpdir.join("layers")))
    for layer in ("a", "b", "c"):
        disks.write(pages, [layer], 0, b"x")
    pages.keep_only({"a", "c"})
    assert sorted(each.basename for each in tmpdir.join("layers").listdir()) == ["a", "c"]
