# -*- coding: utf-8 -*-
"""The same night writes the same journal, each time and on every interpreter; see ``tests/golden_night.py``."""
from __future__ import absolute_import, division, print_function, unicode_literals

from tests import golden_night


def test_a_night_of_twelve_servers_writes_the_journal_that_it_always_wrote():
    """So a site whose interpreter changes has the same plan, the same figures and the same words."""
    assert golden_night.lines() == golden_night.kept(), "if that is meant: python3 -m tests.golden_night"


def test_the_same_night_again_writes_the_same_journal():
    assert golden_night.lines() == golden_night.lines()
