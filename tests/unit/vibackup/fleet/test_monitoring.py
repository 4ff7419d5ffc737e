# -*- coding: utf-8 -*-
"""What monitoring systems read: one line and a status by the plugins' guidelines, and Prometheus's text format."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re
import stat

import pytest

from tests.nights import (HOSTILE, HOUR, MORNING, OPENS, Fleet, backup, ended, night, planned, policy, source, tried)
from vibackup import compat, errors
from vibackup.fleet import monitoring, morning

# 'label'=value[UOM];[warn];[crit];[min];[max], and a label has no single quote but doubled ones, and no equals sign.
_FIGURE = re.compile(r"'((?:[^'=]|'')+)'=(-?[0-9.]+)(s|B|c|%|)((?:;[0-9.:~@]*){0,4})(?: |$)")
_SAMPLE = re.compile(r'vibackup_[a-z_]+(?:\{([a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? -?[0-9.e+]+\Z')


def report(chains=None, entries=(backup(),), policies=None, **more):
    chains = [[night(tried(), ended())]] if chains is None else chains
    return morning.report([source(chains, entries, **more)], {"nightly": policy()} if policies is None else policies,
                          MORNING)


def hostile():
    fleet = Fleet(44, seed=2, hostile=True)
    servers = dict(fleet.first(), name="it's=a|night\n", shard="1/2")
    return report([[night(*fleet.records + [("ended", fleet.end)], **servers)]], fleet.entries(),
                  {servers["name"]: policy()})


def split(text):
    first, _newline, details = text.partition("\n")
    assert text.endswith("\n")
    words, _bar, figures = first.partition(" | ")
    return words, figures, details.splitlines()


# -- Nagios

@pytest.mark.parametrize("found, status, words", [
    (report(), 0, "VIBACKUP OK - 1 server has a good backup within RPO"),
    (report([[night(tried(outcome="warning"), ended())]]), 1, "VIBACKUP WARNING - 1 server backed up with warnings"),
    (report([[night(tried(outcome="failed"), ended())]]), 1, "VIBACKUP WARNING - 1 server failed"),
    (report(entries=[]), 2, "VIBACKUP CRITICAL - 1 server without a good backup within RPO"),
    (report([[night(tried())]]), 2, "VIBACKUP CRITICAL - 1 night cut short"),
    (report(damaged=[errors.UsageError("x")]), 3, "VIBACKUP UNKNOWN - 1 damaged file in the state"),
    (report(policies={}), 3, "VIBACKUP UNKNOWN - 1 night whose policy is not at hand"),
    (report([], []), 3, "VIBACKUP UNKNOWN - nothing is known: no night and no backup in /state")])
def test_the_status_and_the_first_line_say_the_same(found, status, words):
    said, text = monitoring.plugin(found)
    assert (said, split(text)[0]) == (status, words)


def test_a_lab_is_named_in_the_line():
    assert split(monitoring.plugin(report([[night(tried(), ended(), lab=True)]]))[1])[0].endswith("RPO (in a lab)")


def test_figures_follow_the_guidelines_and_carry_the_limits_that_alarm():
    figures = dict((label, (value, unit, rest)) for label, value, unit, rest in _FIGURE.findall(
        split(monitoring.plugin(report(entries=[]))[1])[1]))
    assert figures["no good backup"] == ("1", "", ";;0;0;1") and figures["failed"] == ("0", "", ";0;;0;1")
    assert figures["night nightly on vm1"][:2] == ("7200", "s") and figures["read"][:2] == ("1073741824", "B")
    aged = dict((label, value) for label, value, _unit, _rest in _FIGURE.findall(
        split(monitoring.plugin(report())[1])[1]))
    assert aged["oldest good backup"] == "%d" % (MORNING - OPENS - 60)


def test_labels_and_names_may_hold_anything():
    words, figures, details = split(monitoring.plugin(hostile())[1])
    assert "".join("'%s'=%s%s%s " % each for each in _FIGURE.findall(figures)).strip() == figures
    assert "night it''s-a/night\\x0a 1/2 on vm1" in [label for label, _value, _unit, _rest in _FIGURE.findall(figures)]
    assert not any("|" in line for line in [words] + details)


def test_details_follow_with_their_causes_and_are_cut_where_they_are_many():
    """FIELD 17."""
    details = split(monitoring.plugin(report([[night(tried(outcome="failed"), ended())]]))[1])[2]
    assert len(details) == 1 and "web01, last good backup 8 h 59 min ago: dd said no" in details[0]
    servers = [planned("vs%d" % number) for number in range(100)]
    details = split(monitoring.plugin(report([[night(ended(), servers=servers)]], []))[1])[2]
    assert len(details) == monitoring.MOST_DETAILS + 1 and details[-1] == "and 70 more: see vibackup report"


def test_an_error_is_unknown_and_one_line():
    assert monitoring.of_error("x | y\nOK") == (3, "VIBACKUP UNKNOWN - x / y\\x0aOK\n")


# -- Prometheus

def samples(text):
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("made", [report, hostile])
def test_each_line_is_a_sample_or_says_what_a_metric_is(made):
    text = monitoring.prometheus(made())
    described = re.findall(r"^# HELP (\S+) .+\n# TYPE (\S+) gauge$", text, re.M)
    assert all(first == second for first, second in described) and len(described) == len(set(described))
    lines = text.split("\n")[:-1]
    assert all(_SAMPLE.match(line) or line.startswith("# ") for line in lines)
    assert len(set(line.rpartition(" ")[0] for line in samples(text))) == len(samples(text))
    assert set(re.match("[a-z_]+", line).group(0) for line in samples(text)) <= set(name for name, _same in described)


def test_values_are_the_reports():
    text = monitoring.prometheus(report())
    labels = '{manager="vm1",section="web",vs="web01"}'
    assert "vibackup_last_good_backup_timestamp_seconds%s %d\n" % (labels, OPENS + 660) in text
    assert "vibackup_within_rpo%s 1\n" % labels in text and "vibackup_rpo_seconds%s %d\n" % (labels, 30 * HOUR) in text
    assert 'vibackup_night_servers{manager="vm1",outcome="ok",policy="nightly"} 1\n' in text
    assert 'vibackup_night_duration_seconds{manager="vm1",policy="nightly"} 7200\n' in text


def test_what_is_not_known_has_no_sample_and_what_is_bad_is_zero():
    text = monitoring.prometheus(report(entries=[]))
    assert not re.search(r"^vibackup_(last_good_backup_\w+|restore_seconds|within_rto)\{", text, re.M)
    assert 'vibackup_within_rpo{manager="vm1",section="web",vs="web01"} 0\n' in text
    assert "vibackup_within_rpo{" not in monitoring.prometheus(report(policies={"nightly": policy(rpo=None)}))


def test_no_sample_carries_a_moment_of_its_own():
    assert all(len(line.rpartition("} ")[2].split(" ")) == 1 for line in samples(monitoring.prometheus(report()))
               if "{" in line)


def test_the_file_is_readable_for_the_collector_whole_and_alone_in_its_folder(tmpdir):
    path = str(tmpdir.join("vibackup.prom"))
    for _again in range(2):
        monitoring.write_prometheus(compat.text(path), report())
    assert os.listdir(str(tmpdir)) == ["vibackup.prom"] and stat.S_IMODE(os.stat(path).st_mode) == 0o644
    with io.open(path, encoding="utf-8") as stream:
        assert stream.read() == monitoring.prometheus(report())


@pytest.mark.any_interpreter
@pytest.mark.parametrize("made", [report, hostile])
def test_prometheus_own_parser_reads_what_was_written(made):
    from prometheus_client.parser import text_string_to_metric_families
    found = made()
    families = dict((family.name, family) for family in text_string_to_metric_families(monitoring.prometheus(found)))
    within = dict(((each.labels["vs"], each.labels["manager"]), each.value)
                  for each in families["vibackup_within_rpo"].samples)
    assert within == dict(((server["vs"], server["manager"]), float(server["within_rpo"]))
                          for server in found["servers"] if server["within_rpo"] is not None)
    assert all(family.type == "gauge" and family.documentation and sample.timestamp is None
               for family in families.values() for sample in family.samples)
    if made is hostile:
        assert any(name.startswith(HOSTILE[4]) for name, _manager in within)  # a backslash and an end of a line
