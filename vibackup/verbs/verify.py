"""verify: prove that a backup restores and boots."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import agents, arguments, events, quiesce, verbs
from vibackup.flows import verify

SUMMARY = "restore to a scratch server with no network, boot it, check it, remove it"
EXAMPLE = "vibackup verify --backup=ID --proxy=pbh01"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_backup(parser)
    arguments.add_proxy(parser)
    parser.add_argument("--check", metavar="CMD", help="run in the scratch server's guest; exit status 0 is good")
    parser.add_argument("--boot-timeout", metavar="SECONDS", default="%d" % events.BOOT_SECONDS,
                        help="how long the scratch server may take until it runs (default: %(default)s)")
    parser.add_argument("--to-node", metavar="NODE", help="the managed node it runs on (default: the original's)")
    arguments.add_group(parser)
    arguments.add_agents(parser)
    arguments.add_location(parser)


def complete(given):
    """Turn names into what they stand for; raise UsageError for what makes no sense together."""
    given.known = agents.load(given.agents)
    given.boot_timeout = arguments.seconds(given.boot_timeout, "--boot-timeout")
    if given.check is not None:
        given.check = quiesce.words(given.check, "--check")


def subject(given):
    """Return what the first line speaks of."""
    return given.backup


def prepare(run, given):
    """Return the plan, its check and its flow."""
    plan = verify.Plan(run, given.backup, given.proxy, given.known, command=given.check,
                       seconds=given.boot_timeout, node=given.to_node, group=given.to_group,
                       location=given.location)
    return plan, verify.check, verify.verify


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    found = session.carry_out(*prepare(session.run_, session.options))
    return found and verbs.done(session, "verified", found, (
        "the backup %(backup)s of %(vs)s restores and boots within %(restore_seconds).0f seconds" % found))
