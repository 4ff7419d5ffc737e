# -*- coding: utf-8 -*-
"""clone-disk, export-disk and import-disk that fail, are stopped or killed: a good copy under its name, or no trace."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import signal

import pytest

from tests.flows.copies import clone, delete, export, files, import_, source, target, two_groups
from tests.flows.helpers import (JYTHON, Stage, compat, content_in, kept_lab, objects_in, process, send_signal, stage,
                                 vibackup_in)  # noqa: F401
from tests.flows.sweeps import stop_everywhere
from tests.vhds import content
from vibackup.flows import clone_disk, export_disk, import_disk

COMMANDS = {"clone-disk": clone, "export-disk": export, "import-disk": import_}


def is_there(stage):
    """Tell whether there is a copy under its name, disk or file; it must be good, and the only thing that is there."""
    names = [thing["name"] for thing in stage.objects()]
    assert not [name for name in names if name.startswith("vibackup")]
    assert files(stage) in ([], ["disk.vhd"])
    if files(stage):
        assert content(target(stage)) == stage.content("web01-system")
    if "copy" in names:
        assert stage.content("copy") in (stage.content("web01-system"), content(source(stage)))
    return "copy" in names or files(stage) != []


def remove(stage):
    if files(stage):
        os.remove(target(stage))
    else:
        delete(stage, "copy")


# -- a manager that fails

@pytest.mark.parametrize("verb, failing", [
    ("clone-disk", ["deleteLogicalDisk"]), ("clone-disk", ["cloneTo", "deleteSnapshot"]),
    ("export-disk", ["deleteLogicalDisk"]), ("import-disk", ["setName", "deleteLogicalDisk"])])
def test_what_the_manager_refuses_to_take_back_is_named_and_reconcile_takes_it(stage, verb, failing):
    stage.open(two_groups())
    target(stage)
    before = stage.objects()
    for method in failing:
        stage.fault(method, times=None)
    ran = COMMANDS[verb](stage)
    assert ran.status == 6 and ran.document["leftovers"]
    stage.lab.faults = []
    assert stage.vibackup("reconcile", "--fix").status == 0
    if is_there(stage):
        remove(stage)
    assert stage.objects() == before


def test_a_partial_file_that_cannot_be_removed_is_named_and_reconcile_removes_it(stage, monkeypatch):
    stage.open(two_groups())
    target(stage)
    before = stage.objects()
    stage.fault("getSnapshotUsedPercent", "before")
    real = os.remove

    def refusing(path):
        if ".partial-" in compat.text(path):
            raise OSError(13, "Permission denied")
        real(path)
    monkeypatch.setattr(os, "remove", refusing)
    ran = export(stage)
    assert ran.status == 6 and "unfinished files in " in ran.document["leftovers"][0]["what"]
    assert "Permission denied" in ran.document["leftovers"][0]["reason"]
    assert files(stage) == ["disk.vhd.partial-" + ran.document["run"]]
    monkeypatch.setattr(os, "remove", real)
    assert stage.vibackup("reconcile", "--fix").document["released"] == 1
    assert files(stage) == [] and stage.objects() == before


# -- a stop

FLOWS = {
    "clone-disk": lambda run, stage: clone_disk.clone_disk(
        run, clone_disk.Plan(run, "web01-system", "bulkGroup", "copy")),
    "export-disk": lambda run, stage: export_disk.export_disk(
        run, export_disk.Plan(run, "web01-system", target(stage))),
    "import-disk": lambda run, stage: import_disk.import_disk(
        run, import_disk.Plan(run, source(stage), "bulkGroup", "copy"))}


@pytest.mark.parametrize("verb", sorted(FLOWS))
def test_a_stop_at_any_moment_leaves_a_good_copy_or_no_trace_of_one(stage, verb):
    stage.open(two_groups())
    target(stage)

    def act(run):
        assert not is_there(stage)
        FLOWS[verb](run, stage)
    assert stop_everywhere(stage, verb, act, stage.objects()) >= 2
    assert is_there(stage)


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_a_real_signal_during_the_copy_ends_the_run_after_it_and_leaves_nothing(stage, verb, number, status):
    stage.open(two_groups())
    target(stage)
    before = stage.objects()
    stage.lab.clock.call_after(20, lambda: send_signal(number))
    ran = COMMANDS[verb](stage)
    if verb == "export-disk":  # whose last change this was
        assert ran.status == 0 and is_there(stage)
    else:
        assert ran.status == status and ran.document["outcome"] == "stopped" and not is_there(stage)
    assert stage.objects() == before and stage.vibackup("reconcile").status == 0


# -- a kill

def words_of(verb, stage):
    """Return the command line of the verb, with paths in the stage's folder."""
    return {"clone-disk": ["--disk=web01-system", "--to-group=bulkGroup", "--name=copy"],
            "export-disk": ["--disk=web01-system", "--to=" + target(stage)],
            "import-disk": ["--from=" + source(stage), "--to-group=bulkGroup", "--name=copy"]}[verb]


def commits(stage, verb):
    """Return which of the verb's calls are commits."""
    stage.open(two_groups())
    stage.vibackup(verb, *words_of(verb, stage))
    found = [place for place, call in enumerate(stage.calls, 1) if call.method == "commit"]
    if files(stage):
        os.remove(target(stage))
    return found


KILLS = [("clone-disk", 1, "after"), ("export-disk", 1, "after"), ("import-disk", 0, "after")]
MORE = [("clone-disk", 0, "after"), ("clone-disk", 1, "before"), ("clone-disk", 2, "after"),
        ("clone-disk", 3, "before"), ("clone-disk", 3, "after"), ("export-disk", 0, "after"),
        ("export-disk", 1, "before"), ("export-disk", 2, "before"), ("export-disk", 2, "after"),
        ("import-disk", 0, "before"), ("import-disk", 1, "before"), ("import-disk", 1, "after")]


@pytest.mark.parametrize("verb, number, phase", KILLS if JYTHON else KILLS + MORE)
def test_what_a_killed_run_left_is_listed_and_released(tmpdir, verb, number, phase):
    stage = Stage(tmpdir)
    lab = compat.text(tmpdir.join("lab"))
    before = kept_lab(lab, two_groups())
    place = commits(stage, verb)[number]
    stage.close()
    ran = process("vibackup", verb, "--lab=" + lab, "--lab-fault=%d:%s:crash" % (place, phase), *words_of(verb, stage))
    assert ran.status in (-signal.SIGKILL, 128 + signal.SIGKILL), ran.errors
    listed = vibackup_in(lab, "reconcile")
    assert listed.status == 6 and listed.document["leftovers"]
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 0 and fixed.document["released"] == len(listed.document["leftovers"]), fixed.errors
    whole = (verb, number, phase) in (("clone-disk", 3, "after"), ("import-disk", 1, "after"))
    exported = verb == "export-disk" and number == 2
    assert files(stage) == (["disk.vhd"] if exported else [])
    after = objects_in(lab)
    if whole:
        assert "copy" in [thing["name"] for thing in after]
        assert content_in(lab, "copy") == (content(source(stage)) if verb == "import-disk"
                                           else content_in(lab, "web01-system"))
    else:
        assert after == before
    again = vibackup_in(lab, "reconcile", "--fix")
    assert again.status == 0 and again.document["released"] == 0 and objects_in(lab) == after
    if not whole and not exported:
        assert vibackup_in(lab, verb, *words_of(verb, stage)).status == 0
