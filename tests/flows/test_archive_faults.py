# -*- coding: utf-8 -*-
"""archive and its restore when a call fails, when they are stopped, and when they are killed: all of it, or nothing."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import sys

import pytest

from tests.flows.archives import FILES, exists, folder, make, two_disks, verify
from tests.flows.helpers import (Stage, compat, environment, kept_lab, objects_in, process, stage,
                                 vibackup_in)  # noqa: F401
from tests.flows.sweeps import stop_everywhere
from vibackup import errors
from vibackup.flows import archive, archive_restore
from vibackup.run import Run

KILLED = (-9, 137)


# -- a call fails

def test_where_an_export_fails_the_files_before_it_are_removed_too(stage):
    stage.open(two_disks())
    before = stage.objects()
    stage.fault("exportVhd", name="Snapshot of db01-data")
    ran = make(stage)
    assert ran.status == 1 and ran.steps[-2:] == ["export disk", "delete snapshot"]
    assert not exists(stage) and stage.objects() == before and stage.catalog() == []


def test_a_snapshot_that_stays_is_a_leftover_and_the_archive_is_good_all_the_same(stage):
    stage.open(two_disks())
    before = stage.objects()
    stage.fault("deleteSnapshot", times=None)
    ran = make(stage)
    assert ran.status == 6 and ran.document["error"] is None and ran.document["backup"]["location"] == folder(stage)
    stage.lab.faults = []
    assert verify(stage).status == 0 and stage.vibackup("reconcile", "--fix").status == 0
    assert stage.objects() == before and verify(stage).status == 0


def test_files_that_cannot_be_removed_are_a_leftover_and_reconcile_removes_them(stage, monkeypatch):
    stage.open(two_disks())
    stage.fault("exportVhd", name="Snapshot of db01-data")
    with monkeypatch.context() as patched:
        remove_file = os.remove

        def refused(where):
            if compat.text(where).endswith(".vhd"):
                raise OSError(13, "Permission denied")
            remove_file(where)
        patched.setattr(os, "remove", refused)
        ran = make(stage)
    assert ran.status == 6
    assert ran.document["leftovers"][0]["what"] == "an unfinished archive of db01 in %s" % folder(stage)
    stage.lab.faults = []
    again = make(stage)
    assert (again.status, again.error_class) == (6, "Leftovers") and "an unfinished archive of db01" in again.error
    assert stage.vibackup("reconcile", "--fix").status == 0 and not exists(stage)
    assert make(stage).status == 0


# -- stopped

def test_a_stop_at_any_moment_leaves_nothing(stage):
    stage.open(two_disks())

    def act(run):
        try:
            archive.archive(run, archive.Plan(run, "db01", folder(stage)))
        except errors.Stopped:
            assert not exists(stage)
            raise
    assert stop_everywhere(stage, "archive", act, stage.objects()) >= 10
    assert verify(stage).status == 0


def test_a_stop_of_a_restore_at_any_moment_leaves_nothing(stage):
    stage.open(two_disks())
    assert make(stage).status == 0
    stopped = stop_everywhere(stage, "archive", lambda run: archive_restore.restore_archive(
        run, archive_restore.Plan(run, folder(stage), "db02")), stage.objects())
    assert stopped >= 8 and stage.object("db02")["power"] == "Running"


def test_a_check_can_be_stopped(stage):
    stage.open(two_disks())
    assert make(stage).status == 0
    with Run(None, stage.state(), "archive", stop_status=lambda: errors.INTERRUPTED) as run:
        with pytest.raises(errors.Stopped):
            archive_restore.verify(run, folder(stage), lambda file: None)


# -- killed

def commits(folder, act):
    """Return at which calls a run that is not killed commits. act(stage): runs it."""
    stage = Stage(folder)
    try:
        stage.open(two_disks())
        assert act(stage).status == 0
        return [number for number, call in enumerate(stage.calls, 1) if call.method == "commit"]
    finally:
        stage.close()


def test_a_run_that_is_killed_is_refused_until_it_is_reconciled(tmpdir):
    number = commits(tmpdir.mkdir("before"), make)[2]
    lab = compat.text(tmpdir.join("lab"))
    kept_lab(lab, two_disks())
    words = ["archive", "--vs=db01", "--to=" + compat.text(tmpdir.join("archive"))]
    ran = process("vibackup", *(words + ["--lab=" + lab, "--lab-fault=%d:after:crash" % number]))
    assert ran.status in KILLED
    assert sorted(os.listdir(str(tmpdir.join("archive"))))[0] == FILES[0]
    again = vibackup_in(lab, *words)
    assert (again.status, again.error_class) == (6, "Leftovers") and "vibackup reconcile --fix" in again.error
    listed = [left["what"] for left in vibackup_in(lab, "reconcile").document["leftovers"]]
    assert "an unfinished archive of db01 in %s" % tmpdir.join("archive") in listed
    assert vibackup_in(lab, "reconcile", "--fix").status == 0 and not tmpdir.join("archive").check()
    assert vibackup_in(lab, *words).status == 0


def killed_in(lab, where, patch):
    """Archive db01 in a process that is killed where ``patch``, a line of Python, has it call ``die``."""
    lines = ["import os, sys", "from vibackup import catalog, cli, manifest",
             "def die(*_words): os.kill(os.getpid(), 9)", patch,
             "sys.exit(cli.main('archive', ['x'] + sys.argv[1:]))"]
    status = subprocess.call([sys.executable, "-c", str("\n".join(lines)), "--vs=db01", "--to=" + compat.native(where),
                              "--lab=" + compat.native(lab), "--json"], env=environment(), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    assert status in KILLED


@pytest.mark.parametrize("new_folder", [True, False])
def test_killed_before_its_manifest_it_is_no_archive_and_goes(tmpdir, new_folder):
    lab, where = compat.text(tmpdir.join("lab")), compat.text(tmpdir.join("archive"))
    before = kept_lab(lab, two_disks())
    if not new_folder:
        os.mkdir(where)
    killed_in(lab, where, "manifest.write = die")
    assert sorted(os.listdir(where)) == FILES
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 0 and fixed.document["released"] == 1
    assert (not os.path.lexists(where)) if new_folder else os.listdir(where) == []
    assert objects_in(lab) == before and vibackup_in(lab, "reconcile", "--fix").document["released"] == 0


def test_killed_while_its_manifest_is_written_it_is_no_archive_and_goes(tmpdir):
    lab, where = compat.text(tmpdir.join("lab")), compat.text(tmpdir.join("archive"))
    kept_lab(lab, two_disks())
    killed_in(lab, where, "write = manifest.write; manifest.write = lambda *w: (setattr(os, 'fsync', die), write(*w))")
    assert len(os.listdir(where)) == 3 and "manifest.json" not in os.listdir(where)
    assert vibackup_in(lab, "reconcile", "--fix").status == 0 and not os.path.lexists(where)


def test_killed_after_its_manifest_it_is_an_archive_and_stays(tmpdir):
    lab, where = compat.text(tmpdir.join("lab")), compat.text(tmpdir.join("archive"))
    kept_lab(lab, two_disks())
    killed_in(lab, where, "catalog.Catalog.add = die")
    assert vibackup_in(lab, "reconcile", "--fix").status == 0
    assert sorted(os.listdir(where)) == FILES + ["manifest.json"]
    assert vibackup_in(lab, "archive", "--verify", "--from=" + where).status == 0
    assert vibackup_in(lab, "reconcile", "--fix").document["released"] == 0
