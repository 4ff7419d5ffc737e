# -*- coding: utf-8 -*-
"""What holds for every flow, whichever of its calls goes wrong, whenever it is stopped or killed."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests.flows.helpers import EVERY, objects_in, process, vibackup_in
from vibackup import errors
from vibackup.run import Run
from vibackup.site import connect_lab

GOOD = (0, 5)


def sweep(stage, prepare, phase, whole, settle=None):
    """Let each call of a flow fail, one at a time: then all is as before, or ``reconcile --fix`` makes it so.

    prepare(): opens the lab, where each run wants a new one, and returns a function that runs the flow's command
    line. phase: before or after. whole(objects before): checks what the flow is meant to leave, after a run that says
    it is done. settle(ran, objects before, place): checks what a run leaves that failed, where that is not all as
    before; ``place`` is for its messages.
    """
    good = prepare()()
    assert good.status in GOOD, good.errors
    for number in range(1, len(stage.calls) + 1, EVERY):
        act = prepare()
        before = stage.objects()
        stage.fault_at(number, phase)
        ran = act()
        stage.lab.faults = []
        place = "%s call %d: %s" % (phase, number, ran.errors)
        assert ran.status in (0, 1, 3, 5, 6, 7), place
        release_what_it_names(stage, ran, place)
        if is_done(ran):
            assert (ran.document["backup"] is None) == (good.document["backup"] is None), place
            whole(before)
        else:
            assert ran.document["backup"] is None, place
            (settle or all_as_before(stage))(ran, before, place)
        nothing_more_to_release(stage, place)


def is_done(ran):
    """Tell whether a run says that it is done, be it with leftovers."""
    return ran.status in GOOD or (ran.status == 6 and ran.document["error"] is None)


def all_as_before(stage):
    """Return a ``settle`` that wants the lab's objects to be what they were."""
    def settle(_ran, before, place):
        assert stage.objects() == before, place
    return settle


def release_what_it_names(stage, ran, place):
    """Release the leftovers of a run, which must be named where it says that there are any."""
    assert "internal error" not in ran.errors, place
    if ran.status == 6:
        assert ran.document["leftovers"], place
        assert stage.vibackup("reconcile").status == 6, place
        fixed = stage.vibackup("reconcile", "--fix")
        assert fixed.status == 0, (place, fixed.errors)


def nothing_more_to_release(stage, place):
    """Check that one more ``reconcile --fix`` finds nothing, and changes nothing."""
    again = stage.vibackup("reconcile", "--fix")
    assert (again.status, again.document["released"]) == (0, 0) and stage.changes() == [], place


def killed_at(lab, words, number, phase):
    """Kill a run in the lab kept in ``lab`` at its call ``number``: one ``reconcile --fix`` leaves all as before."""
    before = objects_in(lab)
    ran = process("vibackup", *(words + ["--lab=" + lab, "--lab-fault=%d:%s:crash" % (number, phase)]))
    assert ran.status in (-9, 137), (number, phase, ran.errors)
    fixed = vibackup_in(lab, "reconcile", "--fix")
    assert fixed.status == 0, (number, phase, fixed.errors)
    assert objects_in(lab) == before, (number, phase)
    again = vibackup_in(lab, "reconcile", "--fix")
    assert again.status == 0 and again.document["released"] == 0


def stop_everywhere(stage, verb, act, before, every=1):
    """Ask a flow for a stop at every moment when it looks for one: each time all is as ``before``; returns how often.

    act(run): runs the flow. The last time, when it is not asked any more, it ends well. every: how many moments to go
    on each time.
    """
    at = stopped = 0
    while True:
        at += every
        asked = []

        def stop_status():
            asked.append(None)
            return errors.TERMINATED if len(asked) >= at else 0
        with Run(connect_lab(stage.lab), stage.state(), verb, stop_status=stop_status) as run:
            try:
                act(run)
            except errors.Stopped as error:
                stopped += 1
                assert error.exit_status == errors.TERMINATED
            else:
                assert len(asked) < at, "it was asked for a stop, and went on"
                return stopped
            assert run.leftovers == [] and stage.objects() == before, at
