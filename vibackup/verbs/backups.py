"""backups: the catalog, and what of it retention never removes."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import catalog, errors, report, verbs
from vibackup.names import printable

SUMMARY = "list the catalog of finished backups; --protect keeps one for good"
EXAMPLE = "vibackup backups --vs=web01"


def options(parser):
    """Add the verb's options to its parser."""
    parser.add_argument("--vs", metavar="NAME", help="of this virtual server alone")
    parser.add_argument("--protect", action="append", default=[], metavar="ID",
                        help="keep this backup until --unprotect: retention never removes it")
    parser.add_argument("--unprotect", action="append", default=[], metavar="ID",
                        help="leave this backup to retention again")


def complete(given):
    """Raise UsageError for what makes no sense together."""
    marked = given.protect + given.unprotect
    if len(marked) + (given.vs is not None) > 1:
        raise errors.UsageError("backups: give one --vs, --protect or --unprotect: one backup is marked at a time")
    given.backup = marked[0] if marked else None


def without_manager(_given):
    """Tell whether it only reads files."""
    return True


def subject(given):
    """Return what the first line speaks of."""
    return given.backup


def carry_out(session):
    """Do what the command line asks for; return the Result, or None where it only lists."""
    given = session.options
    return _list(session) if given.backup is None else _mark(session, given.backup, bool(given.protect))


def _list(session):
    """List the catalog; an entry that is damaged hides no other, and is named at the end."""
    entries, damaged = session.run_.catalog.readable(session.options.vs)
    session.more["backups"] = entries
    session.lines(report.backups_table(entries))
    if damaged:
        raise verbs.damaged([error.message for error in damaged])


def _mark(session, identity, protected):
    """Protect a backup, or end that; alone, so that retention does not remove it at the same moment."""
    run = session.run_
    words = "protected: retention never removes it" if protected else "protected no more"
    with run.held([catalog.hold(identity)]):
        entry = run.catalog.find(identity)
        if session.options.dry_run:
            plan = ["mark: %s of %s is %s" % (identity, entry["vs"], words)]
            session.more.update(dry_run=True, plan=plan)
            session.lines(["would do, and changes nothing now:"] + ["  " + printable(line) for line in plan])
            return None
        run.catalog.mark(identity, protected=protected)
        return verbs.done(session, "backups", [run.catalog.find(identity)], "%s of %s is %s" % (
            identity, entry["vs"], words))
