"""probe: what this manager's API has."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import report
from vibackup.flows import probe

SUMMARY = "say which calls this manager's API has; changes nothing"
EXAMPLE = "vibackup probe --lab"


def options(_parser):
    """Add the verb's options to its parser."""
    return


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    rows = probe.probe(session.run_.manager)
    session.more["calls"] = rows
    session.lines(report.probe_table(rows))
