# -*- coding: utf-8 -*-
"""Names that look like others: what a tool would take for its own that goes by names."""
from __future__ import absolute_import, division, print_function, unicode_literals

BASES = ["web01", "db 1", "süd", "vs", "pbh01"]

# How a name is made to look like another one. What cannot be told apart on a screen is here too.
_CHANGES = [
    lambda name: name + "2", lambda name: name + "-old", lambda name: name + "-system", lambda name: "x" + name,
    lambda name: name[:-1] or "v", lambda name: name.upper(), lambda name: name.capitalize(),
    lambda name: name + " ", lambda name: " " + name, lambda name: name.replace(" ", "  ") + "\t",
    lambda name: name.replace("e", "\u0435").replace("s", "\u0455") + "\u200b",  # Cyrillic letters, and no width
    lambda name: "Snapshot of " + name, lambda name: "Snapshot of Snapshot of " + name,
    lambda name: "vibackup " + name, lambda name: "scratch " + name, lambda name: name + "-back"]


def look_alike(chance, name):
    """Return a name that is not ``name`` and looks like it."""
    found = chance.of(_CHANGES)(name)
    return found if found != name else name + "~"


def run_id(chance):
    """Return an id of a run, in the form that ours have."""
    return "20261122-1%d0000-%s" % (chance.number(10), chance.hexadecimal())


def working_name(run, name):
    """Return what the run ``run`` calls a thing until it has the name ``name``, and a snapshot of ``name``."""
    return "vibackup %s %s" % (run, name)


def nearly_working_name(chance, run, name):
    """Return a name that carries our pattern: of another run, or of ``run`` itself for another thing."""
    return chance.of([
        lambda: working_name(run_id(chance), name), lambda: working_name(run, look_alike(chance, name)),
        lambda: look_alike(chance, working_name(run, name)), lambda: "vibackup %s" % run,
        lambda: working_name(run, "")])()
