# -*- coding: utf-8 -*-
"""A night that ends before all is done: its window closes, it is stopped, or it dies; and how it is resumed."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import time

import pytest

from tests.flows import fleets, helpers, kills
from tests.flows.helpers import compat, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import FAILED, GOOD, night
from vibackup import cli, errors, options, site
from vibackup.fleet import night as nights
from vibackup.fleet import policy
from vibackup.flows import reconcile
from vibackup.run import Run

__all__ = ["stage"]
BUSY, TERMINATED = 4, 143
SLOW = 4096  # bytes that a managed node reads in a second: 64 s for a server


def window(stage, minutes):
    """Return the window of a policy that is open now and closes after so many minutes."""
    opens = stage.lab.clock.time() // 60 * 60
    return "-".join(time.strftime(str("%H:%M"), time.localtime(moment)) for moment in (opens, opens + 60 * minutes))


def skipped(stage):
    return dict((each["vs"], each["why"]) for each in fleets.last(stage).of("skipped"))


# -- the window

def test_when_the_window_closes_nothing_new_begins_and_what_runs_is_finished_within_its_grace(stage):
    """L7: and who was not tried is in the journal, with why."""
    stage.open(fleets.inventory(8, proxies=1, rate=SLOW))
    before = stage.objects()
    ran = night(stage, window=window(stage, 2), grace="10min", batch=4)
    assert ran.status == FAILED, ran.errors
    last = fleets.last(stage)
    assert all(each["started"] < last.facts["closes"] for each in last.of("backup") if each["started"])
    good = [vs for vs, outcomes in fleets.outcomes(last).items() if outcomes == ["ok"]]
    assert 2 <= len(good) < 8 and max(each["started"] + each["seconds"] for each in last.of("backup")
                                      if each["started"]) > last.facts["closes"]
    assert set(skipped(stage).values()) <= {"the window closed before its turn"} and skipped(stage)
    assert sorted(list(fleets.outcomes(last)) + list(skipped(stage))) == fleets.names(8)
    assert stage.objects() == before and last.end["outcome"] == "failed"


def test_what_still_runs_after_the_grace_is_cancelled_and_taken_back(stage):
    """L1, L3, L7."""
    stage.open(fleets.inventory(4, proxies=1, rate=128))
    before = stage.objects()
    ran = night(stage, window=window(stage, 5), grace="5min")
    assert ran.status == FAILED and ran.document["leftovers"] == [], ran.errors
    last = fleets.last(stage)
    assert set(sum(fleets.outcomes(last).values(), [])) == {"stopped"}
    assert [each["why"] for each in last.of("backup") if each["started"]] == [
        "it was cancelled: the window had closed, and its grace was over"] * 2
    assert last.end["at"] < last.facts["closes"] + last.facts["grace"] + 300
    assert stage.objects() == before and stage.catalog() == []


def test_before_its_window_a_night_does_not_begin(stage):
    stage.open(fleets.inventory(2))
    opens = time.strftime(str("%H:%M"), time.localtime(stage.lab.clock.time() + 7200))
    ran = night(stage, window="%s-%s" % (opens, "00:00" if opens != "00:00" else "01:00"))
    helpers.refused(stage, ran, "start it then")


# -- a stop

@pytest.mark.parametrize("every", [7 if helpers.EVERY == 1 else 41])
def test_a_stop_at_any_moment_leaves_nothing_and_no_server_half_done(stage, monkeypatch, every):
    """L1, L3, L5: what is done stays done. Every second one is asked for again, and cancels at once."""
    stage.open(fleets.inventory(3))
    before, at, ended = stage.objects(), 3, False
    while not ended:
        stage.close()
        stage.open(fleets.inventory(3))
        with stopping(stage, monkeypatch, at, is_urgent=at % 2 == 0):
            ran = night(stage)
        ended = ran.status == GOOD
        assert ran.status in (GOOD, TERMINATED) and ran.document["leftovers"] == [], (at, ran.errors)
        assert stage.objects() == before, at
        if not stage.changes() and not ended:  # while it was planned
            at += every
            continue
        last = fleets.last(stage)
        good = sorted(vs for vs, outcomes in fleets.outcomes(last).items() if outcomes[-1] == "ok")
        assert sorted(each["vs"] for each in stage.catalog()) == good, at
        if not ended:
            assert ran.document["outcome"] == "stopped" and last.end["outcome"] == "stopped"
            assert sorted(list(fleets.outcomes(last)) + list(skipped(stage))) == fleets.names(3), at
        at += every
    assert at > len(stage.calls)


@contextlib.contextmanager
def stopping(stage, monkeypatch, at, is_urgent=False):
    """Have TERM come with the ``at``th call, on whichever thread that is made; is_urgent: twice."""
    count, seen, sessions, make_run = stage.lab.count_call, [0], [], cli.Session._make_run

    def noting(session):
        sessions.append(session)
        return make_run(session)

    def counted(handle, method, arguments):
        seen[0] += 1
        if seen[0] == at:
            sessions[0].stop, sessions[0].stops = TERMINATED, 2 if is_urgent else 1
        return count(handle, method, arguments)
    monkeypatch.setattr(cli.Session, "_make_run", noting)
    stage.lab.count_call = counted
    yield
    stage.lab.count_call = count
    monkeypatch.undo()


@pytest.mark.parametrize("name, status", [("INT", 130), ("TERM", 143)])
def test_a_real_signal_in_the_middle_of_a_night_ends_it_and_leaves_nothing(stage, tmpdir, name, status):
    """L3: with processes and a lab on disk; and the night is resumed."""
    folder = compat.text(tmpdir.join("lab"))
    before = helpers.kept_lab(folder, fleets.inventory(3))
    table = stage.write("agents.ini", helpers.AGENT.format(script="while kill -%s $PPID; do sleep 0.1; done" % name))
    hangs = fleets.policy(stage, {"all": {"names": "web*", "agent": "site", "agents": table}})
    ran = helpers.process("vibackup", "fleet", "--lab=" + folder, "--json", hangs)
    assert ran.status == status, ran.errors
    assert ran.document["outcome"] == "stopped" and ran.document["leftovers"] == []
    assert helpers.objects_in(folder) == before
    assert helpers.vibackup_in(folder, "reconcile").status == GOOD
    fleets.policy(stage)
    resumed = helpers.vibackup_in(folder, "fleet", hangs, "--resume")
    assert resumed.status == GOOD and helpers.objects_in(folder) == before, resumed.errors
    assert len(helpers.vibackup_in(folder, "backups").document["backups"]) == 3


def test_after_one_real_signal_what_an_agent_reads_is_finished_and_kept(stage, tmpdir):
    """L1: the night is stopped all the same. The agent reads on until the signal has been answered."""
    folder, answered = compat.text(tmpdir.join("lab")), tmpdir.join("answered")
    before = helpers.kept_lab(folder, fleets.inventory(3))
    script = "kill -TERM $PPID; while ! test -e %s; do sleep 0.1; done; echo read %d" % (answered, fleets.SIZE)
    table = stage.write("agents.ini", helpers.AGENT.format(script=script))
    nightly = fleets.policy(stage, {"all": {"names": "web*", "agent": "site", "agents": table}}, at_once=1)
    child = helpers.start("vibackup", "fleet", "--lab=" + folder, "--json", "--timeout=60", nightly)
    while b"once more, and it is cancelled" not in child.stderr.readline():
        assert child.poll() is None
    answered.write("go on")
    child.communicate()
    assert child.returncode == TERMINATED
    assert len(helpers.vibackup_in(folder, "backups").document["backups"]) == 1
    assert helpers.objects_in(folder) == before and helpers.vibackup_in(folder, "reconcile").status == GOOD


def test_a_dry_run_that_is_stopped_while_it_plans_says_so_and_shows_no_plan(stage, monkeypatch):
    stage.open(fleets.inventory(3))
    with stopping(stage, monkeypatch, 3):
        ran = night(stage, "--dry-run")
    assert ran.status == TERMINATED and ran.document["outcome"] == "stopped", ran.errors
    assert "would do" not in ran.errors and stage.changes() == []


def test_a_second_stop_that_comes_while_the_first_is_answered_is_answered_as_the_second(stage, monkeypatch):
    """L7: a signal may come in the middle of the handler of the one before; it cancels at once, and says so."""
    stage.open(fleets.inventory(1))
    session, told, nested = cli.Session(options.parse("fleet", ["--json", fleets.policy(stage)])), [], [15]
    real = session.verb.stopping

    def stopping_again(given):
        if nested:
            session._stopper(TERMINATED)(nested.pop(), None)
        return real(given)
    monkeypatch.setattr(session.verb, "stopping", stopping_again)
    monkeypatch.setattr(session.progress, "post", lambda words: told.append(words) or True)
    session._stopper(errors.INTERRUPTED)(2, None)
    assert session.stop == errors.INTERRUPTED and session.stops == 2
    assert told == ["vibackup: stopping: taking back what is ours", "vibackup: still taking back what is ours"]


# -- a night that dies

class Ground(object):
    """A lab kept on disk, its policy, and nights in it that are killed."""

    def __init__(self, stage, folder, servers):
        self.folder = compat.text(folder)
        self.servers = servers
        self.before = helpers.kept_lab(self.folder, fleets.inventory(servers))
        self.policy = fleets.policy(stage, batch=2)
        self.said = compat.text(folder) + ".said"

    def vibackup(self, verb, *words):
        return helpers.vibackup_in(self.folder, verb, *words)

    def kill_at(self, call):
        """Let a night die at one of its calls; tells whether it came so far."""
        run = kills.Run(["fleet", "--lab=" + self.folder, "--json", self.policy,
                         "--lab-fault=%d:after:crash" % call], self.said)
        return run.wait() is None

    def backed_up(self):
        return sorted(each["vs"] for each in self.vibackup("backups").document["backups"])


def calls_of(ground, stage):
    """Return how many calls a night of the ground makes."""
    stage.open(fleets.inventory(ground.servers))
    assert stage.vibackup("fleet", ground.policy).status == GOOD
    return len(stage.calls)


PARTS = [3, 5, 8] if helpers.EVERY > 1 else range(2, 10)


@pytest.mark.parametrize("part", PARTS)
def test_a_night_that_is_killed_is_resumed_and_no_server_is_backed_up_twice(stage, tmpdir, part):
    """L4: what the dead night left is released by that."""
    ground = Ground(stage, tmpdir.join("lab"), 5)
    assert ground.kill_at(calls_of(ground, stage) * part // 10)
    done = ground.backed_up()
    resumed = ground.vibackup("fleet", ground.policy, "--resume")
    assert resumed.status == GOOD, resumed.errors
    assert ground.backed_up() == fleets.names(5), done
    assert sorted(resumed.document["done_already"]) == done
    assert helpers.objects_in(ground.folder) == ground.before
    again = ground.vibackup("reconcile", "--fix")
    assert again.status == GOOD and again.document["released"] == 0


@pytest.mark.parametrize("part", PARTS[1::3])
def test_one_reconcile_leaves_nothing_of_a_night_that_was_killed(stage, tmpdir, part):
    """L4."""
    ground = Ground(stage, tmpdir.join("lab"), 3)
    assert ground.kill_at(calls_of(ground, stage) * part // 10)
    assert ground.vibackup("reconcile", "--fix").status == GOOD
    assert helpers.objects_in(ground.folder) == ground.before
    assert ground.vibackup("reconcile", "--fix").document["released"] == 0
    assert ground.vibackup("fleet", ground.policy).status == GOOD


def test_a_night_that_is_resumed_and_dies_again_is_resumed_from_both(stage, tmpdir):
    ground = Ground(stage, tmpdir.join("lab"), 5)
    calls = calls_of(ground, stage)
    assert ground.kill_at(calls * 6 // 10)
    first = ground.backed_up()
    run = kills.Run(["fleet", "--lab=" + ground.folder, "--json", ground.policy, "--resume",
                     "--lab-fault=%d:after:crash" % (calls * 3 // 10)], ground.said)
    assert run.wait() is None and first and len(ground.backed_up()) < 5
    resumed = ground.vibackup("fleet", ground.policy, "--resume")
    assert resumed.status == GOOD and ground.backed_up() == fleets.names(5), resumed.errors
    assert set(first) <= set(resumed.document["done_already"])


def test_a_night_that_is_done_cannot_be_resumed(stage):
    stage.open(fleets.inventory(2))
    assert night(stage).status == GOOD
    helpers.refused(stage, night(stage, "--resume"), "nothing to resume")


# -- two at once

@contextlib.contextmanager
def another_run(stage, verb, do):
    """Have another run, of ``verb``, ``do(run)`` before each command of the agent; yields what that has returned."""
    returned = []

    def beside(_name, argv):
        if fleets.agent_of(argv):
            with Run(site.connect_lab(stage.lab), stage.state(), verb) as run:
                returned.append(do(run))
    with fleets.guests_do(stage, beside):
        yield returned


def test_of_two_nights_of_one_policy_the_second_is_busy(stage):
    """L6."""
    stage.open(fleets.inventory(2))

    def second(run):
        prepared = nights.prepare(run, policy.read(fleets.policy(stage).partition("=")[2]))
        with pytest.raises(errors.Busy) as caught:
            prepared.carry_out(None, None, None)
        return caught.value.message
    with another_run(stage, "fleet", second) as said:
        ran = night(stage)
    assert ran.status == GOOD and len(said) == 2 and "the policy nightly is busy" in said[0], ran.errors
    assert fleets.outcomes(fleets.last(stage)) == fleets.all_good(2)


def test_reconcile_beside_a_night_touches_nothing_of_it(stage):
    """L2, L6."""
    stage.open(fleets.inventory(3))
    with another_run(stage, "reconcile", lambda run: (reconcile.leftovers(run), reconcile.reconcile(run),
                                                      run.leftovers)) as released:
        assert night(stage).status == GOOD
    assert released == [([], 0, [])] * 3
