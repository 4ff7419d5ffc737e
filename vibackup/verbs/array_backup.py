"""array-backup: the paper's "Raw Disk and Storage Subsystem Functions"."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, arrays, errors, verbs
from vibackup.flows import array_backup

SUMMARY = "raw disks: freeze, have the storage array snapshot the LUNs, thaw"
EXAMPLE = "vibackup array-backup --lab --vs=raw01 --array=model"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_vs(parser)
    parser.add_argument("--array", required=True, metavar="NAME",
                        help="the storage array: %s, or one of --arrays" % ", ".join(sorted(arrays.load())))
    arguments.add_arrays(parser)
    arguments.add_quiesce(parser)
    arguments.add_proxy(parser, required=False)
    arguments.add_agent(parser, required=False)


def complete(given):
    """Turn names into what they stand for; raise UsageError for what makes no sense together."""
    known = arrays.load(given.arrays)
    if given.array not in known:
        raise errors.UsageError("--array=%s: not known; known: %s" % (given.array, ", ".join(sorted(known))))
    given.array = known[given.array]
    if (given.proxy is None) != (given.agent is None):
        raise errors.UsageError("--proxy and --agent go together: they back up the logical disks")
    arguments.complete_agent(given)
    arguments.complete_quiesce(given)


def prepare(run, given):
    """Return the plan, its check and its flow."""
    plan = array_backup.Plan(run, given.vs, given.array, freeze=given.freeze, thaw=given.thaw,
                             proxy_name=given.proxy, agent=given.agent, location=given.location)
    return plan, array_backup.check, array_backup.array_backup


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    entry = session.carry_out(*prepare(session.run_, session.options))
    return entry and verbs.backed_up(entry)
