"""The part of ``java.net`` that management calls end with when nobody answers."""
from __future__ import absolute_import, division, print_function, unicode_literals

from java.lang import Throwable


class ConnectException(Throwable):
    """The other side is not there."""
