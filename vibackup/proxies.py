"""Which virtual servers can be proxy backup hosts for another one."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

from vibackup import checks, errors, events, steps
from vibackup import manager as api

HANDFUL = 5  # how many of each operating system are named
MOST_ASKED = 20  # of how many guests it is asked whether they answer

# A virtual server that can be a proxy. node: the name of its managed node; elsewhere: not that of the server.
Host = collections.namedtuple("Host", "name family node elsewhere power")

_Candidate = collections.namedtuple("_Candidate", "server node elsewhere power")


def find(run, vs):
    """Return ``(hosts, refused)``: the Hosts that can be a proxy of ``vs`` (a ``steps.Server``), and why others cannot.

    They are in its data center, the best first: those that the catalog knows as proxies, for they have an agent and
    may be rebooted; those that run; and those on another managed node than ``vs``, as the paper advises. Raises
    MissingCall where this manager cannot tell.
    """
    hosts, refused, asked = [], [], []
    before = set(entry.get("proxy") for entry in run.catalog.entries())
    for candidate in _in_order(run.manager, vs, before):
        if len(asked) < MOST_ASKED:
            try:
                hosts += _hosts(run, candidate, hosts, asked)
            except (errors.Refused, errors.Leftovers) as error:
                refused.append(error.message)
    return hosts, refused


def _in_order(manager, vs, before):
    """Return all other servers of the data center as _Candidates, the best first; ``before``: names of old proxies."""
    own_node = api.node_of(vs.handle)
    own, center = api.identity_of(own_node), api.identity_of(api.data_center_of(own_node))
    found = []
    for handle in manager.objects("VirtualServer"):
        server, node = steps.server_of(handle), api.node_of(handle)
        if server.id != vs.id and api.identity_of(api.data_center_of(node)) == center:
            found.append(_Candidate(server, api.name_of(node), api.identity_of(node) != own,
                                    events.state_of(manager, handle)))
    return sorted(found, key=lambda each: (each.server.name not in before, each.power != api.RUNNING,
                                           not each.elsewhere, each.server.name))


def _hosts(run, candidate, found, asked):
    """Return the _Candidate as a Host in a list; none for a snapshot, and where enough of its kind are ``found``."""
    server = candidate.server
    if any(run.manager.is_snapshot_disk(device) for device in api.devices_of(server.handle)):
        return []
    host = steps.guest_of(run, server)
    if sum(1 for each in found if each.family == host.family) >= HANDFUL:
        return []
    run.ledger.check_leftovers(server.id, server.name)
    api.require_for("proxy", server.handle)
    if checks.power(run.manager, server) == api.RUNNING:
        asked.append(server.name)
        checks.answers(host)
    return [Host(server.name, host.family, candidate.node, candidate.elsewhere, candidate.power)]
