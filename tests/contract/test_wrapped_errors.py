"""What a Java proxy may not throw, Java wraps: the product says what is inside, and knows a lost connection by it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from fakes.faults import ConnectionLost, ManagementException
from vibackup import compat, errors, manager

if compat.JYTHON:
    from java.lang import RuntimeException
    from java.lang.reflect import InvocationTargetException, UndeclaredThrowableException
    from java.rmi import RemoteException
    WRAPPERS = [UndeclaredThrowableException, InvocationTargetException]
    REMOTE = RemoteException("no answer", ConnectionLost("connection reset"))

    def with_words(words, cause):
        return RuntimeException(words, cause)
else:
    class Wrapper(Exception):
        """Java's own, for interpreters without Java."""

        def __init__(self, cause, words=None):
            Exception.__init__(self)
            self.getCause = lambda: cause
            self.getMessage = lambda: words

    WRAPPERS = [Wrapper]
    REMOTE = type(str("RemoteException"), (Wrapper,), {str("__module__"): str("java.rmi")})(
        ConnectionLost("connection reset"), "no answer")

    def with_words(words, cause):
        return Wrapper(cause, words)


class Throws(object):
    """An object of the API, all of whose calls throw."""

    def __init__(self, error):
        self.error = error

    def getName(self):
        raise self.error


def ended_by(error):
    """Return what the product makes of an error of the manager's."""
    with pytest.raises(errors.ApiError) as caught:
        manager.name_of(Throws(error))
    return caught.value


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_lost_connection_is_known_inside_a_wrapper(wrapper):
    for error in (wrapper(ConnectionLost("connection reset")), wrapper(wrapper(ConnectionLost("connection reset")))):
        ended = ended_by(error)
        assert type(ended) is errors.ManagerGone and ended.exit_status == 7
        assert ended.message == "getName failed: connection reset"


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_refusal_inside_a_wrapper_is_told_in_its_own_words(wrapper):
    ended = ended_by(wrapper(ManagementException("web01 is busy")))
    assert type(ended) is errors.ApiError and ended.message == "getName failed: web01 is busy"


def test_an_error_with_words_of_its_own_is_the_managers_answer_whatever_its_cause():
    ended = ended_by(with_words("the manager's own disk is full", ConnectionLost("connection reset")))
    assert type(ended) is errors.ApiError and ended.message == "getName failed: the manager's own disk is full"


def test_a_remote_exception_is_a_lost_connection_with_words():
    ended = ended_by(REMOTE)
    assert type(ended) is errors.ManagerGone and ended.message.startswith("getName failed: no answer")


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_around_nothing_is_named_by_its_class(wrapper):
    assert ended_by(wrapper(None)).message == "getName failed: " + wrapper.__name__.rpartition(".")[2]
