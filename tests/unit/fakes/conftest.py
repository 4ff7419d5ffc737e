"""What the tests of the lab share: no lab outlives its test."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests import labs


@pytest.fixture(autouse=True)
def no_lab_left():
    yield
    labs.close_all()
