"""export-disk: a logical disk as a VHD file."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, catalog, verbs
from vibackup.flows import export_disk

SUMMARY = "a logical disk as a VHD file, checked before it gets its name: snapshot, export the snapshot, delete it"
EXAMPLE = "vibackup export-disk --disk=web01-system --to=web01-system.vhd"


def options(parser):
    arguments.add_disk(parser, "the logical disk to export")
    arguments.add_to(parser, "FILE", "the VHD file to write; one that is there is never replaced")


def complete(_given):
    return


def subject(given):
    return given.disk


def carry_out(session):
    given = session.options
    plan = export_disk.Plan(session.run_, given.disk, given.to)
    exported = session.carry_out(plan, export_disk.check, export_disk.export_disk)
    if exported is None:
        return None
    session.more["exported"] = exported
    return verbs.Result("%(name)s is exported to %(file)s" % exported, catalog.OK, None)
