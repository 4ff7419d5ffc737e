# -*- coding: utf-8 -*-
"""Good documents made bad: bytes and JSON damaged in every way that a disk, an editor or an enemy has, from a seed."""
from __future__ import absolute_import, division, print_function, unicode_literals

import copy
import json
import os
import random

from tests.flows.helpers import EVERY

ROUNDS = int(os.environ.get("VIBACKUP_MUTATIONS") or max(6, 45 // EVERY))
DEEP = 20000

# What stands for itself in a document, since no Python value is written so.
_RAW = {"not a number": b"NaN", "infinity": b"-Infinity", "too large": b"1e999", "many digits": b"9" * 5000,
        "half a character": b'"\\ud800"', "deep lists": b"[" * DEEP + b"]" * DEEP,
        "deep objects": b'{"a":' * DEEP + b"0" + b"}" * DEEP, "unclosed lists": b"[" * DEEP}
VALUES = [None, True, False, 0, 1, -1, 1.5, -2.5, 2 ** 31, 2 ** 32, 2 ** 63, 2 ** 64, 10 ** 30, "", " ", "x",
          "x" * 100000, "\0", "a\nb\r", "\x1b[2J", "..", "../../planted", "/planted", "C:\\planted", "-rf",
          "$(touch planted)", "{vs}%s", "süd-\U0001f4be", "0", "-1", "NaN", [], {}, [[]], [None], {"": None},
          ["x"] * 1000]


def texts(data, seed, rounds=None):
    """Yield ``rounds`` damaged copies of the bytes ``data``: flipped, cut, doubled, overwritten, lengthened."""
    chance = random.Random(seed)
    for each in (b"", b"\0", b"\n", b"\xff\xfe", b"\xef\xbb\xbf" + data, data + data, data[::-1], b"\0" * len(data),
                 data.replace(b"\n", b"\r\n"), "süd".encode("utf-16"), b"\xc3" + data, b"[" * DEEP):
        yield each
    for _number in range(rounds or ROUNDS):
        yield _DAMAGES[chance.randrange(len(_DAMAGES))](data, chance)


def _flipped(data, chance):
    found = bytearray(data)
    for _number in range(chance.choice([1, 1, 1, 8])):
        if found:
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _cut(data, chance):
    return data[:chance.randrange(len(data) + 1)]


def _without_a_part(data, chance):
    begin = chance.randrange(len(data) + 1)
    return data[:begin] + data[begin + chance.randrange(1, 40):]


def _doubled_part(data, chance):
    begin = chance.randrange(len(data) + 1)
    end = begin + chance.randrange(1, 200)
    return data[:end] + data[begin:end] + data[end:]


def _overwritten(data, chance):
    begin = chance.randrange(len(data) + 1)
    words = chance.choice([b"\0" * 16, b"\xff" * 16, b"\n", b"%s%n", b'"', b"{", b"]", b"\xed\xa0\x80", b"9" * 400])
    return data[:begin] + words + data[begin + len(words):]


_DAMAGES = [_flipped, _flipped, _cut, _without_a_part, _doubled_part, _overwritten]


def documents(document, seed, rounds=None):
    """Yield ``rounds`` copies of a JSON document, as bytes, of which each has one value or key that is wrong."""
    chance = random.Random(seed)
    places = _places(document, [])
    for _number in range(rounds or ROUNDS):
        yield _changed(document, chance.choice(places), chance)


def _places(value, path):
    """Return the path of everything in a document: a list of keys and numbers each."""
    inside = sorted(value.items()) if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, each in inside:
        found += _places(each, path + [key])
    return found


def _changed(document, path, chance):
    document = copy.deepcopy(document)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    how = chance.choice(["value", "value", "value", "raw", "raw", "gone", "more", "twice", "moved"])
    if how == "gone":
        del holder[path[-1]]
    elif how == "moved":
        holder[path[-1]] = copy.deepcopy(holder)
    elif how == "more" and isinstance(holder, dict):
        holder[chance.choice(["", "planted", "\0", "x" * 5000, "süd"])] = chance.choice(VALUES)
    elif how in ("raw", "twice"):
        return _with_raw(document, holder, path[-1], how, chance)
    else:
        holder[path[-1]] = chance.choice(VALUES)
    return json.dumps(document).encode("ascii")


def _with_raw(document, holder, key, how, chance):
    value = json.dumps(holder[key]).encode("ascii")
    holder[key] = "@raw@"
    words = json.dumps(document).encode("ascii")
    if how == "twice" and isinstance(holder, dict):
        name = json.dumps(key).encode("ascii")
        return words.replace(b'"@raw@"', value + b", " + name + b": " + chance.choice([value, b"null", b'"x"']))
    return words.replace(b'"@raw@"', _RAW[chance.choice(sorted(_RAW))])
