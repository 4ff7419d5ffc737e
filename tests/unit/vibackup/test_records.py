# -*- coding: utf-8 -*-
"""JSON that is believed: nothing ambiguous, nothing without bounds, and a seal that shows damage."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json

import pytest

from vibackup import records

VALUES = [{}, {"a": 1}, {"check": "00000000", "a": None}, {"name": "süd\n\u2028\U0001f4be", "list": [1, 2.5, {"": []}]}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("place", [0, 1, 10 ** 9])
def test_what_was_sealed_comes_back_and_is_one_line_of_json(value, place):
    data = records.sealed(value, place)
    assert b"\n" not in data and records.unsealed(data, place) == value
    assert json.loads(data.decode("ascii"))


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_change_of_any_byte_is_noticed(value):
    data = records.sealed(value)
    for place in range(len(data)):
        for changed in (data[:place] + data[place + 1:], data[:place] + b"x" + data[place:],
                        data[:place] + bytes(bytearray([bytearray(data)[place] ^ 1])) + data[place + 1:]):
            with pytest.raises(ValueError):
                records.unsealed(changed)


def test_what_stands_elsewhere_than_it_was_written_is_damaged():
    with pytest.raises(ValueError):
        records.unsealed(records.sealed({"a": 1}, 7), 8)


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'{"a": 1}', b"null", b"\xff", b'{"check": "zzzzzzzz"}'], ids=repr)
def test_what_was_never_sealed_is_not_believed(data):
    with pytest.raises(ValueError):
        records.unsealed(data)


def test_the_beginning_of_a_line_is_what_a_crash_leaves_of_it():
    data = records.sealed({"a": 1}, 5)
    for end in range(len(data) + 1):
        records.check_unfinished(data[:end], 5)
        records.check_unfinished(data[:end] + b"\0" * 3 if end < len(data) else b"\0", 5)


@pytest.mark.parametrize("data", [b"x", b"{}", b'{"chick', records.sealed({"a": 1}, 5) + b"x",
                                  records.sealed({"a": 1}, 5) + b"\0"], ids=repr)
def test_anything_else_behind_the_last_line_is_damage(data):
    """The last two: the line is whole, and what ended it is not what was written there."""
    with pytest.raises(ValueError):
        records.check_unfinished(data, 5)


@pytest.mark.parametrize("data", [
    b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "a": 2}}]', b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"-1e999",
    b"9" * 301, b"[" * 100000, b'{"a":' * 100000, b"\xff", b"\xef\xbb\xbf{}", b"", b"{", b"{} {}", b"'a'",
    "{}".encode("utf-16")],
    ids=lambda data: repr(data[:12]))
def test_what_is_no_json_or_may_be_read_in_two_ways_is_a_value_error(data):
    with pytest.raises(ValueError) as caught:
        records.parsed(data)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [None, True, 0, -1, 2 ** 64, 10 ** 299, 1.5, 1e300, "süd", [], {},
                                   {"a": [{"b": None}]}])
def test_all_else_is_what_it_says(value):
    assert records.parsed(json.dumps(value).encode("ascii")) == value


def test_a_stream_is_read_to_its_end_and_no_further_than_it_may():
    assert records.read(io.BytesIO(b"x" * 100000), 100000) == b"x" * 100000
    with pytest.raises(ValueError) as caught:
        records.read(io.BytesIO(b"x" * 100001), 100000)
    assert str(caught.value) == "has more than 100000 bytes"
