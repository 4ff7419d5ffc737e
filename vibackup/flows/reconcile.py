"""Compare ledger and manager: list what runs left behind, and release it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from vibackup import arrays, backup, compat, errors, events, files, ledger, making, power, quiesce, steps
from vibackup import manager as api
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
    released, stuck = 0, {}
    run.leftovers.extend(_elsewhere(run))
    for intent in _in_order(run.ledger.leftovers()):
        if intent.owner.get("manager") not in (None, run.manager.name):
            run.leftovers.append(_entry(intent, "made with another manager: %s" % intent.owner["manager"]))
        elif intent.kind in (ledger.SNAPSHOT, ledger.DISK) and intent.run in stuck:
            run.leftovers.append(_entry(intent, "kept, because of %s" % stuck[intent.run]))
        elif _release(run, intent):
            released += 1
        elif intent.kind in (ledger.ATTACHMENT, ledger.POWER):
            stuck[intent.run] = ledger.describe(intent.kind, intent.facts)
    run.ledger.tidy()
    run.catalog.tidy()
    return released


def _in_order(intents):
    """Return ``intents`` with each unfinished backup behind what its run has attached to the proxy.

    That is detached by a reboot, which ends an agent that has outlived its run: it makes nothing more then.
    """
    ordered = []
    for intent in intents:
        place = len(ordered)
        if intent.kind == ledger.ATTACHMENT:
            place = next((number for number, each in enumerate(ordered)
                          if (each.run, each.kind) == (intent.run, ledger.BACKUP)), place)
        ordered.insert(place, intent)
    return ordered


def _release(run, intent):
    try:
        with run.step("release", ledger.describe(intent.kind, intent.facts), "of the run %s" % intent.run):
            _RELEASES[intent.kind](run, intent)
            run.ledger.release_of(intent)
        return True
    except compat.FAULTS as error:
        run.leftovers.append(_entry(intent, mask(compat.message(error))))
        return False


def _entry(intent, reason):
    return {"run": intent.run, "what": mask(ledger.describe(intent.kind, intent.facts)), "reason": reason}


def _release_snapshot(run, intent):
    with _held(run, intent, "vs") as server:
        if server is not None:
            steps.release_snapshot(run, server, intent.facts)


def _release_attachment(run, intent):
    with _held(run, intent, "proxy") as proxy:
        if proxy is not None:
            steps.release_attachment(run, proxy, _guest_of(run, proxy), intent.facts)
            if events.state_of(run.manager, proxy.handle) == api.FAILED:
                run.warn("%s has failed: start it, and look at its console" % proxy.name)


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
        raise errors.Refused("somebody has renamed it to %s, so it is not touched: call it %s again, and reconcile" % (
            server.name, known))


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


_RELEASES = {ledger.SNAPSHOT: _release_snapshot, ledger.ATTACHMENT: _release_attachment,
             ledger.POWER: _release_power, ledger.STOPPED: _release_stopped, ledger.BACKUP: _release_backup,
             ledger.FREEZE: _release_freeze, ledger.DISK: _release_made, ledger.SERVER: _release_made,
             ledger.OVERWRITE: _release_overwrite, ledger.FILES: _release_files,
             ledger.FOLDER: _undo_in_guest, ledger.LUN: _release_lun, ledger.ARCHIVE: _release_archive}
