"""Options that several verbs share, so that verbs look alike; and what their values become."""
from __future__ import absolute_import, division, print_function, unicode_literals

import re

from vibackup import agents, errors, quiesce


def add_vs(parser, words="the virtual server to back up", required=True):
    """Add --vs."""
    parser.add_argument("--vs", required=required, metavar="NAME", help=words)


def add_proxy(parser, required=True):
    """Add --proxy."""
    parser.add_argument("--proxy", required=required, metavar="NAME", help="the proxy backup host")


def add_agent(parser, required=True):
    """Add --agent, --agents and --location."""
    parser.add_argument("--agent", required=required, metavar="NAME",
                        help="the backup software: %s, or one of --agents" % ", ".join(sorted(agents.load())))
    add_agents(parser)
    add_location(parser)


def add_agents(parser):
    """Add --agents."""
    parser.add_argument("--agents", metavar="FILE", help="more agents, in an INI file like the one shipped")


def add_arrays(parser):
    """Add --arrays."""
    parser.add_argument("--arrays", metavar="FILE", help="more storage arrays, in an INI file like the one shipped")


def add_location(parser):
    """Add --location."""
    parser.add_argument("--location", metavar="WHERE", type=agents.check_location,
                        help="repository, folder, server or policy, as the agent has it")


def add_disks(parser, words="back up this logical disk alone; may be given again (default: all)"):
    """Add --disk, which may be given again."""
    parser.add_argument("--disk", action="append", default=[], metavar="NAME", help=words)


def add_disk(parser, words):
    """Add --disk, which must be given, once."""
    parser.add_argument("--disk", required=True, metavar="NAME", help=words)


def add_name(parser):
    """Add --name, which must be given."""
    parser.add_argument("--name", required=True, metavar="NEWNAME", help="what the new disk is called")


def add_to(parser, metavar, words, required=True):
    """Add --to."""
    parser.add_argument("--to", required=required, metavar=metavar, help=words)


def add_from(parser, metavar, words, required=True):
    """Add --from; its value is ``from_``."""
    parser.add_argument("--from", dest="from_", required=required, metavar=metavar, help=words)


def add_quiesce(parser):
    """Add --freeze and --thaw."""
    parser.add_argument("--freeze", metavar="CMD", help="run in the virtual server right before the snapshot")
    parser.add_argument("--thaw", metavar="CMD", help="run there right after it, whatever happens")


def add_overwrite(parser):
    """Add --overwrite, which may be given again."""
    parser.add_argument("--overwrite", action="append", default=[], metavar="DISKNAME",
                        help="restore onto this logical disk, whatever it holds, instead of a new one; its server must "
                             "be stopped; given once for each disk, in their order")


def add_backup(parser, words="the backup, by its id in the catalog (see: vibackup backups)"):
    """Add --backup, which must be given."""
    parser.add_argument("--backup", required=True, metavar="ID", help=words)


def add_new_server(parser, required=False):
    """Add --new-vs, --to-node, --to-group and --isolated."""
    parser.add_argument("--new-vs", required=required, metavar="NAME", help="what the new virtual server is called")
    parser.add_argument("--to-node", metavar="NODE", help="the managed node it runs on (default: the original's)")
    add_group(parser)
    parser.add_argument("--isolated", action="store_true",
                        help="give it no network, so that it cannot meet the original")


def add_group(parser, required=False):
    """Add --to-group."""
    parser.add_argument("--to-group", required=required, metavar="GROUP", help="the disk group of what is made%s"
                        % ("" if required else " (default: the original's)"))


def add_objectives(parser):
    """Add --rpo and --rto, which ``complete_objectives`` reads."""
    parser.add_argument("--rpo", metavar="TIME",
                        help="recovery point objective: how much may be lost, such as 30min or 4h")
    parser.add_argument("--rto", metavar="TIME", help="recovery time objective: how long a restore may take")


def complete_objectives(given):
    """Turn --rpo and --rto into seconds; raise UsageError where they are no durations."""
    given.rpo = None if given.rpo is None else duration(given.rpo, "--rpo")
    given.rto = None if given.rto is None else duration(given.rto, "--rto")


def complete_agent(given):
    """Turn --agent into an ``agents.Agent``; raise UsageError where there is none of that name."""
    known = agents.load(given.agents)
    if given.agent is not None and given.agent not in known:
        raise errors.UsageError("--agent=%s: not known; known: %s" % (given.agent, ", ".join(sorted(known))))
    given.agent = known.get(given.agent)


def complete_quiesce(given):
    """Turn --freeze and --thaw into lists of words; raise UsageError where one is without the other."""
    if (given.freeze is None) != (given.thaw is None):
        raise errors.UsageError("--freeze and --thaw go together")
    if given.freeze is not None:
        given.freeze = quiesce.words(given.freeze, "--freeze")
        given.thaw = quiesce.words(given.thaw, "--thaw")


def seconds(word, option="--timeout"):
    """Return ``word`` as a number of seconds above 0; raise UsageError, which names ``option``."""
    found = float(word) if re.match(r"[0-9]+(\.[0-9]+)?\Z", word) else 0
    if not 0 < found < 1e9:
        # Not an error of argparse, which takes no words but ASCII on Python 2.
        raise errors.UsageError("%s: not a number of seconds above 0: %s" % (option, word))
    return found


_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def duration(word, option):
    """Return the seconds of ``word``, such as 90s, 30min, 4h or 1d; raise UsageError, which names ``option``."""
    match = re.match(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(s|min|h|d)\Z", word)
    found = float(match.group(1)) * _UNITS[match.group(2)] if match else 0
    if not found > 0:
        raise errors.UsageError("%s: not a time above 0, such as 90s, 30min, 4h or 1d: %s" % (option, word))
    return found
