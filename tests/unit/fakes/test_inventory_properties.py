# -*- coding: utf-8 -*-
"""Inventories of garbage: each makes a lab, or one line that names the place, and never anything else."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy

from hypothesis import given, strategies as st

from fakes import inventory
from fakes.lab import Lab
from tests.labs import description, disk, raw_disk
from vibackup.errors import UsageError

_KEYS = st.sampled_from(sorted(set(key for keys in inventory._KEYS.values() for key in keys) | {"_place", "", "x"}))
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4),
                     st.sampled_from(["node1", "group1", "web01-system", "Running", "backlog", 512,
                                      10 ** 30, "\ud800"]))
_GARBAGE = st.recursive(_SCALARS, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(st.one_of(_KEYS, st.text(max_size=3)), inner, max_size=4)),
    max_leaves=8)


def whole():
    return description(
        disks=[disk("web01-system", files={"etc/hostname": "web01\n"}, fill="x"), raw_disk("lun"),
               disk("pbh01-system")],
        servers=[{"name": "web01", "node": "node1", "devices": ["web01-system", "lun"], "networks": ["lan"],
                  "commands": {"freeze": {"seconds": 3, "output": "x"}}},
                 {"name": "pbh01", "node": "node2", "devices": ["pbh01-system"], "power": "Stopped"}])


def loads_or_says_where(found):
    try:
        checked = inventory.check(found, "here")
    except UsageError as error:
        assert error.message.startswith("inventory here: ") and "\n" not in error.message
        place = error.message[len("inventory here: "):].partition(": ")[0]
        assert place
        return
    lab = Lab("/nonexistent", persistent=False)
    inventory.build(lab, checked)


@given(_GARBAGE)
def test_garbage_makes_a_lab_or_one_line_that_names_the_place(found):
    loads_or_says_where(found)


@given(st.dictionaries(_KEYS, _GARBAGE, max_size=5))
def test_garbage_under_the_right_keys_does_so_too(found):
    loads_or_says_where(dict({"data_centers": []}, **found))


def places(found, path=()):
    """Return the path of everything inside ``found``."""
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    result = []
    for key, value in list(inner):
        result += [path + (key,)] + places(value, path + (key,))
    return result


@given(st.data())
def test_an_inventory_with_one_or_two_places_spoilt(data):
    found = copy.deepcopy(whole())
    for _number in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(places(found)))
        holder = found
        for key in path[:-1]:
            holder = holder[key]
        if isinstance(holder, dict) and data.draw(st.booleans()):
            holder.pop(path[-1])
        else:
            holder[path[-1]] = data.draw(_GARBAGE)
    loads_or_says_where(found)
