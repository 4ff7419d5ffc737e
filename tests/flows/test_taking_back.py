# -*- coding: utf-8 -*-
"""How what was made is taken back where the manager refuses: tried again, a few times, and then named."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.helpers import small, stage  # noqa: F401


@pytest.mark.parametrize("method", ["removeStorageDevice", "deleteLogicalDisk", "deleteSnapshot"])
@pytest.mark.parametrize("times", [1, 2])
def test_what_is_refused_for_a_while_is_taken_back_in_the_end(stage, method, times):
    stage.open(small())
    before = stage.objects()
    stage.fault(method, times=times)
    ran = stage.proxy_backup()
    assert (ran.status, ran.document["leftovers"]) == (0, [])
    assert stage.objects() == before and len(stage.catalog()) == 1


@pytest.mark.parametrize("method", ["removeStorageDevice", "deleteLogicalDisk", "deleteSnapshot"])
def test_what_is_refused_for_ever_is_named_after_a_few_tries(stage, method):
    stage.open(small())
    stage.fault(method, times=None)
    ran = stage.proxy_backup()
    assert ran.status == 6 and ran.document["outcome"] == "ok" and ran.document["leftovers"]
    assert len([call for call in stage.calls if call.method == method]) == 3


def test_a_connection_that_is_lost_for_good_is_not_waited_for_without_end(stage):
    stage.open(small())
    stage.fault("removeStorageDevice", action="hang", times=None)
    assert stage.proxy_backup().status == 6
    assert stage.lab.clock.monotonic() < 5 * 3600
