"""export-disk: a logical disk as a VHD file."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, verbs
from vibackup.flows import export_disk

SUMMARY = "a logical disk as a VHD file, checked before it gets its name: snapshot, export the snapshot, delete it"
EXAMPLE = "vibackup export-disk --disk=web01-system --to=web01-system.vhd"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_disk(parser, "the logical disk to export")
    arguments.add_to(parser, "FILE", "the VHD file to write; one that is there is never replaced")


def subject(given):
    """Return what the first line speaks of."""
    return given.disk


def prepare(run, given):
    """Return the plan, its check and its flow."""
    return export_disk.Plan(run, given.disk, given.to), export_disk.check, export_disk.export_disk


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    exported = session.carry_out(*prepare(session.run_, session.options))
    return exported and verbs.done(session, "exported", exported, "%(name)s is exported to %(file)s" % exported)
