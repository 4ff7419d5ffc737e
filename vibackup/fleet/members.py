"""Whom a policy protects: every virtual server of the manager is a member of one section, or left out with a reason.

The manager is read once: three calls for each virtual server; for a member four more, and six for each of its disks;
three for each managed node.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import checks, errors, guest, objectives, steps
from vibackup import manager as api
from vibackup.fleet import policy as policies
from vibackup.fleet.matching import Names
from vibackup.names import printable

# What the manager and the catalog have. servers: Listed ones; unreadable: LeftOut ones; entries: of the catalog, made
# of servers of this manager, the oldest first.
Site = collections.namedtuple("Site", "servers unreadable entries")

# A virtual server. server: a steps.Server; snapshot: the handle of its snapshot, or None, and its id.
Listed = collections.namedtuple("Listed", "server snapshot snapshot_id")

# A virtual server that is to be backed up. server: a steps.Server; section: a policy.Section; node, node_id,
# data_center (an id); family: guest.LINUX, WINDOWS or None; disks: the checks.Disks to be backed up; bytes: of them;
# groups: names of their disk groups, sorted; agent_server: what its agent writes to; seconds: what its backup may take.
Member = collections.namedtuple("Member", (
    "server section node node_id data_center family disks bytes groups agent_server seconds"))

# A virtual server that is not, or what a policy calls one; section: a name or None; why: one line; wanted: whether the
# policy wants it and cannot have it, or nobody can tell; not so where that is the policy's own choice.
LeftOut = collections.namedtuple("LeftOut", "vs section why wanted")
LeftOut.__new__.__defaults__ = (True,)

# A virtual server on which agents can run; its fields are those of a Member.
Proxy = collections.namedtuple("Proxy", "server node node_id data_center family")

_Node = collections.namedtuple("_Node", "name id data_center")

_NAMESAKES = "two virtual servers have this name: give each a name of its own"


def read(run):
    """Return the Site of ``run``'s manager and catalog; raise MissingCall where the manager lists no objects."""
    run.manager.require_listing()
    servers, unreadable = [], []
    for handle in run.manager.objects("VirtualServer"):
        try:
            server, snapshot = steps.server_of(handle), api.snapshot_of(handle)
            servers.append(Listed(server, snapshot, None if snapshot is None else api.identity_of(snapshot)))
        except errors.ManagerGone:
            raise
        except errors.ApiError as error:
            unreadable.append(_left_out(_called(handle), None, error.message))
    entries, damaged = run.catalog.readable()
    for error in damaged:
        run.warn(error.message)
    return Site(servers, unreadable, [entry for entry in entries if entry.get("manager") in (None, run.manager.name)])


def of(run, policy, site=None):
    """Return ``(members, left_out)``: Members and LeftOuts, each sorted by name; site: what ``read`` returned.

    Each virtual server is one or the other, of the first section that takes it; and so is each name, and each pattern
    of names, that stands in the policy and fits none.
    """
    site = site or read(run)
    sorting = _Sorting(run, policy, site)
    found = [sorting.sorted_in(listed) for listed in site.servers]
    left_out = site.unreadable + [each for each in found if isinstance(each, LeftOut)] + sorting.names_of_nothing()
    return (sorted((each for each in found if isinstance(each, Member)), key=lambda each: each.server.name),
            sorted(left_out, key=lambda each: (each.vs, each.section or "")))


def proxies(run, policy, members, site=None):
    """Return the Proxies that ``policy`` may use, sorted by name; those of ``members`` (Members) are not read again.

    They are those that sections name, and where one names none, those by which the catalog's backups were made. One
    that cannot be read, or whose operating system is not known, is warned of and left out.
    """
    site = site or read(run)
    known = dict((member.server.id, member) for member in members)
    sorting = _Sorting(run, policy, site)
    found = [sorting.proxy(listed, known.get(listed.server.id)) for listed in site.servers]
    return sorted((proxy for proxy in found if proxy is not None), key=lambda proxy: proxy.server.name)


def _left_out(vs, section, why, wanted=True):
    return LeftOut(vs, section, printable(" ".join(why.split())), wanted)


def _called(handle):
    """Return the name of a virtual server that does not tell everything, or what else there is."""
    for ask in (api.name_of, api.identity_of):
        try:
            return ask(handle)
        except errors.ManagerGone:
            raise
        except errors.ApiError:
            continue
    return "a virtual server without a name"


# A section, and what it says of names as Names.
_Wanted = collections.namedtuple("_Wanted", "section names nodes groups exclude proxies")


def _wanted(section):
    return _Wanted(section, Names(section.names, section.file_names), Names(section.nodes),
                   Names(section.disk_groups), Names(section.exclude), Names(section.proxies))


class _Look(object):
    """What one virtual server says of itself, asked for when it is wanted, and once."""

    def __init__(self, run, listed, nodes):
        self._manager = run.manager
        self._nodes = nodes
        self._node = self._disks = None
        self.server = listed.server

    @property
    def node(self):
        """Its managed node, as a _Node."""
        if self._node is None:
            handle = api.node_of(self.server.handle)
            identity = api.identity_of(handle)
            if identity not in self._nodes:
                self._nodes[identity] = _Node(api.name_of(handle), identity,
                                              api.identity_of(api.data_center_of(handle)))
            self._node = self._nodes[identity]
        return self._node

    @property
    def disks(self):
        """Its disks, as ``checks.Disk``s."""
        if self._disks is None:
            self._disks = checks.disks_of(self._manager, self.server)
        return self._disks

    @property
    def family(self):
        """Its operating system: guest.LINUX, WINDOWS, or None for any other."""
        return guest.family(api.operating_system(self.server.handle))


class _Sorting(object):
    """Sorts the servers of a Site into the sections of a policy."""

    def __init__(self, run, policy, site):
        self._run = run
        self._policy = policy
        self._wanted = [_wanted(section) for section in policy.sections]
        self._snapshots = dict((listed.snapshot_id, listed.server.name) for listed in site.servers
                               if listed.snapshot is not None)
        self._named = collections.Counter(listed.server.name for listed in site.servers)
        self._names = set(listed.server.name for listed in site.servers if listed.server.id not in self._snapshots)
        self._entries = collections.defaultdict(list)
        for entry in site.entries:
            self._entries[entry["vs"]].append(entry)
        self._proxies = self._proxy_names(site.entries)
        self._nodes = {}

    def _proxy_names(self, entries):
        """Return the names of all servers that may be proxies of a section."""
        found = set()
        for wanted in self._wanted:
            if wanted.section.technique != policies.PROXY:
                continue
            if wanted.proxies:
                found.update(name for name in self._names if wanted.proxies.which(name))
            else:
                found.update(entry.get("proxy") for entry in entries)
        return found

    # -- members

    def sorted_in(self, listed):
        """Return the Member or the LeftOut that a Listed server is."""
        name, section = listed.server.name, None
        try:
            self._must_be_one(listed)
            look = _Look(self._run, listed, self._nodes)
            section = self._section_for(look)
            return self._member(listed, look, section)
        except _Unwanted as unwanted:
            return _left_out(name, unwanted.section, unwanted.message, False)
        except errors.ManagerGone:
            raise
        except (errors.ApiError, errors.Refused) as error:
            return _left_out(name, section and section.name, error.message)

    def _must_be_one(self, listed):
        if listed.server.id in self._snapshots:
            raise _Unwanted(None, "a snapshot of %s" % self._snapshots[listed.server.id])
        if self._named[listed.server.name] > 1:
            is_named = any(wanted.names.which(listed.server.name) for wanted in self._wanted)
            raise errors.Refused(_NAMESAKES) if is_named else _Unwanted(None, _NAMESAKES)

    def _section_for(self, look):
        """Return the first Section that takes the server; a proxy has to be called by its plain name."""
        name, first = look.server.name, None
        is_proxy = name in self._proxies
        for wanted in self._wanted:
            fits = wanted.names.which(name)
            if (wanted.names and fits is None) or (is_proxy and fits != name):
                continue
            why_not = _why_not(wanted, look)
            if why_not is None:
                return wanted.section
            if first is None and (wanted.names or wanted.exclude.which(name)):
                first = _Unwanted(wanted.section.name, why_not)
        raise first or _Unwanted(None, "is a proxy, and no section has its plain name in names or file" if is_proxy
                                 else "no section of the policy selects it")

    def _member(self, listed, look, section):
        name = look.server.name
        if section.technique == policies.PROXY and listed.snapshot is not None:
            raise errors.Refused("%s has a snapshot already, %s" % (
                name, checks.whose_snapshot(self._run, listed.snapshot)))
        family = look.family
        _must_be_possible(look.server, section, family)
        disks = _disks_of(look, section)
        size = sum(disk.bytes for disk in disks)
        seconds = self._took(look.server, section) or size / self._policy.bytes_per_second
        return Member(look.server, section, look.node.name, look.node.id, look.node.data_center, family, disks, size,
                      sorted(set(disk.group for disk in disks)), section.location or section.agent, max(1, seconds))

    def _took(self, server, section):
        """Return the seconds that the agent took for the server's last good backup by its technique, or None."""
        entries = [entry for entry in self._entries[server.name]
                   if entry.get("vs_id") in (None, server.id) and not objectives.is_bad(entry)]
        latest = objectives.latest(entries, section.technique, (section.mode,))
        return None if latest is None else latest.get("agent_seconds") or objectives.seconds_of(latest)

    # -- what is named and not there

    def names_of_nothing(self):
        """Return a LeftOut for each name, and each pattern, that stands in the policy and fits nothing."""
        found = []
        for wanted in self._wanted:
            found += _of_nothing(wanted, wanted.names, set(self._named), "virtual server", "")
            found += _of_nothing(wanted, wanted.proxies, self._names, "virtual server", ", to be a proxy")
        for kind, of_section in (("ManagedNode", lambda wanted: wanted.nodes),
                                 ("LvmDiskGroup", lambda wanted: wanted.groups)):
            if any(of_section(wanted) for wanted in self._wanted):
                names = self._names_of(kind)
                for wanted in self._wanted if names is not None else ():
                    found += _of_nothing(wanted, of_section(wanted), names, api.in_words(kind), "")
        return found

    def _names_of(self, kind):
        """Return the names of all objects of ``kind``; None, warned of, where one does not tell."""
        try:
            return set(api.name_of(thing) for thing in self._run.manager.objects(kind))
        except errors.ManagerGone:
            raise
        except errors.ApiError as error:
            self._run.warn("the %ss that the policy names were not looked for: %s" % (
                api.in_words(kind), error.message))
            return None

    # -- proxies

    def proxy(self, listed, member):
        """Return the Proxy that a Listed server is, or None; member: the Member that it is, or None."""
        name = listed.server.name
        if name not in self._proxies or listed.server.id in self._snapshots:
            return None
        try:
            if self._named[name] > 1:
                raise errors.Refused(_NAMESAKES)
            look = member or _Look(self._run, listed, self._nodes)
            node = look.node if member is None else _Node(member.node, member.node_id, member.data_center)
            family = look.family
            if family is None:
                raise errors.Refused("its operating system is neither Linux nor Windows")
            return Proxy(listed.server, node.name, node.id, node.data_center, family)
        except errors.ManagerGone:
            raise
        except (errors.ApiError, errors.Refused) as error:
            self._run.warn("%s is not used as a proxy: %s" % (name, error.message))
            return None


class _Unwanted(errors.Refused):
    """A virtual server is not backed up; the message says why, ``section`` names the one that might have taken it."""

    def __init__(self, section, why):
        errors.Refused.__init__(self, why)
        self.section = section


def _why_not(wanted, look):
    """Return why a section does not take a server whose name it has, or None where it does."""
    excluded = wanted.exclude.which(look.server.name)
    if excluded is not None:
        return "excluded by %s" % excluded
    if wanted.nodes and wanted.nodes.which(look.node.name) is None:
        return "is on the managed node %s, which is not among the section's nodes" % look.node.name
    if wanted.groups and not any(wanted.groups.which(disk.group) for disk in checks.logical(look.disks)):
        return "has no disk in any of the section's disk-groups"
    return None


def _must_be_possible(server, section, family):
    """Refuse what the section's technique cannot do with a server whose guest is of that ``family``."""
    by_agent = section.technique == policies.AGENT
    if family is None and (by_agent or section.mode == policies.FILE):
        raise errors.Refused("%s has %s, which is neither Linux nor Windows: files, and agents in the server, want "
                             "one of them; use proxy-backup and mode = image" % (
                                 server.name, api.operating_system(server.handle)))
    if family != guest.LINUX and by_agent and section.mode == policies.IMAGE:
        raise errors.Refused("%s has Windows, where no agent in the server reads whole disks: use mode = file, or "
                             "proxy-backup" % server.name)


def _disks_of(look, section):
    """Return the disks of a server that are backed up; refuse what has none, or one that cannot be."""
    for disk in checks.logical(look.disks):
        if api.parent_of(disk.handle) is not None:
            raise errors.Refused("%s has the snapshot disk %s: take it off, or if it was left behind, vibackup "
                                 "reconcile --fix" % (look.server.name, disk.name))
    if section.technique == policies.AGENT:
        return checks.logical(look.disks)
    raw = [disk for disk in look.disks if disk.kind == api.RAW]
    if raw and not section.skip_raw:
        raise errors.Refused("%s: %s is a raw disk, which has no snapshot: use array-backup, or leave the disk out "
                             "with skip-raw = yes" % (look.server.name, raw[0].name))
    return checks.choose_disks(look.server, look.disks, (), True)[0]


def _of_nothing(wanted, names, there, kind, purpose):
    """Return a LeftOut of the section for each of its Names ``names`` that nothing ``there`` (a set of names) has."""
    plain, patterns = names.fit_none_of(there)
    section = wanted.section.name
    return [_left_out(name, section, "no %s is called %s%s" % (kind, name, purpose)) for name in plain] + [
        _left_out(pattern, section, "the pattern %s matches no %s%s" % (pattern, kind, purpose))
        for pattern in patterns]
