# -*- coding: utf-8 -*-
"""A command in a kept lab whose process is really killed at one of its calls; and what is left, and released."""
from __future__ import absolute_import, division, print_function, unicode_literals

import hashlib
import json
import os
import re
import signal

from tests.flows.helpers import compat, process
from tests.sweep import laws

# What differs between two runs that do the same: ids of runs, moments, seals, and who they are.
_ITS_OWN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z|\"check\": \"[0-9a-f]+\"")
CAN_FORK = hasattr(os, "fork") and not compat.JYTHON


def cases(good):
    """Return every case in which the process is killed; at a call that only asks, before and after are the same."""
    return [laws.Case(number, call.method, phase, "crash", laws.ONCE, None)
            for number, call in enumerate(good.calls, 1) for phase in laws.phases(call)]


def judge(scenario, place, words, case, seen=None, again=True):
    """Kill the command in its place at a case's call; returns the Violations.

    seen: what has been looked at, by ``key``: where a kill leaves what another one has left, it is not looked at again.
    """
    found = laws.Findings(scenario, case)
    place.restore_files()
    found.guard("crash", _kill, place, words, case)
    if seen is not None and not is_new(place, seen):
        return found.violations
    left = place.vibackup("reconcile").document["leftovers"]
    if left and again and scenario.verb != "fleet":  # which refuses the server, and not the night
        found.guard("L6", _check_refused, place, words)
    found.guard("L4", laws.fix, place)
    laws.all_or_nothing(scenario, place, words, found, again)
    return found.violations


def _check_refused(place, words):
    ran = place.vibackup(*(words + ["--dry-run"]))
    assert ran.status == 6, "the next run's check, with something left: exit status %d: %s" % (ran.status, ran.errors)


def _kill(place, words, case):
    status = kill(place, words, case)
    assert status in (-signal.SIGKILL, 128 + signal.SIGKILL), "it was not killed, but ended with %s" % status


def kill(place, words, case):
    """Run a command in the closed place, in a process that is killed at its call; opens the place.

    Returns its exit status, as ``subprocess`` has it.
    """
    words = words + ["--lab-fault=%d:%s:crash" % (case.call, case.phase)]
    if not CAN_FORK:
        status = process("vibackup", *(words + [place.lab_word])).status
    else:
        child = os.fork()
        if child == 0:
            _be_the_child(place, words)
        status = os.waitpid(child, 0)[1]
        status = -(status & 127) if status & 127 else status >> 8
    place.reopen()
    return status


def _be_the_child(place, words):
    try:
        place.reopen()
        place.vibackup(*words)
    finally:
        os._exit(99)


def is_new(place, seen):
    """Tell whether a killed run has left what none before it has; ``seen`` is a set of what they left."""
    found = key(place)
    if found in seen:
        return False
    seen.add(found)
    return True


def key(place):
    """Return what stands for all that a reconcile can see of a place, but for ids of runs and moments."""
    now = place.now()
    due = sorted((each["what"], each["id"]) for each in place.lab.world.due)
    words = [json.dumps([now.objects, sorted(now.files.items()), due, now.kept], sort_keys=True)]
    for folder in ("ledger", "locks", "catalog"):
        words.extend(_lines(os.path.join(place.state(), folder)))
    words = _ITS_OWN.sub("*", "\n".join(words))
    return hashlib.sha256(words.encode("utf-8")).hexdigest()


def _lines(folder):
    """Return what the files below a folder say, but for who wrote it."""
    found = []
    for where, folders, names in os.walk(compat.native(folder)):
        folders.sort()
        for name in sorted(names):
            with open(os.path.join(where, name), "rb") as stream:
                found += [line for line in compat.text(stream.read()).splitlines() if '"pid"' not in line]
            found.append("in %s" % compat.text(where))
    return found
