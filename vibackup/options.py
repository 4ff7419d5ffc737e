"""The command line of every verb: what all of them take here, what each takes in its module of ``verbs``."""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse

from vibackup import arguments, errors, verbs
from vibackup.version import __version__

ABOUT = "Back up and recover virtual servers under Virtual Iron."
DEFAULT_TIMEOUT_SECONDS = 43200


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
    parser = _parser([named] if named in verbs.MODULES else list(verbs.MODULES))
    options, unknown = parser.parse_known_args(([verb] if verb else []) + list(words))
    runners = _before_inputfile(words)
    strange = [word for word in unknown if word not in runners and not word.startswith("--inputfile=")]
    if strange:
        raise errors.UsageError("%s: unknown option %s (try: vibackup %s --help)" % (
            options.verb, strange[0], options.verb))
    if options.lab is None and (options.lab_fault or options.lab_trace):
        raise errors.UsageError("--lab-fault and --lab-trace want --lab")
    _refuse_empty(options)
    verbs.complete(options)
    return options


def _refuse_empty(options):
    """An option that is given and says nothing is a script's mistake, and not the option left out."""
    for name, value in sorted(vars(options).items()):
        if name != "lab" and "" in (value if isinstance(value, list) else [value]):
            raise errors.UsageError("%s: --%s is given, and empty" % (options.verb, name.strip("_").replace("_", "-")))


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
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    subparsers.required = True
    for name in wanted:
        verb = verbs.module(name)
        each = subparsers.add_parser(name, help=verb.SUMMARY, epilog="example: " + verb.EXAMPLE,
                                     description=verb.SUMMARY[0].upper() + verb.SUMMARY[1:] + ".")
        verb.options(each)
        _common(each, getattr(verb, "SEVERAL_STATES", False))
    return parser


def _common(parser, several_states):
    parser.add_argument("--dry-run", action="store_true", help="make every check, print the plan, change nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--state", metavar="DIR", action="append" if several_states else "store",
                        help="ledger, locks and catalog (default: in a lab its own folder, else $VIBACKUP_STATE, "
                        "else ~/.vibackup)%s" % ("; may be given again" if several_states else ""))
    parser.add_argument("--timeout", metavar="SECONDS", type=arguments.seconds, default=DEFAULT_TIMEOUT_SECONDS,
                        help="how long the agent itself (backup, restore, check) may take (default: %(default)s)")
    parser.add_argument("--lab", metavar="DIR", nargs="?", const="", default=None,
                        help="work in a lab: the bundled demo, or the lab kept in DIR")
    parser.add_argument("--lab-fault", metavar="N:before|after:throw|hang|lose|crash", action="append", default=[],
                        help="in a lab: what goes wrong at the Nth call")
    parser.add_argument("--lab-trace", metavar="FILE", help="in a lab: write each call of the API to FILE")
