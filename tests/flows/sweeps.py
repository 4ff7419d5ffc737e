# -*- coding: utf-8 -*-
"""What holds for every flow, whenever it is stopped, and after any failure."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import errors
from vibackup.run import Run
from vibackup.site import connect_lab

GOOD = (0, 5)


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
