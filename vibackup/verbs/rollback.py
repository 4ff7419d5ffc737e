"""rollback: a snapshot around a risky change."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, catalog, report, verbs
from vibackup.flows import rollback

SUMMARY = "protect an upgrade: take a snapshot, then revert to it, or discard it"
EXAMPLE = "vibackup rollback --lab=DIR --vs=web01 --take"


def options(parser):
    arguments.add_vs(parser, "the virtual server that is to be changed")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--take", dest="action", action="store_const", const=_take,
                        help="before the change: take its snapshot, and keep it")
    action.add_argument("--revert", dest="action", action="store_const", const=_revert,
                        help="undo the change: give its disks back what they held; the snapshot stays")
    action.add_argument("--discard", dest="action", action="store_const", const=_discard,
                        help="keep the change: delete the snapshot")


def complete(_given):
    return


def carry_out(session):
    plan = rollback.Plan(session.run_, session.options.vs)
    return session.options.action(session, plan)


def _take(session, plan):
    done = session.carry_out(plan, rollback.check_take, rollback.take)
    return done and _result(session, done, "%s can be rolled back to %s; its snapshot grows in %s" % (
        done["vs"], done["taken"], _groups(done)))


def _revert(session, plan):
    done = session.carry_out(plan, rollback.check_revert, rollback.revert)
    return done and _result(session, done, "%s is reverted to %s, %s; %s" % (
        done["vs"], done["taken"], "and runs" if done["runs"] else "and does not run, as before",
        "its snapshot stays until rollback --discard" if done["kept"] else "the manager took its snapshot away"))


def _discard(session, plan):
    done = session.carry_out(plan, rollback.check_discard, rollback.discard)
    if done is None:
        return None
    session.more["rollback"] = done
    return verbs.Result("%s keeps what was changed since %s, its snapshot %s" % (
        done["vs"], done["taken"], "was gone already" if done["gone"] else "is deleted"), catalog.OK, None)


def _groups(done):
    return ", ".join("%s (%s free)" % (group["name"], report.size(group["free_bytes"])) for group in done["groups"])


def _result(session, done, words):
    session.more["rollback"] = done
    return verbs.Result(words, catalog.WARNING if done["not_in_it"] else catalog.OK, None)
