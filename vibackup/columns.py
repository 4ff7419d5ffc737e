"""How many columns of a terminal words take, and as much of them as fits."""
from __future__ import absolute_import, division, print_function, unicode_literals

import unicodedata

CUT = "..."
_ESCAPED = 6  # half a character is written as its number: \udc80


def width(words):
    """Return how many columns ``words`` take, which hold nothing that moves the cursor (see ``names.printable``)."""
    return sum(_width(character) for character in words)


def _width(character):
    if character < "\x7f":
        return 1
    category = unicodedata.category(character)
    if category == "Cs":
        return _ESCAPED
    if category in ("Mn", "Me", "Cf") and character != "\xad":
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def fitted(words, columns):
    """Return ``words``, cut where they take more than ``columns``; what is cut ends with CUT as far as that fits."""
    if width(words) <= columns:
        return words
    mark = CUT[:max(0, columns)]
    left = columns - len(mark)
    for place, character in enumerate(words):
        left -= _width(character)
        if left < 0:
            return words[:place] + mark
    return words
