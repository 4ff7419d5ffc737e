"""Whether a snapshot of a huge disk costs more than one of a small disk."""
from common import milliseconds, ratio, interleaved, met, seconds_of, workspace, write_json
from fakes import opening

NAME = "snapshot of a sparse disk of 1 TiB"
SIZES = {"big": 1024 ** 4, "small": 1024 ** 2}
REPETITIONS = 200
NOISE = 1.1


def figure():
    """Return the medians of both and their ratio, as text."""
    with workspace() as folder:
        opened = opening.open_lab(None, write_json(folder, "inventory.json", inventory()))
        try:
            big, small = interleaved([_timed(opened, name) for name in ("big", "small")], REPETITIONS)
        finally:
            opened.close()
    times = ratio(big, small)
    return "%s, of 1 MiB %s: %.2f times (goal: the same within noise; %s)" % (
        milliseconds(big), milliseconds(small), times, met(1 / NOISE <= times <= NOISE))


def inventory():
    """Return the description of a lab with a stopped virtual server for each of SIZES."""
    return {"data_centers": [{"name": "East", "nodes": [{"name": "node1"}],
                              "disk_groups": [{"name": "group", "bytes": 4 * 1024 ** 4}]}],
            "disks": [{"name": name + "-disk", "group": "group", "bytes": size, "content": {"boot": True}}
                      for name, size in SIZES.items()],
            "servers": [{"name": name, "node": "node1", "power": "Stopped", "devices": [name + "-disk"]}
                        for name in SIZES]}


def _timed(opened, name):
    """Return a function that takes the snapshot of the server ``name``, deletes it, and returns the first's seconds."""
    from com.virtualiron.vce.mgmt.api.virtual import VirtualServer
    manager = opened.configuration_manager()
    server = manager.findObject(VirtualServer, name)

    def once():
        taken = seconds_of(lambda: _in_job(manager, server.snapshot))
        _in_job(manager, lambda: _delete(server))
        return taken
    return once


def _in_job(manager, change):
    job = manager.createJob("benchmark")
    job.begin()
    change()
    job.commit()


def _delete(server):
    snapshot = server.getSnapshot()
    for disk in snapshot.getStorageDevices():
        disk.getParentLvmDiskGroup().deleteLogicalDisk(disk)
    server.deleteSnapshot(snapshot)
