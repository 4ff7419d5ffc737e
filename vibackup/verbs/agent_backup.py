"""agent-backup: the paper's "Backup Agent on Each Virtual Server"."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, backup, errors, verbs
from vibackup.flows import agent_backup

SUMMARY = "run the agent in the virtual server itself: no proxy, no snapshot, no reboot"
EXAMPLE = "vibackup agent-backup --vs=web01 --agent=restic --mode=file --path=/srv --location=sftp:backup@nas:/web01"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_vs(parser)
    arguments.add_agent(parser)
    parser.add_argument("--mode", choices=(backup.IMAGE, backup.FILE), default=backup.IMAGE,
                        help="read whole disks, or files (default: %(default)s)")
    arguments.add_disks(parser, "back up this disk alone; may be given again (default: all)")
    parser.add_argument("--path", action="append", default=[], metavar="FOLDER",
                        help="back up the files below this folder; may be given again (default: each file system of "
                             "its disks that is mounted)")


def complete(given):
    """Turn names into what they stand for; raise UsageError for what makes no sense together."""
    arguments.complete_agent(given)
    if given.path and given.mode != backup.FILE:
        raise errors.UsageError("--path is for files: give --mode=file")
    if given.disk and given.mode != backup.IMAGE:
        raise errors.UsageError("--disk is for images: with --mode=file give --path")


def prepare(run, given):
    """Return the plan, its check and its flow."""
    plan = agent_backup.Plan(run, given.vs, given.agent, mode=given.mode, disks=given.disk, paths=given.path,
                             location=given.location)
    return plan, agent_backup.check, agent_backup.agent_backup


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    entry = session.carry_out(*prepare(session.run_, session.options))
    return entry and verbs.backed_up(entry)
