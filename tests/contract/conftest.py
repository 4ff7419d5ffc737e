"""The tests of Java's own types need the jar that ``tests/run.sh --contract`` makes."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re

import fakes
from tests import conftest

collect_ignore = []

if not fakes.JAVA_API:
    collect_ignore.append("test_java_types.py")
    with io.open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "test_java_types.py"),
                 encoding="utf-8") as _stream:
        conftest.leave_out(len(re.findall("^def test_", _stream.read(), re.M)),
                           "they are about Java's own types: tests/run.sh --contract runs them")
