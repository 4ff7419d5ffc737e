"""proxy-backup: the paper's "Snapshots and a Proxy Backup Host"."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, backup, verbs
from vibackup.flows import proxy

SUMMARY = "snapshot, attach to the proxy, reboot it, run the agent, detach, delete"
EXAMPLE = "vibackup proxy-backup --lab --vs=web01 --proxy=pbh01 --agent=dd"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_vs(parser)
    arguments.add_proxy(parser)
    arguments.add_agent(parser)
    parser.add_argument("--mode", choices=(backup.IMAGE, backup.FILE), default=backup.IMAGE,
                        help="read whole disks, or the files on them (default: %(default)s)")
    arguments.add_disks(parser)
    parser.add_argument("--skip-raw", action="store_true", help="leave raw disks out, instead of refusing the server")
    arguments.add_quiesce(parser)


def complete(given):
    """Turn names into what they stand for; raise UsageError for what makes no sense together."""
    arguments.complete_agent(given)
    arguments.complete_quiesce(given)


def prepare(run, given):
    """Return the plan, its check and its flow."""
    plan = proxy.Plan(run, given.vs, given.proxy, given.agent, mode=given.mode, disks=given.disk,
                      skip_raw=given.skip_raw, location=given.location, freeze=given.freeze, thaw=given.thaw)
    return plan, proxy.check, proxy.proxy_backup


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    entry = session.carry_out(*prepare(session.run_, session.options))
    return entry and verbs.backed_up(entry)
