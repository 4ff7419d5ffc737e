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


def start_again(run, server):
    """Start a server that was stopped, unless it runs, and wait until it does; a second time it is nothing.

    One that fails then was started all the same: it is warned of, and nothing is left to take back.
    """
    try:
        if events.state_of(run.manager, server.handle) == api.RUNNING:
            events.Watch(run, server.handle, server.name).settle()  # it may still be on its way down
        _once_settled(run, server, _start)
    except errors.ServerFailed as error:
        run.warn("%s was started again, and %s: look at its console" % (server.name, error.message))


def _start(run, server):
    if events.state_of(run.manager, server.handle) != api.RUNNING:
        start(run, server)


def stop(run, server):
    """Stop the server, unless it is, and wait until it has."""
    _once_settled(run, server, _stop)


def _stop(run, server):
    event = api.status(server.handle)  # None: nothing has ever happened to it
    if event is not None and run.manager.event_kind(event) not in (api.STOPPED, api.FAILED):
        _power(run, server, "stop", api.stop, (api.STOPPED,))


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


def _power(run, server, name, change, states, seconds=events.BOOT_SECONDS):
    """Change the power of ``server`` by ``change`` in a job of its own, and wait for one of ``states``."""
    with run.step(name, server.name):
        watch = events.Watch(run, server.handle, server.name)
        with job(run.manager, "%s %s" % (name, server.name), watch.hears) as made:
            change(server.handle)
            api.describe(made, "%s %s" % (name, server.name), server.handle)
        watch.wait_for(states, seconds)
        return watch


@contextlib.contextmanager
def running(run, server):
    """See to it that ``server`` runs, and bring its power state back when left."""
    if checks.power(run.manager, server) == api.RUNNING:
        yield
        return
    number = run.ledger.intend(ledger.POWER, vs=server.id, vs_name=server.name)
    try:
        start(run, server)
        yield
    finally:
        run.release(number, lambda: stop(run, server))


@contextlib.contextmanager
def stopped(run, server):
    """See to it that ``server`` does not run, and bring its power state back when left.

    Raises ServerFailed where the body succeeded and the server does not run again after it.
    """
    if checks.power(run.manager, server) != api.RUNNING:
        yield
        return
    run.check_stop()
    number = run.ledger.intend(ledger.STOPPED, vs=server.id, vs_name=server.name)
    try:
        with run.releasing():  # it must be down before it can be started again
            stop(run, server)
        yield
    finally:
        run.release(number, lambda: start_again(run, server))
    if events.state_of(run.manager, server.handle) != api.RUNNING:
        raise errors.ServerFailed("%s was stopped, and does not run again" % server.name)


@contextlib.contextmanager
def running_until_it_stops(run, server, seconds):
    """Start ``server`` (a snapshot of ours), wait until it has stopped by itself, then run the body.

    Raises ServerFailed where it crashed, TimedOut where it runs longer than ``seconds``. However
    this is left, it does not run any more.
    """
    number = run.ledger.intend(ledger.POWER, vs=server.id, vs_name=server.name)
    try:
        watch = start(run, server, (api.RUNNING, api.STOPPED))
        with run.step("wait until stopped", server.name):
            watch.wait_for((api.STOPPED,), seconds)
        run.ledger.released(number)
        yield
    finally:
        if run.ledger.is_open(number):
            run.release(number, lambda: stop(run, server))
