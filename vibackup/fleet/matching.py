"""Which name fits a policy: names as they are, and patterns such as ``web*``, of which capital letters count."""
from __future__ import absolute_import, division, print_function, unicode_literals

import fnmatch
import re


def compiled(pattern):
    """Return a pattern, as ``fnmatch`` has them, as a regular expression; raise ``re.error`` for what is none."""
    return re.compile(fnmatch.translate(pattern))


def is_plain(pattern):
    """Tell whether a pattern is a name, which only one virtual server has."""
    return not re.search(r"[*?\[]", pattern)


class Names(object):
    """Names and patterns of a policy. patterns: text that may be either; names: text that is a name in any case."""

    def __init__(self, patterns, names=()):
        self._plain = [name for name in patterns if is_plain(name)] + list(names)
        self._known = set(self._plain)
        self._patterns = [(pattern, compiled(pattern)) for pattern in patterns if not is_plain(pattern)]

    def __bool__(self):
        return bool(self._plain or self._patterns)

    __nonzero__ = __bool__

    def which(self, name):
        """Return the one that ``name`` fits, a plain one before others, or None."""
        if name in self._known:
            return name
        return next((pattern for pattern, regex in self._patterns if pattern == name or regex.match(name)), None)

    def fit_none_of(self, names):
        """Return ``(plain ones, patterns)``, lists, of those that none of ``names`` (a set) fits."""
        return ([name for name in self._plain if name not in names],
                [pattern for pattern, regex in self._patterns
                 if pattern not in names and not any(regex.match(name) for name in names)])
