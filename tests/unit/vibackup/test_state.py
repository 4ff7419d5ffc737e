# -*- coding: utf-8 -*-
"""Files that outlive a crash."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os

import pytest

from vibackup import compat, errors, state


@pytest.fixture
def path(tmpdir):
    return compat.native(compat.text(str(tmpdir.join("lines"))))


def cut(path, size):
    with open(path, "r+b") as stream:
        stream.truncate(size)


def mode(path):
    return os.stat(path).st_mode & 0o777


# -- folders

def test_a_folder_is_made_with_those_above_it_for_us_alone(tmpdir):
    made = state.folder(str(tmpdir), "state", "ledger")
    assert os.path.isdir(made)
    assert mode(made) == 0o700


def test_a_folder_that_is_there_stays_as_it_is(tmpdir):
    tmpdir.mkdir("state").chmod(0o750)
    assert mode(state.folder(str(tmpdir), "state")) == 0o750


def test_a_folder_may_have_any_name(tmpdir):
    made = state.folder(str(tmpdir), "süd ost", "a'b\"c")
    assert os.path.isdir(made)


def test_a_folder_that_cannot_be_made_is_a_bad_command_line(tmpdir):
    tmpdir.join("file").write("x")
    with pytest.raises(errors.UsageError) as caught:
        state.folder(str(tmpdir), "file", "state")
    assert "cannot make the folder" in caught.value.message


@pytest.mark.parametrize("others", [0o770, 0o707, 0o702, 0o720, 0o777])
def test_a_state_folder_that_others_may_write_to_is_refused(tmpdir, others):
    folder = tmpdir.mkdir("state")
    folder.chmod(others)
    with pytest.raises(errors.Refused) as caught:
        state.check_private(str(folder))
    assert "chmod 700" in caught.value.message


@pytest.mark.parametrize("others", [0o700, 0o750, 0o755])
def test_a_state_folder_that_others_may_read_is_not(tmpdir, others):
    folder = tmpdir.mkdir("state")
    folder.chmod(others)
    state.check_private(str(folder))
    assert mode(str(folder)) == others


def test_a_state_folder_of_another_user_is_refused(tmpdir, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: os.stat(str(tmpdir)).st_uid + 1)
    with pytest.raises(errors.Refused) as caught:
        state.check_private(str(tmpdir))
    assert "another user" in caught.value.message


# -- whole files

def test_json_is_written_whole_for_us_alone_and_leaves_nothing_beside_it(path):
    state.write_json(path, {"vs": "süd"})
    with open(path, "rb") as stream:
        assert json.loads(stream.read().decode("ascii")) == {"vs": "süd"}
    assert mode(path) == 0o600
    assert os.listdir(os.path.dirname(path)) == ["lines"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(path):
    state.write_json(path, {"old": True})
    with pytest.raises(TypeError):
        state.write_json(path, {"new": object()})
    with open(path, "rb") as stream:
        assert json.loads(stream.read().decode("ascii")) == {"old": True}


def test_a_file_that_could_not_be_written_leaves_nothing_beside_it(path, monkeypatch):
    monkeypatch.setattr(state, "_to_disk", boom(OSError(28, "No space left on device")))
    with pytest.raises(errors.VibackupError):
        state.write_json(path, {"new": True})
    assert os.listdir(os.path.dirname(path)) == []


# -- names of files

@pytest.fixture
def unfinished(path):
    with open(path + ".new", "wb") as stream:
        stream.write(b"ours")
    return path + ".new"


def no_links(monkeypatch, how):
    if how == "missing":
        monkeypatch.delattr(os, "link")
    elif how == "refused":
        monkeypatch.setattr(os, "link", boom(OSError(1, "Operation not permitted")))


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


@pytest.mark.parametrize("how", ["there", "missing", "refused"])
def test_a_file_gets_a_name_that_is_free_and_keeps_its_mark(path, unfinished, monkeypatch, how):
    no_links(monkeypatch, how)
    mark = state.mark(unfinished)
    state.give_name(unfinished, path)
    assert read(path) == b"ours" and mark and state.mark(path) == mark


@pytest.mark.parametrize("how", ["there", "missing", "refused"])
@pytest.mark.parametrize("dangling", [True, False])
def test_no_file_is_replaced_and_no_link(path, unfinished, monkeypatch, how, dangling):
    no_links(monkeypatch, how)
    os.symlink("nowhere" if dangling else "lines.new", path)
    with pytest.raises(errors.VibackupError) as caught:
        state.give_name(unfinished, path)
    assert "lines has come into being meanwhile: choose another name" in caught.value.message
    assert os.path.islink(path) and read(unfinished) == b"ours"


def test_a_name_that_could_not_be_given_is_free_again(path, unfinished, monkeypatch):
    no_links(monkeypatch, "refused")
    monkeypatch.setattr(compat, "replace", boom(OSError(5, "Input/output error")))
    with pytest.raises(OSError):
        state.give_name(unfinished, path)
    assert not os.path.lexists(path)


@pytest.mark.parametrize("error", [IOError(21, "Is a directory"), OSError(13, "Permission denied")], ids=repr)
def test_a_system_that_opens_no_folder_gives_names_all_the_same(path, unfinished, monkeypatch, error):
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", boom(error))
        state.give_name(unfinished, path)
    assert read(path) == b"ours"


def test_what_got_a_name_has_its_folder_brought_to_the_disk(path, unfinished, monkeypatch):
    synced = []
    monkeypatch.setattr(state, "sync_folder", synced.append)
    folder = os.path.dirname(path)
    state.give_name(unfinished, path)
    state.write_json(path, {})
    assert synced == [folder, folder]
    state.append_line(path + ".jsonl", {})
    state.append_line(path + ".jsonl", {})
    assert synced == [folder] * 3, "the second line makes no new name"


def test_a_folder_is_brought_to_the_disk_where_the_system_opens_folders(path, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or fsync(handle))
    state.sync_folder(os.path.dirname(path))
    assert synced == ([] if compat.JYTHON else [os.stat(os.path.dirname(path)).st_ino])


# -- lines

def test_lines_come_back_in_order(path):
    for number in range(3):
        state.append_line(path, {"number": number, "name": "süd\n\u2028"})
    assert [line["number"] for line in state.read_lines(path)] == [0, 1, 2]
    assert state.read_lines(path)[0]["name"] == "süd\n\u2028"
    assert mode(path) == 0o600


def test_a_last_line_that_a_crash_cut_short_is_not_there(path):
    state.append_line(path, {"number": 1})
    whole = os.path.getsize(path)
    state.append_line(path, {"number": 2})
    for size in range(whole, os.path.getsize(path)):
        cut(path, size)
        assert state.read_lines(path) == [{"number": 1}]
        cut(path, whole)
        state.append_line(path, {"number": 2})


def test_a_line_after_one_that_a_crash_cut_short_is_whole(path):
    state.append_line(path, {"number": 1})
    whole = os.path.getsize(path)
    for lost in range(1, 12):
        state.append_line(path, {"number": 22})
        cut(path, os.path.getsize(path) - lost)
        state.append_line(path, {"number": 3})
        assert state.read_lines(path) == [{"number": 1}, {"number": 3}]
        cut(path, whole)


def test_the_first_line_may_be_the_one_cut_short(path):
    state.append_line(path, {"number": 1})
    cut(path, 5)
    assert state.read_lines(path) == []
    state.append_line(path, {"number": 2})
    assert state.read_lines(path) == [{"number": 2}]


def test_a_line_longer_than_a_buffer_that_was_cut_short_goes_too(path):
    state.append_line(path, {"number": 1})
    state.append_line(path, {"name": "x" * 100000})
    cut(path, os.path.getsize(path) - 1)
    state.append_line(path, {"number": 2})
    assert state.read_lines(path) == [{"number": 1}, {"number": 2}]


def test_a_line_that_is_damaged_in_the_middle_is_said_to_be(path):
    for number in range(3):
        state.append_line(path, {"number": number})
    with open(path, "r+b") as stream:
        lines = stream.read().split(b"\n")
        stream.seek(len(lines[0]) + 1)
        stream.write(b"\0" * len(lines[1]))
    with pytest.raises(errors.UsageError) as caught:
        state.read_lines(path)
    assert "line 2 is damaged" in caught.value.message


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), IOError(30, "Read-only file system")],
                         ids=lambda error: error.strerror)
@pytest.mark.parametrize("write", [state.write_json, state.append_line], ids=["write_json", "append_line"])
def test_what_the_system_says_against_writing_is_one_error_of_ours_that_names_the_file(path, monkeypatch, write, error):
    write(path, {"old": True})
    monkeypatch.setattr(state, "_to_disk", boom(error))
    with pytest.raises(errors.VibackupError) as caught:
        write(path, {"new": True})
    assert caught.value.exit_status == errors.FAILED
    assert "cannot write the state file" in caught.value.message and "lines" in caught.value.message
    assert error.strerror in caught.value.message


def boom(error):
    def function(*_anything):
        raise error
    return function


def test_a_file_in_a_folder_that_is_gone_cannot_be_written(tmpdir):
    path = compat.native(compat.text(str(tmpdir.join("gone", "lines"))))
    for write in (state.write_json, state.append_line):
        with pytest.raises(errors.VibackupError):
            write(path, {})


@pytest.mark.parametrize("line", [b"7\n", b"[]\n", b"null\n", b'"x"\n'], ids=repr)
def test_a_line_that_is_no_object_is_damaged(path, line):
    with open(path, "wb") as stream:
        stream.write(line)
    with pytest.raises(errors.UsageError) as caught:
        state.read_lines(path)
    assert "line 1 is damaged" in caught.value.message
