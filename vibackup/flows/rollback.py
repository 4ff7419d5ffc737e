"""Protect a risky change by a snapshot that stays: the paper's "quick method of rolling back the changes".

"This snapshot can be used when significant changes are going to be made to a logical disk (for
example, during an operating system upgrade)". Taken before the change; afterwards either reverted
to, as often as one likes, or discarded. Between these runs the ledger keeps it.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import checks, errors, events, ledger, power, steps
from vibackup import manager as api
from vibackup.job import job
from vibackup.quiesce import not_quiesced


def take(run, plan):
    """Take the snapshot of ``plan.vs`` and keep it; return ``plan.report()`` with run, taken (UTC) and groups.

    1. The snapshot is taken.
    2. It has a disk for each logical disk of the server.
    3. The ledger keeps it: until it is discarded it is neither a leftover, nor anybody else's to delete.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where there is nothing to roll back to,
    having taken back what it made; what it could not take back is in ``run.leftovers``.
    """
    with run.held(plan.holds()):
        check_take(run, plan)
        _forget(run, plan)
        taken = run.now()
        with steps.kept_snapshot(run, plan.vs, not_quiesced(), taken) as snapshot:
            _covers(run, plan, snapshot)
            done = plan.report(run=run.id, taken=taken, groups=_groups(plan))
        return done


def revert(run, plan):
    """Give the disks of ``plan.vs`` back what they held; return ``plan.report()`` with run, taken, runs and kept.

    1. The server is stopped, if it runs.
    2. Its disks are reverted to the snapshot, which stays.
    3. The server is started again, if it ran.

    Raises a VibackupError which says whether the disks are reverted; the server is started again
    either way. A server that was not running is not started.
    """
    with run.held(plan.holds()):
        check_revert(run, plan)
        reverted = []
        try:
            with power.stopped(run, plan.vs):
                _must_be_ours(plan.vs, plan.record.facts)
                checks.still_valid(plan.copies)
                _revert_disks(run, plan)
                reverted.append(True)
            kept = _still_kept(run, plan)
            return plan.report(run=plan.record.run, taken=plan.record.facts["taken"], kept=kept,
                               runs=events.state_of(run.manager, plan.vs.handle) == api.RUNNING)
        except errors.VibackupError as error:
            if reverted:
                error.message = "the disks of %s are reverted, but: %s" % (plan.vs.name, error.message)
            raise


def discard(run, plan):
    """Delete the snapshot that is kept, and so keep what was changed; return ``plan.report()`` with run, taken, gone.

    gone: whether somebody had deleted it before. Raises a VibackupError where it is still there;
    then it is still kept.
    """
    with run.held(plan.holds()):
        check_discard(run, plan)
        if plan.snapshot is not None:
            steps.release_snapshot(run, plan.vs, plan.record.facts)
            _forget(run, plan)
        else:
            with run.step("forget", plan.vs.name, "its snapshot is gone"):
                _forget(run, plan)
        return plan.report(run=plan.record.run, taken=plan.record.facts["taken"], gone=plan.snapshot is None)


class Plan(object):
    """What ``take``, ``revert`` or ``discard`` is to do to the virtual server called ``vs``. Raises NotFound.

    Its check completes it. records: the ledger's, of what was kept for the server; record: the one
    of ``snapshot``, a handle, None where it is gone. copies: its snapshot disks. disks: the Disks of
    the server that it is of; others: those that are not in it. was: the server's state.
    """

    def __init__(self, run, vs):
        self.vs = steps.find_server(run.manager, vs)
        self.records = ()
        self.record = self.snapshot = None
        self.copies = self.disks = self.others = ()
        self.was = None
        self.will = ()

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it."""
        return [(self.vs.id, self.vs.name)]

    def lines(self):
        """Return what will be done, a line a step, once its check has completed the plan."""
        return list(self.will)

    def report(self, **more):
        """Return what was done, for the JSON document."""
        return dict(more, vs=self.vs.name, disks=[disk.name for disk in self.disks],
                    not_in_it=[disk.name for disk in self.others])


# -- what is done

def _groups(plan):
    """Return the disk groups in which the snapshot grows, as ``{"name", "free_bytes"}``, each once."""
    groups = dict((disk.group, api.group_of(disk.handle)) for disk in plan.disks)
    return [{"name": name, "free_bytes": api.free_bytes(groups[name])} for name in sorted(groups)]


def _covers(run, plan, snapshot):
    """Raise where the snapshot lacks a disk: what is not in it cannot be rolled back."""
    originals = [disk.original for disk in steps.snapshot_disks(run.manager, snapshot)]
    names = [disk.name for disk in plan.disks]
    if sorted(originals) != sorted(names):
        raise errors.VibackupError("the snapshot of %s has the disks %s where these were to be in it: %s" % (
            plan.vs.name, ", ".join(originals) or "none", ", ".join(names)))


def _revert_disks(run, plan):
    """Revert the disks. Whether a commit without a reply took effect cannot be seen; to do it again does no harm."""
    try:
        _revert_once(run, plan)
        return
    except errors.ApiError as error:
        if error.call != "commit":
            raise
    try:
        with run.releasing():  # nobody stops it here, where nothing is known
            _revert_once(run, plan)
    except errors.VibackupError as error:
        error.message = "whether the disks of %s are reverted is not known%s: %s" % (
            plan.vs.name, ", so revert again" if isinstance(error, errors.ApiError) else "", error.message)
        raise


def _revert_once(run, plan):
    vs, facts = plan.vs, plan.record.facts
    with run.step("revert", vs.name, "to its snapshot of %s" % facts["taken"]):
        with job(run.manager, "revert %s" % vs.name, lambda: False) as made:
            _must_be_ours(vs, facts)
            api.revert(vs.handle)
            api.describe(made, "Revert %s to its snapshot" % vs.name, vs.handle)


def _must_be_ours(vs, facts):
    """Raise where the snapshot that a revert would go back to is not ours any more."""
    try:
        ours = steps.our_snapshot(vs, facts)
    except errors.Refused as error:
        raise errors.VibackupError("the snapshot of %s: %s" % (vs.name, error.message))
    if ours is None:
        raise errors.VibackupError("the snapshot of %s taken %s is gone since this run began: nothing is reverted to "
                                   "another one" % (vs.name, facts["taken"]))


def _still_kept(run, plan):
    """Tell whether the snapshot is still there; some managers may take it away with the revert.

    Raises where another one is in its place: nobody knows then which one was reverted to.
    """
    if steps.our_snapshot(plan.vs, plan.record.facts) is not None:
        return True
    if api.snapshot_of(plan.vs.handle) is not None:
        raise errors.VibackupError("%s has another snapshot now than the one taken %s: look whether its disks hold "
                                   "what they should" % (plan.vs.name, plan.record.facts["taken"]))
    run.ledger.release_of(plan.record)
    return False


# -- what must hold before

def check_take(run, plan):
    """Make every check before a snapshot is taken, and complete ``plan``; raise what speaks against it."""
    disks = checks.disks_of(run.manager, plan.vs)
    plan.disks = checks.some_logical(plan.vs, disks)
    plan.others = [disk for disk in disks if disk not in plan.disks]
    if any(run.manager.is_snapshot_disk(disk.handle) for disk in plan.disks):
        raise errors.Refused("%s is a snapshot itself: name the server that it is of" % plan.vs.name)
    checks.can_snapshot(run, plan.vs, plan.disks)
    api.require_for("revert", plan.vs.handle)
    plan.records = _kept(run, plan.vs)
    for record in plan.records:
        run.warn("the snapshot of %s that the run %s took %s is gone: somebody deleted it" % (
            plan.vs.name, record.run, record.facts["taken"]))
    _warn_of_others(run, plan)
    plan.will = ["snapshot: %s" % plan.vs.name, "keep: %s, until vibackup rollback --discard" % plan.vs.name]


def check_revert(run, plan):
    """Make every check before a server is reverted, and complete ``plan``; raise what speaks against it."""
    _find(run, plan)
    if plan.snapshot is None:
        raise errors.Refused("the snapshot of %s that the run %s took %s is gone, so nothing can be reverted: release "
                             "its record with vibackup rollback --discard" % (
                                 plan.vs.name, plan.record.run, plan.record.facts["taken"]))
    run.manager.require_events()
    api.require_for("revert", plan.vs.handle)
    _check_disks(run, plan)
    _check_not_lost(plan)
    _check_at_rest(run, plan)
    plan.was = checks.power(run.manager, plan.vs)
    _warn_of_others(run, plan)
    plan.will = ["revert: %s, to its snapshot of %s" % (plan.vs.name, plan.record.facts["taken"])]
    if plan.was == api.RUNNING:
        plan.will = ["stop: %s" % plan.vs.name] + plan.will + ["start: %s" % plan.vs.name]


def check_discard(run, plan):
    """Make every check before a snapshot is discarded, and complete ``plan``; raise what speaks against it."""
    _find(run, plan)
    if plan.snapshot is None:
        plan.will = ["forget: %s, its snapshot is gone" % plan.vs.name]
        return
    api.require_for("snapshot", plan.vs.handle)
    _look_at_disks(run, plan)
    for copy in plan.copies:
        api.require_for("space", api.group_of(copy))
    _check_at_rest(run, plan)
    plan.will = ["delete snapshot: %s" % plan.vs.name]


# -- what is kept

def _kept(run, vs):
    """Return the ledger's records of snapshots of ``vs`` that were taken to be rolled back to, with this manager."""
    return [record for record in run.ledger.kept(ledger.SNAPSHOT)
            if record.facts["vs"] == vs.id and record.owner.get("manager") in (None, run.manager.name)]


def _forget(run, plan):
    """Release the records of snapshots that are gone."""
    for record in plan.records:
        run.ledger.release_of(record)


def _find(run, plan):
    """Find what is kept for the server, and the snapshot if it is there and provably ours; refuse anything else."""
    plan.records = _kept(run, plan.vs)
    existing = api.snapshot_of(plan.vs.handle)
    if not plan.records and existing is not None:
        raise errors.Refused("%s has no snapshot of ours to roll back to; the one it has is %s" % (
            plan.vs.name, checks.whose_snapshot(run, existing)))
    if not plan.records:
        raise errors.Refused("%s has no snapshot to roll back to: take one before the change with vibackup rollback "
                             "--take" % plan.vs.name)
    for record in plan.records:
        plan.record, plan.snapshot = record, _proven(plan.vs, record.facts)
        if plan.snapshot is not None:
            return
    if existing is not None:
        run.warn("%s has another snapshot, %s" % (plan.vs.name, checks.whose_snapshot(run, existing)))


def _proven(vs, facts):
    try:
        return steps.our_snapshot(vs, facts)
    except errors.Refused as error:
        raise errors.Refused("the snapshot of %s: %s" % (vs.name, error.message))


def _look_at_disks(run, plan):
    """Complete the plan's copies, disks and others; return the disks that the snapshot is of (handles)."""
    plan.copies = [device for device in api.devices_of(plan.snapshot) if run.manager.is_snapshot_disk(device)]
    parents = [api.parent_of(copy) for copy in plan.copies]
    covered = [api.identity_of(parent) for parent in parents]
    disks = checks.disks_of(run.manager, plan.vs)
    plan.disks = [disk for disk in disks if api.identity_of(disk.handle) in covered]
    plan.others = [disk for disk in disks if disk not in plan.disks]
    return parents


def _check_disks(run, plan):
    """Refuse a snapshot that is not whole any more, or whose server lacks one of the disks it was taken of."""
    parents = _look_at_disks(run, plan)
    if not set(plan.record.facts["disks"]) <= set(api.identity_of(each) for each in api.devices_of(plan.snapshot)):
        raise errors.Refused("the snapshot of %s lacks a disk that it was taken with, so it is not reverted to: "
                             "discard it" % plan.vs.name)
    there = [api.identity_of(disk.handle) for disk in plan.disks]
    for parent in parents:
        if api.identity_of(parent) not in there:
            raise errors.Refused("%s has the disk %s no more, which is in its snapshot: give it back before you "
                                 "revert" % (plan.vs.name, api.name_of(parent)))


def _check_not_lost(plan):
    for copy in plan.copies:
        why = api.loss_of(copy)
        if why is not None:
            raise errors.Refused("%s cannot be reverted, because %s was lost (%s): discard the snapshot, and restore a "
                                 "backup" % (plan.vs.name, api.name_of(copy), why))


def _check_at_rest(run, plan):
    """Refuse while somebody has booted the snapshot itself."""
    if events.state_of(run.manager, plan.snapshot) in (api.RUNNING, api.STARTING):
        raise errors.Refused("the snapshot of %s runs: stop %s first" % (plan.vs.name, plan.record.facts["name"]))


def _warn_of_others(run, plan):
    for disk in plan.others:
        run.warn("%s: the disk %s is not in the snapshot, so it stays as it is" % (plan.vs.name, disk.name))
