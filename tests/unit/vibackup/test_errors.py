# -*- coding: utf-8 -*-
"""The tree of errors and its exit statuses."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes.faults import ManagementException
from vibackup import compat, errors


@pytest.mark.parametrize("error, status", [
    (errors.VibackupError("x"), 1), (errors.ApiError("commit", ValueError("x")), 1), (errors.TimedOut("x"), 1),
    (errors.ServerFailed("x"), 1), (errors.GuestError("x"), 1), (errors.AgentFailed("x"), 1),
    (errors.SnapshotLost("x"), 1),
    (errors.UsageError("x"), 2), (errors.Refused("x"), 3), (errors.NotFound("x"), 3), (errors.MissingCall("x"), 3),
    (errors.Busy("x"), 4), (errors.Leftovers("x"), 6), (errors.Unavailable("x"), 7), (errors.Stopped(130), 130),
    (errors.Stopped(143), 143)], ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value)
def test_each_error_carries_the_exit_status_of_a_run_that_it_ends(error, status):
    assert error.exit_status == status
    assert isinstance(error, errors.VibackupError)


@pytest.mark.parametrize("words", ["plain", "süd", "服务器", "a %s b"])
def test_an_error_says_what_it_was_given(words):
    error = errors.Refused(words)
    assert error.message == words
    assert compat.text(error) == words
    assert compat.message(error) == words
    assert str(error) == compat.native(words)


def test_of_a_message_that_is_too_long_the_middle_is_left_out():
    error = errors.VibackupError("what it is about: %s: what to do" % ("x" * 100000))
    assert len(error.message) < 1600 and error.message == str(error)
    assert error.message.startswith("what it is about: xx") and error.message.endswith("xx: what to do")


@pytest.mark.parametrize("cause", [ValueError("no space"), ManagementException("no space")],
                         ids=lambda error: type(error).__name__)
def test_an_error_of_the_manager_names_the_call_and_keeps_the_cause(cause):
    error = errors.ApiError("commit", cause)
    assert error.message == "commit failed: no space"
    assert error.cause is cause


def test_an_error_of_the_manager_without_words_is_named_by_its_kind():
    assert errors.ApiError("commit", ManagementException()).message == "commit failed: ManagementException"


def test_leftovers_are_named():
    assert errors.Leftovers("x", ("a", "b")).names == ["a", "b"]


@pytest.mark.parametrize("status, words", [(130, "stopped by Ctrl-C"), (143, "stopped by TERM or a closed terminal")])
def test_a_stop_says_what_stopped_it(status, words):
    assert errors.Stopped(status).message == words
