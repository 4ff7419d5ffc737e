"""The power of virtual servers: start, stop, reboot, and context managers that bring back what was.

Each change is a job of its own, after which the server is waited for.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib

from vibackup import checks, errors, events, ledger
from vibackup import manager as api
from vibackup.job import job


def start(run, server, states=(api.RUNNING,), seconds=events.BOOT_SECONDS):
    """Start the server and wait ``seconds`` until it runs, or is in one of ``states``; returns the Watch."""
    return _power(run, server, "start", api.start, states, seconds)


def start_again(run, server, facts):
    """Start a server that was stopped, unless it runs, and wait until it does; a second time it is nothing.

    facts: the ledger's, of a STOPPED intent. What they do not say we stopped is left as it is. One that fails when it
    is started was started all the same: it is warned of, and nothing is left to take back. Raises TimedOut where it
    is still on its way down: then it has to be started later.
    """
    if not facts.get("asked"):
        return
    _wait_until_down(run, server, facts)
    try:
        _once_settled(run, server, _start)
    except errors.ServerFailed as error:
        run.warn("%s was started again, and %s: look at its console" % (server.name, error.message))


def _wait_until_down(run, server, facts):
    """Wait for the end of a stop: until then the server's last event is the one from before, and says Running."""
    watch = events.Watch(run, server.handle, server.name)
    if events.state_of(run.manager, server.handle) != api.RUNNING or \
            api.event_moment(api.status(server.handle)) != facts["before"]:
        return
    try:
        watch.wait_for((api.RUNNING, api.STOPPED, api.STARTING, api.FAILED))
    except errors.TimedOut:
        if facts.get("told") and facts["before"] is not None:
            raise errors.TimedOut("%s was stopped and is not down yet, so it cannot be started again: reconcile when "
                                  "it is" % server.name)
        run.warn("%s runs, and nobody knows whether its stop was committed: see that it goes on running" % server.name)


def _start(run, server):
    if events.state_of(run.manager, server.handle) != api.RUNNING:
        start(run, server)


def stop(run, server, number=None):
    """Stop the server, unless it is, and wait until it has. number: of the intent that is to say that we did."""
    _once_settled(run, server, lambda *_same: _stop(run, server, number))


def _stop(run, server, number):
    event = api.status(server.handle)  # None: nothing has ever happened to it
    if event is not None and run.manager.event_kind(event) not in (api.STOPPED, api.FAILED):
        _power(run, server, "stop", api.stop, (api.STOPPED,), number=number)


def reboot(run, server):
    """Boot the server again, from whatever state it is in, and wait until it runs."""
    _once_settled(run, server, _reboot)


def _reboot(run, server):
    if events.state_of(run.manager, server.handle) in (api.STOPPED, api.FAILED):
        start(run, server)
    else:
        _power(run, server, "reboot", api.reboot, (api.RUNNING,))


def _once_settled(run, server, change):
    """Call ``change``; where it is refused the server may be on its way to another state: wait, and try once more."""
    try:
        change(run, server)
        return
    except errors.ApiError:
        watch = events.Watch(run, server.handle, server.name)
    watch.settle()
    change(run, server)


def _power(run, server, name, change, states, seconds=events.BOOT_SECONDS, number=None):
    """Change the power of ``server`` by ``change`` in a job of its own, and wait for one of ``states``.

    number: of the intent that is to say how far this came, or None.
    """
    with run.step(name, server.name):
        watch = events.Watch(run, server.handle, server.name)
        with job(run.manager, "%s %s" % (name, server.name), watch.hears) as made:
            change(server.handle)
            api.describe(made, "%s %s" % (name, server.name), server.handle)
            _note(run, number, asked=True)
        _note(run, number, told=True)
        watch.wait_for(states, seconds)
        return watch


def _note(run, number, **facts):
    if number is not None:
        run.ledger.made(number, **facts)


@contextlib.contextmanager
def running(run, server):
    """See to it that ``server`` runs, and bring its power state back when left.

    One that ran and has failed when this is left is started once; where it does not run then it is a leftover.
    """
    if checks.power(run.manager, server) == api.RUNNING:
        try:
            yield
        finally:
            _start_if_failed(run, server)
        return
    number = run.ledger.intend(ledger.POWER, vs=server.id, vs_name=server.name)
    try:
        start(run, server)
        yield
    finally:
        run.release(number, lambda: stop(run, server))


def _start_if_failed(run, server):
    """Start a server that ran and has failed meanwhile; one that somebody has stopped is not ours to start."""
    try:
        state = events.state_of(run.manager, server.handle)
    except errors.VibackupError as error:
        run.warn("whether %s still runs is not known: %s" % (server.name, error.message))
        return
    if state == api.STOPPED:
        run.warn("%s ran, and somebody has stopped it meanwhile: it is left so" % server.name)
    if state == api.FAILED:
        run.warn("%s failed meanwhile, so it is started again: look at its console" % server.name)
        number = run.ledger.intend(ledger.STOPPED, vs=server.id, vs_name=server.name, before=None, asked=True)
        run.release(number, lambda: _once_settled(run, server, _start))


def running_lines(server, was, lines):
    """Return ``lines`` of a plan, with those of ``running`` around them; ``was``: the server's power before."""
    if was == api.RUNNING:
        return lines
    return ["start: %s" % server.name] + lines + ["stop: %s" % server.name]


@contextlib.contextmanager
def stopped(run, server):
    """See to it that ``server`` does not run, and bring its power state back when left.

    One that somebody else has stopped meanwhile is not started. Raises ServerFailed where the body succeeded and a
    server that was stopped here does not run again after it.
    """
    if checks.power(run.manager, server) != api.RUNNING:
        yield
        return
    run.check_stop()
    number = run.ledger.intend(ledger.STOPPED, vs=server.id, vs_name=server.name,
                               before=api.event_moment(api.status(server.handle)))
    facts = run.ledger.facts(number)
    try:
        with run.releasing():  # it must be down before it can be started again
            stop(run, server, number)
        yield
    finally:
        run.release(number, lambda: start_again(run, server, facts))
    if facts.get("asked") and events.state_of(run.manager, server.handle) != api.RUNNING:
        raise errors.ServerFailed("%s was stopped, and does not run again" % server.name)


@contextlib.contextmanager
def running_until_it_stops(run, server, seconds):
    """Start ``server`` (a snapshot of ours), wait until it has stopped by itself, then run the body.

    Raises ServerFailed where it crashed, TimedOut where it runs longer than ``seconds``. However
    this is left, it does not run any more.
    """
    number = run.ledger.intend(ledger.POWER, vs=server.id, vs_name=api.name_of(server.handle))
    try:
        watch = start(run, server, (api.RUNNING, api.STOPPED))
        with run.step("wait until stopped", server.name):
            watch.wait_for((api.STOPPED,), seconds)
        run.ledger.released(number)
        yield
    finally:
        if run.ledger.is_open(number):
            run.release(number, lambda: stop(run, server))
