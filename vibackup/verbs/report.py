"""report: what the night has done, and which servers can be recovered."""
from __future__ import absolute_import, division, print_function, unicode_literals

import time

from vibackup import catalog, errors, verbs
from vibackup.fleet import mail, monitoring, morning, page, plain, policy, sources
from vibackup.names import printable

SUMMARY = "say which servers have no good backup within their RPO, and what the last night has done; changes nothing"
EXAMPLE = "vibackup report --policy=nightly.ini --html=/var/www/backups.html"
SEVERAL_STATES = True


def options(parser):
    """Add the verb's options to its parser."""
    parser.add_argument("--policy", metavar="FILE", action="append", default=[],
                        help="report on this policy's servers alone, and hold them against its RPO and RTO; may be "
                             "given again (default: the policies that the last nights name)")
    parser.add_argument("--night", metavar="ID", help="report on this night (default: the last one of each policy)")
    parser.add_argument("--html", metavar="FILE", help="write one self-contained page to FILE")
    parser.add_argument("--prometheus", metavar="FILE", help="write figures for the textfile collector to FILE (.prom)")
    parser.add_argument("--mail", action="store_true", help="send it to the policy's mail-to")
    parser.add_argument("--nagios", action="store_true", help="print a monitoring plugin's output, and end with its "
                        "status: 0 ok, 1 warning, 2 critical, 3 unknown")


def complete(given):
    """Read the policies; raise UsageError for what makes no sense together."""
    given.states = given.state
    given.state = given.states[0] if given.states else None
    given.policies = [policy.read(path) for path in given.policy]
    for each in given.policies:
        if len(set(other.path for other in given.policies if other.name == each.name)) > 1:
            raise errors.UsageError("--policy: two of the policies are called %s: give one another name" % each.name)
    if given.nagios and given.json:
        raise errors.UsageError("--nagios and --json: each is a form of its own, choose one")
    if given.prometheus is not None and not given.prometheus.endswith(".prom"):
        raise errors.UsageError("--prometheus=%s: the collector reads only files whose names end in .prom" % (
            given.prometheus))
    for path in given.states or ():
        sources.check(path)


def without_manager(_given):
    """Tell whether it only reads files."""
    return True


def subject(_given):
    """Return what the first line speaks of."""
    return None


def plugin(given):
    """Tell whether its output is a monitoring plugin's."""
    return given.nagios


def carry_out(session):
    """Do what the command line asks for; return the Result. What is damaged hides nothing else, and ends it."""
    given = session.options
    found = _report(session)
    for each in _deliveries(given, found):
        each(session, found)
    if given.nagios:
        session.more["plugin"] = monitoring.plugin(found)
    else:
        session.more["report"] = found
        session.lines(plain.lines(found))
    if found["damaged"]:
        raise verbs.damaged(found["damaged"])
    return verbs.Result("%d servers looked at, status %s" % (found["counts"]["servers"], found["status"]), catalog.OK,
                        None)


def now(session):
    """Return the moment of the report: by the clock that the nights' managers have."""
    return time.time() if session.lab is None else session.lab.clock.time()


def _report(session):
    given = session.options
    names = [each.name for each in given.policies]
    read = [sources.read(folder, names, given.night) for folder in given.states or [session.run_.folder]]
    if given.night is not None and not any(source.chains for source in read):
        raise errors.NotFound("--night=%s: there is no such night in %s" % (given.night, ", ".join(
            source.folder for source in read)))
    policies = dict((each.name, each) for each in given.policies or sources.policies(read)
                    if each.name not in sources.ambiguous(read))
    given.policies = list(policies.values())
    return morning.report(read, policies, now(session))


# -- where else it goes

def _deliveries(given, found):
    """Return the functions that write or send the report, as the command line asks for."""
    wanted = [(given.html, _write_page), (given.prometheus, _write_prometheus), (given.mail, _send)]
    return [function for word, function in wanted if word]


def _write_page(session, found):
    if _really(session, "write the page to %s" % session.options.html):
        page.write(session.options.html, found)


def _write_prometheus(session, found):
    if _really(session, "write figures to %s" % session.options.prometheus):
        monitoring.write_prometheus(session.options.prometheus, found)


def _send(session, found):
    wanted = [each.mail for each in session.options.policies if each.mail]
    if not wanted:
        raise errors.UsageError("--mail: no policy at hand says to whom; give one that has mail-to, with --policy")
    for each in wanted:
        if each["when"] == "failures" and found["status"] == "ok":
            _say(session, "nothing failed: no mail to %s" % ", ".join(each["to"]))
        elif _really(session, "send it to %s" % ", ".join(each["to"])):
            mail.send(found, each["to"], each["from"], each["smtp_host"])
            _say(session, "sent to %s" % ", ".join(each["to"]))


def _really(session, words):
    """Tell whether this is no dry run; in one, say what would be done."""
    if session.options.dry_run:
        _say(session, "would " + words)
    return not session.options.dry_run


def _say(session, words):
    session.progress.line(printable(words))
