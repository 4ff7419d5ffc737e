"""A Java error that ends a test on Jython has to fail it: pytest takes only what is an exception of Python's for one.

pluggy, through which pytest calls a test, returns in a ``finally`` block, and whatever is no ``BaseException`` is lost
in it: the test passes. So what is about to leave a test, or a fixture, is made a Python error here.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import sys

import six
from _pytest import fixtures
from java.lang import Throwable

from vibackup import compat


class JavaError(Exception):
    """A Java error that nobody caught."""


def as_failures(function):
    """Return a function that does what ``function`` does, and raises JavaError where that ends by a Java error."""
    def called(*arguments, **named):
        __tracebackhide__ = True
        try:
            return function(*arguments, **named)
        except Throwable as error:
            six.reraise(JavaError, JavaError("%s: %s" % (type(error).__name__, compat.message(error))),
                        sys.exc_info()[2])
    return called


def fail_fixtures():
    """Have the same done for what goes before a test and comes after it."""
    fixtures.call_fixture_func = as_failures(fixtures.call_fixture_func)
    fixtures._teardown_yield_fixture = as_failures(fixtures._teardown_yield_fixture)
