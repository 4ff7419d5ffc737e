# -*- coding: utf-8 -*-
"""A job: what fails where, what is taken back, and which error comes out."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes.faults import Fault, ManagementException
from tests.runs import Calls, fail, objects
from vibackup import compat, errors, ledger, site
from vibackup import manager as api
from vibackup.job import job


@pytest.fixture
def manager(lab):
    return site.connect_lab(lab)


def rename(manager, name="renamed", applied=None, error=None):
    """Rename web01 in a job, and raise ``error`` in its body."""
    handle = manager.find("VirtualServer", "web01")
    with job(manager, "rename web01", applied or (lambda: api.name_of(handle) == name)):
        api.set_name(handle, name)
        if error is not None:
            raise error
    return handle


def was_taken_back(lab, before):
    return objects(lab) == before and not lab.open_jobs


def test_what_the_body_changes_is_committed(lab, manager):
    assert api.name_of(rename(manager)) == "renamed"
    assert not lab.open_jobs


def test_a_good_job_is_committed_once_and_never_aborted(lab, manager):
    calls = Calls(lab)
    rename(manager)
    assert len(calls.of("commit")) == 1
    assert "abort" not in calls


def test_a_job_that_cannot_be_made_is_not_aborted(lab, manager):
    fail(lab, "createJob")
    calls = Calls(lab)
    with pytest.raises(errors.ApiError) as caught:
        rename(manager)
    assert caught.value.call == "createJob"
    assert "abort" not in calls


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_job_that_does_not_begin_is_aborted_and_its_body_never_runs(lab, manager, phase):
    before = objects(lab)
    fail(lab, "begin", phase)
    ran = []
    with pytest.raises(errors.ApiError) as caught:
        with job(manager, "nothing", lambda: True):
            ran.append(True)
    assert caught.value.call == "begin"
    assert not ran
    assert was_taken_back(lab, before)


def test_a_body_that_fails_takes_its_changes_back_and_its_own_error_comes_out(lab, manager):
    before = objects(lab)
    error = ValueError("the body's own")
    with pytest.raises(ValueError) as caught:
        rename(manager, error=error)
    assert caught.value is error
    assert was_taken_back(lab, before)


@pytest.mark.parametrize("error", [ValueError("a"), KeyboardInterrupt(), SystemExit(3), errors.Stopped(130)],
                         ids=lambda error: type(error).__name__)
def test_the_bodys_error_comes_out_even_where_the_abort_fails_too(lab, manager, error):
    fault = fail(lab, "abort", "after")
    with pytest.raises(type(error)) as caught:
        rename(manager, error=error)
    assert caught.value is error
    assert fault.times == 0


def test_an_error_of_java_in_the_body_takes_its_changes_back_and_comes_out_as_it_is(lab, manager):
    before = objects(lab)
    fail(lab, "abort", "after")
    try:
        rename(manager, error=ManagementException("from Java"))
    except compat.FAULTS as error:
        assert isinstance(error, ManagementException)
        assert compat.message(error) == "from Java"
    else:
        pytest.fail("no error came out")
    assert was_taken_back(lab, before)


def test_a_call_that_the_manager_refuses_in_the_body_comes_out_with_its_name(lab, manager):
    before = objects(lab)
    with pytest.raises(errors.ApiError) as caught:
        rename(manager, name="")
    assert caught.value.call == "setName"
    assert "a name cannot be empty" in caught.value.message
    assert was_taken_back(lab, before)


def test_a_commit_that_failed_is_aborted_and_raised(lab, manager):
    before = objects(lab)
    fail(lab, "commit", "before")
    with pytest.raises(errors.ApiError) as caught:
        rename(manager)
    assert caught.value.call == "commit"
    assert was_taken_back(lab, before)


def test_a_commit_whose_reply_alone_was_lost_is_a_commit(lab, manager):
    fail(lab, "commit", "after")
    assert api.name_of(rename(manager)) == "renamed"


def test_a_lost_commit_is_believed_only_after_the_abort(lab, manager):
    """Else the change could be seen, and then be taken back by the abort."""
    fail(lab, "commit", "before")
    calls = Calls(lab)
    asked = []
    with pytest.raises(errors.ApiError):
        rename(manager, applied=lambda: asked.append("abort" in calls))
    assert asked == [True]


@pytest.mark.parametrize("phase", ["before", "after"])
def test_where_commit_and_abort_fail_the_commits_error_comes_out(lab, manager, phase):
    fail(lab, "commit", phase)
    fail(lab, "abort")
    with pytest.raises(errors.ApiError) as caught:
        rename(manager, applied=lambda: False)
    assert caught.value.call == "commit"


def test_a_commit_that_failed_is_the_error_even_where_the_state_cannot_be_read_either(lab, manager):
    manager.find("VirtualServer", "web01")  # asks for all names, once
    fail(lab, "commit", "before")
    fail(lab, "getName", times=None)
    with pytest.raises(errors.ApiError) as caught:
        rename(manager)
    assert caught.value.call == "commit"
    assert caught.value.message.endswith("; nobody can tell now whether it was done all the same")


def test_a_commit_that_failed_and_is_known_not_to_be_done_leaves_no_doubt(lab, manager):
    fail(lab, "commit", "before")
    with pytest.raises(errors.ApiError) as caught:
        rename(manager)
    assert "nobody can tell" not in caught.value.message


def test_a_commit_is_not_asked_about_where_it_did_not_fail(lab, manager):
    asked = []
    rename(manager, applied=lambda: asked.append(True))
    assert not asked


def test_a_commit_that_was_interrupted_leaves_no_job_open(lab, manager):
    before = objects(lab)
    with pytest.raises(KeyboardInterrupt):
        with job(manager, "interrupted", lambda: True):
            api.set_name(manager.find("VirtualServer", "web01"), "renamed")
            lab.interrupt = KeyboardInterrupt()
    assert was_taken_back(lab, before)


def test_nothing_goes_on_after_a_job_that_failed(lab, manager):
    went_on = []
    fail(lab, "commit", "before")
    with pytest.raises(errors.ApiError):
        rename(manager)
        went_on.append(True)
    assert not went_on


# -- what an abort that fails leaves open

@pytest.mark.parametrize("times", [1, 2])
def test_an_abort_is_tried_again_so_that_an_open_job_is_not_taken_for_the_truth(lab, run, times):
    before = objects(lab)
    server = run.manager.find_server("web01")
    fail(lab, "commit")
    fail(lab, "abort", times=times)
    with pytest.raises(errors.ApiError):
        with job(run.manager, "test", lambda: api.snapshot_of(server) is not None):
            api.snapshot(server)
    assert objects(lab) == before and lab.open_jobs == [] and run.manager.doubt is None


def test_a_commit_that_never_came_and_cannot_be_aborted_is_made_once_more(lab, manager):
    """L1: what the open job has changed looks like the truth, and would go when the connection ends."""
    fail(lab, "commit", "before")
    fail(lab, "abort", times=None)
    rename(manager)
    assert lab.open_jobs == []
    assert "renamed" in [thing["name"] for thing in objects(lab)]


def test_a_second_commit_that_is_answered_is_looked_into_too(lab, manager):
    """L1: a manager may answer it though the job was rolled back long ago."""
    fail(lab, "commit", "before")
    fail(lab, "abort", times=None)
    with pytest.raises(errors.ApiError) as caught:
        rename(manager, applied=lambda: False)
    assert caught.value.call == "commit"


def test_a_job_that_may_still_be_open_since_nobody_answers_leaves_the_manager_in_doubt(lab, manager):
    for method in ("commit", "abort"):
        lab.faults.append(Fault("before", "hang", method=method, times=None))
    with pytest.raises(errors.ManagerGone):
        rename(manager, applied=lambda: False)
    assert manager.doubt == "the job rename web01 failed, and may still be open"


def test_where_a_body_failed_and_nothing_aborts_it_the_manager_is_not_believed_any_more(lab, run):
    fail(lab, "abort", times=None)
    with pytest.raises(ValueError):
        with job(run.manager, "test", lambda: True):
            raise ValueError("no")
    assert run.manager.doubt == "the job test failed, and could not be aborted"
    number = run.ledger.intend(ledger.POWER, vs="vs-1", vs_name="web01")
    run.release(number, lambda: None)
    assert "nothing is certain" in run.leftovers[0]["reason"]


def test_a_look_that_fails_once_does_not_make_a_lost_reply_a_failure(lab, run):
    server = run.manager.find_server("web01")
    fail(lab, "commit", "after")
    looks = iter([errors.ApiError("getSnapshot", ValueError("busy")), None])

    def applied():
        error = next(looks)
        if error is not None:
            raise error
        return api.snapshot_of(server) is not None
    with job(run.manager, "test", applied):
        api.snapshot(server)
    assert api.snapshot_of(server) is not None
