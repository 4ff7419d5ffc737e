"""Virtual servers: power, devices, and their one snapshot."""
from __future__ import absolute_import, division, print_function, unicode_literals

from fakes import copying, disks, events, guests, kinds, storage
from fakes.dispatch import ANY, NUMBER, TEXT, TEXTS, operation
from fakes.faults import ManagementException
from fakes.kinds import VIRTUAL_SERVER, VirtualServer_BootInfo

RUNNING, STOPPED, STARTING, STOPPING, FAILED = "Running", "Stopped", "Starting", "Stopping", "Failed"
BOOT_SIGNATURE = b"\x55\xaa"
BOOT_SIGNATURE_OFFSET = 510
BOOT_TYPES = dict((constant.name, constant) for constant in (VirtualServer_BootInfo.VS_BOOT_DEVICE_CDROM,
                                                            VirtualServer_BootInfo.VS_BOOT_DEVICE_DISK))


# -- what it is

@operation(VIRTUAL_SERVER, "getManagedNode")
def get_managed_node(lab, server):
    """Return the managed node it runs on."""
    return lab.world.get(server["managed_node"])


@operation(VIRTUAL_SERVER, "getStatusEvent")
def get_status_event(lab, server):
    """Return the event that tells its present state, or None where nothing has happened to it yet."""
    return lab.event(server["status_event"]) if server["status_event"] else None


@operation(VIRTUAL_SERVER, "getStorageDevices")
def get_storage_devices(lab, server):
    """Return its devices in order."""
    return [lab.world.get(identity) for identity in server["devices"]]


# -- settings

@operation(VIRTUAL_SERVER, "getOperatingSystem")
def get_operating_system(_lab, server):
    """Return the guest's operating system, as text."""
    return server["operating_system"]


@operation(VIRTUAL_SERVER, "setOperatingSystem", takes=(TEXT,), changes=True)
def set_operating_system(lab, server, name, job):
    """Set the guest's operating system: "Linux", "Windows"."""
    if not name:
        raise ManagementException("%s: an operating system cannot be empty" % server["name"])
    lab.world.change(server, job, operating_system=name)


def _counted(call, field, what):
    """Give virtual servers ``get`` and ``set`` of a whole number above 0; ``what`` it counts, for messages."""
    @operation(VIRTUAL_SERVER, "get" + call)
    def get(_lab, server):
        return server[field]

    @operation(VIRTUAL_SERVER, "set" + call, takes=(NUMBER,), changes=True)
    def set_(lab, server, count, job):
        if count <= 0:
            raise ManagementException("%s: cannot have %d %s" % (server["name"], count, what))
        lab.world.change(server, job, **{str(field): count})


_counted("MemoryBytes", "memory_bytes", "bytes of memory")
_counted("Processors", "processors", "processors")


@operation(VIRTUAL_SERVER, "getNetworks")
def get_networks(_lab, server):
    """Return the names of the networks that it is on."""
    return server["networks"]


@operation(VIRTUAL_SERVER, "setNetworks", takes=(TEXTS,), changes=True)
def set_networks(lab, server, names, job):
    """Put it on the networks of those names, and on no other."""
    if not all(names):
        raise ManagementException("%s: a network's name cannot be empty" % server["name"])
    lab.world.change(server, job, networks=names)


@operation(VIRTUAL_SERVER, "getBootType")
def get_boot_type(_lab, server):
    """Return what it boots from: ``VirtualServer_BootInfo.VS_BOOT_DEVICE_...``."""
    return BOOT_TYPES[server["boot_type"]]


@operation(VIRTUAL_SERVER, "setBootType", takes=(ANY,), changes=True)
def set_boot_type(lab, server, boot_type, job):
    """Set what it boots from: ``VirtualServer_BootInfo.VS_BOOT_DEVICE_...``."""
    if boot_type not in BOOT_TYPES.values():
        raise TypeError("setBootType: not a boot type: %r" % (boot_type,))
    lab.world.change(server, job, boot_type=boot_type.name)


# -- devices

@operation(VIRTUAL_SERVER, "addStorageDevice", takes=(kinds.STORAGE_DEVICE,), changes=True)
def add_storage_device(lab, server, device, job):
    """Add a device behind the others; the guest sees it after its next boot."""
    _claim(lab, server, device, job)
    lab.world.change(server, job, devices=server["devices"] + [device["id"]])


@operation(VIRTUAL_SERVER, "addStorageDeviceFirst", takes=(kinds.STORAGE_DEVICE,), changes=True)
def add_storage_device_first(lab, server, device, job):
    """Add a device before the others, so that the server boots from it."""
    _claim(lab, server, device, job)
    lab.world.change(server, job, devices=[device["id"]] + server["devices"])


@operation(VIRTUAL_SERVER, "removeStorageDevice", takes=(kinds.STORAGE_DEVICE,), changes=True)
def remove_storage_device(lab, server, device, job):
    """Take a device away; a running guest goes on seeing it until its next boot."""
    if device["id"] not in server["devices"]:
        raise ManagementException("%s does not have the device %s" % (server["name"], device["name"]))
    if device["kind"] != kinds.NETWORK_BLOCK_DEVICE.name:
        lab.world.claim(device, job)
    lab.world.change(server, job, devices=[each for each in server["devices"] if each != device["id"]])


def _claim(lab, server, device, job):
    """Make sure that the server can have the device; a network block device is everybody's."""
    if device["id"] in server["devices"]:
        raise ManagementException("%s has the device %s already" % (server["name"], device["name"]))
    if device["kind"] == kinds.NETWORK_BLOCK_DEVICE.name:
        return
    for holder in lab.world.holders(device["id"]):
        if holder["power"] not in (STOPPED, FAILED):
            raise ManagementException("%s is in use by %s" % (device["name"], holder["name"]))
    if server["power"] not in (STOPPED, FAILED):
        _check_not_copied(lab, device)
    lab.world.claim(device, job)


def _check_not_copied(lab, device):
    """A disk that is being copied must not change; what is written to a snapshot disk is no part of the copy."""
    if not device.get("snapshot_parent"):
        copying.check_idle(lab, device)


# -- power

@operation(VIRTUAL_SERVER, "start", changes=True)
def start(lab, server, job):
    """Start it: it is Starting from the commit on, then Running, or Failed where it cannot boot."""
    if server["power"] not in (STOPPED, FAILED):
        raise ManagementException("%s is %s and cannot be started" % (server["name"], server["power"]))
    for identity in server["devices"]:
        device = lab.world.get(identity)
        for holder in lab.world.holders(identity):
            in_use = holder["id"] != server["id"] and holder["power"] not in (STOPPED, FAILED)
            if in_use and device["kind"] != kinds.NETWORK_BLOCK_DEVICE.name:
                raise ManagementException("%s is in use by %s" % (device["name"], holder["name"]))
        _check_not_copied(lab, device)
    lab.world.change(server, job, power=STARTING)
    job.publish(lambda: _begin_boot(lab, server["id"]))


@operation(VIRTUAL_SERVER, "stop", changes=True)
def stop(lab, server, job):
    """Stop it: it is Stopped a few seconds after the commit."""
    _check_runs(server, "stopped")
    lab.world.change(server, job, power=STOPPING)
    job.publish(lambda: lab.schedule(server["stop_ms"], "stopped", server["id"]))


@operation(VIRTUAL_SERVER, "reboot", changes=True)
def reboot(lab, server, job):
    """Boot it again: Stopped, Starting, then Running, or Failed where it cannot boot."""
    _check_runs(server, "rebooted")
    lab.world.change(server, job, power=STOPPING)
    job.publish(lambda: lab.schedule(server["stop_ms"], "restarted", server["id"]))


def _check_runs(server, verb):
    if server["power"] not in (RUNNING, STARTING):
        raise ManagementException("%s is %s and cannot be %s" % (server["name"], server["power"], verb))


def _begin_boot(lab, identity):
    server = lab.world.get(identity)
    lab.cancel_due(identity)
    lab.world.settle(server, power=STARTING, visible=[])
    events.publish(lab, server, kinds.STARTING_EVENT)
    lab.schedule(server["boot_ms"], "booted", identity)


def happen(lab, what, identity):
    """Let something that was due happen to the server ``identity``."""
    server = lab.world.objects.get(identity)
    if server is not None:
        _HAPPENINGS[what](lab, server)


def _booted(lab, server):
    committed = lab.world.committed(server)
    if not _can_boot(lab, committed):
        lab.world.settle(server, power=FAILED, visible=[])
        events.publish(lab, server, kinds.FAILED_EVENT)
        return
    lab.world.settle(server, power=RUNNING, visible=storage.seen_at_boot(lab, committed))
    events.publish(lab, server, kinds.RUNNING_EVENT)
    live = _live_cd(lab, committed)
    if live:
        lab.schedule(live["ms"], "crashed" if live.get("crashes") else "finished", server["id"])


def _stopped(lab, server):
    _power_off(lab, server, STOPPED, kinds.STOPPED_EVENT)


def _restarted(lab, server):
    _stopped(lab, server)
    _begin_boot(lab, server["id"])


def _finished(lab, server):
    """The live CD has done what it was started for: it leaves an image of each disk and shuts down."""
    storage.write_images(lab, server)
    _stopped(lab, server)


def _crashed(lab, server):
    _power_off(lab, server, FAILED, kinds.FAILED_EVENT)


def _power_off(lab, server, power, event_kind):
    """The guest is gone, and with it what it saw, what it had mounted, and what was still to happen to it."""
    lab.cancel_due(server["id"])
    guests.Guest(lab, server["id"]).power_off()
    lab.world.settle(server, power=power, visible=[], frozen=False)
    events.publish(lab, server, event_kind)


_HAPPENINGS = {"booted": _booted, "stopped": _stopped, "restarted": _restarted,
               "finished": _finished, "crashed": _crashed}


def _live_cd(lab, server):
    if server["boot_type"] != VirtualServer_BootInfo.VS_BOOT_DEVICE_CDROM.name or not server["devices"]:
        return None
    return lab.world.get_committed(server["devices"][0]).get("live_cd")


def _can_boot(lab, server):
    if server["boot_type"] == VirtualServer_BootInfo.VS_BOOT_DEVICE_CDROM.name:
        return any(lab.world.get_committed(identity)["kind"] == kinds.NETWORK_BLOCK_DEVICE.name
                   for identity in server["devices"])
    for identity in server["devices"]:
        device = lab.world.get_committed(identity)
        if "layers" in device:
            return not device.get("lost") and \
                disks.read(lab.pages, device["layers"], BOOT_SIGNATURE_OFFSET, 2) == BOOT_SIGNATURE
    return False


# -- snapshot

@operation(VIRTUAL_SERVER, "getSnapshot")
def get_snapshot(lab, server):
    """Return its snapshot virtual server, or None."""
    return lab.world.get(server["snapshot"]) if server["snapshot"] else None


@operation(VIRTUAL_SERVER, "snapshot", changes=True)
def snapshot(lab, server, job):
    """Make a snapshot virtual server whose disks are snapshots of its logical disks; raw disks have none."""
    if server["snapshot"]:
        raise ManagementException("%s has a snapshot already" % server["name"])
    if server["snapshot_of"]:
        raise ManagementException("%s is a snapshot itself" % server["name"])
    originals = [lab.world.get(identity) for identity in server["devices"]]
    originals = [disk for disk in originals if disk["kind"] == kinds.LOGICAL_DISK.name]
    if not originals:
        raise ManagementException("%s has no logical disk to take a snapshot of" % server["name"])
    for disk in originals:
        storage.check_no_snapshot(lab, disk)
    lab.world.claim_all(originals + [server], job)
    copies = [storage.snapshot_disk(lab, disk, job)["id"] for disk in originals]
    made = dict(server, id=lab.world.new_id("vs"), name="Snapshot of %s" % server["name"], devices=copies,
                power=STOPPED, snapshot=None, snapshot_of=server["id"], status_event=None, visible=[],
                frozen=False, mounts={}, write_bytes_per_second=0)
    lab.world.change(server, job, snapshot=made["id"])
    return lab.world.add(made, job)


@operation(VIRTUAL_SERVER, "deleteSnapshot", takes=(VIRTUAL_SERVER,), changes=True)
def delete_snapshot(lab, server, snapshot_server, job):
    """Delete its snapshot virtual server, whose snapshot disks must have been deleted before."""
    if server["snapshot"] != snapshot_server["id"]:
        raise ManagementException("%s is not the snapshot of %s" % (snapshot_server["name"], server["name"]))
    if snapshot_server["power"] not in (STOPPED, FAILED):
        raise ManagementException("%s is %s" % (snapshot_server["name"], snapshot_server["power"]))
    for identity in snapshot_server["devices"]:
        if lab.world.get(identity).get("snapshot_parent"):
            raise ManagementException("%s still has the snapshot disk %s" % (
                snapshot_server["name"], lab.world.get(identity)["name"]))
    lab.world.claim_all([server, snapshot_server], job)
    lab.world.change(server, job, snapshot=None)
    lab.world.remove(snapshot_server, job)


@operation(VIRTUAL_SERVER, "revertToSnapshot", changes=True)
def revert_to_snapshot(lab, server, job):
    """Give its disks what their snapshots hold; the snapshot stays, and can be reverted to again."""
    if not server["snapshot"]:
        raise ManagementException("%s has no snapshot" % server["name"])
    if server["power"] not in (STOPPED, FAILED):
        raise ManagementException("%s is %s and cannot be reverted" % (server["name"], server["power"]))
    copies = [lab.world.get(identity) for identity in lab.world.get(server["snapshot"])["devices"]]
    copies = [disk for disk in copies if disk.get("snapshot_parent") in server["devices"]]
    if not copies:
        raise ManagementException("the snapshot of %s has no disk of its own any more" % server["name"])
    for disk in copies:
        storage.check_not_lost(disk)
    lab.world.claim(server, job)
    for disk in copies:
        storage.revert_disk(lab, disk, job)
