# -*- coding: utf-8 -*-
"""Files that the manager writes: where they may go, how they get their names, how they are taken back."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from tests import labs
from tests.runs import fail, small_lab
from vibackup import compat, errors, files, ledger, vhd

SIZE = 1024 * 1024


@pytest.fixture
def lab():
    with small_lab(lambda description: description["disks"].append(labs.disk("spare", SIZE))) as lab:
        yield lab


@pytest.fixture
def disk(run):
    """The handle of a disk that no server has."""
    return run.manager.find_device("spare")


def path_in(folder, name="disk.vhd"):
    return compat.text(folder.join(name))


def write(path, data=b""):
    with io.open(compat.native(path), "wb") as stream:
        stream.write(data)


def names(folder):
    return sorted(compat.text(name) for name in os.listdir(compat.native(compat.text(folder))) if name != "state")


# -- what must hold before

def test_a_new_file_in_a_folder_that_takes_it_is_no_problem(tmpdir):
    files.check_target(path_in(tmpdir), SIZE)
    assert names(tmpdir) == []  # and nothing is written to find that out


@pytest.mark.parametrize("name, words", [
    ("there", "there is there already: choose another name, or move it away"), ("no/where", "there is no folder"),
    ("there/below", "there is no folder"), ("x" * 201, "is too long: choose one of 200 bytes at most"),
    ("", "is there already")])
def test_a_bad_place_is_refused(tmpdir, name, words):
    write(path_in(tmpdir, "there"))
    with pytest.raises(errors.Refused) as caught:
        files.check_target(os.path.join(compat.text(tmpdir), name), SIZE)
    assert words in caught.value.message and len(caught.value.message.splitlines()) == 1


def test_a_folder_that_takes_no_files_is_refused(tmpdir, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(errors.Refused) as caught:
        files.check_target(path_in(tmpdir), SIZE)
    assert "takes no files from this user" in caught.value.message


def test_a_disk_that_is_larger_than_any_vhd_is_refused(tmpdir):
    with pytest.raises(errors.Refused) as caught:
        files.check_target(path_in(tmpdir), vhd.LARGEST + 512)
    assert "is too large for a VHD" in caught.value.message


def test_the_names_of_things_do_not_break_the_line(tmpdir):
    with pytest.raises(errors.Refused) as caught:
        files.check_target(path_in(tmpdir, "two\nlines/disk.vhd"), SIZE)
    assert "two\\x0alines" in caught.value.message


@pytest.mark.parametrize("sizes", [[512], [SIZE, 3 * SIZE + 512], [100 * SIZE]])
@pytest.mark.parametrize("kind", [vhd.FIXED, vhd.DYNAMIC])
def test_the_space_that_is_wanted_is_enough_for_files_that_are_all_full(tmpdir, monkeypatch, sizes, kind):
    written = 0
    for size in sizes:
        pieces = ((offset, b"x" * min(SIZE, size - offset)) for offset in range(0, size, SIZE))
        vhd.write(path_in(tmpdir), size, pieces, kind)
        written += os.path.getsize(path_in(tmpdir))
    monkeypatch.setattr(compat, "free_bytes", lambda folder: written - 1)
    with pytest.raises(errors.Refused) as caught:
        files.check_space(compat.text(tmpdir), sizes)
    assert "has %d bytes free where up to" % (written - 1) in caught.value.message


def test_what_is_free_is_a_number_and_unknown_is_no_reason_to_refuse(tmpdir, monkeypatch):
    assert files.free_bytes(compat.text(tmpdir)) > SIZE
    monkeypatch.setattr(compat, "free_bytes", lambda folder: None)
    assert files.free_bytes(compat.text(tmpdir)) is None
    files.check_space(compat.text(tmpdir), [vhd.LARGEST])


def test_what_is_free_is_known_for_a_folder_of_any_name(tmpdir):
    folder = path_in(tmpdir, "größer \"als\"\nalles")
    os.mkdir(compat.native(folder))
    assert files.free_bytes(folder) > SIZE


# -- exporting

def test_an_exported_file_has_its_name_and_no_other_and_the_ledger_nothing(run, disk, tmpdir):
    image = files.exported(run, disk, path_in(tmpdir), SIZE)
    assert image.bytes == SIZE and vhd.check(path_in(tmpdir), SIZE) == image
    assert names(tmpdir) == ["disk.vhd"] and run.leftovers == [] and run.ledger.open_facts(ledger.FILES) == []


@pytest.mark.parametrize("link", ["missing", "refused"])
def test_a_file_system_without_links_does_too(run, disk, tmpdir, monkeypatch, link):
    def refuse(_source, _target):
        raise OSError(1, "Operation not permitted")
    monkeypatch.delattr(os, "link") if link == "missing" else monkeypatch.setattr(os, "link", refuse)
    files.exported(run, disk, path_in(tmpdir), SIZE)
    assert vhd.check(path_in(tmpdir), SIZE) and names(tmpdir) == ["disk.vhd"]
    with pytest.raises(errors.VibackupError) as caught:
        files.exported(run, disk, path_in(tmpdir), SIZE)
    assert "has come into being meanwhile" in caught.value.message and names(tmpdir) == ["disk.vhd"]


def test_a_commit_whose_reply_is_lost_is_believed_where_the_file_is_whole(run, lab, disk, tmpdir):
    fail(lab, "commit", "after")
    files.exported(run, disk, path_in(tmpdir), SIZE)
    assert vhd.check(path_in(tmpdir), SIZE)


@pytest.mark.parametrize("percent", [99, 0])
def test_a_commit_whose_reply_is_lost_is_not_believed_while_the_copy_goes_on(
        run, lab, disk, tmpdir, monkeypatch, percent):
    monkeypatch.setattr(files.api, "copied_percent", lambda disk: percent)
    fail(lab, "commit", "after")
    with pytest.raises(errors.ApiError):
        files.exported(run, disk, path_in(tmpdir), SIZE)
    assert names(tmpdir) == []


def test_a_file_that_cannot_be_brought_to_the_disk_is_told_and_taken_back(run, disk, tmpdir, monkeypatch):
    def full(_partial, _path):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(files, "_finish", full)
    with pytest.raises(errors.VibackupError) as caught:
        files.exported(run, disk, path_in(tmpdir), SIZE)
    assert "cannot write" in caught.value.message and "No space left" in caught.value.message
    assert caught.value.step == "export disk" and names(tmpdir) == []


# -- taking back

def facts(folder, *paths, **more):
    return dict(more, folder=compat.text(folder), paths=list(paths))


def test_files_are_removed_and_what_is_gone_already_is_done(tmpdir):
    write(path_in(tmpdir, "one"))
    write(path_in(tmpdir, "other"))
    for _time in range(2):
        files.release_files(facts(tmpdir, path_in(tmpdir, "one"), path_in(tmpdir, "gone")))
    assert names(tmpdir) == ["other"]


def test_a_link_is_removed_and_not_what_it_leads_to(tmpdir):
    write(path_in(tmpdir, "precious"))
    os.symlink("precious", path_in(tmpdir, "link"))
    files.release_files(facts(tmpdir, path_in(tmpdir, "link")))
    assert names(tmpdir) == ["precious"]


@pytest.mark.parametrize("new, other, left", [(True, False, False), (True, True, True), (False, False, True)])
def test_a_folder_goes_where_it_is_ours_and_empty(tmpdir, new, other, left):
    folder = tmpdir.mkdir("archive")
    write(path_in(folder, "one"))
    if other:
        write(path_in(folder, "somebody else's"))
    for _time in range(2):
        files.release_files(facts(folder, path_in(folder, "one"), new_folder=new))
    assert folder.check() == left and (not left or names(folder) == ["somebody else's"] * other)


def test_what_cannot_be_removed_is_an_error(tmpdir):
    folder = tmpdir.mkdir("not a file")
    with pytest.raises(OSError):
        files.release_files(facts(tmpdir, compat.text(folder)))


@pytest.mark.parametrize("whole", [True, False])
def test_an_archive_stays_where_its_manifest_is_there_and_otherwise_goes(tmpdir, whole):
    folder = tmpdir.mkdir("archive")
    write(path_in(folder, "disk.vhd"))
    if whole:
        write(path_in(folder, "manifest.json"))
    for _time in range(2):
        files.release_archive(facts(folder, path_in(folder, "disk.vhd"), new_folder=True,
                                    manifest=path_in(folder, "manifest.json")))
    assert folder.check() == whole and (not whole or names(folder) == ["disk.vhd", "manifest.json"])


@pytest.mark.parametrize("ours", [["disk.vhd"], ["manifest.json"], ["disk.vhd", "manifest.json"], []])
def test_of_an_archive_only_what_bears_our_marks_is_removed_and_nothing_where_the_manifest_does(tmpdir, ours):
    folder = tmpdir.mkdir("archive")
    marks = {}
    for name in ("disk.vhd", "manifest.json"):
        write(path_in(folder, name))
        marks[path_in(folder, name)] = files.state.mark(path_in(folder, name)) if name in ours else "another file's"
    files.release_archive(facts(folder, *marks, new_folder=True, manifest=path_in(folder, "manifest.json"),
                                marks=marks))
    gone = [] if "manifest.json" in ours else ours
    assert names(folder) == [name for name in ("disk.vhd", "manifest.json") if name not in gone]


def test_a_manifest_that_we_never_gave_its_name_is_another_runs(tmpdir):
    folder = tmpdir.mkdir("archive")
    write(path_in(folder, "disk.vhd"))
    write(path_in(folder, "manifest.json"))
    mark = files.state.mark(path_in(folder, "disk.vhd"))
    files.release_archive(facts(folder, path_in(folder, "disk.vhd"), new_folder=True,
                                manifest=path_in(folder, "manifest.json"), marks={path_in(folder, "disk.vhd"): mark}))
    assert names(folder) == ["manifest.json"]


def test_where_no_file_has_a_mark_a_manifest_that_may_be_ours_stays(tmpdir):
    folder = tmpdir.mkdir("archive")
    write(path_in(folder, "manifest.json"))
    where = path_in(folder, "manifest.json")
    files.release_archive(facts(folder, where, manifest=where, marks={where: None}))
    assert names(folder) == ["manifest.json"]


def test_a_path_is_held_under_one_name_however_it_is_reached(tmpdir):
    os.symlink(compat.native(compat.text(tmpdir.mkdir("real"))), path_in(tmpdir, "link"))
    through, direct = [os.path.join(compat.text(tmpdir), where, "new") for where in ("link", "real")]
    assert files.hold("folder", through)[0] == files.hold("folder", direct)[0]
    assert files.hold("folder", through)[1] == through
