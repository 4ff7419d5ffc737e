# -*- coding: utf-8 -*-
"""What every verb's module has, and what it may have."""
from __future__ import absolute_import, division, print_function, unicode_literals

import argparse

import pytest

from vibackup import catalog, verbs


@pytest.mark.parametrize("name", sorted(verbs.MODULES))
def test_a_verb_has_what_the_command_line_asks_it_for(name):
    module = verbs.module(name)
    assert module.SUMMARY and name in module.EXAMPLE
    assert callable(module.options) and callable(module.carry_out)


def test_a_verb_that_has_nothing_to_complete_is_complete():
    assert not hasattr(verbs.module("probe"), "complete")
    verbs.complete(argparse.Namespace(verb="probe"))


def test_what_a_flow_returned_is_in_the_document_and_in_words():
    session = argparse.Namespace(more={})
    result = verbs.done(session, "copied", {"name": "new"}, "new is there")
    assert session.more == {"copied": {"name": "new"}} and result == ("new is there", catalog.OK, None)
