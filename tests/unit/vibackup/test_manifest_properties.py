# -*- coding: utf-8 -*-
"""Manifests that somebody else wrote, or that were damaged: one clear line, or a manifest that is as it must be."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os

from hypothesis import given
from hypothesis import strategies as st

from tests.flows.helpers import run_main
from tests.unit.vibackup.test_manifest import good, written
from vibackup import compat, errors, manifest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["../x.vhd", "/etc/passwd", "00-x.vhd", 2 ** 70, 512]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=5)


def places(value, path=()):
    """Return the paths of everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [each for key, part in inner for each in places(part, path + (key,))]


def read(tmpdir_factory, data):
    """Return what is read of a manifest, or the message of its refusal; anything else is raised."""
    folder = tmpdir_factory.mktemp("archive")
    try:
        return manifest.read(written(folder, data))
    except errors.Refused as error:
        assert "\n" not in error.message and len(error.message) < 600
        return None


@given(place=st.sampled_from(places(good())[1:]), value=VALUES, remove=st.booleans())
def test_a_value_that_was_changed_is_refused_or_still_within_its_bounds(tmpdir_factory, place, value, remove):
    found = where = good()
    for key in place[:-1]:
        where = where[key]
    if remove:
        del where[place[-1]]
    else:
        where[place[-1]] = value
    result = read(tmpdir_factory, found)
    if result is not None:
        for disk in result["disks"]:
            assert os.path.basename(disk["file"]) == disk["file"] and disk["file"].endswith(".vhd")
            assert 0 < disk["bytes"] <= 2040 * 1024 ** 3 and len(disk["sha256"]) == 64 and disk["name"]


@given(value=VALUES)
def test_json_of_any_kind_is_refused(tmpdir_factory, value):
    assert read(tmpdir_factory, json.dumps(value).encode("ascii")) is None


@given(place=st.integers(min_value=0, max_value=600), byte=st.binary(min_size=0, max_size=3))
def test_bytes_that_were_damaged_never_end_in_anything_but_a_line(tmpdir_factory, place, byte):
    data = json.dumps(good()).encode("ascii")
    read(tmpdir_factory, data[:place] + byte + data[place + 1:])


@given(data=st.binary(max_size=200))
def test_a_command_line_tells_of_it_on_one_line_with_the_right_status(tmpdir_factory, data):
    folder = tmpdir_factory.mktemp("archive")
    ran = run_main("archive", ["--verify", "--from=" + written(folder, data),
                               "--state=%s" % compat.text(folder.join("state"))])
    assert ran.status == 3 and len(ran.errors.splitlines()) == 1 and "internal error" not in ran.errors
