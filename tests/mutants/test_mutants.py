"""The list of mutants is one of breakages that can be made; ``python -m tests.mutants`` shows that they are caught."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

import pytest

from tests import mutants
from tests.mutants import Mutant

LEAST = 40
LIST = mutants.load()


def test_there_are_enough_of_them_and_each_is_another():
    assert len(LIST) >= LEAST
    assert len(set(mutant.name for mutant in LIST)) == len(LIST)
    assert len(set((mutant.path, mutant.old, mutant.new) for mutant in LIST)) == len(LIST)


@pytest.mark.parametrize("mutant", LIST, ids=lambda mutant: mutant.name)
def test_each_breaks_one_line_that_is_still_there(mutant):
    whole = mutants.read(os.path.join(mutants.ROOT, mutant.path))
    broken = mutant.broken(whole)
    assert sum(one != other for one, other in zip(whole.splitlines(), broken.splitlines())) == 1
    assert len(whole.splitlines()) == len(broken.splitlines())
    compile(broken.encode("utf-8"), str(mutant.path), "exec")


@pytest.mark.parametrize("mutant", LIST, ids=lambda mutant: mutant.name)
def test_each_names_tests_that_are_there(mutant):
    assert mutant.tests and all(os.path.isfile(os.path.join(mutants.ROOT, path)) for path in mutant.tests)


def test_a_guard_that_is_not_there_any_more_or_twice_is_said():
    mutant = Mutant("a name", "a.py", "if there:", "if True:", ["tests"])
    for words in ("if not there:\n", "if there:\nif there:\n"):
        with pytest.raises(ValueError) as caught:
            mutant.broken(words)
        assert "a.py has %d times" % words.count("if there:") in str(caught.value)
