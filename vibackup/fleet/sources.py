"""What the morning's report is made of: state folders, and of each the newest nights of every policy and the catalog.

A night that takes up another one is one with it: the list of both is called a chain, the oldest first.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import os

from vibackup import catalog, compat, errors, state
from vibackup.fleet import journal, policy
from vibackup.names import printable

MOST_NIGHTS = 400  # of which a state folder's newest chains are searched for

# What one state folder says. manager: its name, where anything tells it; chains: lists of journal.Night;
# entries: of the catalog; damaged: the UsageErrors of what cannot be read.
Source = collections.namedtuple("Source", "folder manager chains entries damaged")


def read(folder, names=(), night=None):
    """Return the Source in the state folder ``folder``.

    names: of the policies whose nights are wanted, none: all. night: the id of the one night that is wanted, or None.
    Raises UsageError where there is no such folder, and Refused where others may write to it.
    """
    check(folder)
    state.check_private(compat.native(folder))
    chains, damaged = _chains(folder, names, night)
    entries, bad_entries = catalog.Catalog(folder).readable()
    return Source(folder, _manager(folder, chains, entries), chains, entries, damaged + bad_entries)


def check(folder):
    """Raise UsageError where there is no folder ``folder``: what is not there would be taken for an empty state."""
    if not os.path.isdir(compat.native(folder)):
        raise errors.UsageError("--state=%s: there is no such state folder" % printable(folder))


def policies(sources):
    """Return the policies that the nights of ``sources`` name and that can be read here, each once."""
    found = collections.OrderedDict()
    for path in sorted(set(chain[-1].facts.get("policy") or "" for source in sources for chain in source.chains)):
        try:
            each = policy.read(path)
        except errors.UsageError:
            continue  # the report names each night whose policy is not at hand
        found[each.name] = each
    return list(found.values())


def ambiguous(sources):
    """Return the names that two policies have whose nights are in the same state: whose RPO holds, nobody can tell."""
    found = set()
    for source in sources:
        paths = collections.defaultdict(set)
        for chain in source.chains:
            paths[chain[-1].facts.get("name")].add(chain[-1].facts.get("policy"))
        found.update(name for name, own in paths.items() if len(own) > 1)
    return found


def _manager(folder, chains, entries):
    """Return whose state it is: the manager that the newest night or backup in it names."""
    named = [chain[-1].facts.get("manager") for chain in sorted(chains, key=lambda chain: chain[-1].facts["started"])]
    named = [name for name in named if name] or [entry["manager"] for entry in entries if entry.get("manager")]
    return named[-1] if named else os.path.basename(os.path.abspath(compat.native(folder)))


# -- which nights

def _chains(folder, names, night):
    """Return the chains that ``read`` is asked for, and the UsageErrors of what is damaged."""
    heads, damaged = _heads(folder)
    heads = [head for head in heads if not names or head["name"] in names]
    wanted = _newest(heads) if night is None else [head for head in heads if head["id"] == night]
    chains = []
    for head in wanted:
        try:
            chains.append([journal.read(each["path"]) for each in _chain(heads, head)])
        except errors.UsageError as error:
            damaged.append(error)
    return chains, damaged


def _heads(folder):
    """Return what tells the nights of a folder apart, the oldest first, and what is damaged.

    Not the nights themselves, which may be millions of lines.
    """
    heads, damaged = [], []
    for path in journal.paths(folder)[-MOST_NIGHTS:]:
        try:
            facts = journal.first_facts(path)
        except errors.UsageError as error:
            damaged.append(error)
            continue
        if facts is not None:
            told = ("id", "name", "policy", "shard", "started", "resumes")
            heads.append(dict(((key, facts.get(key)) for key in told), path=path))
    return sorted(heads, key=lambda head: head["started"]), damaged


def _newest(heads):
    """Return the newest head of each policy and shard; those of a policy that is split otherwise by now are over."""
    found, parts = collections.OrderedDict(), {}
    for head in heads:
        whose = (head["policy"], head["name"])
        found[whose, head["shard"]] = head
        parts[whose] = _parts(head["shard"])
    return [head for (whose, shard), head in found.items() if _parts(shard) == parts[whose]]


def _parts(shard):
    return (shard or "").partition("/")[2]


def _chain(heads, head):
    """Return ``head`` with those of the nights that it takes up in front, and of one that took it up behind."""
    by_id = dict((each["id"], each) for each in heads)
    chain = [head]
    while chain[0]["resumes"] in by_id and by_id[chain[0]["resumes"]] not in chain:
        chain.insert(0, by_id[chain[0]["resumes"]])
    while True:
        later = [each for each in heads if each["resumes"] == chain[-1]["id"] and each not in chain]
        if not later:
            return chain
        chain.append(later[-1])
