"""What stands behind a key of a policy. Each function takes its words and the place they stand at, and returns a value.

words: text of one or more lines, without comments, and not empty. place: ``FILE: [section] key``. Each raises a
UsageError that begins with the place.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import difflib
import re

from vibackup import agents, arguments, compat, errors, masking, tables
from vibackup.fleet import matching
from vibackup.fleet import window as windows

LONGEST = 1000  # characters of a word
MOST_NAMES = 1000  # in the policy itself
MOST_STARS = 4  # of a pattern: each multiplies how long it may take
ALWAYS = "always"

# Part of a name, in quotes or not, what stands between names, or a quote that does not close. No repeated group:
# Jython's expressions have no room for many of them.
_PIECE = re.compile(r"""\"[^"]*\"|'[^']*'|[^ \t\n,"']+|[ \t\n,]+|["']""")
_SIZES = {"B": 1, "KiB": 1024, "MiB": 1024 ** 2, "GiB": 1024 ** 3}
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9.!#$%&*+/=?^_{|}~-]*(@[A-Za-z0-9][A-Za-z0-9.-]*)?\Z")
_HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\Z")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})\Z")


# -- words

def text(words, place):
    """Return what stands on one line."""
    if "\n" in words:
        raise errors.UsageError("%s: must be on one line" % place)
    if len(words) > LONGEST or "\0" in words:
        raise errors.UsageError("%s: more than %d characters, or a zero byte, is no name of anything" % (
            place, LONGEST))
    return words


def names(words, place):
    """Return names, a tuple of text: between blanks, commas and ends of lines; quotes keep those in a name."""
    found, is_in_name = [], False
    for match in _PIECE.finditer(words):
        piece = match.group()
        if piece in ("\"", "'"):
            raise errors.UsageError("%s: a quote does not close" % place)
        if piece[0] == "#" and not is_in_name:
            raise errors.UsageError("%s: a comment must stand on a line of its own" % place)
        was_in_name, is_in_name = is_in_name, piece[0] not in " \t\n,"
        if is_in_name:
            begun = found.pop() if was_in_name else ""
            found.append(text(begun + (piece[1:-1] if piece[0] in "\"'" else piece), place))
        if len(found) > MOST_NAMES:
            raise errors.UsageError("%s: more than %d names: put them into a file, or write patterns" % (
                place, MOST_NAMES))
    if not found or "" in found:
        raise errors.UsageError("%s: a name is empty" % place)
    return tuple(found)


def patterns(words, place):
    """Return names and patterns, as ``fnmatch`` has them."""
    found = names(words, place)
    for name in found:
        if name.count("*") > MOST_STARS:
            raise errors.UsageError("%s: more than %d stars in %s: write two patterns" % (place, MOST_STARS, name))
        try:
            matching.compiled(name)
        except re.error as error:
            raise errors.UsageError("%s: not a pattern: %s: %s" % (place, name, compat.message(error)))
    return found


def folders(words, place):
    """Return folders of a guest, each written in full."""
    found = names(words, place)
    for folder in found:
        if not re.match(r"/|[A-Za-z]:\\", folder):
            raise errors.UsageError("%s: not a folder in full, such as /srv/data or C:\\Data: %s" % (place, folder))
    return found


def command(words, place):
    """Return a command line as a list of its words; no shell reads it."""
    try:
        found = compat.split_words(text(words, place))
    except ValueError as error:
        raise errors.UsageError("%s: %s" % (place, compat.message(error)))
    if not found or not found[0]:
        raise errors.UsageError("%s: no program to run" % place)
    if masking.secret_in_command(found):
        raise errors.UsageError("%s: %s" % (place, tables.SECRET))
    return found


def location(words, place):
    """Return where an agent keeps its backups."""
    if masking.secret_in_location(text(words, place)):
        raise errors.UsageError("%s: %s" % (place, tables.SECRET))
    try:
        return agents.check_location(words)
    except errors.UsageError as error:
        raise errors.UsageError("%s: %s" % (place, error.message))


def addresses(words, place):
    """Return addresses of mail, a tuple."""
    return tuple(address(word, place) for word in names(words, place))


def address(words, place):
    """Return one address of mail: of a user on this machine, or somebody@somewhere."""
    if not _ADDRESS.match(text(words, place)):
        raise errors.UsageError("%s: not an address such as root or backup@example.org: %s" % (place, words))
    return words


def host(words, place):
    """Return the name or address of a host, and a port behind a colon where one is given."""
    if not _HOST.match(text(words, place)):
        raise errors.UsageError("%s: not a host, such as mail.example.org or mail.example.org:25: %s" % (place, words))
    return words


def one_of(*known):
    """Return the function that takes one of the words ``known``."""
    def choice(words, place):
        if text(words, place) not in known:
            raise errors.UsageError("%s: not known: %s; it is %s" % (place, words, " or ".join(known)))
        return words
    return choice


def yes_or_no(words, place):
    """Return True for yes and False for no."""
    return one_of("yes", "no")(words, place) == "yes"


# -- numbers and times

def whole(least, most):
    """Return the function that takes a whole number from ``least`` to ``most``."""
    def number(words, place):
        found = int(words) if re.match(r"[0-9]{1,9}\Z", text(words, place)) else -1
        if not least <= found <= most:
            raise errors.UsageError("%s: not a whole number from %d to %d: %s" % (place, least, most, words))
        return found
    return number


def duration(words, place):
    """Return seconds, of what is written as 30min or 4h."""
    return arguments.duration(text(words, place), place)


def speed(words, place):
    """Return bytes a second, of what is written as 100MiB."""
    match = re.match(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(B|KiB|MiB|GiB)\Z", text(words, place))
    found = float(match.group(1)) * _SIZES[match.group(2)] if match else 0
    if found < 1:
        raise errors.UsageError("%s: not so much in a second, such as 100MiB, in B, KiB, MiB or GiB: %s" % (
            place, words))
    return found


def hours(words, place):
    """Return minutes of the day ``(opens, closes)``, of what is written as 22:00-05:00; None for ``always``."""
    if text(words, place) == ALWAYS:
        return None
    found = [_minutes(word.strip()) for word in words.split("-")]
    if len(found) != 2 or None in found or found[0] == windows.MINUTES:
        raise errors.UsageError("%s: not a time of the day from when to when, such as 22:00-05:00, nor %s: %s" % (
            place, ALWAYS, words))
    if found[0] == found[1]:
        raise errors.UsageError("%s: opens when it closes: write 00:00-24:00 for whole days, or %s" % (place, ALWAYS))
    return tuple(found)


def _minutes(word):
    match = _CLOCK.match(word)
    hour, minute = (int(match.group(1)), int(match.group(2))) if match else (99, 0)
    return 60 * hour + minute if (hour < 24 and minute < 60) or (hour, minute) == (24, 0) else None


def days(words, place):
    """Return days of the week, a tuple of numbers from 0, which is Monday; written as mon-fri, or sat sun."""
    found = set()
    for word in names(words, place):
        ends = word.lower().split("-")
        if len(ends) > 2 or not set(ends) <= set(windows.NAMES):
            raise errors.UsageError("%s: not a day, nor days from one to another, such as mon or mon-fri: %s" % (
                place, word))
        first, last = windows.NAMES.index(ends[0]), windows.NAMES.index(ends[-1])
        found.update((first + more) % 7 for more in range((last - first) % 7 + 1))
    return tuple(sorted(found))


def nearest(word, known):
    """Return the one of ``known`` that ``word`` was meant to be, as words for a message; or all that there are."""
    found = difflib.get_close_matches(word[:LONGEST], known, 1)
    return "did you mean %s?" % found[0] if found else "there are %s" % ", ".join(known)
