# -*- coding: utf-8 -*-
"""Jobs: whatever is done in one, an abort takes it back, and what a commit leaves is whole."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json

from hypothesis import given, strategies as st

from fakes import kinds, storage
from fakes.disks import read
from fakes.faults import ManagementException
from fakes.kinds import VirtualServer_BootInfo as BootInfo
from fakes.registry import World
from tests.labs import close_all, disk, make_lab, raw_disk

SERVER, GROUP, DEVICE = kinds.VIRTUAL_SERVER, kinds.LVM_DISK_GROUP, kinds.STORAGE_DEVICE
CENTER, NODE = kinds.VIRTUAL_DATA_CENTER, kinds.MANAGED_NODE

_name = st.text(min_size=1, max_size=3)
_pick = st.integers(0, 30)
_action = st.one_of(
    st.tuples(st.sampled_from(["snapshot", "deleteSnapshot", "revertToSnapshot", "start", "stop", "reboot",
                               "cd", "disk", "setProcessors", "deleteVirtualServer"]), _pick, _pick),
    st.tuples(st.sampled_from(["addStorageDevice", "addStorageDeviceFirst", "removeStorageDevice",
                               "deleteLogicalDisk"]),
              _pick, _pick),
    st.tuples(st.just("cloneTo"), _pick, _pick),
    st.tuples(st.sampled_from(["setName", "createVirtualServer", "createLogicalDisk"]), _pick, _name))
_actions = st.lists(_action, max_size=12)


def new_lab():
    return make_lab(
        disks=[disk("web01-system"), disk("db01-system"), disk("db01-data"), raw_disk("lun"), disk("spare"),
               disk("pbh01-system")],
        servers=[{"name": "web01", "node": "node1", "devices": ["web01-system"]},
                 {"name": "db01", "node": "node1", "devices": ["db01-system", "db01-data", "lun"]},
                 {"name": "off01", "node": "node2", "devices": ["db01-data"], "power": "Stopped"},
                 {"name": "pbh01", "node": "node2", "devices": ["pbh01-system"]}])


def do(lab, action, first, second):
    """Do one thing to one object or another; a refusal of the manager is as good as a success."""
    manager = lab.configuration_manager()
    servers, devices = list(manager.getObjects(SERVER)), list(manager.getObjects(DEVICE))
    server, device = servers[first % len(servers)], devices[(second if isinstance(second, int) else 0) % len(devices)]
    try:
        if action == "setName":
            (servers + devices)[first % len(servers + devices)].setName(second)
        elif action == "deleteSnapshot":
            server.deleteSnapshot(servers[second % len(servers)])
        elif action == "deleteLogicalDisk":
            manager.getObjects(GROUP)[0].deleteLogicalDisk(device)
        elif action == "createLogicalDisk":
            manager.getObjects(GROUP)[0].createLogicalDisk(second, first * 512)
        elif action == "cloneTo":
            device.cloneTo(manager.getObjects(GROUP)[0], "clone %d" % first)
        elif action == "createVirtualServer":
            manager.getObjects(CENTER)[0].createVirtualServer(second, manager.getObjects(NODE)[0])
        elif action == "deleteVirtualServer":
            manager.getObjects(CENTER)[0].deleteVirtualServer(server)
        elif action == "setProcessors":
            server.setProcessors(second)
        elif action in ("cd", "disk"):
            server.setBootType(BootInfo.VS_BOOT_DEVICE_CDROM if action == "cd" else BootInfo.VS_BOOT_DEVICE_DISK)
        elif action in ("snapshot", "revertToSnapshot", "start", "stop", "reboot"):
            getattr(server, action)()
        else:
            getattr(server, action)(device)
    except (ManagementException, TypeError, AttributeError):  # the last: a device that is no logical disk
        pass


def in_job(lab, actions, end):
    made = lab.configuration_manager().createJob("test")
    made.begin()
    for action in actions:
        do(lab, *action)
    getattr(made, end)()


def is_whole(lab):
    """Tell that nothing refers to what is not there, and that the indexes say what the records say."""
    objects = lab.world.objects
    for record in objects.values():
        for key in ("disk_group", "snapshot_parent", "snapshot", "snapshot_of", "managed_node", "data_center"):
            assert record.get(key) is None or record[key] in objects, (record, key)
        for identity in record.get("devices", ()):
            assert identity in objects, record
        for seen in record.get("visible", ()):
            assert seen["disk"] in objects, record
    fresh = World(lab.world.as_state())
    for name in ("_by_name", "_holders", "_seers", "_members"):
        ours, theirs = [dict((key, value) for key, value in getattr(world, name).items() if value)
                        for world in (lab.world, fresh)]
        assert ours == theirs, name
    assert lab.world._snapshot_disks == fresh._snapshot_disks


def used_layers(lab):
    return set(layer for record in lab.world.objects.values() for layer in record.get("layers", ()))


@given(_actions, _actions)
def test_an_abort_leaves_everything_as_it_was(before, actions):
    lab = new_lab()
    try:
        in_job(lab, before, "commit")
        dump = lab.dump()
        state = json.dumps(lab.world.as_state()["objects"], sort_keys=True)
        in_job(lab, actions, "abort")
        assert lab.dump() == dump
        assert json.dumps(lab.world.as_state()["objects"], sort_keys=True) == state
        is_whole(lab)
    finally:
        close_all()


@given(st.lists(st.tuples(_actions, st.sampled_from(["commit", "abort"]), st.integers(0, 90)), max_size=4))
def test_whatever_is_committed_the_lab_is_whole(jobs):
    lab = new_lab()
    try:
        for actions, end, seconds in jobs:
            in_job(lab, actions, end)
            is_whole(lab)
            lab.clock.sleep(seconds)
            is_whole(lab)
            assert set(lab.pages._layers) <= used_layers(lab)
    finally:
        close_all()


@given(_actions, st.lists(st.tuples(_pick, st.integers(0, 16), st.binary(min_size=1, max_size=4)), max_size=4))
def test_what_a_guest_wrote_while_the_job_was_open_survives_its_abort(actions, writes):
    lab = new_lab()
    try:
        every_disk = [each for each in lab.world.objects.values() if "layers" in each]
        model = dict((each["name"], bytearray(each["bytes"])) for each in every_disk)
        disks = dict((each["id"], each["name"]) for each in every_disk)
        in_job(lab, [], "commit")
        made = lab.configuration_manager().createJob("test")
        made.begin()
        for action in actions:
            do(lab, *action)
        for pick, page, data in writes:
            identity = sorted(disks)[pick % len(disks)]
            if identity in lab.world.objects:
                offset = page * 65536 // 2 + 1024
                storage.write(lab, lab.world.get(identity), offset, data)
                model[disks[identity]][offset:offset + len(data)] = data
        made.abort()
        for identity, name in disks.items():
            record = lab.world.get(identity)
            assert read(lab.pages, record["layers"], 1024, record["bytes"] - 1024) == bytes(model[name][1024:])
    finally:
        close_all()
