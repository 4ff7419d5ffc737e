# -*- coding: utf-8 -*-
"""The power of virtual servers: changed, waited for, and brought back to what it was."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes import servers, storage
from tests.runs import Calls, fail, find, make_run, objects, server, small_lab
from vibackup import errors, ledger, locks, power
from vibackup import manager as api
from vibackup.flows import reconcile
from vibackup.job import job
from vibackup.run import Run


@pytest.fixture
def proxy(run):
    return find(run, "pbh01")


def names(run):
    return [step["name"] for step in run.steps]


# -- to run for a while

@pytest.mark.parametrize("state", ["Running", "Stopped"])
def test_the_power_of_the_proxy_is_what_it_was(tmpdir, state):
    with small_lab(lambda found: server(found, "pbh01").update(power=state)) as lab:
        run = make_run(lab, tmpdir)
        with power.running(run, find(run, "pbh01")):
            assert lab.world.named({"VirtualServer"}, "pbh01")["power"] == "Running"
        assert lab.world.named({"VirtualServer"}, "pbh01")["power"] == state


def test_a_proxy_that_runs_is_neither_started_nor_stopped(lab, run, proxy):
    calls = Calls(lab)
    with power.running(run, proxy):
        pass
    assert "createJob" not in calls


def test_stopping_what_is_stopped_is_nothing(tmpdir):
    with small_lab(lambda found: server(found, "pbh01").update(power="Stopped")) as lab:
        run = make_run(lab, tmpdir)
        calls = Calls(lab)
        power.stop(run, find(run, "pbh01"))
        assert "createJob" not in calls


def test_rebooting_what_is_stopped_starts_it(tmpdir):
    with small_lab(lambda found: server(found, "pbh01").update(power="Stopped")) as lab:
        run = make_run(lab, tmpdir)
        power.reboot(run, find(run, "pbh01"))
        assert lab.world.named({"VirtualServer"}, "pbh01")["power"] == "Running"
        assert names(run) == ["start"]


def crash(lab, name="pbh01"):
    servers._crashed(lab, lab.world.named({"VirtualServer"}, name))


def test_a_proxy_that_ran_and_has_failed_is_started_again_with_a_warning(lab, run, proxy):
    before = objects(lab)
    with power.running(run, proxy):
        crash(lab)
    assert objects(lab) == before and names(run) == ["start"] and run.leftovers == []
    assert run.warnings == ["pbh01 failed meanwhile, so it is started again: look at its console"]


def test_a_proxy_that_ran_and_does_not_boot_again_is_a_leftover_which_reconcile_tries_once_more(lab, run, proxy):
    disk = lab.world.named({"LogicalDisk"}, "pbh01-system")
    with pytest.raises(ValueError):
        with power.running(run, proxy):
            storage.write(lab, disk, 510, b"\0\0")
            crash(lab)
            raise ValueError("the body's own")
    assert [left["what"] for left in run.leftovers] == ["pbh01 stopped"] and state_of(lab) == "Failed"
    run.close()
    storage.write(lab, disk, 510, b"\x55\xaa")
    fixing = Run(run.manager, run.folder, "reconcile")
    assert reconcile.reconcile(fixing) == 1 and state_of(lab) == "Running"


def test_a_proxy_that_somebody_stopped_meanwhile_is_not_started_and_that_is_said(lab, run, proxy):
    with power.running(run, proxy):
        stop_by_hand(run, proxy)
        run.manager.clock.sleep(60)
    assert state_of(lab) == "Stopped" and names(run) == [] and run.leftovers == []
    assert run.warnings == ["pbh01 ran, and somebody has stopped it meanwhile: it is left so"]


def test_where_nobody_can_tell_whether_a_proxy_still_runs_the_error_of_the_body_is_the_one_to_tell(lab, run, proxy):
    with pytest.raises(ValueError):
        with power.running(run, proxy):
            fail(lab, "getStatusEvent")
            raise ValueError("the body's own")
    assert run.warnings[0].startswith("whether pbh01 still runs is not known: getStatusEvent failed")


# -- not to run for a while

def state_of(lab, name="pbh01"):
    return lab.world.named({"VirtualServer"}, name)["power"]


@pytest.mark.parametrize("state, steps", [("Running", ["stop", "start"]), ("Stopped", [])])
def test_a_server_does_not_run_in_the_body_and_is_after_it_what_it_was(tmpdir, state, steps):
    with small_lab(lambda found: server(found, "pbh01").update(power=state)) as lab:
        run = make_run(lab, tmpdir)
        before = objects(lab)
        with power.stopped(run, find(run, "pbh01")):
            assert state_of(lab) == "Stopped"
        assert names(run) == steps
        assert objects(lab) == before


def test_that_it_is_stopped_is_in_the_ledger_until_it_runs_again(lab, run, proxy):
    with power.stopped(run, proxy):
        [facts] = run.ledger.open_facts(ledger.STOPPED)
        assert (facts["vs"], facts["vs_name"], facts["asked"], facts["told"]) == (proxy.id, "pbh01", True, True)
    assert run.ledger.open_facts(ledger.STOPPED) == []


def test_a_server_that_is_starting_is_refused(tmpdir):
    with small_lab(lambda found: server(found, "pbh01").update(power="Stopped")) as lab:
        run = make_run(lab, tmpdir)
        with job(run.manager, "by hand", lambda: False):
            api.start(find(run, "pbh01").handle)
        with pytest.raises(errors.Refused):
            with power.stopped(run, find(run, "pbh01")):
                pytest.fail("on its way")


@pytest.mark.parametrize("error", [ValueError("own"), KeyboardInterrupt(), errors.AgentFailed("own")],
                         ids=lambda error: type(error).__name__)
def test_a_server_is_started_again_where_the_body_fails(lab, run, proxy, error):
    before = objects(lab)
    with pytest.raises(type(error)) as caught:
        with power.stopped(run, proxy):
            raise error
    assert caught.value is error
    assert objects(lab) == before and run.leftovers == []


@pytest.mark.parametrize("method", ["stop", "start", "commit"])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_call_that_fails_once_is_tried_again(lab, run, proxy, method, phase):
    before = objects(lab)
    fail(lab, method, phase)
    with power.stopped(run, proxy):
        assert state_of(lab) == "Stopped"
    assert objects(lab) == before and run.leftovers == []


def test_a_server_that_cannot_be_stopped_runs_on(lab, run, proxy):
    before = objects(lab)
    fail(lab, "stop", times=None)
    with pytest.raises(errors.ApiError):
        with power.stopped(run, proxy):
            pytest.fail("it runs")
    assert objects(lab) == before and run.leftovers == []
    assert run.ledger.open_facts(ledger.STOPPED) == []


def test_a_server_that_cannot_be_started_again_is_a_leftover_and_an_error(lab, run, proxy):
    fail(lab, "start", times=None)
    with pytest.raises(errors.ServerFailed) as caught:
        with power.stopped(run, proxy):
            pass
    assert caught.value.message == "pbh01 was stopped, and does not run again"
    assert [left["what"] for left in run.leftovers] == ["pbh01 stopped"]


def test_a_server_that_does_not_boot_any_more_was_started_all_the_same_and_is_an_error(lab, run, proxy):
    disk = lab.world.named({"LogicalDisk"}, "pbh01-system")
    with pytest.raises(errors.ServerFailed):
        with power.stopped(run, proxy):
            storage.write(lab, disk, 510, b"\0\0")
    assert run.leftovers == [] and len(run.warnings) == 1 and "did not boot" in run.warnings[0]


def test_a_stop_that_is_asked_for_while_the_server_goes_down_waits_until_it_can_be_started_again(lab, tmpdir):
    asked = []
    run = make_run(lab, tmpdir, stop_status=lambda: 130 if asked else 0)
    before = objects(lab)
    begin = run.manager.create_job
    run.manager.create_job = lambda why: asked.append(why) or begin(why)
    with pytest.raises(errors.Stopped):
        with power.stopped(run, find(run, "pbh01")):
            run.check_stop()
            pytest.fail("asked to stop")
    assert names(run) == ["stop", "start"]
    assert objects(lab) == before and run.leftovers == []


def slow_lab(stop_seconds):
    return small_lab(lambda found: server(found, "pbh01").update(stop_seconds=stop_seconds))


def test_a_server_that_goes_down_after_the_deadline_of_its_stop_is_started_again(tmpdir):
    with slow_lab(1200) as lab:
        run, before = make_run(lab, tmpdir), objects(lab)
        with pytest.raises(errors.TimedOut):
            with power.stopped(run, find(run, "pbh01")):
                pytest.fail("it is not down yet")
        run.manager.clock.sleep(3600)
        assert objects(lab) == before and run.leftovers == []


def test_a_server_that_is_still_going_down_when_the_run_gives_up_is_a_leftover_until_it_is_down(tmpdir):
    with slow_lab(4000) as lab:
        run, before = make_run(lab, tmpdir), objects(lab)
        with pytest.raises(errors.TimedOut):
            with power.stopped(run, find(run, "pbh01")):
                pytest.fail("it is not down yet")
        assert [left["what"] for left in run.leftovers] == ["pbh01 stopped"]
        assert "is not down yet" in run.leftovers[0]["reason"]
        run.close()
        fixing = Run(run.manager, run.folder, "reconcile")
        assert reconcile.reconcile(fixing) == 0 and "is not down yet" in fixing.leftovers[0]["reason"]
        run.manager.clock.sleep(3600)
        assert reconcile.reconcile(fixing) == 1 and objects(lab) == before


def test_a_server_that_somebody_else_stopped_right_before_is_not_started(lab, run, proxy, monkeypatch):
    real = run.ledger.intend

    def stopped_first(*words, **facts):
        stop_by_hand(run, proxy)
        run.manager.clock.sleep(60)
        return real(*words, **facts)
    monkeypatch.setattr(run.ledger, "intend", stopped_first)
    with power.stopped(run, proxy):
        pass
    assert state_of(lab) == "Stopped" and names(run) == [] and run.leftovers == []


# -- started again

def stop_by_hand(run, server):
    with job(run.manager, "by hand", lambda: False):
        api.stop(server.handle)


def facts_of(server, **more):
    """Return the ledger's facts of a server that was stopped by a run killed right before or after the commit."""
    return dict({"vs": server.id, "vs_name": server.name, "before": api.event_moment(api.status(server.handle)),
                 "asked": True}, **more)


@pytest.mark.parametrize("seconds", [0, 120], ids=["on its way down", "down"])
def test_a_server_that_a_killed_run_had_stopped_or_was_stopping_runs_again(lab, run, proxy, seconds):
    """On its way down its state is still said to be Running."""
    before, facts = objects(lab), facts_of(proxy)
    stop_by_hand(run, proxy)
    run.manager.clock.sleep(seconds)
    power.start_again(run, proxy, facts)
    assert objects(lab) == before
    assert names(run) == ["start"]


def test_a_server_whose_stop_was_never_asked_for_is_left_as_it_is_at_once(lab, run, proxy):
    facts = facts_of(proxy, asked=False)
    begun = run.manager.clock.monotonic()
    power.start_again(run, proxy, facts)
    stop_by_hand(run, proxy)
    power.start_again(run, proxy, facts)
    assert run.manager.clock.monotonic() - begun < 5 and names(run) == []


def test_a_server_whose_stop_was_asked_for_and_not_committed_runs_on_with_a_warning(lab, run, proxy):
    before = objects(lab)
    power.start_again(run, proxy, facts_of(proxy))
    assert objects(lab) == before and names(run) == []
    assert len(run.warnings) == 1 and run.warnings[0].startswith("pbh01 runs, and nobody knows")


def test_a_server_that_runs_or_that_somebody_has_just_started_is_not_started_again(lab, run, proxy):
    before, facts = objects(lab), facts_of(proxy, told=True)
    power.stop(run, proxy)
    with job(run.manager, "by hand", lambda: False):
        api.start(proxy.handle)
    power.start_again(run, proxy, facts)
    assert objects(lab) == before
    calls = Calls(lab)
    power.start_again(run, proxy, facts)
    assert "createJob" not in calls and run.warnings == []


# -- and after a crash

@pytest.fixture
def killed(lab, tmpdir, monkeypatch, proxy):
    """The ledger of a run that was killed when it had pbh01 stopped."""
    with monkeypatch.context() as patched:
        me = dict(locks.this_process(), started="gone")
        patched.setattr(locks, "this_process", lambda: me)
        dead = make_run(lab, tmpdir, "rollback")
    dead.ledger.intend(ledger.STOPPED, **facts_of(proxy))
    return dead


def test_reconcile_starts_a_server_that_a_killed_run_left_stopped(lab, run, proxy, killed):
    before = objects(lab)
    stop_by_hand(run, proxy)
    with pytest.raises(errors.Leftovers) as caught:
        run.ledger.take(proxy.id, "pbh01")
    assert "left pbh01 stopped behind" in caught.value.message
    assert [left["what"] for left in reconcile.leftovers(run)] == ["pbh01 stopped"]
    assert (reconcile.reconcile(run), reconcile.reconcile(run)) == (1, 0)
    assert objects(lab) == before and run.leftovers == []


def test_reconcile_does_not_start_a_server_that_does_not_boot_again_and_again(lab, run, proxy, killed):
    """It must be free to be reverted."""
    power.stop(run, proxy)
    storage.write(lab, lab.world.named({"LogicalDisk"}, "pbh01-system"), 510, b"\0\0")
    assert (reconcile.reconcile(run), reconcile.reconcile(run)) == (1, 0)
    assert state_of(lab) == "Failed" and "pbh01 was started again" in run.warnings[0]
    run.ledger.take(proxy.id, "pbh01")


def test_reconcile_has_nothing_to_start_where_the_server_is_gone(lab, run, monkeypatch, killed):
    monkeypatch.setattr(run.manager, "server_by_id", lambda _identity, _name: None)
    assert reconcile.reconcile(run) == 1 and run.leftovers == []
