"""rollback: a snapshot around a risky change."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, catalog, report, verbs
from vibackup.flows import rollback

SUMMARY = "protect an upgrade: take a snapshot, then revert to it, or discard it"
EXAMPLE = "vibackup rollback --lab=DIR --vs=web01 --take"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_vs(parser, "the virtual server that is to be changed")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--take", dest="action", action="store_const", const="take",
                        help="before the change: take its snapshot, and keep it")
    action.add_argument("--revert", dest="action", action="store_const", const="revert",
                        help="undo the change: give its disks back what they held; the snapshot stays")
    action.add_argument("--discard", dest="action", action="store_const", const="discard",
                        help="keep the change: delete the snapshot")


def prepare(run, given):
    """Return the plan, its check and its flow."""
    check, flow = {"take": (rollback.check_take, rollback.take), "revert": (rollback.check_revert, rollback.revert),
                   "discard": (rollback.check_discard, rollback.discard)}[given.action]
    return rollback.Plan(run, given.vs), check, flow


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    action = session.options.action
    found = session.carry_out(*prepare(session.run_, session.options))
    if found is None:
        return None
    words = {"take": _taken, "revert": _reverted, "discard": _discarded}[action](found)
    incomplete = found["not_in_it"] and action != "discard"
    return verbs.done(session, "rollback", found, words, catalog.WARNING if incomplete else catalog.OK)


def _taken(found):
    groups = ["%s (%s free)" % (group["name"], report.size(group["free_bytes"])) for group in found["groups"]]
    return "%s can be rolled back to %s; its snapshot grows in %s" % (found["vs"], found["taken"], ", ".join(groups))


def _reverted(found):
    return "%s is reverted to %s, %s; %s" % (
        found["vs"], found["taken"], "and runs" if found["runs"] else "and does not run",
        "its snapshot stays until rollback --discard" if found["kept"] else "the manager took its snapshot away")


def _discarded(found):
    return "%s keeps what was changed since %s, its snapshot %s" % (
        found["vs"], found["taken"], "was gone already" if found["gone"] else "is deleted")
