# -*- coding: utf-8 -*-
"""What a killed run leaves behind, who refuses because of it, and how it is released; and two runs at once."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import signal
import sys

import pytest

from fakes import kinds
from tests.flows.helpers import (JYTHON, ROOT, Stage, compat, in_a_job, kept_lab, objects_in, process, small,
                                 stage, stop, vibackup_in, words_of)  # noqa: F401
from vibackup import ledger
from vibackup import manager as api

BACKUP = ("--vs=web01", "--proxy=pbh01", "--agent=model")


# -- killed

def moments(folder):
    """Return ``{what just happened: (number of the call, phase)}`` of a run that is not killed."""
    stage = Stage(folder)
    try:
        stage.open(small())
        assert stage.proxy_backup().status == 0
        return {
            "the snapshot's job is not committed": (stage.nth("commit", 1), "before"),
            "the snapshot is made": (stage.nth("commit", 1), "after"),
            "the disk is attached": (stage.nth("commit", 2), "after"),
            "the proxy boots again": (stage.nth("commit", 3), "after"),
            "the agent has run": (agent_call(stage), "after"),
            "the disk is detached": (stage.nth("commit", 4), "after"),
            "the snapshot is deleted": (last_commit(stage), "after"),
        }
    finally:
        stage.close()


def last_commit(stage):
    return [place for place, call in enumerate(stage.calls, 1) if call.method == "commit"][-1]


def agent_call(stage):
    return [place for place, call in enumerate(stage.calls, 1) if call.words[:1] == ["model-agent"]][0]


SOME = ["the disk is attached", "the agent has run"]
ALL = SOME + ["the snapshot's job is not committed", "the snapshot is made", "the proxy boots again",
              "the disk is detached", "the snapshot is deleted"]


@pytest.mark.parametrize("moment", SOME if JYTHON else ALL)
def test_what_a_killed_run_left_is_refused_listed_and_released(tmpdir, moment):
    lab = compat.text(tmpdir.join("lab"))
    before = kept_lab(lab, small())
    number, phase = moments(tmpdir)[moment]
    killed = process("vibackup", "proxy-backup", "--lab=" + lab, "--lab-fault=%d:%s:crash" % (number, phase), *BACKUP)
    assert killed.status in (-signal.SIGKILL, 128 + signal.SIGKILL), killed.errors
    refused = vibackup_in(lab, "proxy-backup", *BACKUP)
    assert refused.status == 6 and refused.error_class == "Leftovers" and "vibackup reconcile --fix" in refused.error
    listed = vibackup_in(lab, "reconcile")
    assert listed.status == 6 and listed.document["leftovers"]
    assert vibackup_in(lab, "reconcile", "--fix", "--dry-run").document["leftovers"] == listed.document["leftovers"]
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 0 and fixed.document["released"] == len(listed.document["leftovers"]), fixed.errors
    assert objects_in(lab) == before
    assert vibackup_in(lab, "reconcile").status == 0
    assert vibackup_in(lab, "proxy-backup", *BACKUP).status == 0


def test_what_a_killed_run_has_started_is_stopped_also_where_nothing_can_be_named(tmpdir, stage):
    description = dict(small(), missing=["setName"])
    stage.open(description)
    assert stage.snapshot_boot().status == 0
    number = stage.nth("start", 1) + 2  # its job's commit
    lab = compat.text(tmpdir.join("lab"))
    before = kept_lab(lab, description)
    killed = process("vibackup", "snapshot-boot", "--lab=" + lab, "--vs=web01", "--boot-device=backup.iso",
                     "--lab-fault=%d:after:crash" % number)
    assert killed.status in (-9, 137)
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 0 and fixed.document["released"] == 2, fixed.errors
    assert objects_in(lab) == before


@pytest.mark.parametrize("kind, facts", [
    (ledger.POWER, {}), (ledger.FREEZE, {"command": ["fsfreeze", "-u", "/"]}),
    (ledger.BACKUP, {"backup": "b1", "commands": [[["rm", "-f", "/x"], None, None]]})])
def test_a_server_that_has_another_name_by_now_is_not_touched_for_it_may_be_another(stage, kind, facts):
    """L2: a manager may use an id again."""
    stage.open(small())
    record = stage.lab.world.named({kinds.VIRTUAL_SERVER.name}, "pbh01")
    left = ledger.Ledger(stage.state(), "an-earlier-run", "proxy-backup")
    left.intend(kind, vs=record["id"], vs_name="pbh01", proxy=record["id"], proxy_name="pbh01", **facts)
    left.close()
    stage.lab.world.settle(record, name="theirs")
    fixed = stage.vibackup("reconcile", "--fix")
    assert fixed.status == 6 and stage.changes() == [] and "run" not in [call.method for call in stage.calls]
    assert "somebody has renamed it to theirs" in fixed.document["leftovers"][0]["reason"]


def test_a_server_that_was_started_and_is_stopped_by_now_is_nothing_to_release_whatever_its_name(stage):
    stage.open(small())
    stop(stage, "pbh01")
    record = stage.lab.world.named({kinds.VIRTUAL_SERVER.name}, "pbh01")
    left = ledger.Ledger(stage.state(), "an-earlier-run", "proxy-backup")
    left.intend(ledger.POWER, vs=record["id"], vs_name="pbh01")
    left.close()
    stage.lab.world.settle(record, name="theirs")
    assert stage.vibackup("reconcile", "--fix").status == 0 and stage.changes() == []


def test_what_an_agent_kept_goes_after_the_reboot_that_ends_an_agent_which_outlived_its_run(stage):
    stage.open(small())
    proxy = stage.lab.world.named({kinds.VIRTUAL_SERVER.name}, "pbh01")["id"]
    left = ledger.Ledger(stage.state(), "an-earlier-run", "proxy-backup")
    left.intend(ledger.ATTACHMENT, proxy=proxy, proxy_name="pbh01", disks=["disk-99"], disk_names="its disk",
                names=["its disk"], sizes=[4711], before=[])
    left.intend(ledger.BACKUP, proxy=proxy, proxy_name="pbh01", vs_name="web01", backup="b1",
                commands=[[["rm", "-f", "x"], None, None]])
    left.close()
    assert stage.vibackup("reconcile", "--fix").status == 0
    looked = [number for number, call in enumerate(stage.calls) if call.words[:1] == ["lsblk"]]
    removed = [number for number, call in enumerate(stage.calls) if call.words[:1] == ["rm"]]
    assert looked and removed and looked[-1] < removed[0]


def test_a_second_fix_finds_nothing_and_changes_nothing(stage):
    stage.open(small())
    stage.fault("removeStorageDevice", times=None)
    assert stage.proxy_backup().status == 6
    stage.lab.faults = []
    assert stage.vibackup("reconcile", "--fix").status == 0 and stage.changes()
    again = stage.vibackup("reconcile", "--fix")
    assert again.status == 0 and again.document["released"] == 0 and stage.changes() == []


def test_a_snapshot_is_not_even_tried_while_a_disk_of_it_cannot_be_taken_off_the_proxy(stage):
    stage.open(small())
    stage.fault("removeStorageDevice", times=None)
    assert stage.proxy_backup().status == 6
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 6
    assert dict((left["what"], left["reason"]) for left in ran.document["leftovers"])["the snapshot of web01"] == (
        "kept, because of Snapshot of web01-system on pbh01")
    assert not [change for change in stage.changes() if change.method.startswith("delete")]
    stage.lab.faults = []
    assert stage.vibackup("reconcile", "--fix").status == 0


# -- what is not provably ours

def test_reconcile_without_leftovers_says_so(stage):
    ran = stage.vibackup("reconcile")
    assert ran.status == 0 and ran.document["leftovers"] == [] and ran.document["lab"] is True


def test_a_list_changes_nothing(stage):
    stage.open(small())
    stage.fault("removeStorageDevice", times=None)
    stage.proxy_backup()
    before = stage.objects()
    ran = stage.vibackup("reconcile")
    assert ran.status == 6 and ran.document["outcome"] in ("ok", "leftovers")
    assert sorted(left["what"] for left in ran.document["leftovers"]) == [
        "Snapshot of web01-system on pbh01", "the snapshot of web01"]
    assert stage.changes() == [] and stage.objects() == before


def left_behind(stage):
    """Have a run leave its snapshot behind."""
    stage.open(small())
    stage.fault("deleteLogicalDisk", times=None)
    assert stage.proxy_backup().status == 6
    stage.lab.faults = []


def delete_snapshot(manager):
    vs = manager.find("VirtualServer", "web01")
    snapshot = api.snapshot_of(vs)
    for disk in api.devices_of(snapshot):
        api.delete_disk(api.group_of(disk), disk)
    api.delete_snapshot(vs, snapshot)


def test_a_snapshot_that_somebody_else_took_in_place_of_ours_is_not_touched(stage):
    left_behind(stage)
    in_a_job(stage, delete_snapshot)
    in_a_job(stage, lambda manager: api.snapshot(manager.find("VirtualServer", "web01")))
    before = stage.objects()
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 0 and stage.changes() == [] and stage.objects() == before


def test_a_snapshot_that_is_gone_already_is_released(stage):
    left_behind(stage)
    in_a_job(stage, delete_snapshot)
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 0 and ran.document["released"] == 1 and stage.changes() == []
    assert stage.vibackup("reconcile").status == 0


def test_a_server_of_the_same_name_is_not_taken_for_ours(stage):
    left_behind(stage)
    record = stage.lab.world.named({kinds.VIRTUAL_SERVER.name}, "web01")
    stage.lab.world.settle(record, name="web01, renamed")
    stage.lab.world.add(dict(record, id=stage.lab.world.new_id("vs"), name="web01", snapshot=None, devices=[]))
    assert stage.vibackup("reconcile", "--fix").status == 0
    assert stage.object("web01, renamed")["snapshot"] is None


def test_leftovers_on_other_objects_do_not_stop_a_run(stage):
    stage.fault("deleteLogicalDisk", times=None)
    assert stage.proxy_backup().status == 6
    stage.lab.faults = []
    assert stage.proxy_backup(vs="db01").status == 0
    refused = stage.proxy_backup()
    assert refused.status == 6 and "web01: the run" in refused.error and stage.changes() == []


def test_a_release_that_goes_on_failing_stays_a_leftover_with_its_reason(stage):
    left_behind(stage)
    stage.fault("deleteSnapshot", times=None)
    ran = stage.vibackup("reconcile", "--fix")
    assert ran.status == 6 and [left["what"] for left in ran.document["leftovers"]] == ["the snapshot of web01"]
    assert "deleteSnapshot failed" in ran.document["leftovers"][0]["reason"]
    stage.lab.faults = []
    assert stage.vibackup("reconcile", "--fix").status == 0


def test_a_state_folder_that_others_may_write_to_is_refused(stage):
    state = os.path.join(stage.folder, "state")
    os.makedirs(compat.native(state))
    os.chmod(compat.native(state), 0o777)
    ran = stage.vibackup("reconcile", "--fix", "--state=" + state)
    assert ran.status == 3 and "chmod 700" in ran.error


# -- two runs at once

def rival(folder, lab, vs, proxy):
    """Return the options of an agent that, while it runs, has a second process back ``vs`` up through ``proxy``."""
    second = ["env", "PYTHONPATH=" + ROOT, "JYTHONPATH=" + ROOT, "PYTHONDONTWRITEBYTECODE=1",
              compat.text(sys.executable), "-m", "vibackup",
              "proxy-backup", "--lab=" + lab, "--json", "--vs=" + vs, "--proxy=" + proxy,
              "--agent=model", "--lab-trace=" + os.path.join(folder, "trace")]
    table = os.path.join(folder, "agents.ini")
    with io.open(table, "w", encoding="utf-8") as stream:
        stream.write("[rival]\nok_status = 0 4\nimage_backup =\n    %s > '%s'\n" % (
            words_of(second), os.path.join(folder, "said")))
    return ["--agents=" + table, "--agent=rival", "--location=here"]


@pytest.mark.parametrize("vs, proxy, held", [("web01", "pbh02", "web01"), ("web02", "pbh01", "pbh01")])
def test_of_two_processes_on_one_server_or_proxy_one_wins_and_the_other_changes_nothing(tmpdir, vs, proxy, held):
    folder, lab = compat.text(tmpdir), compat.text(tmpdir.join("lab"))
    inventory = small()
    for name, node in (("web02", "node1"), ("pbh02", "node2")):
        inventory["disks"].append({"name": name + "-disk", "group": "fastGroup", "bytes": 65536,
                                   "content": {"boot": True}})
        inventory["servers"].append({"name": name, "node": node, "devices": [name + "-disk"]})
    before = kept_lab(lab, inventory)
    winner = vibackup_in(lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", *rival(folder, lab, vs, proxy))
    assert winner.status == 0, winner.errors
    with io.open(os.path.join(folder, "said"), encoding="utf-8") as stream:
        loser = json.loads(stream.read())
    assert loser["exit_status"] == 4 and loser["outcome"] == "busy" and loser["leftovers"] == []
    assert loser["error"]["message"].startswith("%s is busy: the run %s (proxy-backup, process %d on " % (
        held, winner.document["run"], os.getpid()))
    assert changing_lines(os.path.join(folder, "trace")) == []
    assert objects_in(lab) == before


def changing_lines(trace):
    """Return the lines of a trace that tell of a change."""
    with io.open(trace, encoding="utf-8") as stream:
        return [line for line in stream.read().splitlines()
                if any(" %s" % call in line for call in ("begin", "snapshot", "addStorageDevice", "reboot", "start",
                                                         "stop", "delete", "remove", "setName", "commit"))]


def test_a_lock_of_a_living_process_is_not_taken_by_reconcile(stage):
    stage.open(small())
    seen = []
    real = stage.lab.guests.run

    def reconcile_meanwhile(name, command, *more):
        if command.argv[0] == "model-agent":
            folder = os.path.join(compat.text(stage.lab.folder), "state")
            from vibackup.ledger import Ledger
            seen.append(Ledger(folder, "another", "reconcile").leftovers())
        return real(name, command, *more)
    stage.lab.guests.run = reconcile_meanwhile
    assert stage.proxy_backup().status == 0
    assert seen == [[]]


# -- killed at any call

FREEZE = ("--freeze=fsfreeze -f /", "--thaw=fsfreeze -u /")


def kill_at(lab, number, phase, *words):
    """Run proxy-backup in a process that is killed at a call; a fork does, where there is one."""
    words = ["--lab-fault=%d:%s:crash" % (number, phase)] + list(words)
    if not hasattr(os, "fork") or JYTHON:
        return process("vibackup", "proxy-backup", "--lab=" + lab, *words).status
    child = os.fork()
    if child == 0:
        try:
            vibackup_in(lab, "proxy-backup", *words)
        finally:
            os._exit(99)
    status = os.waitpid(child, 0)[1]
    return -status if status == signal.SIGKILL else status


def test_a_server_that_a_killed_run_left_frozen_is_refused_and_thawed(tmpdir, stage):
    stage.open(small())
    assert stage.proxy_backup(*FREEZE).status == 0
    frozen = stage.nth("snapshot", 1)
    stage.close()
    lab = compat.text(tmpdir.join("lab"))
    before = kept_lab(lab, small())
    assert kill_at(lab, frozen, "before", *(BACKUP + FREEZE)) in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert [thing["frozen"] for thing in objects_in(lab) if thing["name"] == "web01"] == [True]
    assert vibackup_in(lab, "proxy-backup", *BACKUP).status == 6
    assert "web01 frozen" in [left["what"] for left in vibackup_in(lab, "reconcile").document["leftovers"]]
    assert vibackup_in(lab, "reconcile", "--fix").status == 0
    assert objects_in(lab) == before
