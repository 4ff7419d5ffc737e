# -*- coding: utf-8 -*-
"""restore --overwrite: a backup's images onto logical disks that exist and were named."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import kinds
from tests import labs
from tests.flows.helpers import (backed_up, compat, demo, kept_lab, named, process, refused, same_by_cmp,
                                 scribble, small, stage, stop, vibackup_in)  # noqa: F401

HALF_WRITTEN = "a half-written restore of the disk web01-system"


def overwrite(stage, backup, *names, **options):
    given = dict({"backup": backup, "proxy": "pbh01"}, **options)
    return stage.vibackup("restore", *(["--%s=%s" % pair for pair in sorted(given.items())] +
                                       ["--overwrite=" + name if not name.startswith("-") else name for name in names]))


def others(objects):
    """Return all objects but the disk that is written to."""
    return [thing for thing in objects if thing["name"] != "web01-system"]


def test_the_disk_holds_the_backups_bytes_again_and_its_server_boots_from_it(stage):
    backup = backed_up(stage)
    was = stage.content("web01-system")
    scribble(stage, "web01-system")
    stop(stage, "web01")
    before = others(stage.objects())
    ran = overwrite(stage, backup, "web01-system")
    assert ran.status == 0, ran.errors
    assert same_by_cmp(stage.content("web01-system"), was)
    assert others(stage.objects()) == before


def test_several_disks_are_written_in_the_order_they_are_named(stage):
    backup = backed_up(stage, demo(), "db01")
    was = [stage.content("db01-system"), stage.content("db01-data")]
    for disk in ("db01-system", "db01-data"):
        scribble(stage, disk, 4096)
    stop(stage, "db01")
    assert overwrite(stage, backup, "db01-system", "db01-data").status == 0
    assert [stage.content("db01-system"), stage.content("db01-data")] == was


def test_a_disk_of_nobody_can_be_written_to(stage):
    description = small()
    description["disks"].append({"name": "spare", "group": "fastGroup", "bytes": 262144, "content": {"fill": "old"}})
    backup = backed_up(stage, description)
    assert overwrite(stage, backup, "spare").status == 0
    assert stage.content("spare") == stage.content("web01-system")


@pytest.mark.parametrize("names, words", [
    (["web01-system"], "web01-system is a disk of web01, which runs: stop it first"),
    (["nothing"], "no logical disk is called nothing"), (["raw01-lun"], "no logical disk is called raw01-lun"),
    (["pbh01-system"], "pbh01-system is a disk of the proxy pbh01 itself"),
    (["db01-data"], "db01-data has 524288 bytes, and the backup of web01-system has 262144: they must be equal"),
    (["web01-system", "db01-system"], "--overwrite names 2 where the backup")])
def test_what_must_not_be_written_to_is_refused_before_any_change(stage, names, words):
    backup = backed_up(stage, demo())
    if names == ["pbh01-system"]:
        stop(stage, "pbh01")
    refused(stage, overwrite(stage, backup, *names), words)


def same_sizes():
    description = demo()
    named(description["disks"], "db01-data")["bytes"] = named(description["disks"], "db01-system")["bytes"]
    return description


def test_the_disks_of_a_backup_are_not_crossed(stage):
    backup = backed_up(stage, same_sizes(), "db01")
    stop(stage, "db01")
    refused(stage, overwrite(stage, backup, "db01-data", "db01-system"),
            "db01-data would get the image of db01-system, and the backup has one of db01-data itself")


def test_disks_are_taken_in_the_order_they_are_named(stage):
    backup = backed_up(stage, same_sizes(), "db01")
    was = [stage.content("db01-system"), stage.content("db01-data")]
    stop(stage, "db01")
    ran = overwrite(stage, backup, "--disk=db01-data", "--disk=db01-system", "db01-data", "db01-system")
    assert ran.status == 0 and [stage.content("db01-system"), stage.content("db01-data")] == was, ran.errors


def test_one_disk_named_for_two_is_refused(stage):
    description = demo()
    named(description["disks"], "db01-data")["bytes"] = named(description["disks"], "db01-system")["bytes"]
    backup = backed_up(stage, description, "db01")
    stop(stage, "db01")
    refused(stage, overwrite(stage, backup, "db01-data", "db01-data"), "named twice")


def test_two_disks_of_the_name_are_refused(stage):
    backup = backed_up(stage, demo())
    with labs.job(stage.lab):
        labs.find(stage.lab, kinds.LOGICAL_DISK, "db01-system").setName("web01-system")
    refused(stage, overwrite(stage, backup, "web01-system"), "more than one logical disk is called web01-system")


def test_a_disk_that_has_a_snapshot_and_the_snapshot_itself_are_refused(stage):
    backup = backed_up(stage)
    with labs.job(stage.lab):
        labs.find(stage.lab, kinds.VIRTUAL_SERVER, "web01").snapshot()
    stop(stage, "web01")
    refused(stage, overwrite(stage, backup, "web01-system"),
            "web01-system has a snapshot, called Snapshot of web01-system")
    refused(stage, overwrite(stage, backup, "Snapshot of web01-system"),
            "is a snapshot disk, which is never written to")


def test_a_half_written_disk_is_named_and_the_next_backup_of_it_refused(stage):
    backup = backed_up(stage)
    stop(stage, "web01")
    agents = stage.write("agents.ini", "[dd]\nimage_backup = true {device}\nimage_restore = "
                         "sh -c 'head -c 5000 {device} | tr x y >{device}.new; exit 1' {backup_id} {device}\n")
    ran = overwrite(stage, backup, "web01-system", agents=agents)
    assert ran.status == 6
    assert ran.document["leftovers"][0]["what"] == HALF_WRITTEN
    assert "worthless until it is restored again" in ran.document["leftovers"][0]["reason"]
    assert "attach" in ran.steps and "detach" in ran.steps
    assert stage.proxy_backup(agent="dd").error_class == "Leftovers"
    fixed = stage.vibackup("reconcile", "--fix")
    assert fixed.status == 0 and "web01-system: its content is worthless" in fixed.document["warnings"][0]
    assert overwrite(stage, backup, "web01-system").status == 0
    assert stage.proxy_backup(agent="dd").status == 0


def test_what_a_killed_restore_half_wrote_is_named_by_reconcile(tmpdir):
    lab = compat.text(tmpdir.join("lab"))
    description = small()
    description["servers"][0]["power"] = "Stopped"
    kept_lab(lab, description)
    backup = vibackup_in(lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd").document["backup"]["id"]
    trace = compat.text(tmpdir.join("trace"))
    given = ["--lab=" + lab, "--backup=" + backup, "--proxy=pbh01", "--overwrite=web01-system"]
    assert process("vibackup", "restore", "--lab-trace=" + trace, *given).status == 0
    with open(compat.native(trace), "rb") as stream:
        written = [number for number, line in enumerate(stream.read().decode("utf-8").splitlines(), 1)
                   if " run " in line and "of=/dev/" in line][0]
    assert process("vibackup", "restore", "--lab-fault=%d:after:crash" % written, *given).status in (-9, 137)
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 0 and "web01-system: its content is worthless" in fixed.document["warnings"][0]
    assert vibackup_in(lab, "reconcile").status == 0


def test_the_plan_of_a_dry_run_says_what_is_overwritten_and_is_what_the_run_then_does(stage):
    backup = backed_up(stage)
    stop(stage, "web01")
    dry = overwrite(stage, backup, "web01-system", "--dry-run")
    assert dry.status == 0 and stage.changes() == []
    assert any("OVERWRITING what it holds" in line for line in dry.document["plan"])
    ran = overwrite(stage, backup, "web01-system")
    assert [line.partition(":")[0] for line in dry.document["plan"]] == ran.steps
