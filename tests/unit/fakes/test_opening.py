# -*- coding: utf-8 -*-
"""Labs are opened: the one that is open, a new one, one that was only half made."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os

import pytest

from fakes import kinds
from fakes.model import VirtualizationManager
from fakes.opening import open_lab
from tests.labs import close_all, demo_lab, description, find, job
from vibackup import compat
from vibackup.errors import UsageError


@pytest.fixture
def inventory_file(tmpdir):
    """The path of an inventory that is not the demo."""
    path = tmpdir.join("inventory.json")
    path.write(json.dumps(description()))
    return compat.text(path)


def test_another_inventory_is_another_lab(inventory_file):
    demo = open_lab()
    try:
        other = open_lab(None, inventory_file)
        assert other is not demo and VirtualizationManager.lab is other and open_lab(None, inventory_file) is other
        assert "db01" in [thing["name"] for thing in demo.dump()["objects"]]
        assert "db01" not in [thing["name"] for thing in other.dump()["objects"]]
        other.close()
    finally:
        demo.close()


def test_the_inventory_is_asked_only_where_the_lab_is_made(tmpdir, inventory_file):
    lab = open_lab(compat.text(tmpdir.join("lab")), inventory_file)
    with job(lab):
        find(lab, kinds.VIRTUAL_SERVER, "web01").setName("renamed")
    assert lab.made_here
    lab.close()
    os.remove(inventory_file)
    again = open_lab(compat.text(tmpdir.join("lab")), inventory_file)
    try:
        assert not again.made_here
        assert "renamed" in [thing["name"] for thing in again.dump()["objects"]]
    finally:
        again.close()


def half_made(folder, *more):
    """Make what a process leaves that is killed while it makes a lab."""
    folder.mkdir().join("making").write("")
    folder.mkdir("layers").join("a layer").write("half")
    for name in ("lab.json.new",) + more:
        folder.join(name).write("half")


def test_a_lab_that_was_only_half_made_is_made_anew(tmpdir):
    half_made(tmpdir.join("lab"))
    lab = demo_lab(tmpdir)
    assert lab.made_here and len(lab.dump()["objects"]) > 10
    names = os.listdir(str(tmpdir.join("lab")))
    assert "making" not in names and "lab.json" in names
    assert not tmpdir.join("lab", "layers", "a layer").check()


def test_something_else_in_the_folder_of_a_half_made_lab_is_left_alone(tmpdir):
    half_made(tmpdir.join("lab"), "thesis.txt")
    before = sorted(os.listdir(str(tmpdir.join("lab"))))
    with pytest.raises(UsageError) as caught:
        demo_lab(tmpdir)
    assert "holds something that is not a lab" in caught.value.message
    assert sorted(os.listdir(str(tmpdir.join("lab")))) == before


def test_a_lock_alone_is_no_reason_to_refuse_a_folder(tmpdir):
    """Another process may be about to make the same lab."""
    tmpdir.join("lab").mkdir().join("lock.new-1234").write("")
    assert demo_lab(tmpdir).made_here
    close_all()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmpdir):
    tmpdir.join("file").write("a file")
    with pytest.raises(UsageError) as caught:
        open_lab(compat.text(tmpdir.join("file", "lab")))
    assert caught.value.message.startswith("--lab=") and "\n" not in caught.value.message
    assert tmpdir.join("file").read() == "a file" and VirtualizationManager.lab is None
