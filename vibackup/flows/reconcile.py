"""Compare ledger and manager: list what runs left behind, and release it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import contextlib

from vibackup import arrays, backup, compat, detaching, errors, events, files, ledger, making, power, quiesce, steps
from vibackup import manager as api
from vibackup.faults import as_ours
from vibackup.masking import mask


# What is held so that two runs do not release the same: an identity that no object has, and what it is called.
_ALONE = ("reconcile", "reconcile --fix")


def leftovers(run):
    """Return what is left of runs that are over, as ``{"run", "what", "reason"}``; changes nothing."""
    return [_entry(intent, "its run is over") for intent in run.ledger.leftovers()] + _elsewhere(run)


def _elsewhere(run):
    """Return what runs on other hosts hold: those may be under way, so it is only named."""
    return [_entry(intent, "its run is on the host %s; reconcile there" % intent.owner.get("host"))
            for intent in run.ledger.elsewhere()]


def reconcile(run):
    """Release what is left of runs that are over; what cannot be released is in ``run.leftovers``.

    Only what the ledger, the manager's ids or our own name in the object prove to be ours is touched.
    Returns how many were released. A second call finds nothing and changes nothing. Raises Busy while another
    run does the same.
    """
    with run.held([_ALONE], despite_leftovers=True):
        return _release_all(run)


def _release_all(run):
    run.leftovers.extend(_elsewhere(run))
    groups, stuck = _in_order(_ours(run)), {}
    released = sum(_release_group(run, group, stuck) for group in groups)
    run.ledger.tidy()
    run.catalog.tidy()
    return released


def _ours(run):
    """Return the leftovers of runs with this manager; those of another are named, for its ids mean something else."""
    found = []
    for intent in run.ledger.leftovers():
        if intent.owner.get("manager") not in (None, run.manager.name):
            run.leftovers.append(_entry(intent, "made with another manager: %s" % intent.owner["manager"]))
        else:
            found.append(intent)
    return found


def _in_order(intents):
    """Return ``intents`` as lists of those that are released together, in the order in which that is done.

    First who is frozen is thawed. Then what is on proxies is taken off them, by one boot each, which ends an agent
    that has outlived its run: it makes nothing more then. Last of all a proxy that was started is stopped: until then
    its guest removes what its agents have made. The others are in their own order, the newest of each run first.
    """
    proxies = set(intent.facts["proxy"] for intent in intents if "proxy" in intent.facts)
    frozen, on_proxies, others, started = [], collections.OrderedDict(), [], []
    for intent in intents:
        if intent.kind == ledger.ATTACHMENT:
            whose = (intent.facts["proxy"], intent.facts["proxy_name"])
            on_proxies.setdefault(whose, []).append(intent)
        elif intent.kind == ledger.POWER and intent.facts["vs"] in proxies:
            started.append([intent])
        else:
            (frozen if intent.kind == ledger.FREEZE else others).append([intent])
    return frozen + list(on_proxies.values()) + others + started


def _release_group(run, group, stuck):
    """Release what belongs together; returns how many were. stuck: what keeps the snapshots and disks of a run."""
    if group[0].kind == ledger.ATTACHMENT:
        faults = _take_off(run, group)
        return sum(_release(run, intent, stuck, lambda fault=fault: _raise(fault)) for intent, fault in zip(
            group, faults))
    [intent] = group
    if intent.kind in (ledger.SNAPSHOT, ledger.DISK) and intent.run in stuck:
        run.leftovers.append(_entry(intent, "kept, because of %s" % stuck[intent.run]))
        return 0
    return _release(run, intent, stuck, lambda: _RELEASES[intent.kind](run, intent))


def _release(run, intent, stuck, act):
    """Release ``intent`` by calling ``act``; returns 1, or 0 where that fails, which is named."""
    words = ledger.describe(intent.kind, intent.facts)
    try:
        with run.step("release", words, "of the run %s" % intent.run):
            act()
            run.ledger.release_of(intent)
        return 1
    except compat.FAULTS as error:
        run.leftovers.append(_entry(intent, mask(compat.message(error))))
    if intent.kind in (ledger.ATTACHMENT, ledger.POWER):
        stuck[intent.run] = words
    return 0


def _raise(fault):
    if fault is not None:
        raise fault


def _entry(intent, reason):
    return {"run": intent.run, "what": mask(ledger.describe(intent.kind, intent.facts)), "reason": reason}


def _release_snapshot(run, intent):
    with _held(run, intent, "vs") as server:
        if server is not None:
            steps.release_snapshot(run, server, intent.facts)


def _take_off(run, intents):
    """Take what ``intents`` speak of off the one proxy that it is on; return for each why not, as an error, or None."""
    try:
        with _held(run, intents[0], "proxy") as proxy:
            return [None] * len(intents) if proxy is None else _take_off_proxy(run, intents, proxy)
    except compat.FAULTS as fault:
        return [as_ours(fault)] * len(intents)


def _take_off_proxy(run, intents, proxy):
    found = detaching.release_all(run, proxy, _guest_of(run, proxy), [intent.facts for intent in intents],
                                  lambda number: run.ledger.made_of(intents[number], places=None))
    if events.state_of(run.manager, proxy.handle) == api.FAILED:
        run.warn("%s has failed: start it, and look at its console" % proxy.name)
    return found


def _release_power(run, intent):
    """Stop what a killed run has started."""
    with _held(run, intent, "vs") as server:
        if server is not None and events.state_of(run.manager, server.handle) not in (api.STOPPED, api.FAILED):
            _check_name(server, intent, "vs")
            power.stop(run, server)


def _release_stopped(run, intent):
    with _held(run, intent, "vs") as server:
        if server is not None and events.state_of(run.manager, server.handle) != api.RUNNING:
            _check_name(server, intent, "vs")
        if server is not None:
            power.start_again(run, server, intent.facts)


def _release_freeze(run, intent):
    """Thaw a server that a killed run left frozen; one that does not run is not frozen."""
    with _held(run, intent, "vs") as server:
        if server is not None and events.state_of(run.manager, server.handle) == api.RUNNING:
            _check_name(server, intent, "vs")
            quiesce.thaw(run, _guest_of(run, server), intent.facts["command"])


def _release_backup(run, intent):
    """Remove what is left of a backup that was cut short; one in the catalog is whole, and stays."""
    if run.catalog.has(intent.facts["backup"]):
        return
    if not intent.facts["commands"]:
        run.warn("%s may be left with its agent, which has no command to remove it" % ledger.describe(
            intent.kind, intent.facts))
        return
    _undo_in_guest(run, intent)


def _undo_in_guest(run, intent):
    with _held(run, intent, "proxy") as proxy:
        if proxy is not None:
            _check_name(proxy, intent, "proxy")
            backup.undo(_guest_of(run, proxy), intent.facts["commands"])


@contextlib.contextmanager
def _held(run, intent, role):
    """Hold the virtual server that is ``role`` (vs or proxy) of ``intent``, and yield it; None where it is gone."""
    handle = run.manager.server_by_id(intent.facts[role], intent.facts[role + "_name"])
    if handle is None:
        yield None
        return
    server = steps.server_of(handle)
    with run.held([(server.id, server.name)], despite_leftovers=True):
        yield server


def _check_name(server, intent, role):
    """Refuse what has another name than the server that is ``role`` of ``intent``: it may be another, with its id."""
    known = intent.facts[role + "_name"]
    if server.name != known:
        raise errors.renamed(known, server.name, "and reconcile")


def _guest_of(run, server):
    """Return the guest of ``server``; raise Refused where two have its name, by which commands find their way."""
    run.manager.find_server(server.name)
    return steps.guest_of(run, server)


def _release_made(run, intent):
    making.RELEASES[intent.kind](run, intent.facts)


def _release_files(_run, intent):
    files.release_files(intent.facts)


def _release_archive(_run, intent):
    files.release_archive(intent.facts)


def _release_overwrite(run, intent):
    """Nobody can bring back what was there: say once more that what is there now is worth nothing."""
    run.warn("%s: its content is worthless until it is restored again" % intent.facts["disk_name"])


def _release_lun(run, intent):
    """Delete a LUN's snapshot of a backup that was cut short; the array has it also where its server is gone."""
    with _held(run, intent, "vs"):
        arrays.release(run, intent.facts)


_RELEASES = {ledger.SNAPSHOT: _release_snapshot, ledger.POWER: _release_power, ledger.STOPPED: _release_stopped,
             ledger.BACKUP: _release_backup, ledger.FREEZE: _release_freeze, ledger.DISK: _release_made,
             ledger.SERVER: _release_made, ledger.OVERWRITE: _release_overwrite, ledger.FILES: _release_files,
             ledger.FOLDER: _undo_in_guest, ledger.LUN: _release_lun, ledger.ARCHIVE: _release_archive}
