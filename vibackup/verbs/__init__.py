"""The verbs of the command line, a module each. A verb's module has:

SUMMARY, EXAMPLE    what the help says
options(parser)     adds its options; those that verbs share are in ``arguments``
carry_out(session)  does it, see ``cli.Session``; returns a Result where there is something to say at the end

and where it needs them:

complete(given)     checks what argparse cannot, and turns names into what they stand for
prepare(run, given) returns the flow's plan, the function that checks it, and the flow: of a verb that has a dry run
without_manager(given)  tells whether it only reads files
subject(given)      names what the first line speaks of
SEVERAL_STATES      --state may be given again
plugin(given)       tells whether its output is a monitoring plugin's: a status and a text, as ``more["plugin"]``
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import importlib

from vibackup import catalog, errors

# verb: its module
MODULES = collections.OrderedDict((name, name.replace("-", "_")) for name in (
    "proxy-backup", "agent-backup", "array-backup", "snapshot-boot", "rollback", "clone-disk", "export-disk",
    "import-disk", "archive", "restore", "verify", "fleet", "backups", "report", "advise", "reconcile", "probe"))

# What a verb has done. words: for the last line; outcome: ok or warning; backup: the catalog's entry that it made.
Result = collections.namedtuple("Result", "words outcome backup")


def module(name):
    """Return the module of the verb called ``name``; a command line loads no verb but its own."""
    return importlib.import_module(str("vibackup.verbs." + MODULES[name]))


def complete(given):
    """Have the verb of ``given`` (the options of a command line) complete it; raise UsageError where it is wrong."""
    of_verb = getattr(module(given.verb), "complete", None)
    if of_verb is not None:
        of_verb(given)


def done(session, key, found, words, outcome=catalog.OK):
    """Put what a flow has returned under ``key`` of the JSON document; return the Result, with ``words``."""
    session.more[key] = found
    return Result(words, outcome, None)


def damaged(messages):
    """Return the UsageError that tells of what is damaged in the state, by all ``messages``: the first stands for them.
    """
    more = " (and %d more like it)" % (len(messages) - 1) if len(messages) > 1 else ""
    return errors.UsageError(messages[0] + more)


def backed_up(entry):
    """Return the Result of a verb that has made the backup ``entry`` of the catalog."""
    return Result("%s is backed up as %s" % (entry["vs"], entry["id"]), entry["outcome"], entry)
