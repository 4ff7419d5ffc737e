# -*- coding: utf-8 -*-
"""proxy-backup --dry-run: every check, the exact plan, no change."""
from __future__ import absolute_import, division, print_function, unicode_literals

import pytest

from tests.flows.helpers import FREEZE, demo, named, stage  # noqa: F401


def test_a_dry_run_makes_its_checks_prints_the_plan_and_changes_nothing(stage):
    before = stage.lab.dump()
    ran = stage.proxy_backup("--dry-run", *FREEZE)
    assert ran.status == 0 and ran.document["dry_run"] is True and ran.document["backup"] is None
    assert stage.changes() == [] and stage.lab.dump() == before
    assert not [call for call in stage.calls if call.method == "run" and call.words[0] not in ("hostname", "lsblk")]


@pytest.mark.parametrize("power", ["Running", "Stopped"])
@pytest.mark.parametrize("words", [(), FREEZE], ids=["plain", "frozen"])
@pytest.mark.parametrize("vs", ["web01", "db01"])
def test_the_plan_of_a_dry_run_is_what_the_run_then_does(stage, vs, words, power):
    description = demo()
    named(description["servers"], "pbh01")["power"] = power
    stage.open(description)
    plan = stage.proxy_backup("--dry-run", *words, vs=vs).document["plan"]
    done = [step["name"] for step in stage.proxy_backup(*words, vs=vs).document["steps"]]
    assert [line.partition(":")[0] for line in plan] == done


@pytest.mark.parametrize("options, words", [
    ({"vs": "raw01"}, ()), ({"vs": "nobody"}, ()), ({"proxy": "web01"}, ()), ({"vs": "db01"}, ("--mode=file",)),
    ({"proxy": "pbhwin"}, ()), ({}, ("--disk=nothing",)), ({"agent": "tar"}, ())])
def test_a_dry_run_refuses_what_the_run_would_refuse_with_the_same_words(stage, options, words):
    dry = stage.proxy_backup("--dry-run", *words, **options)
    real = stage.proxy_backup(*words, **options)
    assert dry.status == real.status == 3 and dry.error == real.error
    assert stage.changes() == []
