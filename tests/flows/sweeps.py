# -*- coding: utf-8 -*-
"""What holds for every flow, whichever of its calls goes wrong, whenever it is stopped or killed."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.flows.helpers import EVERY, objects_in, process, vibackup_in
from vibackup import errors
from vibackup.run import Run
from vibackup.site import connect_lab

GOOD = (0, 5)


def sweep(stage, prepare, phase, whole):
    """Let each call of a flow fail, one at a time: then all is as before, or ``reconcile --fix`` makes it so.

    prepare(): opens the lab and returns a function that runs the flow's command line. whole(objects before): checks what
    the flow is meant to leave, after a run that says it is done. phase: before or after.
    """
    prepare()()
    for number in range(1, len(stage.calls) + 1, EVERY):
        act = prepare()
        before = stage.objects()
        stage.fault_at(number, phase)
        ran = act()
        stage.lab.faults = []
        place = "%s call %d: %s" % (phase, number, ran.errors)
        assert ran.status in (0, 1, 3, 5, 6, 7), place
        assert "internal error" not in ran.errors, place
        if ran.status == 6:
            assert ran.document["leftovers"], place
            assert stage.vibackup("reconcile").status == 6, place
            assert stage.vibackup("reconcile", "--fix").status == 0, place
        if ran.status in GOOD or (ran.status == 6 and ran.document["error"] is None):
            whole(before)
        else:
            assert stage.objects() == before, place
        again = stage.vibackup("reconcile", "--fix")
        assert again.status == 0 and again.document["released"] == 0 and stage.changes() == [], place


def killed_at(lab, words, number, phase):
    """Kill a run in the lab kept in ``lab`` at its call ``number``; one ``reconcile --fix`` must leave all as before."""
    before = objects_in(lab)
    ran = process("vibackup", *(words + ["--lab=" + lab, "--lab-fault=%d:%s:crash" % (number, phase)]))
    assert ran.status in (-9, 137), (number, phase, ran.errors)
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 0, (number, phase, fixed.errors)
    assert objects_in(lab) == before, (number, phase)
    again = vibackup_in(lab, "reconcile", "--fix")
    assert again.status == 0 and again.document["released"] == 0


def stop_everywhere(stage, verb, act, before):
    """Ask a flow for a stop at every moment when it looks for one: each time all is as ``before``; returns how often.

    act(run): runs the flow. The last time, when it is not asked any more, it ends well.
    """
    at = stopped = 0
    while True:
        at += 1
        asked = []

        def stop_status():
            asked.append(None)
            return errors.TERMINATED if len(asked) >= at else 0
        with Run(connect_lab(stage.lab), stage.state(), verb, stop_status=stop_status) as run:
            try:
                act(run)
            except errors.Stopped:
                stopped += 1
            else:
                return stopped
            assert run.leftovers == [] and stage.objects() == before, at
