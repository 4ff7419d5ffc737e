"""The command lines that could protect a virtual server: every technique of the paper with all names filled in."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import agents, arrays, errors, guest, objectives, techniques
from vibackup import manager as api
from vibackup.masking import MASK
from vibackup.names import safe_name

# What is to be protected. vs: a steps.Server; family: of its guest, None where nobody knows; disks: checks.Disks;
# entries: of the catalog.
Subject = collections.namedtuple("Subject", "vs family disks entries")

# The agents and the arrays by name, and the files in which the site has its own, None where it has none.
Programs = collections.namedtuple("Programs", "agents arrays agents_file arrays_file")

# What there is to choose from. hosts: proxies.Hosts; no_more_hosts: why there are no others.
Means = collections.namedtuple("Means", "programs hosts no_more_hosts")

# A technique, the name of the disk that it is for (None: all), the Ways to try, the best first, and why there are no
# more.
Choice = collections.namedtuple("Choice", "technique disk ways no_more")

# A command line, in words, and the Host in it, or None.
Way = collections.namedtuple("Way", "words host")


def programs(agents_file=None, arrays_file=None):
    """Return the Programs of the shipped tables and of a site's own, INI files; raise UsageError for a bad one."""
    return Programs(agents.load(agents_file), arrays.load(arrays_file), agents_file, arrays_file)


def all_choices(run, subject, means):
    """Return a Choice of every technique, and of those that are for one disk, one for each disk."""
    vs = "--vs=" + subject.vs.name

    def agent(technique):
        return agent_options(subject, means.programs, technique)
    return [
        _through_proxies(techniques.PROXY_IMAGE, [vs] + agent(techniques.PROXY_IMAGE), means, guest.LINUX),
        _through_proxies(techniques.PROXY_FILES, [vs, "--mode=file"] + agent(techniques.PROXY_FILES), means,
                         subject.family),
        _one_way(techniques.AGENT_FILES, None, [vs, "--mode=file"] + agent(techniques.AGENT_FILES)),
        _one_way(techniques.AGENT_IMAGE, None, [vs] + agent(techniques.AGENT_IMAGE)),
        _array(run, subject, means, vs),
        _one_way(techniques.ARCHIVE, None, [vs, "--to=" + _new_file(run, subject.vs.name)]),
        _boot(run, subject, [vs]),
    ] + [_clone(run, disk) for disk in subject.disks] + [
        _one_way(techniques.EXPORT, disk.name, ["--disk=" + disk.name, "--to=%s.vhd" % _new_file(run, disk.name)])
        for disk in subject.disks] + [_one_way(techniques.ROLLBACK, None, [vs, "--take"])]


def agent_options(subject, known, technique):
    """Return the options for the agent of the last backup of that technique, or else for a guess; known: Programs."""
    entry = used_before(subject, known, technique)
    if entry is None:
        name, location = _own_agent(known, technique) or _plain_agent(subject, technique), None
    else:
        name, location = entry["agent"], entry.get("location")
    told = location and MASK not in location and location != known.agents[name].default_location
    return ["--agent=" + name] + (["--location=" + location] if told else []) + _file("--agents", known.agents_file)


def used_before(subject, known, technique):
    """Return the last backup of that technique by an agent that is known here, or None; known: Programs."""
    return objectives.latest([entry for entry in subject.entries if entry["agent"] in known.agents],
                             technique.verb, technique.modes)


def _file(option, path):
    return [] if path is None else ["%s=%s" % (option, path)]


def _own_agent(known, technique):
    """Return the name of the first agent that the site has added and that can do it as it stands, or None."""
    own = sorted(set(known.agents) - set(agents.load()))
    return next((name for name in own if _is_ready(known.agents[name], technique)), None)


def _is_ready(agent, technique):
    """Tell whether the agent needs no --location; a file in the server itself always does."""
    if technique is techniques.AGENT_IMAGE and agent.suffix:
        return False
    operation = "file_system_backup" if technique is techniques.AGENT_FILES else technique.modes[-1] + "_backup"
    try:
        agent.commands(operation, agents.values_for(agent, "vs", "disk", None, "id", device="/", mount="/", origin="/"))
        return True
    except errors.Refused:
        return False


def _plain_agent(subject, technique):
    """In the server itself only one that keeps nothing there; files of a Windows guest are not for tar."""
    if technique.verb == techniques.AGENT_FILES.verb:
        return "tsm"
    if technique is techniques.PROXY_FILES:
        return "tsm" if subject.family == guest.WINDOWS else "tar"
    return "dd"


def _one_way(technique, disk, options):
    return Choice(technique, disk, [Way([technique.verb] + options, None)], [])


def _through_proxies(technique, options, means, family):
    """Return the ways through each of the Hosts; ``family``: of the guest that the technique wants there."""
    ways = [Way([technique.verb] + options + ["--proxy=" + host.name], host) for host in means.hosts]
    no_more = list(means.no_more_hosts)
    if means.hosts and not any(host.family == family for host in means.hosts):
        no_more.append("it wants a proxy with %s, and there is none" % (
            {guest.LINUX: "Linux", guest.WINDOWS: "Windows"}.get(family, "the operating system of the virtual server")))
    return Choice(technique, None, ways, no_more)


def _array(run, subject, means, vs):
    """Beside raw disks a server may have logical ones, which want a proxy."""
    names, refused = _arrays(run, subject, means.programs)
    if not names:
        return Choice(techniques.ARRAY, None, [], refused + ["an array of your own can be given with --arrays"])
    options = [vs, "--array=" + names[0]] + _file("--arrays", means.programs.arrays_file)
    if set(disk.kind for disk in subject.disks) == set((api.RAW, api.LOGICAL)):
        options += agent_options(subject, means.programs, techniques.ARRAY)
        return _through_proxies(techniques.ARRAY, options, means, guest.LINUX)
    return _one_way(techniques.ARRAY, None, options)


def _arrays(run, subject, known):
    """Return the arrays that answer for all the server's LUNs, that of its last backup first; and why others do not."""
    entry = objectives.latest(subject.entries, techniques.ARRAY.verb, techniques.ARRAY.modes)
    last = [] if entry is None else [disk.get("array") for disk in entry["disks"]]
    found, refused = [], []
    for name, array in sorted(known.arrays.items(), key=lambda item: (item[0] not in last, item[0])):
        if array.for_lab == (run.manager.lab is not None) and not array.is_example:
            try:
                for disk in subject.disks:
                    if disk.kind == api.RAW:
                        arrays.answers(run, array, api.lun_of(disk.handle))
                found.append(name)
            except errors.Refused as error:
                refused.append(error.message)
    return found, refused


def _boot(run, subject, options):
    """The last device is tried first, then every network block device."""
    entry = objectives.latest(subject.entries, techniques.SNAPSHOT_BOOT.verb, techniques.SNAPSHOT_BOOT.modes)
    names = [] if entry is None else [entry["agent"]]
    found, why = _names(run, "NetworkBlockDevice")
    if not found and not why:
        why = ["there is no network block device to boot from"]
    ways = [Way([techniques.SNAPSHOT_BOOT.verb] + options + ["--boot-device=" + name], None) for name in names + found]
    return Choice(techniques.SNAPSHOT_BOOT, None, ways, why)


def _clone(run, disk):
    """Another disk group is tried first, as the paper has it, then the disk's own."""
    found, why = _names(run, "LvmDiskGroup")
    groups = [name for name in found if name != disk.group] + [name for name in found if name == disk.group]
    name = "%s-%s" % (disk.name, run.id)
    ways = [Way([techniques.CLONE.verb, "--disk=" + disk.name, "--to-group=" + group, "--name=" + name], None)
            for group in groups]
    return Choice(techniques.CLONE, disk.name, ways, why)


def _names(run, kind):
    """Return the names of all objects of class ``kind``, and a reason in a list where this manager lists none."""
    try:
        return [api.name_of(each) for each in run.manager.objects(kind)], []
    except errors.MissingCall as error:
        return [], [error.message]


def _new_file(run, name):
    """Return a file name that nobody has used."""
    return "%s-%s" % (safe_name(name), run.id)
