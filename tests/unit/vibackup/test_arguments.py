# -*- coding: utf-8 -*-
"""What the values of shared options become."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from vibackup import arguments, errors


@pytest.mark.parametrize("word, seconds", [("90s", 90), ("30min", 1800), ("4h", 14400), ("1d", 86400), ("1.5h", 5400)])
def test_a_duration_is_a_number_and_a_unit(word, seconds):
    assert arguments.duration(word, "--rpo") == seconds


@pytest.mark.parametrize("word", ["", "4", "h", "4m", "-4h", "+4h", "4 h", "4h ", "4h\n", "0s", "0.0d", "1e9s", "inf",
                                  "\u0664h", "9" * 400 + "d"])
def test_what_is_none_is_refused_by_the_name_of_the_option(word):
    with pytest.raises(errors.UsageError) as caught:
        arguments.duration(word, "--rto")
    assert caught.value.message.startswith("--rto: not a time above 0, such as 90s, 30min, 4h or 1d: ")
