# -*- coding: utf-8 -*-
"""The search for an open secret, which ends the session as failed: that it finds one."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io

import pytest

from tests import canary
from vibackup import compat
from vibackup.masking import MASK, mask

PLANTED = "planted-17"


@pytest.mark.parametrize("place", [0, 1, canary._PIECE - 5, canary._PIECE, 3 * canary._PIECE - 1])
def test_a_secret_is_found_wherever_it_stands_in_a_file(tmpdir, place):
    path = compat.native(compat.text(tmpdir.mkdir("süd" if compat.PYTHON3 else "sub").join("log")))
    with io.open(path, "wb") as stream:
        stream.seek(place)
        stream.write(PLANTED.encode("ascii") + b" and more")
    assert canary.holders(tmpdir, PLANTED) == [path]


def test_a_secret_is_found_in_the_name_of_a_file_and_of_a_folder(tmpdir):
    tmpdir.mkdir("x" + PLANTED).join("lab").write("")
    tmpdir.join(PLANTED + ".json").write("")
    assert len(canary.holders(tmpdir, PLANTED)) == 2


def test_where_there_is_none_nothing_is_found(tmpdir):
    tmpdir.join("log").write("planted-1")
    tmpdir.join("empty").write("")
    tmpdir.join("link").mksymlinkto("nowhere")
    assert canary.holders(tmpdir, PLANTED) == []


def test_what_is_said_is_searched(monkeypatch):
    monkeypatch.setattr(canary, "hits", [])
    canary.note("a command", "all is well")
    assert canary.hits == []
    canary.note("a command", "the password %s is wrong" % canary.VALUE)
    assert len(canary.hits) == 1 and canary.hits[0].startswith("a command: ...the password")


def test_the_canary_is_a_secret_to_us_and_long_enough_to_be_no_accident():
    assert len(canary.VALUE) > 30 and mask("a %s b" % canary.VALUE) == "a %s b" % MASK
