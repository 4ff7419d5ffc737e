# -*- coding: utf-8 -*-
"""A run: its steps, its stop, what it takes back, and what it holds."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re

import pytest

from fakes.faults import ManagementException
from tests.runs import make_run, state_folder
from vibackup import errors, ledger
from vibackup.run import Run, new_id

FACTS = {"vs": "vs-1", "vs_name": "web01", "name": "vibackup one web01"}


class Shown(object):
    """Takes what a run shows."""

    def __init__(self):
        self.what = []

    def __call__(self, what, value):
        self.what.append((what, value["outcome"] if what in ("begin", "end") else value))


def boom(error):
    def function():
        raise error
    return function


# -- ids and folders

def test_ids_are_distinct_words_that_begin_with_the_time():
    ids = set(new_id() for _number in range(200))
    assert len(ids) == 200
    assert all(re.match(r"20[0-9]{6}-[0-9]{6}-[0-9a-f]{8}\Z", each) for each in ids)


def test_the_first_backup_of_a_run_has_its_id_and_each_further_one_a_number(lab, tmpdir):
    run = make_run(lab, tmpdir)
    assert [run.new_backup_id() for _number in range(3)] == [run.id, run.id + "-2", run.id + "-3"]


def test_a_run_that_only_reads_wants_no_manager(tmpdir):
    with Run(None, state_folder(tmpdir), "backups") as run:
        assert run.catalog.entries() == []
        assert run.ledger.leftovers() == []


def test_a_run_that_does_nothing_leaves_nothing(lab, tmpdir):
    with make_run(lab, tmpdir) as run:
        folder = run.folder
    assert [name for name in os.listdir(folder) if os.listdir(os.path.join(folder, name))] == []


def test_a_state_folder_that_others_may_write_to_is_refused(lab, tmpdir):
    tmpdir.mkdir("state").chmod(0o777)
    with pytest.raises(errors.Refused):
        make_run(lab, tmpdir)


def test_the_moment_is_the_managers_in_utc(lab, tmpdir):
    run = make_run(lab, tmpdir)
    lab.world.wall_offset_ms = 1212357600000 - lab.world.now_ms
    assert run.now() == "2008-06-01T22:00:00Z"


# -- steps

def test_a_step_is_recorded_with_its_time_and_outcome(lab, tmpdir):
    run = make_run(lab, tmpdir)
    with run.step("backup", "web01", "by dd") as record:
        assert record["outcome"] == "failed"  # until it is over
        run.manager.clock.sleep(12)
    assert (record["name"], record["object"], record["detail"], record["seconds"], record["outcome"]) == (
        "backup", "web01", "by dd", 12.0, "ok")
    assert run.steps == [record]


def test_a_step_that_fails_is_recorded_with_the_cause(lab, tmpdir):
    run = make_run(lab, tmpdir)
    with pytest.raises(errors.GuestError) as caught:
        with run.step("mount", "pbh01"):
            raise errors.GuestError("no such device")
    assert (run.steps[0]["outcome"], run.steps[0]["detail"]) == ("failed", "no such device")
    assert caught.value.step == "mount"


def test_the_innermost_step_is_the_one_that_failed(lab, tmpdir):
    run = make_run(lab, tmpdir)
    with pytest.raises(errors.GuestError) as caught:
        with run.step("outer", "a"):
            with run.step("inner", "b"):
                raise errors.GuestError("x")
    assert caught.value.step == "inner"
    assert [step["outcome"] for step in run.steps] == ["failed", "failed"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), ManagementException("x")],
                         ids=lambda error: type(error).__name__)
def test_any_error_ends_a_step_as_failed(lab, tmpdir, error):
    run = make_run(lab, tmpdir)
    shown = Shown()
    run._show = shown
    with pytest.raises(type(error)):
        with run.step("backup", "web01"):
            raise error
    assert run.steps[0]["outcome"] == "failed"
    assert run.steps[0]["seconds"] is not None
    assert shown.what == [("begin", None), ("end", "failed")]


def test_warnings_are_recorded_and_shown(lab, tmpdir):
    shown = Shown()
    run = make_run(lab, tmpdir, show=shown)
    run.warn("the raw disk is left out")
    assert run.warnings == ["the raw disk is left out"]
    assert shown.what == [("warning", "the raw disk is left out")]


# -- stopping

def test_a_stop_ends_a_run_between_steps(lab, tmpdir):
    run = make_run(lab, tmpdir, stop_status=lambda: errors.TERMINATED)
    with pytest.raises(errors.Stopped) as caught:
        with run.step("backup", "web01"):
            pytest.fail("it goes on")
    assert caught.value.exit_status == errors.TERMINATED
    assert run.steps == []


def test_a_stop_never_keeps_a_run_from_taking_back(lab, tmpdir):
    run = make_run(lab, tmpdir, stop_status=lambda: errors.INTERRUPTED)
    assert run.should_stop()
    with run.releasing():
        run.check_stop()
        assert not run.should_stop()
        with run.releasing():
            run.check_stop()
        with run.step("detach", "pbh01"):
            pass
    with pytest.raises(errors.Stopped):
        run.check_stop()


def test_without_anybody_to_ask_there_is_no_stop(lab, tmpdir):
    run = make_run(lab, tmpdir)
    run.check_stop()
    assert run.should_stop() is False


# -- taking back

def test_what_was_released_is_open_no_more(lab, tmpdir):
    run = make_run(lab, tmpdir)
    done = []
    run.release(run.ledger.intend(ledger.SNAPSHOT, **FACTS), lambda: done.append(True))
    assert done and run.leftovers == []
    assert run.ledger.open_facts(ledger.SNAPSHOT) == []


@pytest.mark.parametrize("error", [errors.ApiError("deleteSnapshot", ValueError("no")), ValueError("odd"),
                                   ManagementException("from Java")], ids=lambda error: type(error).__name__)
def test_what_cannot_be_released_is_a_leftover_and_the_run_goes_on(lab, tmpdir, error):
    shown = Shown()
    run = make_run(lab, tmpdir, show=shown)
    run.release(run.ledger.intend(ledger.SNAPSHOT, **FACTS), boom(error))
    assert [(left["run"], left["what"]) for left in run.leftovers] == [(run.id, "the snapshot of web01")]
    assert shown.what == [("leftover", run.leftovers[0])]
    assert run.ledger.open_facts(ledger.SNAPSHOT) == [FACTS]


def test_an_error_of_the_body_is_not_lost_where_the_release_fails_too(lab, tmpdir):
    """A bare raise after the clean-up would raise the wrong one on Python 2."""
    run = make_run(lab, tmpdir)
    number = run.ledger.intend(ledger.SNAPSHOT, **FACTS)
    with pytest.raises(KeyError):
        try:
            raise KeyError("the body's own")
        finally:
            run.release(number, boom(ValueError("the release's")))
    assert len(run.leftovers) == 1


# -- what it holds

THINGS = [("vs-2", "web01"), ("vs-1", "pbh01")]


def test_what_a_run_holds_no_other_run_holds_until_it_is_left(lab, tmpdir):
    one, two = make_run(lab, tmpdir), make_run(lab, tmpdir)
    with one.held(THINGS):
        for thing in THINGS:
            with pytest.raises(errors.Busy):
                with two.held([thing]):
                    pytest.fail("both hold it")
    with two.held(THINGS):
        pass


def test_a_run_that_cannot_hold_all_holds_none(lab, tmpdir):
    one, two, three = [make_run(lab, tmpdir) for _number in range(3)]
    with one.held([("vs-2", "web01")]):
        with pytest.raises(errors.Busy):
            with two.held(THINGS):
                pytest.fail("not all is free")
        with three.held([("vs-1", "pbh01")]):
            pass


def test_locks_are_given_back_where_the_body_fails(lab, tmpdir):
    one, two = make_run(lab, tmpdir), make_run(lab, tmpdir)
    with pytest.raises(ValueError):
        with one.held(THINGS):
            raise ValueError("x")
    with two.held(THINGS):
        pass


def test_locks_are_taken_in_one_order_so_that_no_two_runs_wait_for_each_other(lab, tmpdir, monkeypatch):
    run = make_run(lab, tmpdir)
    taken = []
    monkeypatch.setattr(run.ledger, "take", lambda identity, *_more: taken.append(identity))
    for things in (THINGS, THINGS[::-1]):
        with run.held(things):
            pass
    assert taken == ["vs-1", "vs-2", "vs-1", "vs-2"]


def test_a_closed_run_holds_nothing(lab, tmpdir):
    one, two = make_run(lab, tmpdir), make_run(lab, tmpdir)
    one.ledger.take("vs-1", "web01")
    with pytest.raises(errors.Busy):
        two.ledger.take("vs-1", "web01")
    one.close()
    with two.held([("vs-1", "web01")]):
        with pytest.raises(errors.Busy) as caught:
            make_run(lab, tmpdir).ledger.take("vs-1", "web01")
    assert "the run %s" % two.id in caught.value.message


def test_a_run_is_made_of_a_manager_a_folder_and_a_verb(lab, tmpdir):
    run = make_run(lab, tmpdir)
    assert isinstance(run, Run)
    assert (run.verb, run.timeout) == ("proxy-backup", 43200)
