"""advise: which techniques can protect a virtual server."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import advice, arguments, catalog, choices, compat, errors, verbs
from vibackup.flows import advise
from vibackup.run import Run

SUMMARY = "say which techniques can protect a virtual server, and why the others cannot; changes nothing"
EXAMPLE = "vibackup advise --vs=web01 --rpo=4h --rto=1h"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_vs(parser, "the virtual server to protect")
    arguments.add_agents(parser)
    arguments.add_arrays(parser)
    arguments.add_objectives(parser)


def complete(given):
    """Turn names into what they stand for; raise UsageError for what makes no sense together."""
    given.programs = choices.programs(given.agents, given.arrays)
    arguments.complete_objectives(given)


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    given = session.options
    run = _unseen(session, "advise")
    found = advise.advise(run, given.vs, given.programs, lambda words: _dry_run(session, words), given.rpo, given.rto)
    for each in found["advice"]:
        each["command"] = each["command"] and _typed(each["command"], given)
    session.more.update(found)
    session.lines(advice.lines(given.vs, found, given.rpo, given.rto))
    possible = [each for each in found["advice"] if each["possible"]]
    if not possible:
        raise errors.Refused("%s: nothing here can protect it, for the reasons given" % given.vs)
    return verbs.Result("%s: %d of %d techniques can protect it" % (given.vs, len(possible), len(found["advice"])),
                        catalog.OK, None)


def _unseen(session, verb):
    """Return a run that shows nothing and holds no lock: its warnings are not those of this command."""
    run = session.run_
    return Run(run.manager, run.folder, verb, timeout=run.timeout, stop_status=lambda: session.stop)


def _dry_run(session, words):
    """Make the checks of another command line's dry run, but for locks; return its warnings, raise what it refuses."""
    session.run_.check_stop()
    given = session.parse(words)
    run = _unseen(session, given.verb)
    plan, check, _flow = verbs.module(given.verb).prepare(run, given)
    for identity, name in plan.holds():
        run.ledger.check_leftovers(identity, name)
    check(run, plan)
    return run.warnings


def _typed(words, given):
    """Return a command line as one types it into a shell, for the same lab and state as this one's."""
    site = [] if given.lab is None else ["--lab=" + given.lab if given.lab else "--lab"]
    site += [] if given.state is None else ["--state=" + given.state]
    return " ".join(["vibackup"] + [_quoted(word) for word in list(words) + site])


def _quoted(word):
    """Quote the value of an option alone, which reads better."""
    name, equals, value = word.partition("=")
    return compat.text(name + equals + compat.shell_quote(value)) if equals else compat.text(compat.shell_quote(word))
