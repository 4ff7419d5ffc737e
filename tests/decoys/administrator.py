"""What an administrator does to what a run has left behind, before ``reconcile`` comes."""
from __future__ import absolute_import, division, print_function, unicode_literals

from fakes import kinds
from fakes.faults import ManagementException
from tests import labs
from tests.decoys import names
from vibackup import ledger

MOST = 3


class Administrator(object):
    """Meddles with ``scene``, where ``guard`` knows what is ours. ``done``: what it did, in words.

    ``stays``: ids of things of ours that are its own by now. ``hidden``: those of them that nothing proves ours, so
    that nobody can be expected to name them.
    """

    def __init__(self, scene, guard):
        self._scene, self._guard, self._chance = scene, guard, scene.chance
        self._world = scene.lab.world
        self.stays, self.hidden = {}, set()
        self.done = []

    def meddle(self):
        """Do up to MOST things."""
        self._proven = self._what_the_ledger_proves()
        for _number in range(self._chance.number(MOST + 1)):
            done = len(self.done)
            for deed in self._chance.in_any_order(_DEEDS):
                if len(self.done) == done:
                    deed(self)

    def _what_the_ledger_proves(self):
        """Return the ids of things of ours that the ledger knows."""
        book = ledger.Ledger(self._scene.state(), "administrator", "meddle")
        found = set()
        for intent in book.leftovers() + book.kept(ledger.SNAPSHOT):
            found.update([intent.facts.get(key) for key in ("snapshot", "disk", "server")])
            found.update(intent.facts.get("disks", ()))
        return found

    # -- to choose from

    def _one_of_ours(self, wanted):
        found = [record for record in self._guard.ours() if wanted(record) and record["id"] not in self.stays]
        return self._chance.of(found) if found else None

    def _one_of_others(self, kind, wanted=lambda record: True):
        mine = [self._scene.vs.id, self._scene.proxy.id, self._scene.spare.id]
        found = [record for record in self._world.of_kinds({kind}) if record["id"] in self._guard.foreign
                 and record["id"] not in mine and wanted(record)]
        return self._chance.of(found) if found else None

    # -- deeds: each returns without a word where there is nothing to do it to

    def _rename_ours(self):
        """A thing of ours gets a name of its own: from now on it is somebody's."""
        record = self._one_of_ours(_is_no_snapshot_disk)
        if record is not None:
            self._say("renames %s" % record["name"], record)
            self._world.settle(record, name=names.look_alike(self._chance, record["name"]))
            self._adopt(record)

    def _adopt(self, record):
        self.stays[record["id"]] = record["name"]
        if record["id"] not in self._proven:
            self.hidden.update([record["id"]] + record.get("devices", []))

    def _name_decoy_like_ours(self):
        ours = self._one_of_ours(_is_no_snapshot_disk)
        if ours is not None and self._is_told_apart(ours):
            decoy = self._one_of_others(ours["kind"] if self._chance.happens(70) else kinds.LOGICAL_DISK.name)
            if decoy is not None:
                self._say("calls %s %s" % (decoy["name"], ours["name"]), decoy)
                self._world.settle(decoy, name=ours["name"])

    def _is_told_apart(self, record):
        """Tell whether anything but its name proves this thing of ours: its id, or whose snapshot it is."""
        return record["id"] in self._proven or record.get("snapshot_of") is not None

    def _remake_ours(self):
        """Ours goes, and there is another of the same name in its place."""
        ours = self._one_of_ours(lambda record: _is_no_snapshot_disk(record) and record["id"] in self._proven)
        if ours is None:
            return
        self._say("deletes %s and makes another" % ours["name"], ours)
        owner = ours.get("snapshot_of")
        self._erase(ours)
        if owner is not None:
            self._take_snapshot(owner, ours["name"])
        else:
            self._add(dict(ours, id=self._world.new_id("disk" if "layers" in ours else "vs")))

    def _reuse_id(self):
        """Ours goes, and something else gets its id."""
        ours = self._one_of_ours(lambda record: record["id"] in self._proven)
        if ours is None:
            return
        self._say("deletes %s and its id is used again" % ours["name"], ours)
        self._erase(ours)
        again = dict(ours, name=names.look_alike(self._chance, ours["name"]), snapshot_of=None)
        if "layers" in ours:
            again.pop("snapshot_of")
            again["snapshot_parent"] = None
        self._add(again)
        if "layers" in ours and self._chance.happens(60):
            self._attach(again, self._scene.record("proxy"))

    def _swap_on_proxy(self):
        """Our disk goes off the proxy, and another of the same size takes its place."""
        proxy = self._scene.record("proxy")
        ours = self._one_of_ours(lambda record: record["id"] in proxy["devices"])
        other = ours and self._one_of_others(kinds.LOGICAL_DISK.name, lambda record: record["bytes"] == ours["bytes"]
                                             and not self._world.holders(record["id"]))
        if not other:
            return
        self._say("takes %s off the proxy and gives it %s" % (ours["name"], other["name"]), ours)
        self._world.settle(proxy, devices=[other["id"] if each == ours["id"] else each for each in proxy["devices"]])
        if self._chance.happens(50):  # and boots it
            self._world.settle(proxy, visible=[dict(seen, disk=other["id"]) if seen["disk"] == ours["id"] else seen
                                               for seen in proxy["visible"]])

    def _own_snapshot(self):
        """Ours is lost, and the administrator takes one."""
        ours = self._one_of_ours(lambda record: record.get("snapshot_of") is not None)
        if ours is not None:
            self._say("deletes %s and takes a snapshot" % ours["name"], ours)
            self._erase(ours)
            self._take_snapshot(ours["snapshot_of"], None)

    def _rename_told(self):
        """The server or the proxy gets another name, and perhaps a decoy gets its."""
        record = self._scene.record(self._chance.of(["vs", "proxy"]))
        name = record["name"]
        self._say("renames %s" % name, record)
        self._world.settle(record, name=names.look_alike(self._chance, name))
        decoy = self._one_of_others(kinds.VIRTUAL_SERVER.name)
        if decoy is not None and self._chance.happens(60):
            self._say("calls %s %s" % (decoy["name"], name), decoy)
            self._world.settle(decoy, name=name)

    def _share_name(self):
        """A decoy gets the same name as the server or the proxy."""
        name = self._scene.record(self._chance.of(["vs", "proxy"]))["name"]
        decoy = self._one_of_others(kinds.VIRTUAL_SERVER.name)
        if decoy is not None:
            self._say("calls %s %s too" % (decoy["name"], name), decoy)
            self._world.settle(decoy, name=name)

    def _use_our_disk(self):
        """A new disk of ours becomes a disk of somebody's server."""
        ours = self._one_of_ours(lambda record: "layers" in record and not self._world.holders(record["id"]))
        decoy = self._one_of_others(kinds.VIRTUAL_SERVER.name, lambda record: record["power"] == "Stopped")
        if ours is not None and decoy is not None:
            self._say("gives %s the disk %s" % (decoy["name"], ours["name"]), ours)
            self._attach(ours, decoy)
            self._adopt(ours)
            self._guard.foreign.add(ours["id"])

    # -- how

    def _say(self, words, record):
        self.done.append("%s (%s)" % (words, record["id"]))

    def _add(self, record):
        self._guard.foreign.add(record["id"])
        record = dict(record, devices=[], visible=[]) if "devices" in record else \
            dict(record, layers=[self._world.new_id("layer")])
        self._world.add(record)

    def _attach(self, disk, server):
        self._world.settle(server, devices=server["devices"] + [disk["id"]])

    def _erase(self, record):
        """Take an object away without a trace, as an administrator does in several steps."""
        world, identity = self._world, record["id"]
        for server in world.holders(identity) + world.seers(identity):
            world.settle(server, devices=[each for each in server["devices"] if each != identity],
                         visible=[seen for seen in server["visible"] if seen["disk"] != identity])
        owner = record.get("snapshot_of")
        if owner is not None:
            for device in list(record["devices"]):
                if world.get(device).get("snapshot_parent"):
                    self._erase(world.get(device))
            world.settle(world.get(owner), snapshot=None)
        self._scene.lab.cancel_due(identity)
        world._unindex(world.objects.pop(identity))

    def _take_snapshot(self, owner, name):
        before = set(self._world.objects)
        try:
            with labs.job(self._scene.lab):
                snapshot = self._scene.lab.handle(self._world.get(owner)).snapshot()
                if name is not None:
                    snapshot.setName(name)
        except ManagementException:
            return  # it has another one already
        self._guard.foreign.update(set(self._world.objects) - before)


def _is_no_snapshot_disk(record):
    return not record.get("snapshot_parent")


_DEEDS = [Administrator._rename_ours, Administrator._name_decoy_like_ours, Administrator._remake_ours,
          Administrator._reuse_id, Administrator._swap_on_proxy, Administrator._own_snapshot,
          Administrator._rename_told, Administrator._share_name, Administrator._use_our_disk]
