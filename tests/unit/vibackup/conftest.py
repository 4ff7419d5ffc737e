# -*- coding: utf-8 -*-
"""What most tests of the library begin with: a small lab, and a run in it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.runs import find, make_run, small_lab, state_folder


@pytest.fixture
def lab():
    with small_lab() as lab:
        yield lab


@pytest.fixture
def run(lab, tmpdir):
    return make_run(lab, tmpdir)


@pytest.fixture
def folder(tmpdir):
    """The path of a state folder, which is not made."""
    return state_folder(tmpdir)


@pytest.fixture
def vs(run):
    return find(run, "web01")


@pytest.fixture
def proxy(run):
    return find(run, "pbh01")
