"""Watches the gate: a call that changes something must name things of ours, or what the verb is told to change."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy

from fakes import kinds
from vibackup import compat

# What of an object follows from others, or (of the proxy) from what it has: no change of its own.
_DERIVED = ("free_bytes",)
OF_ITS_BOOT = ("power", "visible", "frozen", "mounts")


class Guard(object):
    """What is not ours in ``lab``: ``foreign``, a set of ids; whatever else comes into being there is ours.

    ``wrong`` are the violations found so far, in words. ``changes`` counts the calls that change something.
    """

    def __init__(self, lab):
        self._lab = lab
        self._count = lab.count_call
        self.foreign = set(lab.world.objects)
        self.told = None
        self.changes = 0
        self.wrong = []
        self.strike = None
        lab.count_call = self._counted

    def _counted(self, handle, method, arguments):
        """Stands in for the lab's own ``count_call``, which every call of the API and every guest command passes."""
        if self.told is not None:
            self._look(handle, method, arguments)
        number = self._count(handle, method, arguments)
        if self.strike is not None:
            self.strike(number, is_change(handle, method))
        return number

    def _look(self, handle, method, arguments):
        target, ids = handle._identity, [getattr(each, "_identity", None) for each in arguments]
        if method == "run":
            self._must(target in self.told.commands or self._is_ours(target), handle, method, arguments)
        elif is_change(handle, method):
            self.changes += 1
            self._must(method in MADE_NEW or _RULES[method](self, target, ids), handle, method, arguments)

    def _must(self, allowed, handle, method, arguments):
        if not allowed:
            self.wrong.append("the call %s.%s(%s) of %s, which is not ours" % (
                self._lab.describe(handle._identity, handle._kind), method,
                ", ".join(compat.text(each) for each in arguments), handle._identity))

    def _is_ours(self, identity):
        return identity not in self.foreign

    # -- what is ours now

    def ours(self):
        """Return the records of what is ours."""
        return [record for record in self._lab.world.of_kinds(set(kinds.BY_NAME)) if record["id"] not in self.foreign]

    # -- comparing

    def dump(self):
        """Return the lab's objects by id, without what follows from others."""
        found = self._lab.dump()["objects"]
        return dict((thing["id"], copy.deepcopy(dict((key, value) for key, value in thing.items()
                                                     if key not in _DERIVED))) for thing in found)

    def compare(self, before, booted, written):
        """Note where an object that is not ours is no more as in the dump ``before``; things of ours are looked past.

        booted: ids of servers of which only the devices and settings are compared. written: ids of disks of which the
        content is not.
        """
        now = self.dump()
        for identity in sorted(self.foreign & set(before)):
            lent = self.told.attaches if self.told is not None and identity in booted else ()
            was = self._without_ours(before[identity], lent)
            found = self._without_ours(now[identity], lent) if identity in now else None
            for thing in (was, found):
                for key in (OF_ITS_BOOT if identity in booted else ()) + (("sha256",) if identity in written else ()):
                    (thing or {}).pop(key, None)
            if found != was:
                self.wrong.append("%s %s (%s), which is not ours: %s" % (
                    was["kind"], identity, was["name"], _difference(was, found)))

    def _without_ours(self, thing, lent):
        """Return what a dump says of an object without our snapshot, and of a proxy without our disks and ``lent``."""
        found = dict(thing)
        if "devices" in found and self.told is not None and thing["id"] == self.told.proxy:
            found["devices"] = [each for each in found["devices"] if not self._is_ours(each) and each not in lent]
            del found["visible"]  # which follows from them, at its next boot
        if found.get("snapshot") and self._is_ours(found["snapshot"]):
            found["snapshot"] = None
        return found


def is_change(handle, method):
    """Tell whether a call changes something in the manager; a job's own begin and commit do not count."""
    found = handle._kind.find(method)
    return found is not None and found.changes


def _difference(was, found):
    if found is None:
        return "it is gone"
    return "; ".join("%s was %s and is %s" % (key, was.get(key), found.get(key))
                     for key in sorted(set(was) | set(found)) if was.get(key) != found.get(key))


def _on_ours(guard, target, _ids):
    return guard._is_ours(target)


def _argument_ours(guard, _target, ids):
    return guard._is_ours(ids[0])


def _power(guard, target, _ids):
    return guard._is_ours(target) or target in guard.told.powers


def _snapshot(guard, target, _ids):
    return target in guard.told.snapshots


def _attach(guard, target, ids):
    return (guard._is_ours(target) or target == guard.told.proxy) and (
        guard._is_ours(ids[0]) or ids[0] in guard.told.attaches)


def _attach_first(guard, target, ids):
    return guard._is_ours(target) and (guard._is_ours(ids[0]) or ids[0] in guard.told.boots)


def _read(guard, target, _ids):
    return guard._is_ours(target) or target in guard.told.reads


# By method: whether it may be called on the object ``target`` with the objects ``ids``. A new thing is nobody's yet.
_RULES = {"setName": _on_ours, "setBootType": _on_ours, "setMemoryBytes": _on_ours, "setProcessors": _on_ours,
          "setNetworks": _on_ours, "setOperatingSystem": _on_ours,
          "deleteLogicalDisk": _argument_ours, "deleteVirtualServer": _argument_ours,
          "deleteSnapshot": lambda guard, target, ids: _snapshot(guard, target, ids) and guard._is_ours(ids[0]),
          "snapshot": _snapshot, "revertToSnapshot": _snapshot,
          "start": _power, "stop": _power, "reboot": _power,
          "addStorageDevice": _attach, "removeStorageDevice": _attach, "addStorageDeviceFirst": _attach_first,
          "cloneTo": _read, "exportVhd": _read}
MADE_NEW = ("createLogicalDisk", "createVirtualServer", "importLogicalDisk")
