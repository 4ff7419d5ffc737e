"""Back up several virtual servers through one proxy, with one reboot for all of them.

The paper's six steps, each for a batch: its central nuisance is that a proxy must be rebooted to see a disk, and to
forget one. So a batch's disks are forgotten by the reboot that shows those of the next.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from vibackup import compat, detaching, errors, events, power, quiesce, steps
from vibackup.faults import as_ours
from vibackup.flows import proxy as single
from vibackup.guest import new_disks


DETACH_TRIES = 3  # before the boot after which others are read, or nothing is


class Share(object):
    """One virtual server's share of a batch. It has a run of its own, so that it fails, is taken back and is recorded
    by itself.

    run: a ``run.Run`` that holds the server. plan: a ``proxy.Plan``, through the batch's proxy. entry: the catalog's,
    once it is backed up. error: a VibackupError that has ended it, or None. is_over: whether it has been taken back,
    once for all: what that left behind is in the run's ``leftovers``.
    """

    def __init__(self, run, plan):
        self.run = run
        self.plan = plan
        self.entry = self.error = None
        self.disks = self.devices = ()
        self.is_over = self._was_on_too_long = False
        self._snapshot = self._attachment = None

    def fail(self, error):
        """Remember why there is no backup; the first reason counts."""
        self.error = self.error or error

    @contextlib.contextmanager
    def _surviving(self):
        """Keep what the body raises to this share."""
        try:
            yield
        except compat.FAULTS as error:
            self.fail(as_ours(error))

    def take_snapshot(self):
        """Make every check, then take the snapshot."""
        with self._surviving():
            single.check(self.run, self.plan)
            moment = quiesce.around_snapshot(self.run, self.plan.vs, self.plan.vs_guest, self.plan.freeze,
                                             self.plan.thaw)
            self._snapshot = steps.intend_snapshot(self.run, self.plan.vs)
            snapshot = steps.take_snapshot(self.run, self.plan.vs, self._snapshot, moment)
            self.disks = steps.snapshot_disks_of(self.run.manager, self.plan.vs, snapshot,
                                                 [disk.name for disk in self.plan.disks])

    def attach(self, own):
        """Attach the snapshot disks to the proxy, whose guest shows the GuestDisks ``own`` without them."""
        if self.error is None:
            with self._surviving():
                self._attachment = steps.intend_attachment(self.run, self.disks, self.plan.proxy, own)
                steps.attach(self.run, self.disks, self.plan.proxy)
            if self.error is not None:
                self.detach()

    def found(self, devices):
        """Take over the GuestDisks that the disks are, in their order."""
        self.devices = devices
        with self._surviving():
            self.run.ledger.made(self._attachment, places=detaching.places(devices))

    def back_up(self):
        """Have the agent read the disks, and the catalog know the backup."""
        with self._surviving():
            self.plan.id = self.run.new_backup_id()
            self.entry = single.back_up_disks(self.run, self.plan, self.disks, self.devices)

    @property
    def is_attached(self):
        """Whether disks of it may be on the proxy, or shown by its guest."""
        return self._attachment is not None and self.run.ledger.is_open(self._attachment)

    def detach(self):
        """Take the disks off the proxy; why that failed is told by ``forget``."""
        for _try in range(DETACH_TRIES):
            if not self.is_attached or self._is_detached():
                return

    def _is_detached(self):
        with self._surviving(), self.run.releasing():
            self._take_off()
            return True
        return False

    def _take_off(self):
        """Take the disks off; tells whether they were on. Those that are on when it boots may get other places."""
        facts = self.run.ledger.facts(self._attachment)
        if facts.get("places") is not None:
            self.run.ledger.made(self._attachment, places=None)
        return detaching.detach(self.run, self.plan.proxy, facts)

    def forget(self, why_not=None, is_shown=None):
        """Record that the proxy has forgotten the disks, where it has, and delete the snapshot.

        why_not: the VibackupError for which nobody can look, or None. is_shown: whether its guest shows them, where
        that is known: those of the next batch may be in their places.
        """
        run = self.run
        self.is_over = True
        if self.is_attached:
            run.release(self._attachment, lambda: self._check_forgotten(why_not, is_shown))
        if self._snapshot is not None and run.ledger.is_open(self._snapshot):
            run.release(self._snapshot, lambda: steps.release_snapshot(run, self.plan.vs,
                                                                       run.ledger.facts(self._snapshot)))

    def _check_forgotten(self, why_not, is_shown):
        self._was_on_too_long = self._take_off() or self._was_on_too_long
        if events.is_down(self.run.manager, self.plan.proxy.handle):
            return
        if self._was_on_too_long:
            raise errors.GuestError("%s was booted before they could be taken off, and shows them" % (
                self.plan.proxy.name))
        if is_shown is False:
            return
        if why_not is not None:
            raise why_not
        detaching.must_have_forgotten(self.run, self.plan.proxy, self.plan.guest,
                                      self.run.ledger.facts(self._attachment))


def take_on(run, proxy, guest, leaving, shares):
    """Have ``proxy`` forget the Shares ``leaving`` and show the disks of ``shares``, by one reboot.

    1. What is backed up is unassigned from the proxy.
    2. Snapshots of the next primary volumes are taken.
    3. The snapshot logical disks are assigned to the proxy.
    4. The proxy discovers them by a reboot, which has it forget the others.
    5. The snapshots that are backed up are deleted.

    run: a ``run.Run`` that holds the proxy, which runs; guest: its guest. Those of ``shares`` whose ``error`` is None
    can be backed up afterwards. Returns None, or the error for which the proxy does not show any: then ``leaving`` may
    be on it still. Whatever happens, ``shares`` are to be given to this or to ``let_go`` as ``leaving``.
    """
    for share in leaving:
        share.detach()
    try:
        for share in shares:
            share.take_snapshot()
        found = _show(run, proxy, guest, leaving, shares)
    except compat.FAULTS as fault:
        error = as_ours(fault)
        for share in shares:
            share.fail(error)
        return error
    _tell_of_doubt(run, leaving + shares)
    for share in leaving + [share for share in shares if share.error is not None]:
        share.forget(is_shown=False if found else None)
    return None


def _tell_of_doubt(run, shares):
    """Have the runs of Shares believe no more than ``run`` can: what it did to the proxy may never become true."""
    for share in shares:
        share.run.manager.doubt = share.run.manager.doubt or run.manager.doubt


def _show(run, proxy, guest, leaving, shares):
    """Attach the disks of ``shares`` and reboot; what the guest shows besides those of ``leaving`` is its own.

    Returns whether the guest is known to show those of ``shares``, and no others that are not its own.
    """
    guest.wait_until_it_answers(events.BOOT_SECONDS)
    gone = [_place(device) for share in leaving for device in share.devices]
    own = [disk for disk in guest.disks() if _place(disk) not in gone]
    for share in shares:
        share.attach(own)
    shares = [share for share in shares if share.error is None]
    if shares or any(share.is_attached for share in leaving):
        _reboot(run, proxy, guest)
    if shares:
        _find(run, guest, own, shares)
    return bool(shares)


def _place(disk):
    return (disk.path, disk.position, disk.bytes)


def _reboot(run, proxy, guest):
    power.reboot(run, proxy)
    guest.wait_until_it_answers(events.BOOT_SECONDS)


def _find(run, guest, own, shares):
    with run.step("find disks", guest.name) as record:
        found = new_disks(own, guest.disks(), [disk.bytes for share in shares for disk in share.disks], guest.name)
        record["detail"] = ", ".join(disk.path for disk in found)
    for share in shares:
        share.found(found[:len(share.disks)])
        found = found[len(share.disks):]


def let_go(run, proxy, guest, leaving):
    """Have ``proxy`` forget the Shares ``leaving``, by one reboot if any may be on it, and delete their snapshots.

    What cannot be taken back is in the ``leftovers`` of the shares' runs.
    """
    leaving = [share for share in leaving if not share.is_over]
    error = None
    with run.releasing():
        for share in leaving:
            share.detach()
        try:
            if any(share.is_attached for share in leaving) and not events.is_down(run.manager, proxy.handle):
                _reboot(run, proxy, guest)
        except compat.FAULTS as fault:
            error = as_ours(fault)
    _tell_of_doubt(run, leaving)
    for share in leaving:
        share.forget(error)
