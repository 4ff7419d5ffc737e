"""backups: the catalog."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import report

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
    """Do what the command line asks for; return the Result."""
    entries = session.run_.catalog.entries(session.options.vs)
    session.more["backups"] = entries
    session.lines(report.backups_table(entries))
