"""Tables of programs: INI files whose values are command lines with placeholders.

No shell reads a command. Its line is split into words first, and only then are the placeholders
filled in, so that no name of a server, however odd, becomes a second word or an option.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import io
import os
import re
import string

from vibackup import compat
from vibackup.errors import Refused, UsageError
from vibackup.guest import Command
from vibackup.masking import mask, secret_in_command

SECRET = ("holds a password, which every list of processes would show: leave it out, and give it to the program where "
          "it runs, in a file or in its environment")
_LARGEST = 1024 ** 2  # characters of a table
_SHELL_WORDS = frozenset(["|", "||", "&", "&&", ";", ">>", "<<", "2>", "2>&1", "&>"])
_SHOWN = 200  # characters of what is wrong
_HEAD = re.compile(r"\[(?P<section>[^\]]+)\]|(?P<key>[^\s=:\[][^=:]*?)\s*[=:]")

# A command line. written: its words as they stand in the file, but for paths; words: the same, each as
# pairs of literal text and the placeholder after it; stdin, stdout: paths in that form, or None.
Line = collections.namedtuple("Line", "written words stdin stdout")

_shipped = {}


class Section(object):
    """One section of an INI file, which may have ``keys`` and no others; knows how to name its place in a fault."""

    def __init__(self, path, name, pairs, keys):
        self.path = path
        self.name = name
        self._pairs = dict(pairs)
        for key in sorted(self._pairs):
            if key not in keys:
                raise self.fault(key, "unknown key; there are %s" % ", ".join(sorted(keys)))

    def lines(self, key):
        """Return the lines of a value that are neither empty nor comments."""
        # Python 2 keeps an indented comment as part of the value, Python 3 does not.
        lines = [line.strip() for line in self._pairs.get(key, "").splitlines()]
        return [line for line in lines if line and line[0] not in "#;"]

    def line(self, key):
        """Return a value of at most one line, empty where there is none."""
        lines = self.lines(key)
        if len(lines) > 1:
            raise self.fault(key, "must be on one line")
        return lines[0] if lines else ""

    def commands(self, key, placeholders):
        """Return the Lines of ``key``, in each of which ``placeholders`` may stand; raise UsageError for any other."""
        return [_command_line(self, key, line, placeholders) for line in self.lines(key)]

    def fault(self, key, words):
        """Return the UsageError that says what is wrong with ``key``."""
        shown = mask(" ".join(words.split()))
        return UsageError("%s: [%s] %s: %s" % (self.path, self.name[:_SHOWN], key[:_SHOWN], shown[:2 * _SHOWN]))


def shipped(name, keys):
    """Return the Sections of the table called ``name`` beside this module, which is read once; ``keys``: as below."""
    if name not in _shipped:
        _shipped[name] = sections(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), keys)
    return _shipped[name]


def own(path, keys):
    """Return the Sections of the site's own INI at ``path``, or [] where there is none (None); see ``sections``."""
    return [] if path is None else sections(path, keys)


def sections(path, keys):
    """Return the Sections of the INI file at ``path``; keys: those that a section may have.

    Raises UsageError, one line that names file, section and key, for whatever is wrong.
    """
    path = compat.text(path)
    content = text_of(path)
    for fault in faults_of_form(path, content):
        raise fault
    parser = parser_of(path, content)
    return [Section(path, name, parser.items(name), keys) for name in parser.sections()]


def text_of(path):
    """Return the text of the file at ``path``; raise UsageError where it cannot be read, or is larger than any INI."""
    try:
        with io.open(compat.native(path), encoding="utf-8-sig") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise UsageError("%s: has more than %d characters, and no table has" % (path, _LARGEST))
        return content
    except (IOError, OSError, UnicodeError) as error:
        raise UsageError("%s: cannot be read: %s" % (path, compat.message(error)))


def parser_of(path, content):
    """Return the standard library's parser of INI that has read ``content``; raise UsageError where it is none."""
    parser = compat.configparser.RawConfigParser()
    read = getattr(parser, "read_file", None) or parser.readfp
    try:
        read(io.StringIO(content))
    except compat.configparser.Error as error:
        raise UsageError("%s: is not an INI file: %s" % (path, compat.message(error)[:_SHOWN]))
    return parser


def faults_of_form(path, content):
    """Yield a UsageError for each place of an INI file that interpreters would read differently."""
    section, key, seen = "", "", set()
    for line in content.splitlines():
        if line.strip()[:1] in ("", "#", ";"):
            continue
        head = _HEAD.match(line)
        if head:
            section, key = head.group("section") or section, (head.group("key") or "").lower()
            if (section, key) in seen:
                yield UsageError("%s: [%s] %s: appears twice" % (
                    path, section[:_SHOWN], key[:_SHOWN] or "the section"))
            seen.add((section, key))
        if re.search(r"\s;", line):
            yield UsageError("%s: [%s] %s: a comment must stand on a line of its own" % (
                path, section[:_SHOWN], key[:_SHOWN]))


def _command_line(section, key, line, placeholders):
    try:
        raw_words = compat.split_words(line)
    except ValueError as error:
        raise section.fault(key, "%s: %s" % (compat.message(error), line))
    if secret_in_command(raw_words):
        raise section.fault(key, SECRET)
    words, paths = [], {}
    while raw_words:
        word = raw_words.pop(0)
        if word not in ("<", ">"):
            words.append(word)
        elif raw_words and word not in paths:
            paths[word] = raw_words.pop(0)
        else:
            raise section.fault(key, "%s needs one path after it: %s" % (word, line))
    for word in words + list(paths.values()):
        if word in _SHELL_WORDS or re.match(r"[<>]\S*$", word):
            raise section.fault(key, "no shell reads %s: %s" % (word, line))
    if not words:
        raise section.fault(key, "no program to run: %s" % line)
    parsed = [_pieces(section, key, word, placeholders) for word in words]
    stdin, stdout = [_pieces(section, key, paths[sign], placeholders) if sign in paths else None for sign in "<>"]
    return Line(words, parsed, stdin, stdout)


def _pieces(section, key, word, placeholders):
    """Return a word as pairs of literal text and the placeholder after it (None: none)."""
    pieces = []
    try:
        for literal, placeholder, form, conversion in string.Formatter().parse(word):
            if placeholder is not None and (form or conversion or placeholder not in placeholders):
                raise section.fault(key, "unknown placeholder {%s}; there are %s" % (
                    placeholder, ", ".join("{%s}" % known for known in sorted(placeholders))))
            pieces.append((literal, placeholder))
    except ValueError as error:
        raise section.fault(key, "%s: %s" % (compat.message(error), word))
    return pieces or [("", None)]


def placeholders_in(lines):
    """Return the placeholders that stand in any of ``lines``, as a set of names."""
    found = set()
    for line in lines:
        for word in line.words + [line.stdin or [], line.stdout or []]:
            found.update(placeholder for _, placeholder in word if placeholder is not None)
    return found


def filled(line, values, owner, operation, hints=()):
    """Return ``line`` as a ``guest.Command``, its placeholders replaced by their ``values``.

    owner, operation: for messages, such as "agent dd" and "image_backup". hints: by placeholder, what
    to do where its value is not known. Raises Refused for a value that is not known, or that would be
    read as an option.
    """
    fill = _Filling(values, owner, operation, dict(hints))
    return Command([fill.word(word) for word in line.words], fill.word(line.stdin), fill.word(line.stdout))


class _Filling(object):
    """Fills in the placeholders of one operation, and knows whose it is."""

    def __init__(self, values, owner, operation, hints):
        self._values = values
        self._owner = owner
        self._operation = operation
        self._hints = hints

    def word(self, word):
        """Return a parsed word as text, or None where there is none."""
        if word is None:
            return None
        text = ""
        for literal, placeholder in word:
            text += literal
            if placeholder is not None:
                text += self._value(placeholder)
        if text.startswith("-") and not word[0][0].startswith("-"):
            raise Refused("%s: %s would take %s for an option" % (
                self._owner, self._operation, " ".join(text.split())))
        return text

    def _value(self, placeholder):
        value = self._values.get(placeholder)
        if value is None or value == "":
            raise Refused("%s needs {%s} for its %s, and it is not known%s" % (
                self._owner, placeholder, self._operation, self._hints.get(placeholder, "")))
        value = compat.text(value)
        if "\0" in value:
            raise Refused("%s: {%s} has a zero byte in it" % (self._owner, placeholder))
        return value
