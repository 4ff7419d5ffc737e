# -*- coding: utf-8 -*-
"""Servers, proxies, groups and sections may be called anything: it runs nothing, and breaks no line and no page."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import re

import pytest

from tests.flows import fleets
from tests.flows.helpers import compat, run_main, stage  # noqa: F401  (a fixture)
from tests.flows.test_fleet import GOOD
from tests.flows.test_hostile_names import HOSTILE
from tests.unit.vibackup.fleet.test_mail import parsed, subject
from tests.unit.vibackup.fleet.test_monitoring import _SAMPLE
from tests.unit.vibackup.fleet.test_page import check_tags
from vibackup.fleet import mail, sources
from vibackup.guest import Completed
from vibackup.names import printable, safe_name

__all__ = ["stage"]
NAMES = dict(HOSTILE, **{
    "a tag": "<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
    "the end of an attribute": "\"'><svg onload=alert(1)>",
    "an entity": "web&amp;&#60;b&#62;",
    "a formula": "=HYPERLINK(\"http://x\";\"web\")+cmd|' /C calc'!A0",
    "right to left": "web\u202e\u2066gpj.exe",
    "figures of a plugin": "web | 'failed'=0;;0 | OK",
    "labels": "x\"} 1\nvibackup_within_rpo{vs=\"y\"} 1\n# TYPE",
    "a head of a mail": "web\r\nBcc: all@example.org\r\n\r\n<html>",
    "percents": "%s%d%(x)s%n",
})
SECTION = "$(touch planted); '\"\u00e9<b>=1|x"
UNCLEAN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Site(object):
    """A lab whose servers, proxies, disk groups and managed nodes have hostile names, and the policy of it."""

    def __init__(self, stage):
        self.stage = stage
        self.names = [NAMES[kind] for kind in sorted(NAMES)]
        description = fleets.inventory(self.names)
        self.proxies = [name + " proxy" for name in (NAMES["labels"], NAMES["a tag"])]
        for server, name in zip(description["servers"][-2:], self.proxies):
            server["name"] = name
        self._rename(description, "fastGroup", NAMES["a formula"] + " group")
        description["data_centers"][0]["disk_groups"][0]["bytes"] = 256 * fleets.SIZE
        stage.open(description)
        self.words = fleets.policy(stage, {SECTION: {
            "names": "*", "proxies": "'* proxy'", "rpo": "26h", "rto": "1h"}}, batch=8, mail_to="ops@example.org")

    @staticmethod
    def _rename(description, old, new):
        for group in description["data_centers"][0]["disk_groups"]:
            group["name"] = new if group["name"] == old else group["name"]
        for disk in description["disks"]:
            disk["group"] = new if disk["group"] == old else disk["group"]

    def planted(self):
        """Return what a name has made in the test's own folder, or in the one that is current."""
        return [name for where in (self.stage.folder, os.getcwd()) for _folder, folders, names in
                os.walk(compat.native(where)) for name in folders + names if "planted" in compat.text(name)]


@pytest.fixture
def site(stage, monkeypatch, tmpdir):  # noqa: F811
    monkeypatch.setattr(os, "fsync", lambda _file: None)
    monkeypatch.chdir(str(tmpdir))
    return Site(stage)


@pytest.fixture
def night(site):
    """The same after its night, in which two have failed."""
    failing = [NAMES["a tag"], NAMES["lines"]]
    with fleets.guests_do(site.stage, _failing(failing)):
        site.ran = site.stage.vibackup("fleet", site.words)
    site.failed = failing
    return site


def _failing(names):
    wanted = set(safe_name(name) for name in names)
    return lambda _name, argv: Completed(1, "", "it broke\r\n<b>\x1b[2J") if fleets.agent_of(argv) in wanted else None


def clean(words):
    """Check that printed words turn, clear and hide nothing."""
    assert UNCLEAN.findall(words) == []


def test_a_dry_run_names_them_a_line_each(site):
    document = site.stage.vibackup("fleet", site.words, "--dry-run").document
    planned = [server["vs"] for batch in document["batches"] for server in batch["servers"]]
    assert sorted(planned) == sorted(site.names)
    printed = site.stage.printed("fleet", site.words, "--dry-run")
    clean(printed)
    lines = printed.splitlines()
    for name in site.names:
        assert len([line for line in lines if line.startswith("    %s: at " % printable(name))]) == 1, name
    assert sorted(batch["proxy"] for batch in document["batches"]) != [] and site.planted() == []


def test_a_night_backs_them_up_under_their_own_names(night):
    """L8: and what failed is named."""
    before = sorted(night.names)
    tried = fleets.outcomes(fleets.last(night.stage))
    assert sorted(tried) == before
    assert sorted(vs for vs, outcomes in tried.items() if outcomes[-1] != "ok") == sorted(night.failed)
    assert sorted(entry["vs"] for entry in night.stage.catalog()) == sorted(set(before) - set(night.failed))
    clean(night.ran.errors)
    assert night.ran.document["counts"]["without"] == [name for name in sorted(night.names) if name in night.failed]
    assert set(each["proxy"] for each in fleets.last(night.stage).of("backup")) == set(night.proxies)
    assert night.planted() == []


def test_the_report_has_the_same_servers_in_each_of_its_forms(night):
    """L8: as text, data, a page, a plugin's output and figures; none of them is broken by a name."""
    page, figures = [os.path.join(night.stage.folder, name) for name in ("page.html", "x.prom")]
    ran = night.stage.vibackup("report", night.words, "--html=" + page, "--prometheus=" + figures)
    assert ran.status == GOOD, ran.errors
    found = ran.document["report"]
    everybody = sorted(night.names + night.proxies)
    assert sorted(server["vs"] for server in found["servers"]) == everybody
    clean(ran.errors)
    printed = night.stage.printed("report", night.words)
    clean(printed)
    check_text(printed, night)
    with io.open(compat.native(page), encoding="utf-8") as stream:
        html = stream.read()
    check_tags(html)
    for name in ("<script>", "<img ", "<svg onload", "onerror=alert(1)>"):
        assert name not in html
    with io.open(compat.native(figures), encoding="utf-8", newline="\n") as stream:
        check_figures(stream.read(), night)
    assert night.planted() == []


def check_text(printed, night):
    """Check that each that failed begins a line of its own."""
    lines = [line.strip() for line in printed.splitlines()]
    for name in night.failed:
        start = printable(name)[:40].strip()
        assert any(line.startswith(start) for line in lines), name


def check_figures(text, night):
    long_one = NAMES["5000 characters"]
    text = text.replace(long_one, "long")  # Java's expressions give up at so many characters
    lines = text.split("\n")[:-1]
    assert all(_SAMPLE.match(line) or line.startswith("# ") for line in lines)
    samples = [line.partition('vs="')[2].rpartition('"} ') for line in lines if line.startswith("vibackup_within_rpo{")]
    found = dict((_unescaped(vs), value) for vs, _between, value in samples)
    assert found == dict((name, "0" if name in night.failed else "1")
                         for name in ["long" if name == long_one else name for name in night.names])


def _unescaped(label):
    return "\\".join(piece.replace("\\n", "\n").replace('\\"', '"') for piece in label.split("\\\\"))


def test_a_monitoring_system_reads_one_answer(night):
    ran = run_main("report", ["--lab", "--nagios", night.words])
    assert ran.status == 2 and ran.errors == ""
    clean(ran.output)
    first = ran.output.splitlines()[0]
    assert first.startswith("VIBACKUP CRITICAL - ") and first.count("|") <= 1
    assert ran.output.count("|") <= 2 and not [line for line in ran.output.splitlines() if line.startswith("OK")]


def test_a_mail_of_it_has_its_own_heads_and_no_others(night, monkeypatch):
    sent = []
    monkeypatch.setattr(mail, "send", lambda *given: sent.append(mail.message(given[0], given[1], "vibackup@vm1")))
    assert night.stage.vibackup("report", night.words, "--mail").status == GOOD
    message = parsed(sent[0])
    assert sorted(message.keys()) == ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Subject", "To"]
    clean(subject(message))
    text, html = message.get_payload()
    clean(text.get_payload(decode=True).decode("utf-8"))
    check_tags(html.get_payload(decode=True).decode("utf-8"))


def test_what_is_left_out_is_told_with_its_name_and_why_on_one_line(site):
    words = fleets.policy(site.stage, {SECTION: {"names": "'gone $(touch planted) <b>'", "proxies": "'* proxy'"}})
    printed = site.stage.printed("fleet", words, "--dry-run")
    clean(printed)
    told = [line for line in printed.splitlines() if "left out: " in line]
    assert len(told) == len(site.names) + len(site.proxies) + 1
    assert len([line for line in told if "gone $(touch planted) <b>" in line]) == 1 and site.planted() == []
    assert sources.read(site.stage.state()).chains == []
