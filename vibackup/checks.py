"""What must hold before anything is changed. Each check reads, and refuses with the object's name and what to do."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import errors, events, guest, ledger
from vibackup import manager as api

# What a snapshot's group must have free for what is written meanwhile, as a part of the disks' bytes.
SNAPSHOT_RESERVE = 0.10

# A disk of a virtual server. kind: manager.LOGICAL or RAW; bytes and group (a name): of a logical disk.
Disk = collections.namedtuple("Disk", "handle name kind bytes group")


def disks_of(manager, server):
    """Return the logical and raw disks of ``server`` (a ``steps.Server``) in order, as Disks."""
    found = []
    for device in api.devices_of(server.handle):
        kind = manager.device_kind(device)
        if kind != api.NETWORK:
            logical = kind == api.LOGICAL
            found.append(Disk(device, api.name_of(device), kind, api.bytes_of(device) if logical else None,
                              api.name_of(api.group_of(device)) if logical else None))
    return found


def logical(disks):
    """Return the logical ones of ``disks`` (Disks), which are those that a snapshot has."""
    return [disk for disk in disks if disk.kind == api.LOGICAL]


def some_logical(server, disks):
    """Return the same; refuse where there is none, for then there is no snapshot of ``server``."""
    found = logical(disks)
    if not found:
        raise errors.Refused("%s has no logical disk, so there is no snapshot of it" % server.name)
    return found


def choose_disks(server, disks, names, skip_raw):
    """Return ``(chosen, skipped)`` of ``disks``: those called ``names``, or all logical ones where none is named.

    Raises Refused for a raw disk, of which there is no snapshot, unless ``skip_raw``; NotFound for a
    name that no disk has, or that two have.
    """
    wanted = named_disks(server, disks, names)
    raw = [disk for disk in wanted if disk.kind == api.RAW]
    chosen = logical(wanted)
    if raw and not skip_raw:
        raise errors.Refused("%s: %s is a raw disk, which has no snapshot: use array-backup, or leave the disk out "
                             "with --skip-raw" % (server.name, raw[0].name))
    if not chosen:
        raise errors.Refused("%s has no logical disk to back up" % server.name)
    return chosen, raw


def warn_of_skipped(run, server, skipped):
    """Warn of each of the raw disks ``skipped``, as ``choose_disks`` returned them."""
    for disk in skipped:
        run.warn("%s: the raw disk %s is left out" % (server.name, disk.name))


def named_disks(server, disks, names):
    """Return those of ``disks`` (Disks) that are called ``names``, or all where none is named; see ``choose_disks``."""
    for name in names:
        count = sum(1 for disk in disks if disk.name == name)
        if count != 1:
            raise errors.NotFound("%s has %s disk called %s; it has: %s" % (
                server.name, "no" if not count else "more than one", name,
                ", ".join(disk.name for disk in disks) or "none"))
    wanted = [disk for disk in disks if disk.name in names or not names]
    for disk in wanted:
        if sum(1 for other in wanted if other.name == disk.name) > 1:
            raise errors.Refused("%s has two disks called %s: give each a name of its own" % (server.name, disk.name))
    return wanted


def can_snapshot(run, server, disks):
    """Refuse where no snapshot of ``server`` with its logical ``disks`` (Disks) can be made, kept and taken back."""
    run.manager.require_events()
    if not (api.can_identify(server.handle) or api.can_name(server.handle)):
        raise errors.MissingCall("this manager has neither getId nor setName: nothing would prove a snapshot ours")
    api.require_for("snapshot", server.handle)
    for disk in disks:
        api.require_for("snapshot of a disk", disk.handle)
    no_snapshot(run, server)
    snapshot_space(disks)
    if not all(api.can_tell_lost(disk.handle) for disk in disks):
        run.warn("this manager cannot say whether a snapshot ran out of space: watch the disk groups of %s yourself"
                 % server.name)


def no_snapshot(run, server):
    """Refuse a virtual server that has a snapshot: there is only one, and this one is not this run's."""
    existing = api.snapshot_of(server.handle)
    if existing is not None:
        raise errors.Refused("%s has a snapshot already, %s" % (server.name, whose_snapshot(run, existing)))


def whose_snapshot(run, existing):
    """Return in words whose the snapshot ``existing`` (a handle) seems to be, and what to do with it."""
    name, identity = api.name_of(existing), api.identity_of(existing)
    for intent in run.ledger.kept(ledger.SNAPSHOT):
        if _seems_to_be(run, intent, name, identity):
            return ("taken %s by the run %s to roll back to: end that with vibackup rollback --discard, after --revert "
                    "if the change is to be undone" % (intent.facts.get("taken", "earlier"), intent.run))
    for intent in run.ledger.leftovers():
        if _seems_to_be(run, intent, name, identity):
            return "left behind by the run %s: release it with vibackup reconcile --fix" % intent.run
    for intent in run.ledger.elsewhere():
        if _seems_to_be(run, intent, name, identity):
            return "made by the run %s on the host %s: if that is over, reconcile there" % (
                intent.run, intent.owner.get("host"))
    if name.startswith("vibackup "):
        return ("called %s, as another vibackup would call it, perhaps with another --state: reconcile there, or "
                "delete it in the Virtualization Manager if nobody needs it" % name)
    return ("called %s, which this run did not make: delete it in the Virtualization Manager if nobody needs it" % name)


def _seems_to_be(run, intent, name, identity):
    """Tell whether ``intent`` of the ledger speaks of the snapshot with that name and id."""
    if intent.kind != ledger.SNAPSHOT or intent.owner.get("manager") not in (None, run.manager.name):
        return False
    known = intent.facts.get("snapshot")
    return identity == known if known is not None else name == intent.facts["name"]


def snapshot_space(disks):
    """Refuse where a disk group has not enough free for what is written while its disks have snapshots."""
    groups = [api.group_of(disk.handle) for disk in disks]
    identities = [api.identity_of(group) for group in groups] if len(disks) > 1 else [None]
    wanted = collections.OrderedDict()
    for disk, group, identity in zip(disks, groups, identities):
        _group, size = wanted.get(identity, (group, 0))
        wanted[identity] = (group, size + disk.bytes)
    for group, size in wanted.values():
        api.require_for("space", group)
        free, needed = api.free_bytes(group), int(size * SNAPSHOT_RESERVE)
        if free < needed:
            raise errors.Refused("the disk group %s has %d bytes free, and a snapshot of %d bytes wants %d: free some "
                                 "space first" % (api.name_of(group), free, size, needed))


def disk_space(manager, wanted):
    """Refuse where a disk group has not enough free for new disks. ``wanted``: ``(group, bytes)``, one each.

    What the snapshots that a group has at present may still want is left alone.
    """
    total = collections.OrderedDict()
    for group, size in wanted:
        identity = api.identity_of(group)
        total[identity] = (group, total.get(identity, (group, 0))[1] + size)
    for group, size in total.values():
        free, kept = api.free_bytes(group), kept_for_snapshots(manager, group)
        if free < size + kept:
            raise errors.Refused("the disk group %s has %d bytes free where %d are wanted%s: free some space, or "
                                 "choose another one with --to-group" % (
                                     api.name_of(group), free, size + kept,
                                     ", %d of them for the snapshots that it has" % kept if kept else ""))


def kept_for_snapshots(manager, group):
    """Return the bytes of the disk group that its present snapshots may still want: new disks leave them alone."""
    disks = [disk for disk in manager.objects("LogicalDisk")
             if api.parent_of(disk) is not None and api.identity_of(api.group_of(disk)) == api.identity_of(group)]
    return sum(int(api.bytes_of(disk) * SNAPSHOT_RESERVE) for disk in disks)


def name_is_free(manager, kind, name):
    """Refuse a name that an object of class ``kind`` has already."""
    if manager.by_name(kind, name) is not None:
        raise errors.Refused("there is a %s called %s already: choose another name" % (api.in_words(kind), name))


def placement(run, server, proxy):
    """Refuse a proxy in another data center; warn of one on the server's own managed node."""
    if proxy.id == server.id:
        raise errors.Refused("%s cannot be its own proxy: give another one with --proxy" % server.name)
    server_node, proxy_node = api.node_of(server.handle), api.node_of(proxy.handle)
    same_data_center(proxy, proxy_node, server.name, server_node)
    if api.identity_of(server_node) == api.identity_of(proxy_node):
        run.warn("%s and the proxy %s are both on %s: its load stays on that managed node" % (
            server.name, proxy.name, api.name_of(server_node)))


def same_data_center(server, node, name, other_node):
    """Refuse where ``server`` on ``node`` and the virtual server called ``name`` on ``other_node`` are far apart."""
    centers = [api.data_center_of(each) for each in (node, other_node)]
    if api.identity_of(centers[0]) != api.identity_of(centers[1]):
        raise errors.Refused("%s is in the data center %s and the proxy %s in %s: the proxy must be in the same one" % (
            name, api.name_of(centers[1]), server.name, api.name_of(centers[0])))


def power(manager, server):
    """Return whether ``server`` is RUNNING, STOPPED or FAILED; refuse one that is on its way between them."""
    state = events.state_of(manager, server.handle)
    if state not in (api.RUNNING, api.STOPPED, api.FAILED):
        raise errors.Refused("%s is neither running nor stopped (%s): wait until it is" % (server.name, state))
    return state


def runs(manager, server, otherwise):
    """Refuse a virtual server that does not run; ``otherwise``: what else can be done, in words."""
    if power(manager, server) != api.RUNNING:
        raise errors.Refused("%s does not run: start it, or %s" % (server.name, otherwise))


def nobodys_disk(manager, device, name):
    """Refuse to boot from a disk that a virtual server has, or that is a snapshot: booting writes to it."""
    if manager.device_kind(device) == api.NETWORK:
        return
    if manager.is_snapshot_disk(device):
        raise errors.Refused("%s is a snapshot disk: boot from a network block device, or a disk of its own" % name)
    holder = manager.holder_of(device)
    if holder is not None:
        raise errors.Refused("%s is a disk of %s: boot from a network block device, or a disk of its own" % (
            name, api.name_of(holder)))


def answers(host):
    """Return the guest's disks; refuse where ``host`` takes no commands, or its list of them makes no sense."""
    try:
        return host.disks()
    except errors.GuestError as error:
        raise errors.Refused(error.message)


def proxy_answers(run, proxy, host):
    """Return the power of ``proxy`` as ``power`` does; refuse one whose guest ``host`` takes no commands.

    One that does not run cannot be asked yet. Raises MissingCall where this manager cannot use it.
    """
    api.require_for("proxy", proxy.handle)
    was = power(run.manager, proxy)
    if was == api.RUNNING:
        answers(host)
    return was


def linux(host, why):
    """Refuse the guest ``host`` (a ``guest.Guest``) where it has no Linux; ``why`` it must, or what else to do."""
    if host.family != guest.LINUX:
        raise errors.Refused("%s is not a Linux guest: %s" % (host.name, why))


def same_operating_system(server, proxy):
    """Refuse where the proxy could not mount the server's file systems."""
    systems = [api.operating_system(each.handle) for each in (server, proxy)]
    if guest.family(systems[0]) != guest.family(systems[1]):
        raise errors.Refused("%s has %s and the proxy %s has %s: files want the same operating system; back it up as "
                             "an image" % (server.name, systems[0], proxy.name, systems[1]))


def still_valid(disks):
    """Raise SnapshotLost where one of the snapshot ``disks`` (handles) ran out of space: what was read is worthless."""
    for disk in disks:
        why = api.loss_of(disk)
        if why is not None:
            raise errors.SnapshotLost("%s was lost while it was read (%s): look at the space of its disk group %s" % (
                api.name_of(disk), why, api.name_of(api.group_of(disk))))
