"""Back up raw disks by their storage array: the paper's "Raw Disk and Storage Subsystem Functions"."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import contextlib

from vibackup import arrays, catalog, checks, errors, events, ledger, quiesce, steps
from vibackup import manager as api
from vibackup.flows import proxy

ARRAY = "array"

# A raw disk. name: of the disk; lun: what the array calls it.
Lun = collections.namedtuple("Lun", "name lun")


def array_backup(run, plan):
    """Back up the disks of ``plan.vs``, the raw ones by the array ``plan.array``; return the catalog's entry.

    1. The application is held still.
    2. The array takes a snapshot of each LUN; that of the logical disks, if any, is taken in the same moment.
    3. The application goes on.
    4. The array must list what it has taken.
    5. The logical disks go through the proxy, as in ``proxy.proxy_backup``.

    run: a ``run.Run``. plan: a Plan. The array's snapshots are the backup, and are kept. Raises a
    VibackupError where there is no good backup of all disks, having taken back every snapshot of
    either sort; what it could not take back is in ``run.leftovers``.
    """
    with run.held(plan.holds()):
        check(run, plan)
        plan.id = run.new_backup_id()
        with _taken_back(run) as numbers:
            if plan.logical is not None:
                return _with_logical(run, plan, numbers)
            with _held_still(run, plan):
                _take_all(run, plan, numbers)
            _check_all(run, plan, numbers)
            return _record(run, plan)


def _with_logical(run, plan, numbers):
    """Take the same steps for a server that has logical disks too, and the last one; return the catalog's entry."""
    @contextlib.contextmanager
    def moment():
        with _held_still(run, plan):
            _take_all(run, plan, numbers)
            yield
        _check_all(run, plan, numbers)
    return proxy.back_up_snapshot(run, plan.logical, plan.id, moment(), lambda: _proven(run, plan, numbers))


@contextlib.contextmanager
def _taken_back(run):
    """Yield a list for the ledger's numbers of LUNs' snapshots; delete all of them unless the backup is good."""
    numbers = []
    try:
        yield numbers
    finally:
        for number in reversed(numbers):
            _release(run, number)


def _release(run, number):
    run.release(number, lambda: arrays.take_back(run, run.ledger.facts(number)))


def _held_still(run, plan):
    return quiesce.around_snapshot(run, plan.vs, plan.vs_guest, plan.freeze, plan.thaw)


def _take_all(run, plan, numbers):
    for lun in plan.luns:
        _take(run, plan, lun, numbers)


def _check_all(run, plan, numbers):
    """Ask the array whether it has what it took, each in a step of its own."""
    for lun, number in zip(plan.luns, numbers):
        with run.step("check LUN", lun.name, plan.tag(lun)):
            arrays.prove(run, run.ledger.facts(number))
            run.ledger.made(number, listed=True)


def _proven(run, plan, numbers):
    """Return the raw disks' entries, once the array still lists all: the proxy may have taken hours meanwhile."""
    for number in numbers:
        arrays.prove(run, run.ledger.facts(number))
    return plan.entries()


def _take(run, plan, lun, numbers):
    """Have the array take the snapshot of ``lun``; its number in the ledger is in ``numbers`` before that."""
    numbers.append(run.ledger.intend(ledger.LUN, vs=plan.vs.id, vs_name=plan.vs.name, backup=plan.id,
                                     **arrays.facts_of(plan.array, lun.lun, plan.tag(lun))))
    with run.step("snapshot LUN", lun.name, "%s by %s" % (lun.lun, plan.array.name)):
        arrays.take(run, plan.array, lun.lun, plan.tag(lun))
        run.ledger.made(numbers[-1], taken=True)


def _record(run, plan):
    """Write the backup of a server that has raw disks alone to the catalog; return the entry."""
    entry = catalog.new_entry(run, plan.id, plan.vs, plan.array.name, ARRAY, plan.entries(), server=plan.settings)
    run.catalog.add(entry)
    return entry


class Plan(object):
    """A backup of the virtual server ``vs`` whose raw disks ``array`` (an ``arrays.Array``) has.

    freeze, thaw: commands as lists of words, or None. proxy_name, agent, location: as ``proxy.Plan`` takes
    them, for a server that has logical disks too; None where it has none. Raises NotFound.
    """

    def __init__(self, run, vs, array, freeze=None, thaw=None, proxy_name=None, agent=None, location=None):
        self.vs = steps.find_server(run.manager, vs)
        self.array = array
        self.freeze, self.thaw = freeze, thaw
        self.logical = None
        if proxy_name is not None:
            self.logical = proxy.Plan(run, vs, proxy_name, agent, location=location, freeze=freeze, thaw=thaw)
        self.luns = ()
        self.id = None
        self.vs_guest = None
        self.settings = {}

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it."""
        return [(self.vs.id, self.vs.name)] if self.logical is None else self.logical.holds()

    def tag(self, lun):
        """Return what the snapshot of ``lun``, one of ``luns``, is called."""
        return arrays.tag_of(self.id, self.luns.index(lun) + 1)

    def entries(self):
        """Return the raw disks as the catalog has them."""
        return [dict(catalog.disk_entry(lun.name, None), lun=lun.lun, tag=self.tag(lun), array=self.array.name)
                for lun in self.luns]

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        also = ["snapshot LUN: %s, %s by %s" % (lun.name, lun.lun, self.array.name) for lun in self.luns]
        after = ["check LUN: %s" % lun.name for lun in self.luns]
        if self.logical is not None:
            return self.logical.lines(also, after)
        return quiesce.lines_around(self.vs, self.vs_guest, also) + after


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    _check_array(run, plan.array)
    disks = checks.disks_of(run.manager, plan.vs)
    plan.luns = _luns_of(plan.vs, disks)
    for lun in plan.luns:
        arrays.answers(run, plan.array, lun.lun)
    logical = [disk.name for disk in checks.logical(disks)]
    if logical:
        _check_logical(run, plan, logical)
    else:
        _check_raw_alone(run, plan)
    if plan.freeze is None and events.state_of(run.manager, plan.vs.handle) == api.RUNNING:
        run.warn("%s is not frozen (no --freeze): %s" % (plan.vs.name, _consistency(len(plan.luns) + len(logical))))


def _check_array(run, array):
    """Keep models away from real servers, of which they would protect nothing, and real arrays out of labs."""
    if array.for_lab and run.manager.lab is None:
        raise errors.Refused("array %s is a model for labs and protects nothing: give the array that has the LUNs"
                             % array.name)
    if run.manager.lab is not None and not array.for_lab:
        raise errors.Refused("array %s is a real one, whose commands a lab does not run: rehearse with --array=model"
                             % array.name)


def _luns_of(server, disks):
    """Return the raw ones of ``disks`` as Luns; raise Refused where there is none."""
    luns = [Lun(disk.name, api.lun_of(disk.handle)) for disk in checks.named_disks(server, disks, ())
            if disk.kind == api.RAW]
    for lun in luns:
        if not lun.lun:
            raise errors.Refused("%s: the manager names no LUN for the raw disk %s, so no array can be asked for it" % (
                server.name, lun.name))
    if not luns:
        raise errors.Refused("%s has no raw disk, and an array protects no others: use proxy-backup" % server.name)
    return luns


def _check_logical(run, plan, names):
    if plan.logical is None:
        raise errors.Refused("%s: %s is a logical disk, which goes through a proxy: give --proxy and --agent" % (
            plan.vs.name, names[0]))
    plan.logical.names = names
    proxy.check(run, plan.logical)
    plan.vs_guest = plan.logical.vs_guest


def _check_raw_alone(run, plan):
    plan.logical = None
    plan.settings = run.manager.settings_of(plan.vs.handle)
    if plan.freeze is not None:
        plan.vs_guest = quiesce.guest_of(run, plan.vs)


def _consistency(count):
    words = "a snapshot is what a power failure would leave, at best"
    return words if count == 1 else "%s, and those of its %d disks are not of one moment" % (words, count)
