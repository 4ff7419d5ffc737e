# -*- coding: utf-8 -*-
"""What the script in the paper's appendix gets wrong, and snapshot-boot must not: a test for each of the thirteen."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import dispatch, faults
from tests.flows.helpers import compat, demo, named, run_main, small, stage  # noqa: F401
from vibackup import cli, errors
from vibackup.site import connect_lab
from vibackup.job import job


class NthFault(faults.Fault):
    """Strikes the ``nth`` call of a method."""

    def __init__(self, method, nth, phase="before", action="throw"):
        faults.Fault.__init__(self, phase, action, method=method)
        self.nth = nth

    def matches(self, number, method, name):
        if method == self.method:
            self.nth -= 1
        return method == self.method and self.nth == 0


def live_cd(stage, **settings):
    """Open the demo with a live CD and a web01 that have these settings."""
    inventory = demo()
    for key in ("seconds", "crashes"):
        if key in settings:
            inventory["network_block_devices"][0]["live_cd"][key] = settings.pop(key)
    named(inventory["servers"], "web01").update(boot_seconds=settings.pop("boot_seconds", 30))
    return stage.open(dict(inventory, **settings))


def powered(stage):
    """Return the power calls of the last command, in order."""
    return [call.method for call in stage.calls if call.method in ("start", "stop", "reboot")]


# 1. a failed lookup message printed whether or not the lookup failed

def test_01_a_lookup_is_said_to_have_failed_only_where_it_has(stage):
    ran = stage.snapshot_boot()
    assert ran.status == 0 and "is called" not in ran.errors and "FAIL" not in ran.errors
    ran = stage.snapshot_boot(vs="nobody")
    assert ran.status == 3 and ran.errors.count("no virtual server is called nobody") == 1
    ran = stage.snapshot_boot(boot_device="nothing.iso")
    assert ran.status == 3 and ran.errors.count("no storage device is called nothing.iso") == 1


# 2. job.abort() on a job never made

def test_02_a_job_that_was_never_made_is_not_aborted(stage):
    stage.fault("createJob")
    ran = stage.snapshot_boot()
    assert ran.status == 1 and ran.error_class == "ApiError" and ran.error.startswith("createJob failed: ")
    assert "abort" not in [call.method for call in stage.calls]


# 3. going on after an aborted job

@pytest.mark.parametrize("method", ["begin", "snapshot", "setName", "addOperationDescription", "commit"])
def test_03_nothing_goes_on_after_a_job_was_aborted(stage, method):
    stage.fault(method)
    ran = stage.snapshot_boot()
    assert ran.status == 1 and ran.error.startswith("%s failed: " % method)
    assert [call.method for call in stage.calls].count("abort") == 1
    assert not set(stage.methods()) - {"snapshot", "setName"}


# 4. starting the snapshot after its boot device failed to be set

@pytest.mark.parametrize("method, nth", [("addStorageDeviceFirst", 1), ("setBootType", 1), ("commit", 2)])
def test_04_the_snapshot_is_not_started_after_its_boot_device_failed_to_be_set(stage, method, nth):
    before = stage.objects()
    stage.lab.faults.append(NthFault(method, nth))
    ran = stage.snapshot_boot()
    assert ran.status == 1 and ran.error.startswith("%s failed: " % method)
    assert powered(stage) == []
    assert stage.objects() == before


# 5. the second wait inherits the count of the first

def test_05_each_wait_has_its_own_time(stage):
    live_cd(stage, boot_seconds=800, seconds=800)
    assert stage.snapshot_boot("--timeout=850").status == 0


# 6. an event that fires before the listener is missed

@pytest.mark.parametrize("events", ["after-call", "backlog"])
def test_06_a_server_that_ran_and_stopped_before_anyone_listened_is_seen_to_have(stage, events):
    live_cd(stage, events=events, boot_seconds=1, seconds=1, job_ms=60000)  # all is over when the commit returns
    begun = stage.lab.clock.monotonic()
    assert stage.snapshot_boot().status == 0
    assert stage.lab.clock.monotonic() - begun < 600


def test_06_events_that_never_come_are_not_needed(stage):
    stage.lab.losing_events = True
    real = stage.lab.fault_for

    def lose_all(number, method, handle):
        return real(number, method, handle) or faults.Fault("before", "lose")
    stage.lab.fault_for = lose_all
    assert stage.snapshot_boot().status == 0


# 7. the snapshot left behind on every failure

@pytest.mark.parametrize("method, nth", [("setName", 1), ("commit", 1), ("addStorageDeviceFirst", 1),
                                         ("setBootType", 1), ("commit", 2), ("start", 1), ("commit", 3),
                                         ("listenForEvents", 1)])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_07_a_failure_leaves_no_snapshot(stage, method, nth, phase):
    stage.open(small())
    before = stage.objects()
    stage.lab.faults.append(NthFault(method, nth, phase))
    ran = stage.snapshot_boot()
    assert ran.status in (0, 1) and ran.document["leftovers"] == []
    assert (ran.status == 0) == ((method, phase) == ("commit", "after"))  # it took effect: only its reply was lost
    assert stage.objects() == before


# 8. the snapshot deleted under a backup still running after ten minutes

def test_08_a_backup_of_three_hours_has_its_snapshot_to_the_end(stage):
    live_cd(stage, seconds=3 * 3600)
    begun = stage.lab.clock.monotonic()
    ran = stage.snapshot_boot()
    assert ran.status == 0 and "stop" not in powered(stage)
    assert stage.lab.clock.monotonic() - begun > 3 * 3600
    assert named(ran.document["steps"], "wait until stopped")["seconds"] == pytest.approx(3 * 3600, abs=60)


def test_08_a_backup_whose_time_is_up_is_stopped_before_its_snapshot_is_deleted(stage):
    live_cd(stage, seconds=3 * 3600)
    before = stage.objects()
    ran = stage.snapshot_boot("--timeout=3600")
    assert ran.status == 1 and ran.error_class == "TimedOut" and "3600 seconds" in ran.error
    assert stage.methods()[-3:] == ["stop", "deleteLogicalDisk", "deleteSnapshot"]
    assert stage.objects() == before and stage.catalog() == []


# 9. exit status 0 on failure

@pytest.mark.parametrize("method", ["snapshot", "setBootType", "start", "createJob", "listenForEvents"])
def test_09_a_failure_has_an_exit_status_of_its_own(stage, method):
    stage.fault(method)
    stage.lab  # the one that --lab means
    with pytest.raises(SystemExit) as caught:
        cli.main_and_exit("snapshot-boot", ["vsSnapshot.py", "--lab", "--vs=web01", "--boot-device=backup.iso"])
    assert caught.value.code == 1


# 10. text added to a Java object

def test_10_text_is_never_added_to_an_object_of_the_manager(stage, monkeypatch):
    def refuse(_self, _words):
        raise TypeError("text added to an object of the manager")
    from fakes import kinds
    monkeypatch.setattr(dispatch.Handle, "__radd__", refuse)
    monkeypatch.setattr(kinds.Constant, "__radd__", refuse)
    assert stage.snapshot_boot().status == 0
    told = [call.words[0] for call in stage.calls if call.method == "addOperationDescription"]
    assert told[:2] == ["Snapshot of web01", "Boot from backup.iso"]


# 11. a crash of the guest taken for a finished backup

def test_11_a_crash_is_not_a_finished_backup(stage):
    live_cd(stage, crashes=True)
    before = stage.objects()
    ran = stage.snapshot_boot()
    assert ran.status == 1 and ran.error_class == "ServerFailed" and ran.document["backup"] is None
    assert stage.objects() == before and stage.catalog() == []


def test_11_a_snapshot_that_does_not_boot_is_not_a_finished_backup(stage):
    inventory = small()
    inventory["disks"].append({"name": "blank", "group": "fastGroup", "bytes": 65536})
    stage.open(inventory)
    before = stage.objects()
    ran = stage.snapshot_boot(boot_device="blank")
    assert ran.status == 1 and ran.error_class == "ServerFailed"
    assert stage.objects() == before and stage.catalog() == []


# 12. a name holding "=" cut short

def test_12_a_name_may_hold_equals_signs(stage):
    inventory = small(vs="role=web=01")
    inventory["network_block_devices"][0]["name"] = "image=backup.iso"
    inventory["servers"].append({"name": "role", "node": "node1"})  # what is left of it when it is cut
    stage.open(inventory)
    ran = stage.snapshot_boot(vs="role=web=01", boot_device="image=backup.iso")
    assert ran.status == 0 and ran.document["vs"] == "role=web=01"
    [entry] = stage.catalog()
    assert (entry["vs"], entry["agent"]) == ("role=web=01", "image=backup.iso")


# 13. Java errors not caught by "except Exception"

def java_error():
    """Return a class of errors that is no Python ``Exception``, as Java's are under Jython."""
    if compat.JYTHON:
        from java.lang import Throwable
        return Throwable

    class Throwable(BaseException):
        def getMessage(self):
            return self.args[0]
    return Throwable


def strike_with(stage, monkeypatch, method):
    """Let the first call of ``method`` throw a Java error."""
    throwable = java_error()
    if throwable not in compat.FAULTS:
        monkeypatch.setattr(compat, "FAULTS", compat.FAULTS + (throwable,))
    real = faults.strike

    def strike(lab, fault, call):
        if fault.action == "throw":
            raise throwable("the management server went away")
        real(lab, fault, call)
    monkeypatch.setattr(faults, "strike", strike)
    stage.fault(method)


@pytest.mark.parametrize("method", ["findObject", "createJob", "snapshot", "commit", "setBootType", "start",
                                    "listenForEvents", "getFreeBytes"])
def test_13_a_java_error_is_caught_told_and_cleaned_up_after(stage, monkeypatch, method):
    stage.open(small())
    before = stage.objects()
    strike_with(stage, monkeypatch, method)
    ran = stage.snapshot_boot()
    assert ran.status == 1 and ran.error_class == "ApiError"
    assert ran.error == "%s failed: the management server went away" % method
    assert stage.objects() == before


def test_13_a_java_error_of_the_callers_own_aborts_the_job(stage):
    manager = connect_lab(stage.open(small()))
    throwable = java_error()
    with pytest.raises(throwable):
        with job(manager, "interrupted", lambda: False):
            raise throwable("in the body")
    assert [call.method for call in stage.calls if call.kind == "Job"] == ["begin", "abort"]
    assert run_main("probe", ["--lab", "--json"]).status == errors.DONE
