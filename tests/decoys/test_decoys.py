# -*- coding: utf-8 -*-
"""L2, among look-alikes: whatever happens to a run, and whatever an administrator does then, no object is touched that
is not ours; L3 to L5: what is ours is taken back or named, and servers are as they were.

The cases are those of ``python -m tests.decoys``, a few of them here.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import sys

import pytest

from tests.decoys.case import play
from tests.flows.helpers import JYTHON

CASES = 15 if JYTHON else 150 if sys.version_info >= (3, 7) else 60
AT_ONCE = 15


@pytest.mark.parametrize("first", range(0, CASES, AT_ONCE))
def test_no_look_alike_is_ever_touched(first):
    wrong = [words for number in range(first, first + AT_ONCE) for words in play("decoys", number)]
    assert not wrong, "\n".join(wrong)
