"""Jobs: create, begin, changes, then commit or abort. Nothing is published before the commit."""
from __future__ import absolute_import, division, print_function, unicode_literals

import threading

from fakes import copying
from fakes.dispatch import ANY, TEXT, operation
from fakes.faults import ManagementException
from fakes.kinds import JOB

CREATED, BEGUN, COMMITTED, ABORTED = "created", "begun", "committed", "aborted"


class Job(object):
    """One management transaction. It belongs to the thread that begins it."""

    def __init__(self, identity, name):
        self.id = identity
        self.name = name
        self.status = CREATED
        self.thread = None
        self.descriptions = []
        self.on_commit = []
        self.after_save = []
        self.new_layers = []
        self.old_layers = []
        self.copies = []
        self.on_abort = []

    def publish(self, function):
        """Have ``function`` called when the job is committed, and not before."""
        self.on_commit.append(function)


def current(open_jobs):
    """Return the begun job that a change of this thread belongs to, or raise the manager's error."""
    mine = [job for job in open_jobs if job.thread is threading.current_thread()]
    if not mine:
        raise ManagementException("no job is begun: changes are made inside a job")
    return mine[-1]


def _must_be(job, statuses, verb):
    if job.status not in statuses:
        raise ManagementException("job %s cannot %s: it is %s" % (job.name, verb, job.status))


@operation(JOB, "begin")
def begin(lab, job):
    """Open the job: changes of this thread belong to it from now on."""
    _must_be(job, (CREATED,), "begin")
    lab.enter()
    job.status = BEGUN
    job.thread = threading.current_thread()
    lab.open_jobs.append(job)


@operation(JOB, "commit")
def commit(lab, job):
    """Make the job's changes final and publish them; they are on disk, and copies are made, when this returns."""
    _must_be(job, (BEGUN,), "commit")
    copying.move(job)
    job.status = COMMITTED
    lab.open_jobs.remove(job)
    lab.world.forget_undo(job)
    try:
        for function in job.on_commit:
            function()
        job_ms = lab.world.settings.get("job_ms", 0)
        copies = copying.begin(lab, job.copies, job_ms)
        lab.save()
        for function in job.after_save:
            function()
        for layer in job.old_layers:
            lab.pages.drop(layer)
    finally:
        lab.leave()
    lab.advance(job_ms)
    copying.wait(lab, copies)


@operation(JOB, "abort")
def abort(lab, job):
    """Undo the job's changes; a job that was never begun just ends."""
    _must_be(job, (CREATED, BEGUN), "abort")
    begun = job.status == BEGUN
    job.status = ABORTED
    if begun:
        lab.open_jobs.remove(job)
        _take_back_layers(lab, lab.world.roll_back(job))
        for layer in job.new_layers:
            lab.pages.drop(layer)
        for function in job.on_abort:
            function()
        lab.leave()


def _take_back_layers(lab, pairs):
    """Keep what was written while the job was open: it went to a layer that the abort takes away."""
    for now, before in pairs:
        if now and before and now.get("layers") != before.get("layers"):
            lab.pages.move(now["layers"][0], before["layers"][0])


@operation(JOB, "addOperationDescription", takes=(TEXT, ANY, ANY, ANY))
def add_operation_description(lab, job, words, _first, _second, _third):
    """Say in the manager's journal what the job does."""
    _must_be(job, (BEGUN,), "be described")
    job.descriptions.append(words)
