# -*- coding: utf-8 -*-
"""Freeze and thaw: the thaw runs whatever happens, once, and within a minute."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes.faults import ManagementException
from tests.runs import fail, find, make_run, objects
from vibackup import compat, errors, ledger, power, quiesce, steps
from vibackup import manager as api
from vibackup.guest import Completed, Guest
from vibackup.job import job
from vibackup.quiesce import quiesced

FREEZE, THAW = ["fsfreeze", "-f", "/srv"], ["fsfreeze", "-u", "/srv"]


class Watched(object):
    """web01's guest; notes what was run in it and when, and answers as it is told to."""

    def __init__(self, run):
        self.clock = run.manager.clock
        self.guests = run.manager.guests
        self.ran = []
        self.answers = {}
        run.manager.guests = self

    def run(self, name, command, *more):
        word = "freeze" if command.argv == FREEZE else "thaw"
        self.ran.append((word, self.clock.monotonic()))
        answers = self.answers.get(word)
        answer = answers.pop(0) if answers else None
        if isinstance(answer, BaseException):
            raise answer
        return answer if answer is not None else self.guests.run(name, command, *more)

    @property
    def words(self):
        return [word for word, _moment in self.ran]


@pytest.fixture
def watched(run):
    return Watched(run)


def around(run, body=lambda: None):
    with quiesced(run, steps.find_server(run.manager, "web01"), Guest(run, "web01", "Linux"), FREEZE, THAW):
        body()


def frozen(lab):
    return lab.world.named({"VirtualServer"}, "web01")["frozen"]


def bad(status=1):
    return Completed(status, "", "no luck")


def boom(error):
    def body():
        raise error
    return body


def test_it_is_frozen_in_the_body_and_thawed_after_it(lab, run, watched):
    seen = []
    around(run, lambda: seen.append(frozen(lab)))
    assert seen == [True]
    assert not frozen(lab)
    assert watched.words == ["freeze", "thaw"]


def test_freeze_and_thaw_are_steps_of_the_run(run, watched):
    around(run)
    assert [(step["name"], step["object"], step["outcome"]) for step in run.steps] == [
        ("freeze", "web01", "ok"), ("thaw", "web01", "ok")]


@pytest.mark.parametrize("error", [ValueError("own"), KeyboardInterrupt(), errors.Stopped(130), SystemExit(1)],
                         ids=lambda error: type(error).__name__)
def test_a_body_that_fails_is_thawed_and_its_own_error_comes_out(lab, run, watched, error):
    with pytest.raises(type(error)) as caught:
        around(run, boom(error))
    assert caught.value is error
    assert not frozen(lab)
    assert watched.words == ["freeze", "thaw"]


def test_an_error_of_java_in_the_body_is_thawed_too(lab, run, watched):
    try:
        around(run, boom(ManagementException("from Java")))
    except compat.FAULTS as error:
        assert compat.message(error) == "from Java"
    else:
        pytest.fail("no error came out")
    assert not frozen(lab)


def test_a_freeze_that_fails_is_thawed_and_the_body_never_runs(run, watched):
    watched.answers["freeze"] = [bad()]
    ran = []
    with pytest.raises(errors.GuestError):
        around(run, lambda: ran.append(True))
    assert not ran
    assert watched.words[:2] == ["freeze", "thaw"]


def test_where_the_freeze_failed_its_error_is_told_and_not_the_thaws(run, watched):
    """What was never frozen cannot be thawed: fsfreeze says so with status 1."""
    watched.answers["freeze"] = [bad(7)]
    with pytest.raises(errors.GuestError) as caught:
        around(run)
    assert caught.value.message == "web01: fsfreeze: no luck (exit status 7)"
    assert caught.value.step == "freeze"
    assert ["thaw" in words for words in run.warnings] == [True]


@pytest.mark.parametrize("status", [None, 255, 128, 137, 143])
def test_a_server_that_may_be_frozen_and_cannot_be_thawed_is_a_leftover(run, watched, status):
    """The freeze may have done its work: its connection was lost, or a signal ended it."""
    watched.answers.update(freeze=[bad(status)], thaw=[bad()] * 3)
    with pytest.raises(errors.GuestError) as caught:
        around(run)
    assert caught.value.step == "freeze"
    assert [(left["what"], left["reason"]) for left in run.leftovers] == [("web01 frozen", "no luck (exit status 1)")]
    assert [facts["command"] for facts in run.ledger.open_facts(ledger.FREEZE)] == [THAW]


@pytest.mark.parametrize("error", [errors.GuestError("no way in"), ValueError("odd")],
                         ids=lambda error: type(error).__name__)
def test_a_server_whose_freeze_could_not_be_asked_for_is_a_leftover_where_it_cannot_be_thawed(run, watched, error):
    watched.answers.update(freeze=[error], thaw=[bad(None)] * 3)
    with pytest.raises(type(error)):
        around(run)
    assert [left["what"] for left in run.leftovers] == ["web01 frozen"]


@pytest.mark.parametrize("status", [1, 2, 32, 126, 127])
def test_a_server_whose_freeze_failed_for_certain_is_no_leftover_where_it_cannot_be_thawed(run, watched, status):
    watched.answers.update(freeze=[bad(status)], thaw=[bad()] * 3)
    with pytest.raises(errors.GuestError):
        around(run)
    assert run.leftovers == []
    assert run.ledger.open_facts(ledger.FREEZE) == []
    assert run.warnings == ["web01: its freeze failed, and so did its thaw: no luck (exit status 1)"]


def test_a_server_that_may_be_frozen_and_is_thawed_is_no_leftover(run, watched):
    watched.answers.update(freeze=[bad(255)], thaw=[Completed(0, "", "")])
    with pytest.raises(errors.GuestError):
        around(run)
    assert (run.leftovers, run.ledger.open_facts(ledger.FREEZE)) == ([], [])


def test_a_freeze_of_which_no_status_came_back_may_have_frozen_and_is_thawed(lab, run, watched):
    fail(lab, "run", "after")
    with pytest.raises(errors.GuestError):
        around(run)
    assert not frozen(lab)
    assert watched.words == ["freeze", "thaw"]


def test_a_thaw_that_fails_twice_is_tried_a_third_time(lab, run, watched):
    watched.answers["thaw"] = [bad(), bad(None)]
    around(run)
    assert not frozen(lab)
    assert watched.words == ["freeze"] + ["thaw"] * 3


def test_a_thaw_that_cannot_even_be_run_is_tried_again(lab, run, watched):
    watched.answers["thaw"] = [errors.Refused("no way in"), ValueError("odd")]
    around(run)
    assert not frozen(lab)


def test_a_thaw_that_never_works_says_that_the_server_is_still_frozen(run, watched):
    watched.answers["thaw"] = [bad()] * 10
    with pytest.raises(errors.GuestError) as caught:
        around(run)
    assert caught.value.message == "web01 is still frozen: no luck (exit status 1); thaw it by hand"
    assert watched.words.count("thaw") == quiesce.THAW_TRIES


def test_a_thaw_goes_on_although_a_stop_was_asked_for(lab, tmpdir):
    asked = []
    run = make_run(lab, tmpdir, stop_status=lambda: errors.TERMINATED if asked else None)
    watched = Watched(run)
    around(run, lambda: asked.append(True))
    assert not frozen(lab)
    assert watched.words == ["freeze", "thaw"]


def test_a_stop_before_the_freeze_runs_neither(lab, tmpdir):
    run = make_run(lab, tmpdir, stop_status=lambda: errors.TERMINATED)
    watched = Watched(run)
    with pytest.raises(errors.Stopped):
        around(run)
    assert watched.words == []


# -- the bound

def moments(watched):
    begun = watched.ran[0][1]
    return [(word, round(moment - begun)) for word, moment in watched.ran]


def test_a_body_that_hangs_is_thawed_after_a_minute_and_its_result_is_not_believed(lab, run, watched):
    with pytest.raises(errors.GuestError) as caught:
        around(run, lambda: run.manager.clock.sleep(600))
    assert "thawed after 60 seconds" in caught.value.message
    assert moments(watched) == [("freeze", 0), ("thaw", 60)]
    assert not frozen(lab)


@pytest.mark.parametrize("method", ["begin", "snapshot", "commit"])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_snapshot_job_that_hangs_is_thawed_after_a_minute_too(lab, run, watched, method, phase):
    before = objects(lab)
    server = find(run, "web01")
    fail(lab, method, phase, "hang")

    def snapshot():
        with job(run.manager, "snapshot", lambda: False):
            api.snapshot(server.handle)

    with pytest.raises(errors.ApiError) as caught:
        around(run, snapshot)
    assert caught.value.call == method
    assert moments(watched) == [("freeze", 0), ("thaw", 60)]
    assert not frozen(lab)
    if (method, phase) != ("commit", "after"):
        assert objects(lab) == before


def test_a_snapshot_within_the_minute_is_thawed_at_once_and_not_again(lab, run, watched):
    around(run, lambda: run.manager.clock.sleep(59))
    run.manager.clock.sleep(600)
    assert moments(watched) == [("freeze", 0), ("thaw", 59)]


def test_where_the_thaw_by_the_timer_fails_it_is_tried_again_at_the_end(lab, run, watched):
    watched.answers["thaw"] = [bad(), bad(), bad()]
    with pytest.raises(errors.GuestError) as caught:
        around(run, lambda: run.manager.clock.sleep(100))
    assert "thawed after 60 seconds" in caught.value.message
    assert moments(watched) == [("freeze", 0)] + [("thaw", 60)] * 3 + [("thaw", 100)]
    assert not frozen(lab)


def test_nothing_is_thawed_that_was_not_quiesced(run, watched):
    with quiesce.not_quiesced():
        run.manager.clock.sleep(600)
    assert watched.words == []


# -- around a snapshot

def test_a_server_that_runs_is_frozen_around_its_snapshot(lab, run, watched):
    vs = find(run, "web01")
    with quiesce.around_snapshot(run, vs, quiesce.guest_of(run, vs), FREEZE, THAW):
        assert frozen(lab)
    assert watched.words[-2:] == ["freeze", "thaw"] and not frozen(lab) and run.warnings == []


def test_a_server_that_does_not_run_is_not_frozen_which_is_a_warning(run, watched):
    vs = find(run, "web01")
    power.stop(run, vs)
    with quiesce.around_snapshot(run, vs, quiesce.guest_of(run, vs), FREEZE, THAW):
        assert watched.words == []
    assert run.warnings == ["web01 does not run, so it is not frozen"]


def test_a_plan_names_freeze_and_thaw_where_there_is_a_guest_to_freeze(run):
    vs = find(run, "web01")
    assert quiesce.lines_around(vs, None, ["snapshot: web01"]) == ["snapshot: web01"]
    assert quiesce.lines_around(vs, quiesce.guest_of(run, vs), ["snapshot: web01"]) == [
        "freeze: web01", "snapshot: web01", "thaw: web01"]


def test_a_server_that_runs_and_does_not_answer_is_refused(run, watched, monkeypatch):
    monkeypatch.setattr(watched, "run", lambda *words: Completed(255, "", "no route to host"))
    with pytest.raises(errors.Refused) as caught:
        quiesce.guest_of(run, find(run, "web01"))
    assert "web01" in caught.value.message


# -- the options

@pytest.mark.parametrize("line, words", [
    ("fsfreeze -f /srv", ["fsfreeze", "-f", "/srv"]), ("sh -c 'echo \"süd\" > /x'", ["sh", "-c", 'echo "süd" > /x']),
    ("  a   b ", ["a", "b"]), ("'a b' ''", ["a b", ""]), ("$(reboot); x", ["$(reboot);", "x"])])
def test_a_command_line_is_split_as_a_shell_would_and_nothing_more(line, words):
    assert quiesce.words(line, "--freeze") == words


@pytest.mark.parametrize("line", ["", "   ", "'open", 'a "b', "a\\"])
def test_a_command_line_that_is_none_is_a_bad_option(line):
    with pytest.raises(errors.UsageError) as caught:
        quiesce.words(line, "--freeze")
    assert "--freeze" in caught.value.message
