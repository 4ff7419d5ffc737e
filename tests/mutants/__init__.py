"""Guards of the product, broken one at a time: each breakage must be caught by a test (``python -m tests.mutants``)."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import io
import os

from vibackup import compat

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mutants.ini")


class Mutant(collections.namedtuple("Mutant", "name path old new tests")):
    """One breakage. name: what the product would do then. path: of the file, in which ``new`` takes the place of
    ``old``. tests: paths of the files of tests one of which must fail.
    """

    def broken(self, words):
        """Return the file's ``words`` with the guard broken; raise ValueError where it is not there exactly once."""
        if words.count(self.old) != 1:
            raise ValueError("%s: %s has %d times: %s" % (self.name, self.path, words.count(self.old), self.old))
        return words.replace(self.old, self.new)

    def break_in(self, root):
        """Break the guard in the copy of the project in the folder ``root``."""
        path = os.path.join(root, self.path)
        broken = self.broken(read(path))
        with io.open(path, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(broken)


def read(path):
    """Return the text of the file ``path``."""
    with io.open(path, encoding="utf-8", newline="\n") as stream:
        return stream.read()


def load():
    """Return the Mutants of the list."""
    parser = compat.configparser.RawConfigParser()
    with open(LIST) as stream:
        getattr(parser, "read_file", getattr(parser, "readfp", None))(stream)
    return [Mutant(compat.text(name), *[parser.get(name, key) for key in ("file", "old", "new")],
                   tests=parser.get(name, "tests").split()) for name in parser.sections()]
