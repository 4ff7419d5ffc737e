# -*- coding: utf-8 -*-
"""A secret never survives, wherever it stands and whatever stands around it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os

from hypothesis import assume, given
from hypothesis import strategies as st

from vibackup import compat
from vibackup.masking import MASK, mask

plain = st.characters(min_codepoint=33, max_codepoint=0x2FF, blacklist_characters="*")
secrets = st.lists(st.text(alphabet=plain, min_size=4, max_size=12), min_size=1, max_size=3)


@given(secrets, st.lists(st.one_of(st.text(), st.integers(0, 2)), max_size=6))
def test_no_secret_of_the_environment_survives(found, parts):
    names = ["TEST_%d_PASSWORD" % number for number in range(len(found))]
    try:
        for name, secret in zip(names, found):
            os.environ[str(name)] = compat.native(secret)
        words = "".join(found[part % len(found)] if isinstance(part, int) else part for part in parts)
        masked = mask(words)
        assert not any(secret in masked for secret in found)
    finally:
        for name in names:
            os.environ.pop(str(name), None)


password = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126, blacklist_characters="/"), min_size=1)


@given(st.text(alphabet="abc", max_size=3), password, st.text(), st.text(alphabet=" /\n", max_size=1))
def test_no_password_of_an_address_survives(user, secret, before, after):
    address = "https://%s:%s@host" % (user, secret)
    assume("://" not in before)
    assert mask(address + after) == "https://%s:%s@host" % (user, MASK) + after
    assert mask(before + " " + address).endswith("https://%s:%s@host" % (user, MASK))
