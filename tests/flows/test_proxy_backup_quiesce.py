# -*- coding: utf-8 -*-
"""proxy-backup --freeze --thaw: the freeze is short, and the thaw comes whatever happens."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.helpers import FREEZE, demo, named, small, stage  # noqa: F401


def test_the_freeze_lasts_for_the_snapshot_job_alone(stage):
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 0 and ran.steps[:3] == ["freeze", "snapshot", "thaw"]
    told = [call.arguments[1] if call.method == "run" else call.method for call in stage.calls
            if call.changes or (call.method == "run" and call.arguments[0] == "fsfreeze")]
    assert told[:7] == ["-f", "begin", "snapshot", "setName", "commit", "-u", "begin"]


def test_a_server_is_thawed_by_the_second_command_and_not_frozen_afterwards(stage):
    before = stage.objects()
    assert stage.proxy_backup(*FREEZE).status == 0
    assert stage.objects() == before and stage.object("web01")["frozen"] is False


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("method", ["createJob", "begin", "snapshot", "setName", "commit", "addOperationDescription"])
def test_a_server_is_thawed_whichever_call_of_the_snapshot_fails(stage, method, phase):
    stage.open(small())
    before = stage.objects()
    stage.fault(method, phase)
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == (0 if (method, phase) == ("commit", "after") else 1)  # that one only lost its reply
    assert "thaw" in ran.steps
    assert stage.objects() == before


def test_a_server_is_thawed_after_a_freeze_whose_reply_was_lost(stage):
    before = stage.objects()
    stage.proxy_backup(*FREEZE)
    freeze = [place for place, call in enumerate(stage.calls, 1)
              if call.method == "run" and call.arguments[0] == "fsfreeze"][0]
    stage.fault_at(freeze, "after")
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 1 and ran.error_class == "GuestError"
    assert stage.objects() == before


def test_a_freeze_that_fails_is_a_failure_before_the_snapshot(stage):
    ran = stage.proxy_backup("--freeze=false", "--thaw=true")
    assert ran.status == 1 and "web01: false: exit status 1" in ran.error
    assert "snapshot" not in ran.steps and stage.methods() == []


def test_a_thaw_that_fails_once_is_tried_again(stage):
    stage.proxy_backup(*FREEZE)
    thaw = [place for place, call in enumerate(stage.calls, 1)
            if call.method == "run" and call.arguments[:2] == ["fsfreeze", "-u"]][0]
    stage.fault_at(thaw, "before")
    assert stage.proxy_backup(*FREEZE).status == 0
    assert stage.object("web01")["frozen"] is False


def test_a_server_that_cannot_be_thawed_is_a_leftover_that_says_what_to_do(stage):
    ran = stage.proxy_backup("--freeze=true", "--thaw=false")
    assert ran.status == 6 and "web01 is still frozen" in ran.error and "thaw it by hand" in ran.error
    assert [left["what"] for left in ran.document["leftovers"]] == ["web01 frozen"]
    assert stage.proxy_backup().status == 6  # nobody backs it up before somebody has looked
    fixed = stage.vibackup("reconcile", "--fix")
    assert fixed.status == 0
    assert fixed.document["warnings"] == [
        "web01: its thaw failed: exit status 1; make sure that it is not frozen"]


def test_a_server_is_thawed_within_a_minute_where_the_snapshot_hangs(stage):
    before = stage.objects()
    moments = []
    real = stage.lab.guests.run

    def noting(name, command, *more):
        if command.argv[0] == "fsfreeze":
            moments.append((command.argv[1], stage.lab.clock.monotonic()))
        return real(name, command, *more)
    stage.lab.guests.run = noting
    stage.fault("snapshot", action="hang")
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 7
    assert [word for word, _moment in moments] == ["-f", "-u"] and moments[1][1] - moments[0][1] <= 60
    assert stage.objects() == before


def test_a_snapshot_that_was_made_after_the_thaw_is_no_good(stage):
    stage.proxy_backup(*FREEZE)
    before = stage.objects()
    stage.fault_at(stage.nth("commit", 1), "after", "hang")  # done, and the reply lost for an hour
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 1 and "was thawed after 60 seconds, before its snapshot was complete" in ran.error
    assert stage.objects() == before and len(stage.catalog()) == 1


def test_a_server_that_does_not_run_is_not_frozen(stage):
    inventory = demo()
    named(inventory["servers"], "web01")["power"] = "Stopped"
    stage.open(inventory)
    ran = stage.proxy_backup(*FREEZE)
    assert ran.status == 0 and "freeze" not in ran.steps
    assert ran.document["warnings"] == ["web01 does not run, so it is not frozen"]


def test_a_freeze_without_a_thaw_is_a_wrong_command_line(stage):
    assert stage.proxy_backup("--freeze=true").status == 2
    assert stage.proxy_backup("--thaw=true").status == 2
    assert stage.calls == []
