"""clone-disk: a copy of a logical disk in another disk group."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, catalog, verbs
from vibackup.flows import clone_disk

SUMMARY = "a consistent copy of a logical disk in another disk group: snapshot, clone the snapshot, delete it"
EXAMPLE = "vibackup clone-disk --disk=web01-system --to-group=bulkGroup --name=web01-system-copy"


def options(parser):
    arguments.add_disk(parser, "the logical disk to copy")
    arguments.add_group(parser, required=True)
    arguments.add_name(parser)


def complete(given):
    arguments.complete_name(given)


def subject(given):
    return given.disk


def carry_out(session):
    given = session.options
    plan = clone_disk.Plan(session.run_, given.disk, given.to_group, given.name)
    copied = session.carry_out(plan, clone_disk.check, clone_disk.clone_disk)
    if copied is None:
        return None
    session.more["copied"] = copied
    return verbs.Result("%(of)s is copied to %(name)s in %(group)s" % copied, catalog.OK, None)
