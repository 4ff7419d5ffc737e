"""verify: prove that a backup restores and boots."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import agents, arguments, catalog, events, quiesce, verbs
from vibackup.flows import verify

SUMMARY = "restore to a scratch server with no network, boot it, check it, remove it"
EXAMPLE = "vibackup verify --backup=ID --proxy=pbh01"


def options(parser):
    arguments.add_backup(parser)
    arguments.add_proxy(parser)
    arguments.add_disks(parser, "verify with this disk of the backup alone; may be given again (default: all)")
    parser.add_argument("--check", metavar="CMD", help="run in the scratch server's guest; exit status 0 is good")
    parser.add_argument("--boot-timeout", metavar="SECONDS", default="%d" % events.BOOT_SECONDS,
                        help="how long the scratch server may take until it runs (default: %(default)s)")
    parser.add_argument("--to-node", metavar="NODE", help="the managed node it runs on (default: the original's)")
    arguments.add_group(parser)
    arguments.add_agents(parser)
    arguments.add_location(parser)


def complete(given):
    given.known = agents.load(given.agents)
    given.boot_timeout = arguments.seconds(given.boot_timeout, "--boot-timeout")
    if given.check is not None:
        given.check = quiesce.words(given.check, "--check")


def subject(given):
    return given.backup


def carry_out(session):
    given = session.options
    plan = verify.Plan(session.run_, given.backup, given.proxy, given.known, command=given.check,
                       seconds=given.boot_timeout, node=given.to_node, group=given.to_group, disks=given.disk,
                       location=given.location)
    found = session.carry_out(plan, verify.check, verify.verify)
    if found is None:
        return None
    session.more["verified"] = found
    return verbs.Result("the backup %s of %s restores and boots within %d seconds" % (
        found["backup"], found["vs"], round(found["restore_seconds"])), catalog.OK, None)
