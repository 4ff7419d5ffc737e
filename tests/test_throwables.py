"""A Java error that nobody catches fails a test, on Jython too."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest
from _pytest import fixtures

import fakes  # noqa: F401 (java.lang, on CPython)
from java.lang import RuntimeException


@pytest.mark.xfail(strict=True, reason="that is what it shows")
def test_a_java_error_fails_a_test():
    raise RuntimeException("nobody catches this")


def test_a_java_error_after_a_test_is_none_that_pytest_loses():
    def fixture():
        yield
        raise RuntimeException("nobody catches this")
    made = fixture()
    next(made)
    with pytest.raises(Exception) as caught:  # on Jython a Java error is no Exception
        fixtures._teardown_yield_fixture(fixture, made)
    assert "nobody catches this" in str(caught.value)
