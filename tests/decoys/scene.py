# -*- coding: utf-8 -*-
"""A lab full of look-alikes: a virtual server, its proxy, and everything that could be taken for theirs or for ours."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import os
import tempfile

from fakes import inventory, kinds, storage
from fakes.lab import Lab
from tests import labs
from tests.decoys import names
from vibackup import compat

KIB = 1024
SIZES = [64 * KIB, 64 * KIB, 128 * KIB]
GROUPS = ["fastGroup", "bulkGroup"]
BOOT_DEVICE = "backup.iso"

# A server or a disk that the case is about; ``disks`` of a server: Things, and of a disk: ().
Thing = collections.namedtuple("Thing", "id name disks")


class Scene(object):
    """The lab, and what is in it: ``vs`` and ``proxy`` (Things), ``spare``, a disk that nobody has and that may be
    written over, and what new things are to be called. ``run``: the id of the run to come.
    """

    def __init__(self, chance, run):
        self.chance = chance
        self.run = run
        base = chance.of(names.BASES)
        self.vs_name, self.proxy_name = base, "proxy of " + base
        self.spare_name, self.new_name = base + "-spare", base + "-new"
        self._renamed = collections.OrderedDict()
        self._description = {
            "job_ms": 1000, "events": chance.of(["after-call", "backlog"]),
            "data_centers": [{"name": "East", "nodes": [{"name": "node1"}, {"name": "node2"}],
                              "disk_groups": [{"name": name, "bytes": 8192 * KIB} for name in GROUPS]}],
            "disks": [], "network_block_devices": [], "servers": []}
        self._describe_what_it_is_about()
        self._describe_decoys()
        for key in ("servers", "disks"):  # what comes first is what is found first by its name
            self._description[key] = chance.in_any_order(self._description[key])
        self.lab = self._build()
        self._take_snapshots_of_others()
        self._share_names()
        self.vs, self.proxy, self.spare = [self._thing(key) for key in ("vs", "proxy", "spare")]

    # -- what is described

    def _describe_what_it_is_about(self):
        chance = self.chance
        sizes = [chance.of(SIZES) for _number in range(1 + chance.number(2))]
        disks = [self._disk("vs disk %d" % number, "%s-%s" % (self.vs_name, ("system", "data")[number]), size)
                 for number, size in enumerate(sizes)]
        self._server("vs", self.vs_name, "node1", disks, chance.of(["Running"] * 4 + ["Stopped"]))
        own = [self._disk("proxy disk", self.proxy_name + "-system", chance.of(SIZES))]
        for number in range(chance.of([0, 0, 1, 2])):  # foreign disks that the proxy has
            own.append(self._disk("proxy's other %d" % number, self._disk_name(), chance.of(SIZES)))
        self._server("proxy", self.proxy_name, "node2", own, chance.of(["Running"] * 4 + ["Stopped"]),
                     hide_positions=chance.happens(5), device_naming=chance.of(["in order"] * 4 + ["reversed"]))
        self._disk("spare", self.spare_name, sizes[0])
        for key, name in [("cd", BOOT_DEVICE)] + [
                ("cd %d" % number, names.look_alike(chance, BOOT_DEVICE)) for number in range(chance.number(3))]:
            self._description["network_block_devices"].append({"name": key, "live_cd": {"seconds": 120}})
            self._renamed[key] = name

    def _describe_decoys(self):
        chance = self.chance
        for number in range(1 + chance.number(4)):
            disks = [self._disk("decoy %d disk" % number, self._disk_name(), chance.of(SIZES))] \
                if chance.happens(70) else []
            self._server("decoy %d" % number, self._server_name(), chance.of(["node1", "node2"]), disks,
                         chance.of(["Running", "Stopped"]))
        for number in range(1 + chance.number(4)):
            self._disk("loose %d" % number, self._disk_name(), chance.of(SIZES))

    def _not_to_be(self, name):
        """Nobody can know the id of a run to come: no name is the very one that it will give to what it makes."""
        return name + "~" if name.startswith(names.working_name(self.run, self.new_name)) else name

    def _server_name(self):
        chance = self.chance
        name = chance.of([self.vs_name, self.vs_name, self.proxy_name, self.new_name])
        return self._not_to_be(chance.of([
            lambda: names.look_alike(chance, name), lambda: names.nearly_working_name(chance, self.run, name),
            lambda: names.working_name(self.run, "Snapshot of " + name)])())

    def _disk_name(self):
        chance = self.chance
        name = chance.of([self.vs_name + "-system", self.vs_name + "-data", self.spare_name, self.new_name,
                          "Snapshot of %s-system" % self.vs_name])
        return self._not_to_be(chance.of([
            lambda: names.look_alike(chance, name), lambda: names.nearly_working_name(chance, self.run, name),
            lambda: "Snapshot of %s-system" % self.vs_name])())

    def _disk(self, key, name, size):
        self._description["disks"].append({"name": key, "group": self.chance.of(GROUPS), "bytes": size,
                                           "content": {"boot": True, "fill": "%s, %s" % (key, name)}})
        self._renamed[key] = name
        return key

    def _server(self, key, name, node, disks, power, **more):
        self._description["servers"].append(dict(more, name=key, node=node, devices=disks, power=power))
        self._renamed[key] = name

    # -- what is built

    def _build(self):
        lab = Lab(tempfile.mkdtemp(prefix=str("vibackup-decoys-")), persistent=False)
        inventory.build(lab, inventory.check(self._description, "decoys"))
        lab.spec = (None, None)
        self._ids = dict((record["name"], record["id"]) for record in lab.world.objects.values()
                         if record["name"] in self._renamed)
        for key, name in self._renamed.items():
            lab.world.settle(lab.world.get(self._ids[key]), name=name)
        return lab.install()

    def _take_snapshots_of_others(self):
        """Snapshots that users have taken, called much as ours are."""
        chance = self.chance
        servers = [server["name"] for server in self._description["servers"] if server["name"] != "proxy"]
        for key in servers:
            server = self.record(key)
            if chance.happens(40 if key != "vs" else 8) and server["devices"] and not server["snapshot"]:
                with labs.job(self.lab):
                    snapshot = self.lab.handle(server).snapshot()
                    if chance.happens(70):
                        snapshot.setName(names.nearly_working_name(chance, self.run, chance.of(
                            [self.vs_name, server["name"]])))

    def _share_names(self):
        """Two disks of one name, and now and then two servers."""
        chance = self.chance
        for percent, key, name in ((10, "loose 0", self.vs_name + "-system"), (5, "decoy 0", self.vs_name),
                                   (3, "decoy 0", self.proxy_name), (5, "loose 0", self.spare_name)):
            if chance.happens(percent):
                self.lab.world.settle(self.record(key), name=name)

    # -- what there is

    def record(self, key):
        """Return the record of what was described under ``key``."""
        return self.lab.world.get(self._ids[key])

    def _thing(self, key):
        record = self.record(key)
        disks = tuple(self._of(identity) for identity in record.get("devices", ()))
        return Thing(record["id"], record["name"], disks)

    def _of(self, identity):
        record = self.lab.world.get(identity)
        return Thing(identity, record["name"], ())

    def path(self, name):
        """Return the path of a file or folder of the case's own."""
        return os.path.join(self.lab.folder, name)

    def write_to(self, disk):
        """Write something to a disk as its guest would: an upgrade."""
        storage.write(self.lab, self.lab.world.get(disk.id), 1024, self.chance.hexadecimal().encode("ascii"))

    def state(self):
        """Return the path of the state folder that commands in this lab use."""
        return os.path.join(compat.text(self.lab.folder), "state")

    def servers(self):
        """Return the records of all virtual servers."""
        return self.lab.world.of_kinds({kinds.VIRTUAL_SERVER.name})
