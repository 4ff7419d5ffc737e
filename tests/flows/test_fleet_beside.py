# -*- coding: utf-8 -*-
"""Two nights of one policy at once: parts of the same number run beside each other, and nothing else does."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows import fleets
from tests.flows.helpers import stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import GOOD, night
from tests.flows.test_fleet_ends import another_run
from vibackup import errors, locks
from vibackup.fleet import night as nights
from vibackup.fleet import policy

__all__ = ["stage"]


def path_of(stage, **keys):
    """Return the path of the stage's policy."""
    return fleets.policy(stage, **keys).partition("=")[2]


def begin(run, path, part):
    """Begin a night of the policy at ``path``; returns why it is refused, or None where it begins."""
    prepared = nights.prepare(run, policy.read(path), part and nights.shard(part))
    prepared._carry_out = lambda _start_run, _tell, _ending: None
    try:
        prepared.carry_out(None, None, None)
    except errors.Busy as error:
        return error.message
    return None


@pytest.mark.parametrize("first, second, does", [
    (None, "1/2", "all of it"), ("1/2", None, "its part 1/2"), ("1/2", "1/3", "its part 1/2"),
    ("2/2", "3/3", "its part 2/2"), ("1/1", None, "its part 1/1")])
def test_what_has_servers_of_the_night_that_is_under_way_is_busy_and_told_which_that_is(stage, first, second, does):
    """L6: otherwise each would take servers and proxies from the other."""
    stage.open(fleets.inventory(4))
    words = ["--shard=" + first] if first else []
    with another_run(stage, "fleet", lambda run: begin(run, path_of(stage), second)) as said:
        ran = night(stage, *words)
    assert ran.status == GOOD and said, ran.errors
    for each in said:
        assert each.startswith("the policy nightly is busy: the run %s (fleet, process " % ran.document["run"])
        assert each.endswith(") does %s; try again when that is over" % does)
    with another_run(stage, "fleet", lambda run: begin(run, path_of(stage), second)) as said:
        assert stage.proxy_backup(vs="web01").status == GOOD
    assert set(said) == {None}  # it is over


@pytest.mark.parametrize("first, second", [("1/2", "2/2"), ("2/2", "1/2"), ("1/3", "3/3")])
def test_parts_of_the_same_number_run_beside_each_other(stage, first, second):
    stage.open(fleets.inventory(4))
    with another_run(stage, "fleet", lambda run: begin(run, path_of(stage), second)) as said:
        assert night(stage, "--shard=" + first).status == GOOD
    assert said and set(said) == {None}


def test_another_policy_runs_beside_it(stage):
    stage.open(fleets.inventory(2))
    path_of(stage)
    other = stage.write("nightly.ini 2", "[servers all]\nnames = web*\nagent = model\nproxies = pbh*\n"
                                         "[fleet]\nwindow = always\n")
    with another_run(stage, "fleet", lambda run: begin(run, other, None)) as said:
        assert night(stage, "--shard=1/1").status == GOOD
    assert said and set(said) == {None}


def test_the_lock_of_a_night_that_was_killed_keeps_none_away(stage, monkeypatch):
    """L6."""
    stage.open(fleets.inventory(2))
    real = locks.this_process()
    with another_run(stage, "fleet", lambda run: begin(run, path_of(stage), None)) as said:
        with monkeypatch.context() as patched:
            patched.setattr(locks, "this_process", lambda: dict(real, started="gone"))
            ran = night(stage, "--shard=1/1")
    assert ran.status == GOOD and said and set(said) == {None}, (ran.errors, said)
