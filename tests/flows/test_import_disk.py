# -*- coding: utf-8 -*-
"""import-disk: a new logical disk from a VHD file."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from tests.flows.copies import (SECONDS, SIZE, delete, export, full_house, import_, source, target,
                                two_groups)
from tests.flows.helpers import named, same_by_cmp, stage  # noqa: F401
from tests.vhds import content
from vibackup import compat, vhd
from vibackup.flows import import_disk
from vibackup.run import Run
from vibackup.site import connect_lab


# -- a disk

@pytest.mark.parametrize("kind", [vhd.FIXED, vhd.DYNAMIC])
def test_the_disk_has_the_bytes_of_the_vhd(stage, kind):
    stage.open(two_groups())
    ran = import_(stage, path=source(stage, SIZE, kind))
    assert ran.status == 0 and ran.steps == ["import disk", "keep"]
    made = stage.object("copy")
    assert (made["bytes"], made["disk_group"]) == (SIZE, stage.object("bulkGroup")["id"])
    assert same_by_cmp(stage.content("copy"), content(source(stage))) and stage.content("copy").endswith(b"\0end")


def test_what_was_exported_comes_back(stage):
    stage.open(two_groups())
    export(stage)
    assert import_(stage, path=target(stage)).status == 0
    assert stage.content("copy") == stage.content("web01-system")
    assert export(stage, disk="copy", to=target(stage, "again.vhd")).status == 0
    assert content(target(stage, "again.vhd")) == content(target(stage))


def test_the_document_says_what_was_imported_and_the_last_line_what_to_do_next(stage):
    stage.open(two_groups())
    ran = import_(stage)
    imported = ran.document["imported"]
    assert imported.pop("seconds") >= SECONDS
    assert imported == {"name": "copy", "bytes": SIZE, "group": "bulkGroup", "file": source(stage)}
    assert "done: copy is in bulkGroup, imported from %s: attach it to a virtual server in the Virtualization Manager" \
        % source(stage) in ran.errors


def test_nothing_else_has_changed(stage):
    stage.open(two_groups())
    before = stage.objects()
    import_(stage)
    delete(stage, "copy")
    assert stage.objects() == before


@pytest.mark.parametrize("name", ["a disk's \"copy\".vhd", "two\nlines.vhd", "-o.vhd", "größe.vhd", "no suffix"])
def test_any_file_name_and_disk_name_will_do(stage, name):
    stage.open(two_groups())
    path = target(stage, name)
    os.rename(compat.native(source(stage)), compat.native(path))
    assert import_(stage, path=path, name=name).status == 0
    assert stage.content(name) == content(path)


def test_a_link_to_a_vhd_is_a_vhd(stage):
    os.symlink(source(stage), target(stage))
    assert import_(stage, path=target(stage)).status == 0


def test_how_far_the_import_is_is_shown(stage):
    stage.open(two_groups())
    shown = []
    with Run(connect_lab(stage.lab), os.path.join(stage.folder, "state"), "import-disk",
             lambda what, value: shown.append((what, value))) as run:
        import_disk.import_disk(run, import_disk.Plan(run, source(stage), "bulkGroup", "copy"))
    figures = [value["figure"] for what, value in shown if what == "progress"]
    assert len(figures) == SECONDS // 10 and figures == sorted(figures)


@pytest.mark.parametrize("wrong", [-512, 512])
def test_a_disk_of_another_size_is_removed(stage, monkeypatch, wrong):
    stage.open(two_groups())
    before = stage.objects()
    real = import_disk.making.Making.imported_disk
    monkeypatch.setattr(import_disk.making.Making, "imported_disk",
                        lambda *given: real(*given)._replace(bytes=SIZE + wrong))
    ran = import_(stage)
    assert ran.status == 1 and "has %d bytes instead of 262144, so it is not kept" % (SIZE + wrong) in ran.error
    assert stage.objects() == before


@pytest.mark.parametrize("change", [
    lambda path: vhd.write(path, SIZE, [(512, b"other")]),
    lambda path: vhd.write(path, 2 * SIZE, [(512, b"other")]),
    lambda path: (vhd.write(path + ".other", SIZE, [(512, b"begin")]), os.rename(path + ".other", path)),
    os.remove], ids=["written", "larger", "replaced", "removed"])
@pytest.mark.parametrize("call", ["importLogicalDisk", "commit"])
def test_a_file_that_changes_after_its_check_makes_no_disk(stage, change, call):
    stage.open(two_groups())
    before, path, done = stage.objects(), source(stage), []
    os.utime(path, (1200000000, 1200000000))
    stage.watch(lambda: done or done.append(change(path)), call)
    ran = stage.vibackup("import-disk", "--from=" + path, "--to-group=bulkGroup", "--name=copy")
    assert ran.status == 1 and "imported" not in ran.document, ran.errors
    assert stage.objects() == before


# -- refusals

@pytest.mark.parametrize("damage, words", [
    (lambda data: data[:-1], "is no good VHD"),
    (lambda data: data[:1000], "it is cut short"),
    (lambda data: b"", "it is cut short"),
    (lambda data: b"\0" * len(data), "it is cut short, or no VHD"),
    (lambda data: data[:-500] + b"broken" + data[-494:], "is no good VHD")])
def test_a_file_that_is_no_good_vhd_is_refused_before_any_change(stage, damage, words):
    stage.open(two_groups())
    with io.open(source(stage), "rb") as stream:
        data = stream.read()
    path = target(stage)
    with io.open(path, "wb") as stream:
        stream.write(damage(data))
    ran = import_(stage, path=path)
    assert (ran.status, ran.error_class) == (3, "Refused") and words in ran.error and path in ran.error
    assert stage.changes() == [] and len(ran.error.splitlines()) == 1


@pytest.mark.parametrize("path", ["nothing.vhd", "", "exports"])
def test_a_path_that_is_no_file_is_refused(stage, path):
    target(stage)
    ran = import_(stage, path=os.path.join(stage.folder, path))
    assert ran.status == 3 and "no plain file is there" in ran.error and stage.changes() == []


@pytest.mark.parametrize("options, words", [
    ({"to_group": "nowhere"}, "no disk group is called nowhere"),
    ({"name": "db01-data"}, "there is a storage device called db01-data already: choose another name")])
def test_a_group_that_is_not_there_and_a_name_that_is_taken_are_refused(stage, options, words):
    stage.open(full_house())
    before = stage.lab.dump()
    for more in ((), ("--dry-run",)):
        ran = import_(stage, *more, **options)
        assert ran.status == 3 and words in ran.error and stage.changes() == [] and stage.lab.dump() == before


def test_the_space_for_the_disk_must_be_there(stage):
    description = two_groups()
    named(description["data_centers"][0]["disk_groups"], "bulkGroup")["bytes"] = SIZE - 512
    stage.open(description)
    ran = import_(stage)
    assert ran.status == 3 and stage.changes() == []
    assert "the disk group bulkGroup has 261632 bytes free where 262144 are wanted" in ran.error


@pytest.mark.parametrize("call", ["importLogicalDisk", "deleteLogicalDisk", "getFreeBytes"])
def test_a_manager_that_lacks_a_call_is_told_so_before_any_change(stage, call):
    stage.open(dict(two_groups(), missing=[call]))
    ran = import_(stage)
    assert (ran.status, ran.error_class) == (3, "MissingCall") and "this manager has no %s" % call in ran.error
    assert stage.changes() == []


def test_an_empty_name_is_refused(stage):
    ran = import_(stage, name="")
    assert (ran.status, ran.error) == (2, "import-disk: --name is given, and empty") and stage.calls == []


# -- the dry run

def test_the_plan_of_a_dry_run_is_what_the_run_then_does(stage):
    stage.open(two_groups())
    before = stage.lab.dump()
    dry = import_(stage, "--dry-run")
    assert dry.status == 0 and stage.changes() == [] and stage.lab.dump() == before
    assert dry.document["plan"][0] == "import disk: copy, 262144 bytes in bulkGroup, from %s" % source(stage)
    assert [line.partition(":")[0] for line in dry.document["plan"]] == import_(stage).steps
