# -*- coding: utf-8 -*-
"""A seed replays: the same calls and the same lab at the end, byte by byte, in any process."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import subprocess
import sys

import pytest

from tests.decoys.case import replay
from tests.flows.helpers import JYTHON, environment
from vibackup import compat

PROGRAM = """
import sys
sys.path.append(sys.argv[2])  # where pytest is, if that is not in the environment
import fakes
from tests.decoys.case import replay
sys.stdout.write(str(replay("replay", int(sys.argv[1]))))
"""


@pytest.mark.parametrize("number", range(2 if JYTHON else 8))
def test_a_seed_gives_the_same_calls_again(number):
    first = replay("replay", number)
    assert len(first) > 1000
    assert replay("replay", number) == first


def test_other_seeds_give_other_calls():
    assert replay("replay", 0) != replay("another", 0)


@pytest.mark.parametrize("hash_seed", [1] if JYTHON else [1, 2])
def test_a_seed_gives_the_same_calls_in_another_process_whatever_its_hashes(hash_seed):
    said = subprocess.check_output([sys.executable, "-c", PROGRAM, "3", os.path.dirname(pytest.__file__)],
                                   env=environment(PYTHONHASHSEED="%d" % hash_seed))
    assert compat.text(said) == replay("replay", 3)
