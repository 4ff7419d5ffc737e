"""Back up a virtual server by the agent that runs in it: the paper's "Backup Agent on Each Virtual Server"."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import ntpath
import posixpath
import re

from vibackup import agents, backup, checks, errors, guest, steps
from vibackup.attempt import attempted

# What is backed up as one: a disk, or a folder. bytes, group, partitions: of a disk; more: values of placeholders.
Part = collections.namedtuple("Part", "name bytes group partitions more")

_PROXY = "back it up with proxy-backup, which needs no agent in it"


def agent_backup(run, plan):
    """Back up ``plan.vs`` by ``plan.agent`` in its own guest; return the catalog's entry.

    1. The agent's software is installed in the virtual server, as it would be in a physical one.
    2. It backs up whole disks as images, or single folders, to wherever it keeps them.

    Nothing changes in the manager. run: a ``run.Run``. plan: a Plan. Raises a VibackupError where there is no
    good backup, having had the agent remove what it has kept of it.
    """
    with run.held(plan.holds()):
        check(run, plan)
        plan.id = run.new_backup_id()
        with attempted(run, plan, plan.vs) as attempt:
            for number, part in enumerate(plan.parts, 1):
                attempt.back_up(part.name, plan.values(part, number), part.bytes, part.partitions, plan.operation)
            return attempt.record(dict((part.name, part.group) for part in plan.parts))


class Plan(object):
    """A backup of a virtual server by an agent in its own guest.

    vs: its name, or a steps.Server. agent: an ``agents.Agent``. mode: backup.IMAGE, of the disks called ``disks``
    (none: all), or backup.FILE, of all that is below the folders ``paths`` (none: of each file system of its disks
    that is mounted). location: where the agent keeps it; None: its default. Raises NotFound.
    """

    def __init__(self, run, vs, agent, mode=backup.IMAGE, disks=(), paths=(), location=None):
        self.vs = steps.find_server(run.manager, vs)
        self.agent = agent
        self.mode = mode
        self.names = disks
        self.paths = paths
        self.location_given = location is not None
        self.location = location or agent.default_location
        self.operation = "file_system_backup" if mode == backup.FILE and not paths else mode + "_backup"
        self.id = None
        self.guest = None
        self.parts = ()
        self.settings = {}

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it."""
        return [(self.vs.id, self.vs.name)]

    def values(self, part, number):
        """Return what the agent's placeholders stand for when it backs up ``part``, the ``number``th."""
        identifier = self.id if self.mode == backup.IMAGE else "%s.%d" % (self.id, number)
        return agents.values_for(self.agent, self.vs.name, part.name, self.location, identifier, **part.more)

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        return ["backup: %s, as %s, by %s in %s to %s" % (
            part.name, self.mode, self.agent.name, self.vs.name, self.location or "its server") for part in self.parts]


def check(run, plan):
    """Make every check that can be made before the agent runs, and complete ``plan``; raise what speaks against it."""
    plan.guest = steps.guest_of(run, plan.vs)
    plan.settings = run.manager.settings_of(plan.vs.handle)
    if plan.agent.suffix and not plan.location_given:
        raise errors.Refused("%s writes files, and the disks of %s are no place for its own backup: give --location, a "
                             "folder of a share that is mounted there" % (plan.agent.name, plan.vs.name))
    checks.runs(run.manager, plan.vs, _PROXY)
    shown = checks.answers(plan.guest)
    plan.parts = _disks(run, plan, shown) if plan.mode == backup.IMAGE else _folders(plan)
    plan.agent.commands(plan.operation, agents.values_for(
        plan.agent, plan.vs.name, plan.parts[0].name, plan.location, "id", **plan.parts[0].more))


# -- images

def _disks(run, plan, shown):
    """Return the disks to be backed up as Parts, each with the device that it is in the guest."""
    checks.linux(plan.guest, "only there an agent reads whole disks; give --mode=file, or %s" % _PROXY)
    disks = checks.disks_of(run.manager, plan.vs)
    wanted = checks.named_disks(plan.vs, disks, plan.names)
    if not wanted:
        raise errors.Refused("%s has no disk to back up" % plan.vs.name)
    try:
        devices = guest.in_devices_order(shown, [disk.bytes for disk in disks], plan.vs.name)
    except errors.GuestError as error:
        raise errors.Refused(error.message)
    run.warn("%s writes to its disks while they are read, so the image may not be consistent: proxy-backup and archive "
             "make one that is" % plan.vs.name)
    return [Part(disk.name, device.bytes, disk.group, guest.layout(device), {"device": device.path})
            for disk, device in zip(disks, devices) if disk in wanted]


# -- files

def _folders(plan):
    """Return the folders to be backed up as Parts."""
    if plan.names:
        raise errors.UsageError("--disk is for images: with --mode=file give --path")
    paths = [_checked(plan, path) for path in plan.paths] or plan.guest.mounted_folders()
    if not paths:
        raise errors.Refused("%s has no file system of its disks mounted: say what to back up with --path"
                             % plan.vs.name)
    for path in paths:
        if paths.count(path) > 1:
            raise errors.UsageError("--path=%s is given twice" % path)
    return [Part(path, None, None, None, {"mount": path, "origin": path}) for path in paths]


def _checked(plan, path):
    """Return ``path`` without a slash at its end; refuse one that is no folder of the guest, written in full."""
    windows = plan.guest.family == guest.WINDOWS
    module, begin, example = (ntpath, r"[A-Za-z]:\\", "C:\\Data") if windows else (posixpath, "/(?!/)", "/srv/data")
    straight = module.normpath(path)
    if not re.match(begin, path) or path not in (straight, straight + module.sep):
        raise errors.UsageError("--path=%s: give a folder of %s in full, such as %s" % (path, plan.vs.name, example))
    if not windows:
        _must_be_a_folder(plan.guest, straight)
    return straight


def _must_be_a_folder(host, path):
    """Refuse what is no folder; and a symbolic link, of which an agent would keep the link alone."""
    if host.test("-L", path):
        raise errors.Refused("%s: %s is a symbolic link: give the folder that it leads to" % (host.name, path))
    if not host.test("-d", path):
        raise errors.Refused("%s has no folder %s: give one that is there with --path" % (host.name, path))
