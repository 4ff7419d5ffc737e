"""restore: a new virtual server from a backup's images."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import agents, arguments, catalog, verbs
from vibackup.flows import restore

SUMMARY = "new disk, attach to the proxy, the agent restores it, a new virtual server boots from it"
EXAMPLE = "vibackup restore --backup=ID --proxy=pbh01 --new-vs=web01-back"


def options(parser):
    arguments.add_backup(parser)
    arguments.add_proxy(parser)
    arguments.add_new_server(parser, required=True)
    arguments.add_disks(parser, "restore this disk of the backup alone; may be given again (default: all)")
    arguments.add_agents(parser)
    arguments.add_location(parser)


def complete(given):
    given.known = agents.load(given.agents)


def subject(given):
    return given.backup


def carry_out(session):
    given = session.options
    plan = restore.Plan(session.run_, given.backup, given.proxy, given.new_vs, given.known, node=given.to_node,
                        group=given.to_group, disks=given.disk, location=given.location, isolated=given.isolated)
    restored = session.carry_out(plan, restore.check, restore.restore)
    if restored is None:
        return None
    session.more["restored"] = restored
    return verbs.Result("%s runs, restored from the backup %s" % (restored["vs"], restored["backup"]), catalog.OK, None)
