# -*- coding: utf-8 -*-
"""proxy-backup that is asked to stop, at any moment, takes everything back."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from tests.flows.helpers import compat, process, site_agent, small, stage  # noqa: F401
from tests.flows.sweeps import stop_everywhere
from vibackup import agents, errors
from vibackup.flows import proxy
from vibackup.run import Run
from vibackup.site import connect_lab


def test_a_stop_at_any_moment_leaves_nothing(stage):
    stage.open(small())
    before = stage.objects()
    stopped = stop_everywhere(stage, "proxy-backup", lambda run: proxy.proxy_backup(run, proxy.Plan(
        run, "web01", "pbh01", agents.load()["model"], freeze=["true"], thaw=["true"])), before)
    assert stopped >= 8 and stage.objects() == before


def test_a_stop_while_a_freeze_hangs_ends_it_and_thaws(stage):
    stage.open(small())
    before = stage.objects()
    asked = []
    real = stage.lab.guests.run

    def noting(name, command, *more):
        asked.extend([command] if command.argv[0] == "tail" else [])
        return real(name, command, *more)
    stage.lab.guests.run = noting
    run = Run(connect_lab(stage.lab), os.path.join(stage.folder, "state"), "proxy-backup",
              stop_status=lambda: errors.INTERRUPTED if asked else 0)
    with run, pytest.raises(errors.Stopped):
        proxy.proxy_backup(run, proxy.Plan(run, "web01", "pbh01", agents.load()["model"],
                                           freeze=["tail", "-f", "/dev/null"], thaw=["true"]))
    assert run.leftovers == [] and stage.objects() == before
    assert [step["name"] for step in run.steps] == ["freeze", "thaw"]


@pytest.mark.parametrize("signal, status, words", [
    ("INT", 130, "stopped by Ctrl-C"), ("TERM", 143, "stopped by TERM or a closed terminal")])
def test_a_real_signal_while_the_agent_runs_ends_it_and_leaves_nothing(stage, tmpdir, signal, status, words):
    agent = site_agent(stage, "kill -%s $PPID; exec tail -f /dev/null" % signal)
    folder = compat.text(tmpdir.join("lab"))
    ran = process("vibackup", "proxy-backup", "--lab=" + folder, "--json", "--vs=web01", "--proxy=pbh01", *agent)
    assert ran.status == status, ran.errors
    assert ran.error == words and ran.document["outcome"] == "stopped" and ran.document["leftovers"] == []
    assert "vibackup: stopping: taking back what is ours" in ran.errors.splitlines()
    assert ran.steps[-3:] == ["reboot", "check disks", "delete snapshot"]
