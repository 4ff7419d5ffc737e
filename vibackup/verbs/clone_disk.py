"""clone-disk: a copy of a logical disk in another disk group."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, verbs
from vibackup.flows import clone_disk

SUMMARY = "a consistent copy of a logical disk in another disk group: snapshot, clone the snapshot, delete it"
EXAMPLE = "vibackup clone-disk --disk=web01-system --to-group=bulkGroup --name=web01-system-copy"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_disk(parser, "the logical disk to copy")
    arguments.add_group(parser, required=True)
    arguments.add_name(parser)


def subject(given):
    """Return what the first line speaks of."""
    return given.disk


def prepare(run, given):
    """Return the plan, its check and its flow."""
    return clone_disk.Plan(run, given.disk, given.to_group, given.name), clone_disk.check, clone_disk.clone_disk


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    copied = session.carry_out(*prepare(session.run_, session.options))
    return copied and verbs.done(session, "copied", copied, "%(of)s is copied to %(name)s in %(group)s" % copied)
