# -*- coding: utf-8 -*-
"""Labs in memory and in a folder, from their opening to their end."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os
import tempfile

import pytest

from fakes import faults, kinds, storage
from fakes.opening import open_lab
from fakes.model import VirtualizationManager
from tests.labs import close_all, demo_lab, find, job, make_lab, refused, run
from vibackup import compat
from vibackup.errors import UsageError

SERVER = kinds.VIRTUAL_SERVER


# -- in memory

def test_a_lab_in_memory_goes_away_when_it_is_closed():
    lab = open_lab()
    folder = lab.folder
    run(lab, "web01", "touch", "something")
    assert os.path.isdir(folder)
    lab.close()
    assert not os.path.exists(folder)
    assert VirtualizationManager.lab is None


@pytest.mark.parametrize("persistent", [False, True])
def test_closing_twice_is_fine(tmpdir, persistent):
    lab = demo_lab(tmpdir) if persistent else open_lab()
    lab.trace_to(compat.text(tmpdir.join("trace")))
    lab.close()
    lab.close()
    assert VirtualizationManager.lab is None and lab.trace is None
    assert os.path.isdir(lab.folder) == persistent


def test_closing_a_lab_leaves_another_one_open():
    old = make_lab()
    new = make_lab()
    old.close()
    assert VirtualizationManager.lab is new


def test_without_a_lab_there_is_no_manager():
    make_lab().close()
    with refused("no lab is open"):
        VirtualizationManager.getConfigurationManager()


def test_opening_the_lab_that_is_open_returns_it():
    lab = open_lab()
    try:
        assert open_lab() is lab
    finally:
        lab.close()


def test_a_wrong_inventory_leaves_no_folder(tmpdir, monkeypatch):
    made = []
    monkeypatch.setattr(tempfile, "mkdtemp", lambda prefix: made.append(
        str(tmpdir.mkdir("made"))) or made[0])
    bad = tmpdir.join("bad.json")
    bad.write("{}")
    with pytest.raises(UsageError):
        open_lab(None, compat.text(bad))
    assert made and not os.path.exists(made[0])
    assert VirtualizationManager.lab is None


# -- in a folder

def test_what_was_committed_is_there_when_the_lab_is_opened_again(tmpdir):
    lab = demo_lab(tmpdir)
    with job(lab):
        snapshot = find(lab, SERVER, "web01").snapshot()
        snapshot.setName("ours")
    lab.clock.sleep(90)
    with lab.exclusive():
        storage.write(lab, lab.world.named({"LogicalDisk"}, "web01-system"), 0, b"written")
    before = lab.dump()
    lab.close()
    again = demo_lab(tmpdir)
    assert again is not lab
    assert again.dump() == before
    assert find(again, SERVER, "web01").getSnapshot() == find(again, SERVER, "ours")


def test_what_is_due_happens_in_the_lab_that_is_opened_again(tmpdir):
    lab = demo_lab(tmpdir)
    with job(lab):
        find(lab, SERVER, "web01").stop()
    lab.close()
    lab = demo_lab(tmpdir)
    lab.clock.sleep(60)
    assert find(lab, SERVER, "web01").getStatusEvent().getKind() is kinds.STOPPED_EVENT


def test_a_folder_with_something_else_in_it_is_left_alone(tmpdir):
    tmpdir.join("lab").mkdir().join("thesis.txt").write("years of work")
    with pytest.raises(UsageError) as caught:
        demo_lab(tmpdir)
    assert "holds something that is not a lab" in caught.value.message
    assert os.listdir(str(tmpdir.join("lab"))) == ["thesis.txt"]


def test_a_file_is_no_folder(tmpdir):
    tmpdir.join("lab").write("a file")
    with pytest.raises(UsageError) as caught:
        demo_lab(tmpdir)
    assert "not a folder" in caught.value.message


def test_an_empty_folder_becomes_a_lab(tmpdir):
    tmpdir.join("lab").mkdir()
    assert demo_lab(tmpdir).dump()["objects"]


def test_a_wrong_inventory_touches_nothing(tmpdir):
    bad = tmpdir.join("bad.json")
    bad.write(json.dumps({"data_centers": [{"name": "x", "nodes": [], "disk_groups": [{"name": "g", "bytes": 9999}]}],
                          "disks": [{"name": "small", "group": "g", "bytes": 512,
                                     "content": {"files": {"does": "not fit"}}}]}))
    with pytest.raises(UsageError) as caught:
        open_lab(compat.text(tmpdir.join("lab")), compat.text(bad))
    assert "disks[0].content" in caught.value.message
    assert not os.path.exists(str(tmpdir.join("lab")))


@pytest.mark.parametrize("name", ["a b", "$(touch x)", "süd-服务器", "a=b;c'd\"e", "new\nline", "-rf"])
def test_a_lab_may_be_called_anything(tmpdir, name):
    lab = demo_lab(tmpdir, name)
    with job(lab):
        find(lab, SERVER, "web01").snapshot()
    assert run(lab, "web01", "cmp", "/dev/sda", "/dev/sda").status == 0
    assert run(lab, "web01", "printf", "x", stdout="/dev/sda").status == 0
    before = lab.dump()
    lab.close()
    assert demo_lab(tmpdir, name).dump() == before


def test_faults_are_of_the_process_and_not_of_the_lab(tmpdir):
    lab = demo_lab(tmpdir)
    lab.faults.append(faults.Fault("before", "throw", method="getName", times=None))
    with refused("injected fault"):
        find(lab, SERVER, "web01").getName()
    lab.close()
    close_all()
    assert find(demo_lab(tmpdir), SERVER, "web01").getName() == "web01"
