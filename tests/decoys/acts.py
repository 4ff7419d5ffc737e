"""What a case does: a verb with its command line, and what that tells it to change."""
from __future__ import absolute_import, division, print_function, unicode_literals

from fakes import disks
from tests.decoys import agent, scene as scenes
from tests.flows.helpers import run_main, write_words
from vibackup import catalog, compat, vhd
from vibackup.names import safe_name

BACKUP = "earlier-backup"


class Act(object):
    """One command line, and the ids of what it is told to change.

    words: verb and options. proxy: the server to which it may attach disks, and that it may reboot. powers: servers
    that it may stop and start. snapshots: servers that it may take the snapshot of. attaches: disks of others that it
    may attach to the proxy. writes, reads: disks of others whose content it may change, or copy. commands: servers in
    whose guests it may run commands. boots: devices that a snapshot of ours may get. makes: the names that new things
    are to keep. calls: about how many calls it makes, and changes.
    """

    def __init__(self, words, calls, changes, **told):
        self.words, self.calls, self.changes = words, calls, changes
        self.proxy = told.pop("proxy", None)
        for name in ("powers", "snapshots", "attaches", "writes", "reads", "commands", "boots", "makes"):
            setattr(self, name, set(told.pop(name, ())))
        assert not told
        if self.proxy is not None:
            self.powers.add(self.proxy)
            self.commands.add(self.proxy)


def run(words):
    """Run a command line in the lab that is installed."""
    return run_main(words[0], ["--lab", "--json"] + words[1:])


# -- what there was before

def _with_backup(scene):
    """Have the catalog hold a backup of ``scene.vs``, and the agent its images."""
    parts = []
    for disk in scene.vs.disks:
        record = scene.lab.world.get(disk.id)
        group = scene.lab.world.get(record["disk_group"])["name"]
        parts.append(catalog.disk_entry(disk.name, record["bytes"], group, partitions=[]))
        scene.kept[("%s/%s" % (safe_name(scene.vs.name), safe_name(disk.name)), BACKUP)] = disks.read(
            scene.lab.pages, record["layers"], 0, record["bytes"])
    catalog.Catalog(scene.state()).add({
        "id": BACKUP, "vs": scene.vs.name, "finished": "2026-11-22T16:00:00Z", "agent": "keeper", "mode": "image",
        "lab": True, "location": "kept", "outcome": "ok", "disks": parts,
        "server": {"node": "node1", "operating_system": "Linux", "memory_bytes": 2 ** 30, "processors": 1,
                   "networks": ["lan"]}})


def _with_snapshot(scene):
    """Have a snapshot of ``scene.vs`` that is kept to roll back to, and an upgrade after it."""
    run(["rollback", "--vs=" + scene.vs.name, "--take"])
    if scene.chance.happens(70):
        scene.write_to(scene.vs.disks[0])


def _agents(scene):
    return "--agents=" + write_words(scene.path("agents.ini"), agent.TABLE)


# -- the acts

def _proxy_backup(scene):
    words = ["proxy-backup", "--vs=" + scene.vs.name, "--proxy=" + scene.proxy.name, "--agent=keeper", _agents(scene)]
    quiet = scene.chance.happens(30) and scene.record("vs")["power"] == "Running"
    if quiet:
        words += ["--freeze=fsfreeze -f /", "--thaw=fsfreeze -u /"]
    return Act(words, 160, 20, proxy=scene.proxy.id, snapshots=[scene.vs.id], commands=[scene.vs.id] if quiet else [])


def _restore(scene):
    _with_backup(scene)
    return Act(["restore", "--backup=" + BACKUP, "--proxy=" + scene.proxy.name, "--new-vs=" + scene.new_name,
                _agents(scene)], 260, 45, proxy=scene.proxy.id, makes=_new_names(scene))


def _new_names(scene):
    return [scene.new_name] + [scene.new_name + disk.name[len(scene.vs.name):] for disk in scene.vs.disks]


def _overwrite(scene):
    _with_backup(scene)
    return Act(["restore", "--backup=" + BACKUP, "--proxy=" + scene.proxy.name, "--disk=" + scene.vs.disks[0].name,
                "--overwrite=" + scene.spare.name, _agents(scene)], 170, 15, proxy=scene.proxy.id,
               attaches=[scene.spare.id], writes=[scene.spare.id])


def _verify(scene):
    _with_backup(scene)
    return Act(["verify", "--backup=" + BACKUP, "--proxy=" + scene.proxy.name, _agents(scene)], 290, 45,
               proxy=scene.proxy.id)


def _take(scene):
    return Act(["rollback", "--vs=" + scene.vs.name, "--take"], 50, 6, snapshots=[scene.vs.id])


def _revert(scene):
    _with_snapshot(scene)
    return Act(["rollback", "--vs=" + scene.vs.name, "--revert"], 90, 12, snapshots=[scene.vs.id],
               powers=[scene.vs.id], writes=[disk.id for disk in scene.vs.disks])


def _discard(scene):
    _with_snapshot(scene)
    return Act(["rollback", "--vs=" + scene.vs.name, "--discard"], 50, 6, snapshots=[scene.vs.id])


def _archive(scene):
    return Act(["archive", "--vs=" + scene.vs.name, "--to=" + scene.path("archive")], 90, 15, snapshots=[scene.vs.id])


def _archive_restore(scene):
    run(["archive", "--vs=" + scene.vs.name, "--to=" + scene.path("archive")])
    return Act(["archive", "--restore", "--from=" + scene.path("archive"), "--new-vs=" + scene.new_name], 150, 35,
               makes=_new_names(scene))


def _clone(scene):
    disk = scene.chance.of(list(scene.vs.disks) + [scene.spare])
    return Act(["clone-disk", "--disk=" + disk.name, "--to-group=bulkGroup", "--name=" + scene.new_name], 120, 16,
               snapshots=[scene.vs.id] if disk in scene.vs.disks else [], reads=[scene.spare.id],
               makes=[scene.new_name])


def _export(scene):
    disk = scene.chance.of(list(scene.vs.disks) + [scene.spare])
    return Act(["export-disk", "--disk=" + disk.name, "--to=" + scene.path("disk.vhd")], 90, 12,
               snapshots=[scene.vs.id] if disk in scene.vs.disks else [], reads=[scene.spare.id])


def _import(scene):
    vhd.write(compat.text(scene.path("source.vhd")), 64 * 1024, [(512, b"begin")])
    return Act(["import-disk", "--from=" + scene.path("source.vhd"), "--to-group=bulkGroup",
                "--name=" + scene.new_name], 80, 12, makes=[scene.new_name])


def _snapshot_boot(scene):
    return Act(["snapshot-boot", "--vs=" + scene.vs.name, "--boot-device=" + scenes.BOOT_DEVICE], 100, 18,
               snapshots=[scene.vs.id], boots=[scene.record("cd")["id"]])


def _reconcile(scene):
    if scene.chance.happens(50):
        _with_snapshot(scene)  # kept, so no leftover
    return Act(["reconcile", "--fix"], 4, 1)


ACTS = [_proxy_backup, _proxy_backup, _proxy_backup, _restore, _restore, _overwrite, _verify, _take, _revert, _discard,
        _archive, _archive_restore, _clone, _export, _import, _snapshot_boot, _reconcile]


def choose(scene):
    """Return the Act of a case, with what it wants done before."""
    return scene.chance.of(ACTS)(scene)


