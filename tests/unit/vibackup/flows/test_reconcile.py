# -*- coding: utf-8 -*-
"""Reconcile: what it does not touch, and what it cannot remove."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import servers
from tests.runs import Calls, fail, find, make_run, objects
from vibackup import errors, ledger, locks
from vibackup import manager as api
from vibackup.flows import reconcile
from vibackup.job import job


@pytest.fixture
def run(lab, tmpdir):
    return make_run(lab, tmpdir, "reconcile")


def gone(run, monkeypatch, manager=None, **changes):
    """Return the ledger of a run that is over, made with the manager called ``manager`` (None: with this one)."""
    with monkeypatch.context() as patched:
        me = dict(dict(locks.this_process(), started="gone"), **changes)
        patched.setattr(locks, "this_process", lambda: me)
        return ledger.Ledger(run.folder, "dead", "proxy-backup", manager or run.manager.name)


def snapshot_of(run, name):
    """Have a snapshot that carries the dead run's name, and return the facts of its ledger."""
    vs = find(run, name)
    words = "vibackup dead %s" % name
    with job(run.manager, words, lambda: False):
        handle = api.snapshot(vs.handle)
        api.set_name(handle, words)
    return {"vs": vs.id, "vs_name": name, "name": words, "snapshot": api.identity_of(handle)}


def test_what_was_made_with_this_manager_is_released(lab, run, monkeypatch):
    before = objects(lab)
    gone(run, monkeypatch).intend(ledger.SNAPSHOT, **snapshot_of(run, "web01"))
    assert reconcile.reconcile(run) == 1
    assert objects(lab) == before
    assert run.leftovers == [] and run.ledger.leftovers() == []


def test_of_two_that_release_at_once_the_second_is_busy_and_changes_nothing(lab, run, tmpdir, monkeypatch):
    gone(run, monkeypatch).intend(ledger.SNAPSHOT, **snapshot_of(run, "web01"))
    second = make_run(lab, tmpdir, "reconcile")
    refused = []
    real = ledger.Ledger.leftovers

    def meanwhile(book):
        if not refused:
            refused.append(None)
            with pytest.raises(errors.Busy) as caught:
                reconcile.reconcile(second)
            refused[0] = caught.value.message
        return real(book)
    monkeypatch.setattr(ledger.Ledger, "leftovers", meanwhile)
    assert reconcile.reconcile(run) == 1 and run.leftovers == []
    assert refused[0].startswith("reconcile --fix is busy: the run %s (reconcile, " % run.id)
    assert reconcile.reconcile(second) == 0 and second.leftovers == []


def test_a_proxy_that_has_failed_is_named_when_a_disk_is_taken_off_it(lab, run, monkeypatch):
    proxy = find(run, "pbh01")
    gone(run, monkeypatch).intend(ledger.ATTACHMENT, proxy=proxy.id, proxy_name="pbh01", disks=["disk-7"],
                                  disk_names="x", sizes=[], before=[])
    servers._crashed(lab, lab.world.named({"VirtualServer"}, "pbh01"))
    assert reconcile.reconcile(run) == 1
    assert run.warnings == ["pbh01 has failed: start it, and look at its console"]


@pytest.mark.parametrize("manager", ["vm server 7", "the lab in /elsewhere", "süd"])
def test_what_was_made_with_another_manager_is_named_and_not_touched(lab, run, monkeypatch, manager):
    """Its ids and names may well mean something else here."""
    gone(run, monkeypatch, manager).intend(ledger.SNAPSHOT, **snapshot_of(run, "web01"))
    before = objects(lab)
    calls = Calls(lab)
    assert reconcile.reconcile(run) == 0
    assert [(left["run"], left["what"], left["reason"]) for left in run.leftovers] == [
        ("dead", "the snapshot of web01", "made with another manager: %s" % manager)]
    assert calls.lines == []
    assert objects(lab) == before
    assert len(run.ledger.leftovers()) == 1


def test_what_a_run_on_another_host_holds_is_named_and_not_touched(lab, run, monkeypatch):
    far = gone(run, monkeypatch, host="another.example", started="another-boot/1")
    far.take(find(run, "web01").id, "web01")
    far.intend(ledger.SNAPSHOT, **snapshot_of(run, "web01"))
    before = objects(lab)
    expected = [{"run": "dead", "what": "the snapshot of web01",
                 "reason": "its run is on the host another.example; reconcile there"}]
    assert reconcile.leftovers(run) == expected
    assert reconcile.reconcile(run) == 0
    assert run.leftovers == expected
    assert objects(lab) == before


def test_what_a_run_on_another_host_left_when_it_ended_is_released_here(lab, run, monkeypatch):
    """It gave its locks back, so it is over: it is named once, and anyone may release it."""
    before = objects(lab)
    far = gone(run, monkeypatch, host="another.example", started="another-boot/1")
    far.take(find(run, "web01").id, "web01")
    far.intend(ledger.SNAPSHOT, **snapshot_of(run, "web01"))
    far.close()
    assert [left["reason"] for left in reconcile.leftovers(run)] == ["its run is over"]
    assert reconcile.reconcile(run) == 1
    assert run.leftovers == []
    assert objects(lab) == before


def backup_of(run, *commands):
    """Return the facts of a backup that was cut short."""
    return {"proxy": find(run, "pbh01").id, "proxy_name": "pbh01", "vs_name": "web01", "backup": "b1",
            "commands": list(commands)}


def test_a_backup_that_was_cut_short_and_whose_agent_has_no_command_to_remove_it_is_a_warning(run, monkeypatch):
    gone(run, monkeypatch).intend(ledger.BACKUP, **backup_of(run))
    assert reconcile.reconcile(run) == 1
    assert run.warnings == ["an unfinished backup of web01, made on pbh01 may be left with its agent, which has no "
                            "command to remove it"]
    assert run.leftovers == [] and run.ledger.leftovers() == []


def test_a_backup_that_was_cut_short_is_removed_by_the_commands_in_the_ledger(lab, run, monkeypatch):
    lab.world.named({"VirtualServer"}, "pbh01")["commands"]["forget"] = {"output": "done"}
    calls = Calls(lab)
    gone(run, monkeypatch).intend(ledger.BACKUP, **backup_of(run, [["forget", "b1"], None, None]))
    assert reconcile.reconcile(run) == 1
    assert len([line for line in calls.lines if "forget" in line]) == 1
    assert run.warnings == [] and run.leftovers == []


def test_a_backup_that_cannot_be_removed_stays_a_leftover_with_its_reason(lab, run, monkeypatch):
    lab.world.named({"VirtualServer"}, "pbh01")["commands"]["forget"] = {"exit_status": 2, "output": "locked"}
    gone(run, monkeypatch).intend(ledger.BACKUP, **backup_of(run, [["forget", "b1"], None, None]))
    assert reconcile.reconcile(run) == 0
    assert [left["reason"] for left in run.leftovers] == ["pbh01: forget: locked (exit status 2)"]
    assert len(run.ledger.leftovers()) == 1


def test_a_backup_that_is_in_the_catalog_is_whole_and_stays(lab, run, monkeypatch):
    """The run was killed between the catalog's entry and the ledger's last line."""
    run.catalog.add({"id": "b1", "vs": "web01", "finished": "x", "agent": "dd", "disks": []})
    calls = Calls(lab)
    gone(run, monkeypatch).intend(ledger.BACKUP, **backup_of(run, [["forget", "b1"], None, None]))
    assert reconcile.reconcile(run) == 1
    assert not [line for line in calls.lines if "forget" in line]
    assert run.catalog.has("b1") and run.warnings == []


@pytest.mark.parametrize("kind, more", [
    (ledger.ATTACHMENT, {"disks": ["disk-7"], "disk_names": "x", "sizes": [], "before": []}), (ledger.POWER, {}),
    (ledger.FREEZE, {"command": ["thaw"]}), (ledger.BACKUP, {"backup": "b1", "commands": []})])
def test_what_was_left_on_a_server_that_is_gone_is_released(lab, run, monkeypatch, kind, more):
    facts = dict(more, vs="vs-99999", vs_name="old01", proxy="vs-99998", proxy_name="old02")
    before = objects(lab)
    gone(run, monkeypatch).intend(kind, **facts)
    assert reconcile.reconcile(run) == 1
    assert objects(lab) == before
    assert run.leftovers == []


def test_a_server_that_is_frozen_is_thawed_before_a_proxy_is_booted(lab, run, monkeypatch):
    """L5: the boot takes minutes, for which its applications would stand still."""
    lab.world.named({"VirtualServer"}, "web01")["commands"]["thaw"] = {"output": "done"}
    vs, proxy, left = find(run, "web01"), find(run, "pbh01"), gone(run, monkeypatch)
    left.intend(ledger.FREEZE, vs=vs.id, vs_name="web01", command=["thaw"])
    left.intend(ledger.ATTACHMENT, proxy=proxy.id, proxy_name="pbh01", disks=["disk-99"], disk_names="x",
                names=["x"], sizes=[4711], before=[])
    assert reconcile.reconcile(run) == 2
    released = [step["object"] for step in run.steps if step["name"] == "release"]
    assert released == ["web01 frozen", "x on pbh01"]


def test_a_snapshot_is_kept_while_what_was_started_from_it_cannot_be_stopped(lab, run, monkeypatch):
    """L3: it reads from it."""
    started, left = find(run, "pbh01"), gone(run, monkeypatch)
    left.intend(ledger.SNAPSHOT, **snapshot_of(run, "web01"))
    left.intend(ledger.POWER, vs=started.id, vs_name="pbh01")
    before, fault = objects(lab), fail(lab, "stop", times=None, name="pbh01")
    assert reconcile.reconcile(run) == 0
    assert [(each["what"], each["reason"]) for each in run.leftovers][1] == (
        "the snapshot of web01", "kept, because of pbh01 running")
    assert fault.struck and objects(lab) == before
