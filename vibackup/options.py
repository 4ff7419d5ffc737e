"""The command line of every verb."""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse
import re

from vibackup import __version__, agents, backup, errors, quiesce

ABOUT = "Back up and recover virtual servers under Virtual Iron."
DEFAULT_TIMEOUT_SECONDS = 43200

_EXAMPLES = {
    "proxy-backup": "vibackup proxy-backup --lab --vs=web01 --proxy=pbh01 --agent=dd",
    "snapshot-boot": "vibackup snapshot-boot --lab --vs=web01 --boot-device=backup.iso",
    "backups": "vibackup backups --vs=web01",
    "reconcile": "vibackup reconcile --fix",
    "probe": "vibackup probe --lab",
}
_SUMMARIES = {
    "proxy-backup": "snapshot, attach to the proxy, reboot it, run the agent, detach, delete",
    "snapshot-boot": "snapshot, boot it from a device, wait until it stops by itself, delete",
    "backups": "list the catalog of finished backups",
    "reconcile": "list what runs left behind; --fix releases it",
    "probe": "say which calls this manager's API has; changes nothing",
}


class _Parser(argparse.ArgumentParser):
    def _get_option_tuples(self, option_string):
        """Take no shortened options: what ``--dry`` or ``--skip`` means would change with the next option."""
        return []

    def error(self, message):
        raise errors.UsageError("%s (try: %s --help)" % (message, self.prog))


def parse(verb, words):
    """Return the options in ``words`` (text, without the program's name) for ``verb``, or for the verb they begin with.

    Words that the runner passes through (``--inputfile=`` and what stands before it) are tolerated.
    Raises UsageError; ``--help`` raises SystemExit after printing.
    """
    named = verb or (words[0] if words else None)
    parser = _parser([named] if named in _SUMMARIES else sorted(_SUMMARIES))
    options, unknown = parser.parse_known_args(([verb] if verb else []) + list(words))
    runners = _before_inputfile(words)
    strange = [word for word in unknown if word not in runners and not word.startswith("--inputfile=")]
    if strange:
        raise errors.UsageError("%s: unknown option %s (try: vibackup %s --help)" % (
            options.verb, strange[0], options.verb))
    _complete(options)
    return options


def _before_inputfile(words):
    for number, word in enumerate(words):
        if word.startswith("--inputfile="):
            return [each for each in words[:number] if not each.startswith("-")]
    return []


def _parser(wanted):
    """Return the parser of the verbs ``wanted``: one verb's alone is made in a fraction of the time."""
    parser = _Parser(prog=str("vibackup"), description=ABOUT,
                     epilog="Each verb has its own help: vibackup VERB --help")
    parser.add_argument("--version", action="version", version="vibackup " + __version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    verbs.required = True
    for verb in wanted:
        each = verbs.add_parser(verb, help=_SUMMARIES[verb], description=_SUMMARIES[verb][0].upper() +
                                _SUMMARIES[verb][1:] + ".", epilog="example: " + _EXAMPLES[verb])
        _OPTIONS[verb](each)
        _common(each)
    return parser


def _common(parser):
    parser.add_argument("--dry-run", action="store_true", help="make every check, print the plan, change nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--state", metavar="DIR", help="ledger, locks and catalog (default: in a lab its own folder, "
                        "else $VIBACKUP_STATE, else ~/.vibackup)")
    parser.add_argument("--timeout", metavar="SECONDS", type=_seconds, default=DEFAULT_TIMEOUT_SECONDS,
                        help="how long the backup itself may take (default: %(default)s)")
    parser.add_argument("--lab", metavar="DIR", nargs="?", const="", default=None,
                        help="work in a lab: the bundled demo, or the lab kept in DIR")
    parser.add_argument("--lab-fault", metavar="N:before|after:throw|hang|lose|crash", action="append", default=[],
                        help="in a lab: what goes wrong at the Nth call")
    parser.add_argument("--lab-trace", metavar="FILE", help="in a lab: write each call of the API to FILE")


def _proxy_backup(parser):
    parser.add_argument("--vs", required=True, metavar="NAME", help="the virtual server to back up")
    parser.add_argument("--proxy", required=True, metavar="NAME", help="the proxy backup host")
    parser.add_argument("--agent", required=True, metavar="NAME", help="the backup software: %s, or one of --agents"
                        % ", ".join(sorted(agents.load())))
    parser.add_argument("--agents", metavar="FILE", help="more agents, in an INI file like the one shipped")
    parser.add_argument("--mode", choices=(backup.IMAGE, backup.FILE), default=backup.IMAGE,
                        help="read whole disks, or the files on them (default: %(default)s)")
    parser.add_argument("--disk", action="append", default=[], metavar="NAME",
                        help="back up this logical disk alone; may be given again (default: all)")
    parser.add_argument("--skip-raw", action="store_true", help="leave raw disks out, instead of refusing the server")
    parser.add_argument("--location", metavar="WHERE", help="repository, folder, server or policy, as the agent has it")
    parser.add_argument("--freeze", metavar="CMD", help="run in the virtual server right before the snapshot")
    parser.add_argument("--thaw", metavar="CMD", help="run there right after it, whatever happens")


def _snapshot_boot(parser):
    parser.add_argument("--vs", required=True, metavar="NAME", help="the virtual server to back up")
    parser.add_argument("--boot-device", "--bootDevice", required=True, metavar="NAME",
                        help="the device its snapshot boots from: a network block device, or a logical disk")


def _backups(parser):
    parser.add_argument("--vs", metavar="NAME", help="of this virtual server alone")


def _reconcile(parser):
    parser.add_argument("--fix", action="store_true", help="release what is left behind")


def _probe(_parser_):
    return


_OPTIONS = {"proxy-backup": _proxy_backup, "snapshot-boot": _snapshot_boot, "backups": _backups,
            "reconcile": _reconcile, "probe": _probe}


def _seconds(word):
    seconds = float(word) if re.match(r"[0-9]+(\.[0-9]+)?\Z", word) else 0
    if not 0 < seconds < 1e9:
        # Not an error of argparse, which takes no words but ASCII on Python 2.
        raise errors.UsageError("--timeout: not a number of seconds above 0: %s" % word)
    return seconds


def _complete(options):
    """Check what argparse cannot, and turn names into what they stand for."""
    if options.lab is None and (options.lab_fault or options.lab_trace):
        raise errors.UsageError("--lab-fault and --lab-trace want --lab")
    if options.verb == "proxy-backup":
        _complete_proxy_backup(options)


def _complete_proxy_backup(options):
    known = agents.load(options.agents)
    if options.agent not in known:
        raise errors.UsageError("--agent=%s: not known; known: %s" % (options.agent, ", ".join(sorted(known))))
    options.agent = known[options.agent]
    if (options.freeze is None) != (options.thaw is None):
        raise errors.UsageError("--freeze and --thaw go together")
    if options.freeze is not None:
        options.freeze = quiesce.words(options.freeze, "--freeze")
        options.thaw = quiesce.words(options.thaw, "--thaw")
