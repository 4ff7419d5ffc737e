# -*- coding: utf-8 -*-
"""What a run writes down: its catalog entry, lasting names, and what reconcile makes of the ledger after a crash."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from tests.flows.helpers import compat, demo, kept_lab, process, small, stage, vibackup_in  # noqa: F401

KEEPER = """
[keeper]
suffix = .img
image_backup =
    mkdir -p -- {{folder}}
    dd if={{device}} of={{file}}
    {then}
image_discard = rm -f -- {{file}}
"""


def test_files_are_kept_under_names_that_the_proxy_has_no_part_in(stage):
    agents = stage.write("agents.ini", "[names]\nfile_backup = sh -c 'echo \"$0\" > names' {origin}\n")
    stage.open(demo())
    assert stage.proxy_backup("--agents=" + agents, "--mode=file", agent="names").status == 0
    with open(os.path.join(stage.home(), "names")) as stream:
        assert stream.read() == "/vibackup/web01-system/1\n"


def test_two_backups_of_one_run_are_two_entries(stage):
    from vibackup import agents, proxy
    from vibackup.run import Run
    from vibackup.site import connect_lab
    stage.open(demo())
    with Run(connect_lab(stage.lab), stage.lab.folder + "/state", "nightly") as run:
        for name in ("web01", "db01"):
            proxy.proxy_backup(run, proxy.Plan(run, name, "pbh01", agents.load()["model"]))
    assert [entry["vs"] for entry in stage.catalog()] == ["web01", "db01"]
    assert len(set(entry["id"] for entry in stage.catalog())) == 2


def killed_by_its_agent(tmpdir, then):
    """Run a backup whose agent writes the image and then runs ``then``; return the lab's folder and the images."""
    lab = compat.text(tmpdir.join("lab"))
    kept_lab(lab, small())
    tmpdir.join("agents.ini").write(KEEPER.format(then=then))
    images = tmpdir.join("images")
    process("vibackup", "proxy-backup", "--lab=" + lab, "--vs=web01", "--proxy=pbh01", "--agent=keeper",
            "--agents=" + compat.text(tmpdir.join("agents.ini")), "--location=" + compat.text(images))
    return lab, images


def images_below(folder):
    return [name for _where, _folders, names in os.walk(str(folder)) for name in names]


def test_reconcile_removes_the_image_of_a_backup_that_was_killed(tmpdir):
    lab, images = killed_by_its_agent(tmpdir, "sh -c 'kill -9 $PPID'")
    assert len(images_below(images)) == 1
    assert vibackup_in(lab, "reconcile", "--fix").status == 0
    assert images_below(images) == [] and vibackup_in(lab, "backups").document["backups"] == []


def test_reconcile_keeps_the_image_of_a_backup_that_is_in_the_catalog(tmpdir):
    lab = compat.text(tmpdir.join("lab"))
    kept_lab(lab, small())
    calls = compat.text(tmpdir.join("trace"))
    given = ["--lab=" + lab, "--vs=web01", "--proxy=pbh01", "--agent=dd",
             "--location=" + compat.text(tmpdir.join("images"))]
    assert process("vibackup", "proxy-backup", "--lab-trace=" + calls, *given).status == 0
    with open(compat.native(calls), "rb") as stream:
        lines = stream.read().decode("utf-8").splitlines()
    used = [number for number, line in enumerate(lines, 1) if "getSnapshotUsedPercent" in line][-1]
    process("vibackup", "proxy-backup", "--lab-fault=%d:before:crash" % (used + 1), *given)
    assert len(vibackup_in(lab, "backups").document["backups"]) == 2
    assert vibackup_in(lab, "reconcile", "--fix").status == 0
    assert len(images_below(tmpdir.join("images"))) == 2


def test_a_snapshot_stays_while_its_disk_cannot_be_detached_by_reconcile_either(stage):
    stage.open(small())
    stage.fault("removeStorageDevice", times=None)
    assert stage.proxy_backup().status == 6
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 6 and not stage.methods().count("deleteSnapshot")
    assert [left["what"] for left in ran.document["leftovers"]] == [
        "Snapshot of web01-system on pbh01", "the snapshot of web01"]
    assert "kept, because of" in ran.document["leftovers"][1]["reason"]
