"""A backup that the catalog has: its entry, its disks and its agent, and how a proxy brings its images back."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import agents, backup, checks, errors, power, steps
from vibackup.masking import MASK

# How to get back what is no image, by the mode of the backup.
_INSTEAD = {"file": "bring its files back with --to=FOLDER", "archive": "use vibackup archive --restore",
            "array": "have the storage array bring its LUNs back", "boot": "use what it was booted from"}


class RecordedBackup(object):
    """The backup ``identity`` of the catalog, read through ``proxy``.

    known: the ``agents.Agent`` objects by name. disks: names of the disks wanted; none: all. location:
    None: the backup's own. Raises NotFound, and Refused for a backup that holds no images.
    """

    def __init__(self, run, identity, proxy, known, disks=(), location=None):
        self.entry = entry_of(run, identity)
        self.entries = choose(self.entry, disks)
        self.agent = agent_of(self.entry, known)
        self.location = location_of(self.entry, location)
        self.proxy = steps.find_server(run.manager, proxy)
        self.guest = None
        self.proxy_was = None

    def values(self, entry, device):
        """Return what the agent's placeholders stand for when it restores the disk of ``entry`` onto ``device``."""
        return agents.values_for(self.agent, self.entry["vs"], entry["name"], self.location, self.entry["id"],
                                 device=device, backup_id=entry.get("backup_id"))

    def proxy_lines(self, names, blank):
        """Return the lines of a plan for what the proxy does with the disks ``names``; ``blank``: it proves them so."""
        lines = ["prove blank: %s" % name for name in names if blank]
        for entry, name in zip(self.entries, names):
            lines += ["restore: %s onto %s%s, by %s from %s" % (
                entry["name"], name, "" if blank else ", OVERWRITING what it holds", self.agent.name,
                self.location or "its server"), "look at disk: %s" % name]
        return power.running_lines(self.proxy, self.proxy_was, steps.attached_lines(names, self.proxy, lines))


def check(run, plan):
    """Check that the proxy can bring the backup's bytes back, and that nothing is known against them."""
    plan.guest = steps.guest_of(run, plan.proxy)
    checks.linux(plan.guest, "an image is written by a Linux proxy")
    plan.agent.commands("image_restore", plan.values(plan.entries[0], "/dev/x"))
    newest_where_it_must_be(run, plan, "image_restore")
    plan.proxy_was = checks.proxy_answers(run, plan.proxy, plan.guest)
    if plan.entry.get("verified", {}).get("outcome") == errors.DoesNotBoot.outcome:
        run.warn("the backup %s was verified, and did not boot" % plan.entry["id"])


def newest_where_it_must_be(run, plan, operation):
    """Some agents bring back the newest that they have of a disk and no other; then no other can be asked for.

    operation: what the agent is to do, image_restore or file_restore.
    """
    if plan.agent.restores_any(operation):
        return
    same = [entry for entry in run.catalog.entries(plan.entry["vs"]) if entry["agent"] == plan.entry["agent"]
            and entry.get("mode") == plan.entry.get("mode")
            and set(disk["name"] for disk in plan.entries) & set(disk["name"] for disk in entry["disks"])]
    if same and same[-1]["id"] != plan.entry["id"]:
        raise errors.Refused("%s restores the newest %s alone, which is of the backup %s and not of %s" % (
            plan.agent.name, "image" if operation == "image_restore" else "files", same[-1]["id"], plan.entry["id"]))


def write_images(run, plan, disks, devices):
    """Have the agent restore each disk of the backup onto its one of ``devices``, where the guest shows ``disks``."""
    for entry, device in zip(plan.entries, devices):
        steps.must_still_show(plan.proxy, plan.guest, disks, devices)
        with run.step("restore", entry["name"], "by %s onto %s" % (plan.agent.name, device.path)):
            backup.bring_back(run, plan.guest, plan.agent, plan.values(entry, device.path), device.bytes)
        backup.look_at(run, plan.guest, device, entry.get("partitions"))
    steps.must_still_show(plan.proxy, plan.guest, disks, devices)


# -- what the catalog's entry says

def entry_of(run, identity):
    """Return the catalog's entry; refuse a lab's on a real manager, and the other way round."""
    entry = run.catalog.find(identity)
    if entry.get("lab", False) != (run.manager.lab is not None):
        raise errors.Refused("the backup %s was made %s, and this is %s: give the --state that belongs to this one" % (
            identity, "in a lab" if entry.get("lab") else "on a real manager",
            "a lab" if run.manager.lab is not None else "a real manager"))
    if entry.get("manager") not in (None, run.manager.name):
        run.warn("the backup %s was made with another manager, %s" % (identity, entry["manager"]))
    return entry


def choose(entry, names):
    """Return the disks of the catalog's ``entry`` that are called ``names``, or all; raise what speaks against them."""
    if entry.get("mode") != backup.IMAGE:
        raise errors.Refused("the backup %s holds no image that an agent restores (it was made by %s with %s): %s" % (
            entry["id"], entry.get("verb"), entry["agent"], _INSTEAD.get(entry.get("mode"), "see the README")))
    disks = [disk for disk in entry["disks"] if disk.get("bytes") is not None]
    for name in names:
        if name not in [disk["name"] for disk in disks]:
            raise errors.NotFound("the backup %s has no disk %s; it has: %s" % (
                entry["id"], name, ", ".join(disk["name"] for disk in disks) or "none"))
    if not disks:
        raise errors.Refused("the backup %s has no disk to restore" % entry["id"])
    return [disk for name in names for disk in disks if disk["name"] == name] or disks


def agent_of(entry, known):
    """Return the Agent that made ``entry``; raise Refused where ``known`` has it no more."""
    if entry["agent"] not in known:
        raise errors.Refused("the backup %s was made by the agent %s, which is not known here: give --agents" % (
            entry["id"], entry["agent"]))
    return known[entry["agent"]]


def location_of(entry, given):
    """Return where the agent keeps ``entry``; raise Refused where the catalog has only a part of it."""
    recorded = entry.get("location")
    if not given and recorded is not None and MASK in recorded:
        raise errors.Refused("the location of the backup %s holds a password, which the catalog does not keep: give "
                             "--location, without it" % entry["id"])
    return given or recorded
