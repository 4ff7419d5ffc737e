"""import-disk: a logical disk from a VHD file."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, catalog, verbs
from vibackup.flows import import_disk

SUMMARY = "a new logical disk from a VHD file, which is checked first"
EXAMPLE = "vibackup import-disk --from=web01-system.vhd --to-group=bulkGroup --name=web01-system-back"


def options(parser):
    arguments.add_from(parser, "FILE", "the VHD file, fixed or dynamic")
    arguments.add_group(parser, required=True)
    arguments.add_name(parser)


def complete(given):
    arguments.complete_name(given)


def subject(given):
    return given.name


def carry_out(session):
    given = session.options
    plan = import_disk.Plan(session.run_, given.from_, given.to_group, given.name)
    imported = session.carry_out(plan, import_disk.check, import_disk.import_disk)
    if imported is None:
        return None
    session.more["imported"] = imported
    return verbs.Result("%(name)s is in %(group)s, imported from %(file)s: attach it to a virtual server in the "
                        "Virtualization Manager" % imported, catalog.OK, None)
