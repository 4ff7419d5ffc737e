"""fleet: a policy's virtual servers, in one night."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, catalog, errors, verbs
from vibackup.fleet import night, policy, words
from vibackup.fleet.progress import Watcher
from vibackup.names import printable
from vibackup.report import duration
from vibackup.run import Run

SUMMARY = "back up all virtual servers of a policy: many proxies, within the window and the limits"
EXAMPLE = "vibackup fleet --policy=nightly.ini --dry-run"


def options(parser):
    """Add the verb's options to its parser."""
    parser.add_argument("--policy", metavar="FILE", help="which servers, how, when, and how much of it at once")
    parser.add_argument("--check", action="store_true", help="read the policy, list all that is wrong in it, and end")
    parser.add_argument("--keys", action="store_true", help="explain all keys of a policy, and end")
    parser.add_argument("--resume", action="store_true",
                        help="take up the policy's last night, which died or was stopped: only what is not done")
    parser.add_argument("--shard", metavar="I/N", type=night.shard,
                        help="of the servers, only the I-th of N parts; which one a server is in never changes")
    parser.add_argument("--grace", metavar="TIME",
                        help="how long agents that read when the window closes, or at Ctrl-C or TERM, may go on, such "
                             "as 30min or 2h; this night in place of the policy's grace (to be given again with "
                             "--resume)")


def complete(given):
    """Read the policy; raise UsageError for what makes no sense together."""
    if given.policy is None and not given.keys:
        raise errors.UsageError("--policy is missing: give the file (--keys explains what stands in it)")
    given.read = None if given.keys or given.check else policy.read(given.policy)
    if given.grace is not None:
        grace = arguments.duration(given.grace, "--grace")
        given.read = given.read and given.read._replace(grace=grace)


def without_manager(given):
    """Tell whether it only reads files."""
    return given.check or given.keys


def subject(given):
    """Return what the first line speaks of."""
    return None if given.keys else given.policy


def stopping(given):
    """Return what is said of the first stop that is asked for, which lets agents read on; None where none reads."""
    if given.read is None or given.dry_run:
        return None
    return "nothing new begins, and what agents read may end, within %s; once more, and it is cancelled" % duration(
        given.read.grace)


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    given = session.options
    if given.keys:
        session.lines(policy.keys_help().splitlines())
        return None
    if given.check:
        return _check(session)
    prepared = night.prepare(session.run_, given.read, given.shard, given.resume,
                             release=given.resume and not given.dry_run)
    session.more.update(prepared.document())
    session.run_.check_stop()
    if given.dry_run:
        session.more.update(prepared.pruning(), dry_run=True)
        session.lines(["would do, and changes nothing now:"] + ["  " + printable(line) for line in prepared.lines()])
        return None
    return _carry_out(session, prepared)


def _check(session):
    problems = policy.problems(session.options.policy)
    session.more["problems"] = problems
    if problems:
        session.lines(problems[:-1])
        raise errors.UsageError(problems[-1])
    return verbs.Result("%s: nothing is wrong in it" % session.options.policy, "ok", None)


def _carry_out(session, prepared):
    run = session.run_

    def start_run(verb, stop_status, show=None):
        """Return a run of its own for one server, on a manager for its thread."""
        return Run(run.manager.for_thread(), run.folder, verb, show, run.timeout, stop_status)
    ending = prepared.ending(lambda: session.stops > 1)
    with Watcher(session.progress, run.manager.clock, prepared, ending) as watcher:
        counts = prepared.carry_out(start_run, watcher.tell, ending)
    session.more["counts"] = counts
    if run.stop_status():
        raise errors.Stopped(run.stop_status())
    if counts["without"]:
        raise errors.VibackupError(night.in_words(counts))
    warned = counts["outcomes"].get(catalog.WARNING, 0) + counts["not_pruned"]
    return verbs.Result("%s backed up" % words.count(sum(counts["outcomes"].values()), "server"),
                        catalog.WARNING if warned else catalog.OK, None)
