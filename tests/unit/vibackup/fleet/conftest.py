# -*- coding: utf-8 -*-
"""Where nights of a fleet take place."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows import fleets
from tests.lab_nights import Ground


@pytest.fixture
def place(tmpdir):
    """Makes a Ground of an inventory, as often as one likes."""
    made = []

    def make(*words, **more):
        made.append(Ground(tmpdir, fleets.inventory(*words, **more)))
        return made[-1]
    yield make
    for each in made:
        each.close()
