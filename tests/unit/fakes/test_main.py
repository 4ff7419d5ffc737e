# -*- coding: utf-8 -*-
"""python -m fakes: init, dump, read, write, run."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import subprocess
import sys

import pytest

import fakes
from fakes import __main__ as main_module
from fakes.disks import PAGE
from tests.labs import MEGABYTE, description, demo_lab, disk, find, job, run
from vibackup import compat

ROOT = os.path.dirname(fakes.FOLDER)


def start(*words, **more):
    env = dict(os.environ, **more.pop("env", {}))
    env[str("PYTHONPATH")] = ROOT
    env[str("JYTHONPATH")] = ROOT
    return subprocess.Popen([sys.executable, "-m", "fakes"] + [compat.native(word) for word in words],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, **more)


def real(*words, **more):
    """Run it as a process of its own; returns its exit status, its output and its errors."""
    said = more.pop("said", b"")
    process = start(*words, **more)
    output, errors = process.communicate(said)
    return process.returncode, output, compat.text(errors)


class Stream(object):
    """Standard output or input as bytes, on every interpreter."""

    def __init__(self, data=b""):
        self.buffer = io.BytesIO(data)

    def write(self, data):
        self.buffer.write(data if isinstance(data, bytes) else data.encode("utf-8"))

    def read(self):
        return self.buffer.read()

    def flush(self):
        pass


@pytest.fixture
def said(monkeypatch):
    """Run it in this process: returns exit status, output and errors."""
    def call(*words, **more):
        streams = Stream(more.pop("said", b"")), Stream(), Stream()
        for name, stream in zip(("stdin", "stdout", "stderr"), streams):
            monkeypatch.setattr(sys, name, stream)
        try:
            status = main_module.main([compat.native(word) for word in words])
        except SystemExit as error:
            status = error.code
        finally:
            monkeypatch.undo()
        return status, streams[1].buffer.getvalue(), streams[2].buffer.getvalue().decode("utf-8")
    return call


@pytest.fixture
def folder(tmpdir, said):
    path = compat.text(tmpdir.join("lab"))
    assert said("init", path) == (0, b"", "")
    return path


def test_a_new_lab_is_the_demo(said, folder):
    status, output, errors = said("dump", folder)
    dump = json.loads(output.decode("utf-8"))
    assert (status, errors) == (0, "")
    assert set(dump) == {"clock_ms", "events", "objects"}
    assert {"web01", "db01", "raw01", "mixed01", "pbh01", "pbhwin"} <= set(each["name"] for each in dump["objects"])


@pytest.mark.parametrize("name", ["a b", "süd-服务器", "$(touch x)"])
def test_a_lab_may_lie_in_a_folder_of_any_name(said, tmpdir, name):
    path = compat.text(tmpdir.join(name))
    assert said("init", path) == (0, b"", "")
    assert said("init", path) == (2, b"", "fakes: %s: there is a lab already\n" % path)
    assert said("dump", path)[0] == 0


def test_a_new_lab_is_what_an_inventory_says(said, tmpdir):
    tmpdir.join("ours.json").write_binary(json.dumps(description(disks=[disk("only")], servers=[])).encode("ascii"))
    path = compat.text(tmpdir.join("lab"))
    assert said("init", path, "--inventory=" + compat.text(tmpdir.join("ours.json")))[0] == 0
    status, output, _errors = said("read", path, "only")
    assert (status, len(output), output[510:512]) == (0, MEGABYTE, b"\x55\xaa")


@pytest.mark.parametrize("text, words", [("{", "inventory "), ('{"x": 1}', 'unknown key "x"'), (None, "ours.json")])
def test_a_wrong_inventory_is_one_line_and_makes_nothing(said, tmpdir, text, words):
    if text is not None:
        tmpdir.join("ours.json").write(text)
    path = tmpdir.join("lab")
    status, output, errors = said("init", compat.text(path), "--inventory=" + compat.text(tmpdir.join("ours.json")))
    assert (status, output, errors.count("\n")) == (2, b"", 1)
    assert errors.startswith("fakes: ") and words in errors
    assert not path.check()


def test_there_is_one_lab_in_a_folder(said, folder):
    before = said("dump", folder)
    status, _output, errors = said("init", folder)
    assert status == 2 and "there is a lab already" in errors
    assert said("dump", folder) == before


def test_of_two_that_make_the_same_lab_at_once_one_is_told_so(tmpdir):
    path = compat.text(tmpdir.join("lab"))
    processes = [start("init", path) for _number in range(2)]
    said_ = [compat.text(process.communicate()[1]) for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 2]
    assert "there is a lab already" in "".join(said_)


@pytest.mark.parametrize("verb", ["dump", "read", "write"])
def test_where_there_is_no_lab_none_is_made(said, tmpdir, verb):
    words = [verb, compat.text(tmpdir.join("none"))] + {"dump": [], "read": ["d"], "write": ["d", "0"]}[verb]
    status, output, errors = said(*words)
    assert (status, output) == (2, b"") and "no lab there; make one with: python -m fakes init" in errors
    assert not tmpdir.join("none").check()


def test_what_is_written_is_read_back(said, folder):
    assert said("write", folder, "web01-system", "4096", said=b"\0\xff written \n") == (0, b"", "")
    data = said("read", folder, "web01-system")[1]
    assert data[4090:4112] == b"\0" * 7 + b"\xff written \n" + b"\0" * 4
    assert data[510:512] == b"\x55\xaa" and len(data) == 4194304


def test_nothing_may_be_written(said, folder):
    assert said("write", folder, "web01-system", "0", said=b"")[0] == 0


@pytest.mark.parametrize("offset", ["4194304", "4194300", "-1", "x", "1.5", ""])
def test_what_does_not_fit_is_refused_whole(said, folder, offset):
    before = said("dump", folder)
    status, output, errors = said("write", folder, "web01-system", offset, said=b"12345")
    assert (status, output) == (2, b"") and "Traceback" not in errors
    assert said("dump", folder) == before


def test_a_disk_is_found_by_its_id_too_and_an_unknown_one_is_one_line(said, folder):
    (identity,) = [each["id"] for each in json.loads(said("dump", folder)[1].decode("utf-8"))["objects"]
                   if each["name"] == "web01-system"]
    assert said("read", folder, identity)[1] == said("read", folder, "web01-system")[1]
    for name in ("none", "web01", "../lab.json", "", "fastGroup"):
        status, output, errors = said("read", folder, name)
        assert (status, output, errors) == (2, b"", "fakes: no disk called %s in this lab\n" % name)


def test_a_name_that_two_disks_have_is_not_enough(said, tmpdir):
    lab = demo_lab(tmpdir)
    with job(lab):
        find(lab, lab_kinds().LOGICAL_DISK, "db01-data").setName("web01-system")
    lab.close()
    status, _output, errors = said("read", compat.text(tmpdir.join("lab")), "web01-system")
    assert status == 2 and "more than one disk called web01-system" in errors and "give its id" in errors


def lab_kinds():
    from fakes import kinds
    return kinds


def test_a_snapshot_keeps_its_bytes_while_its_parent_is_written_to(said, tmpdir):
    lab = demo_lab(tmpdir)
    with job(lab):
        snapshot = find(lab, lab_kinds().VIRTUAL_SERVER, "web01").snapshot()
    path, name = compat.text(tmpdir.join("lab")), snapshot.getStorageDevices()[0].getName()
    lab.close()
    before = said("read", path, "web01-system")[1]
    assert said("write", path, "web01-system", "0", said=b"x" * PAGE)[0] == 0
    assert said("read", path, name)[1] == before
    assert said("read", path, "web01-system")[1] == b"x" * PAGE + before[PAGE:]


def test_writing_does_not_wait_for_a_program_that_runs_in_a_guest(said, tmpdir):
    lab = demo_lab(tmpdir)
    path = compat.text(tmpdir.join("lab"))

    fifo = str(tmpdir.join("fifo"))
    subprocess.check_call(["mkfifo", fifo])
    statuses = []

    def write(_line):
        try:
            statuses.append(real("write", path, "db01-data", "0", said=b"meanwhile")[0])
        finally:
            with io.open(fifo, "wb") as stream:
                stream.write(b"go on\n")

    program = "echo now; read line <'%s'; cat /dev/sda >copy" % fifo
    assert run(lab, "web01", "sh", "-c", program, on_output=write).status == 0
    assert statuses == [0]
    lab.close()
    assert said("read", path, "db01-data")[1][:9] == b"meanwhile"


@pytest.mark.parametrize("name", ["web 01", "a'b\"c", "$(touch planted)", "-rf", "--help", "a=b", "../../etc",
                                  "süd-服"])
def test_a_disk_may_be_called_anything(said, tmpdir, name):
    tmpdir.join("ours.json").write_binary(json.dumps(description(disks=[disk(name)], servers=[])).encode("ascii"))
    path = compat.text(tmpdir.join("lab"))
    assert said("init", "--inventory=" + compat.text(tmpdir.join("ours.json")), path)[0] == 0
    assert said("write", path, "--", name, "1", said=b"words")[0] == 0
    assert said("read", path, "--", name)[1][:6] == b"\0words"


def test_a_damaged_lab_is_one_line(said, folder):
    with open(os.path.join(compat.native(folder), str("lab.json")), "wb") as stream:
        stream.write(b"{")
    for words in (["dump", folder], ["read", folder, "web01-system"], ["init", folder]):
        status, output, errors = said(*words)
        assert (status, output, errors.count("\n")) == (2, b"", 1)


def test_no_verb_and_a_wrong_one_are_two(said):
    for words in ([], ["nonsense"], ["dump"]):
        status, output, errors = said(*words)
        assert (status, output) == (2, b"") and "usage: python -m fakes" in errors


def test_it_works_as_a_process_whatever_the_locale_says(tmpdir):
    path = compat.text(tmpdir.join("lab"))
    name = "süd" if not compat.JYTHON else "sued"  # Java loses words that the locale has no letters for
    tmpdir.join("ours.json").write_binary(json.dumps(description(disks=[disk(name)], servers=[])).encode("ascii"))
    env = {str("LC_ALL"): str("C"), str("PYTHONIOENCODING"): str("ascii")}
    assert real("init", path, "--inventory", compat.text(tmpdir.join("ours.json")), env=env) == (0, b"", "")
    assert real("write", path, name, "0", said=b"bytes", env=env) == (0, b"", "")
    status, output, errors = real("read", path, "no " + name, env=env)
    assert (status, errors) == (2, "fakes: no disk called no %s in this lab\n" % name)
