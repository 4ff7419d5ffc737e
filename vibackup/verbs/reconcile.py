"""reconcile: what runs left behind."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import report
from vibackup.flows import reconcile

SUMMARY = "list what runs left behind; --fix releases it"
EXAMPLE = "vibackup reconcile --fix"


def options(parser):
    """Add the verb's options to its parser."""
    parser.add_argument("--fix", action="store_true", help="release what is left behind")


def without_manager(given):
    """Tell whether it only reads files."""
    return not given.fix


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    run = session.run_
    if session.options.fix and not session.options.dry_run:
        released = reconcile.reconcile(run)
        session.more["released"] = released
        session.lines(["released: %d" % released])
    else:
        run.leftovers.extend(reconcile.leftovers(run))
    session.lines(report.leftovers_table(run.leftovers))
