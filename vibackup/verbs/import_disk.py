"""import-disk: a logical disk from a VHD file."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, verbs
from vibackup.flows import import_disk

SUMMARY = "a new logical disk from a VHD file, which is checked first"
EXAMPLE = "vibackup import-disk --from=web01-system.vhd --to-group=bulkGroup --name=web01-system-back"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_from(parser, "FILE", "the VHD file, fixed or dynamic")
    arguments.add_group(parser, required=True)
    arguments.add_name(parser)


def subject(given):
    """Return what the first line speaks of."""
    return given.name


def prepare(run, given):
    """Return the plan, its check and its flow."""
    return import_disk.Plan(run, given.from_, given.to_group, given.name), import_disk.check, import_disk.import_disk


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    imported = session.carry_out(*prepare(session.run_, session.options))
    return imported and verbs.done(session, "imported", imported, (
        "%(name)s is in %(group)s, imported from %(file)s: attach it to a virtual server in the Virtualization "
        "Manager" % imported))
