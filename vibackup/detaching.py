"""Take disks of ours off a proxy, and have its guest forget them: those of this run, or of one that is over.

Each attachment is the facts of an ATTACHMENT in the ledger. A guest goes on seeing a disk until its next boot.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import contextlib

from vibackup import compat, errors, events, power
from vibackup import manager as api
from vibackup.faults import as_ours
from vibackup.job import job


def release(run, proxy, guest, facts):
    """Detach what ``facts`` speak of from the proxy (a ``steps.Server``), and make its guest forget it."""
    error = release_all(run, proxy, guest, [facts])[0]
    if error is not None:
        raise error


def release_all(run, proxy, guest, attachments, stays=None):
    """Detach what each of ``attachments`` speaks of, and make the guest forget all of it by one boot.

    stays(number): called before the boot for each that could not be detached, by its number in ``attachments`` from 0:
    its ``places`` may be others from then on. Returns for each the VibackupError for which it is not released, or None:
    one that fails stops no other.
    """
    leaving = [_Leaving(facts) for facts in attachments]
    for number, each in enumerate(leaving):
        with each.surviving():
            each.was_on = detach(run, proxy, each.facts)
        if each.error is not None and stays is not None:
            stays(number)
    off = [each for each in leaving if each.error is None]
    try:
        _forget(run, proxy, guest, off, [each.facts for each in leaving if each.error is not None])
    except compat.FAULTS as fault:
        for each in off:
            each.fail(fault)
    return [each.error for each in leaving]


class _Leaving(object):
    """An attachment on its way off. was_on: whether it was on the proxy; error: why it is not released, or None."""

    def __init__(self, facts):
        self.facts = facts
        self.was_on, self.error = False, None

    def fail(self, fault):
        """Remember why; the first reason counts."""
        self.error = self.error or as_ours(fault)

    @contextlib.contextmanager
    def surviving(self):
        """Keep what the body raises to this one."""
        try:
            yield
        except compat.FAULTS as fault:
            self.fail(fault)


def _forget(run, proxy, guest, off, staying):
    """Boot the proxy where its guest may show any of ``off`` (_Leavings), and see to it that it shows none."""
    if not off or events.is_down(run.manager, proxy.handle):
        return
    if not any(each.was_on for each in off) and all(_shows_none(guest, each.facts) for each in off):
        return
    power.reboot(run, proxy)
    with run.step("check disks", guest.name):
        guest.wait_until_it_answers(events.BOOT_SECONDS)
        for each in off:
            with each.surviving():
                if on_proxy(proxy, each.facts["disks"]) or not _shows_only(guest, each.facts, staying):
                    must_have_forgotten(run, proxy, guest, each.facts)
        if all(each.error is not None for each in off):
            raise off[0].error


def detach(run, proxy, facts):
    """Take what ``facts`` of the ledger speak of off the proxy; tells whether anything of it was there.

    Its guest goes on seeing it until its next boot.
    """
    found = _ours_on(proxy, facts)
    if found:
        with run.step("detach", proxy.name, facts["disk_names"]):
            with job(run.manager, "detach %s from %s" % (facts["disk_names"], proxy.name),
                     lambda: not on_proxy(proxy, facts["disks"])) as made:
                for disk in found:
                    api.remove_device(proxy.handle, disk)
                api.describe(made, "Detach %s" % facts["disk_names"], proxy.handle)
    return bool(found)


def must_have_forgotten(run, proxy, guest, facts):
    """Raise unless ``facts`` of the ledger speak of nothing that the proxy has, or that its guest still shows."""
    if on_proxy(proxy, facts["disks"]):
        raise errors.VibackupError("%s is still attached to %s" % (facts["disk_names"], proxy.name))
    if not _shows_none(guest, facts) and not _shows_what_it_has(run.manager, proxy, guest):
        raise errors.GuestError("%s still shows a disk that was detached from it" % guest.name)


def _ours_on(proxy, facts):
    """Return the handles of the proxy's devices that ``facts`` of the ledger speak of; refuse a renamed one."""
    found = on_proxy(proxy, facts["disks"])
    names = dict(zip(facts["disks"], facts.get("names", ())))
    for disk in found:
        name, known = api.name_of(disk), names.get(api.identity_of(disk))
        if known not in (None, name):
            raise errors.renamed(known, name, "or take it off, and reconcile", known, "it stays on " + proxy.name)
    return found


def on_proxy(proxy, identities):
    """Return the handles of those of the proxy's devices whose ids are among ``identities``."""
    return [disk for disk in api.devices_of(proxy.handle) if api.identity_of(disk) in identities]


def _shows_none(guest, facts):
    """Tell whether the guest shows none of the disks that ``facts`` speak of, whatever else came or went meanwhile."""
    try:
        shown = places(guest.disks())
    except errors.GuestError:
        return False
    if facts.get("places") is not None:
        return not any(place in facts["places"] for place in shown)
    return not any(size in facts["sizes"] for size in _sizes_besides_its_own(shown, facts))


def _shows_only(guest, facts, staying):
    """Tell whether a guest shows, besides its own, no more disks of a size than those ``staying`` (facts) have."""
    left = collections.Counter(_sizes_besides_its_own(places(guest.disks()), facts))
    left.subtract(size for other in staying for size in other["sizes"])
    return bool(staying) and all(left[size] <= 0 for size in facts["sizes"])


def _sizes_besides_its_own(shown, facts):
    """Return the bytes of the disks that a guest shows, as ``places``, without those that it showed before ours."""
    for place in facts["before"]:
        if place in shown:
            shown.remove(place)
    return [size for _position, size in shown]


def _shows_what_it_has(manager, proxy, guest):
    """Tell whether a guest that has just booted shows as many disks of each size as its server has.

    Then what is in the place of a disk that was detached is another one, which somebody has attached since.
    """
    devices = [disk for disk in api.devices_of(proxy.handle) if manager.device_kind(disk) != api.NETWORK]
    if any(manager.device_kind(disk) != api.LOGICAL for disk in devices):
        return False  # the manager does not tell the size of a raw disk
    return sorted(disk.bytes for disk in guest.disks()) == sorted(api.bytes_of(disk) for disk in devices)


def places(disks):
    """Return positions and sizes of guest disks, in a form that the ledger can keep and compare."""
    return sorted([list(disk.position or ()), disk.bytes] for disk in disks)
