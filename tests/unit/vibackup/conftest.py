# -*- coding: utf-8 -*-
"""What most tests of the library begin with: a small lab, and a run in it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.runs import make_run, small_lab


@pytest.fixture
def lab():
    with small_lab() as lab:
        yield lab


@pytest.fixture
def run(lab, tmpdir):
    return make_run(lab, tmpdir)
