"""JSON as it is written down and believed again: nothing ambiguous or without bounds, sealed where it counts."""
from __future__ import absolute_import, division, print_function, unicode_literals

import binascii
import json
import re

from vibackup import compat

_PIECE = 65536  # bytes
_MOST_DIGITS = 300  # of a whole number: one of more is beyond what a fraction can be
_BEGIN = b'{"check": "'
_SEAL = re.compile(br'\{"check": "([0-9a-f]{8})"(?:, |(?=\}))')


def read(stream, most):
    """Return what ``stream`` holds; raise ValueError where that is more than ``most`` bytes, which are not read."""
    pieces, size = [], 0
    while True:
        piece = stream.read(_PIECE)  # asked for many at once, Python makes room for all of them
        size += len(piece)
        if size > most:
            raise ValueError("has more than %d bytes" % most)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def parsed(data):
    """Return what the JSON ``data`` (bytes) says; raise ValueError for what is no JSON, or may be read in two ways.

    That is a key that stands twice in an object, a number that is infinite or none, one of very many digits,
    and what is nested too deep.
    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number, parse_int=_whole,
                          parse_float=_fraction)
    except compat.FAULTS as error:  # a ValueError, or a stack that is too small for what is nested in it
        raise ValueError(compat.message(error))


def _object(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(word):
    raise ValueError("%s is no number" % word)


def _whole(word):
    if len(word) > _MOST_DIGITS:
        raise ValueError("a number of %d digits" % len(word))
    return int(word)


def _fraction(word):
    found = float(word) if len(word) <= 2 * _MOST_DIGITS else float("inf")
    if found - found != 0:
        raise ValueError("a number that is too large")
    return found


# -- sealed: what is damaged is known to be

def sealed(value, place=0):
    """Return the dict ``value`` as one line of JSON (bytes, without its end) that says whether it was damaged since.

    place: where in its file the line begins, in bytes: then one that is there twice, or elsewhere, is damage too.
    """
    rest = json.dumps(value, sort_keys=True).encode("ascii")[1:]
    return _BEGIN + _check(rest, place) + (b'"' if rest == b"}" else b'", ') + rest


def unsealed(data, place=0):
    """Return the dict that ``sealed`` made ``data`` of; raise ValueError where that is damaged, or somebody else's."""
    seal = _SEAL.match(data)
    rest = data[seal.end():] if seal else b""
    if seal is None or seal.group(1) != _check(rest, place):
        raise ValueError("damaged, or not written by vibackup")
    return json.loads((b"{" + rest).decode("ascii"))


def check_unfinished(data, place):
    """Raise ValueError where ``data``, behind the last end of a line, is not what a crash leaves of a sealed line.

    That is its beginning, or zeros in its place. Where all of it is there, a byte that is not its end must not follow.
    """
    begun = data.rstrip(b"\0")
    if not (begun.startswith(_BEGIN) or _BEGIN.startswith(begun)):
        raise ValueError("not written by vibackup")
    for end in (begun[:-1], begun if begun != data else b""):
        if _is_sealed(end, place):
            raise ValueError("its end is damaged")


def _is_sealed(data, place):
    try:
        return unsealed(data, place) is not None
    except ValueError:
        return False


def _check(rest, place):
    return ("%08x" % (binascii.crc32(b"%d " % place + rest) & 0xFFFFFFFF)).encode("ascii")
