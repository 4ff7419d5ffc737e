"""backups: the catalog."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import errors, report

SUMMARY = "list the catalog of finished backups"
EXAMPLE = "vibackup backups --vs=web01"


def options(parser):
    """Add the verb's options to its parser."""
    parser.add_argument("--vs", metavar="NAME", help="of this virtual server alone")


def without_manager(_given):
    """Tell whether it only reads files."""
    return True


def subject(_given):
    """Return what the first line speaks of."""
    return None


def carry_out(session):
    """Do what the command line asks for; an entry that is damaged hides no other, and is named at the end."""
    entries, damaged = session.run_.catalog.readable(session.options.vs)
    session.more["backups"] = entries
    session.lines(report.backups_table(entries))
    if damaged:
        raise errors.UsageError("%s%s" % (damaged[0].message, "" if len(damaged) == 1 else " (and %d more like it)" % (
            len(damaged) - 1)))
