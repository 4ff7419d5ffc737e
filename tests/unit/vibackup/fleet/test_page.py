# -*- coding: utf-8 -*-
"""The page: every number is the report's, every name is shown and nothing else, and it needs nothing but itself."""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re
import stat

import pytest

from tests.nights import (HALF, HOSTILE, MORNING, Fleet, backup, ended, night, planned, policy, source, tried)
from vibackup import compat, errors
from vibackup.fleet import markup, morning, page

VOID = ("meta", "link", "br")
_TAG = re.compile(r"<(/?)([a-zA-Z0-9]+)((?:\s+[a-zA-Z:-]+(?:=(?:\"[^\"]*\"|[^\s\"'>]+))?)*)\s*(/?)>")
_ATTRIBUTE = re.compile(r"([a-zA-Z:-]+)=\"([^\"]*)\"")


def report_of(fleet):
    chain = [night(*fleet.records + [("ended", fleet.end)], **fleet.first())]
    return morning.report([source([chain], fleet.entries())], {"nightly": policy()}, MORNING)


@pytest.fixture(scope="module")
def found():
    return report_of(Fleet(60, seed=3))


def figures(html):
    """Return ``(path, value)`` of all figures of a page."""
    tags = [dict(_ATTRIBUTE.findall(tag.group(3))) for tag in _TAG.finditer(html)]
    return [(tag["data-path"], tag.get("value", tag.get("data-value"))) for tag in tags if "data-path" in tag]


def at(value, path):
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def check_tags(html):
    """Check that what is opened is closed, in order, and that no ``<`` stands outside a tag."""
    body = html[html.index("<html"):].replace("<style>", "").replace("</style>", "")
    opened = []
    for tag in _TAG.finditer(body):
        if tag.group(1):
            assert opened.pop() == tag.group(2), tag.group(0)
        elif tag.group(2) not in VOID and not tag.group(4):
            opened.append(tag.group(2))
    assert opened == [] and "<" not in _TAG.sub("", body)


def test_every_figure_on_the_page_is_the_reports(found):
    seen = figures(page.html(found))
    assert len(seen) > 100
    for path, value in seen:
        assert float(value) == at(found, path), path
    assert set("counts.%s" % name for name in ("within_rpo", "no_good_backup", "failed", "skipped", "warning")) <= set(
        path for path, _value in seen)


def test_every_server_and_every_reason_is_on_the_page(found):
    html = page.html(found)
    for server in found["servers"]:
        assert ">%s<" % server["name"] in html
        assert server["why"] is None or markup.escaped(server["why"]) in html


def test_tags_are_closed_in_order(found):
    check_tags(page.html(found))


def test_it_needs_nothing_but_itself(found):
    html = page.html(found)
    assert not re.search(r"<script|<iframe|<img|<object|@import|url\((?!#)|https?://|javascript:", html)
    assert "default-src 'none'" in html
    assert re.findall(r"<link[^>]*>", html) == ['<link rel="icon" href="data:,">']


def test_hostile_names_are_shown_and_nothing_else():
    """L8."""
    hostile = report_of(Fleet(33, seed=2, hostile=True))
    html = page.html(hostile)
    check_tags(html)
    assert len([server for server in hostile["servers"] if "<script>" in server["name"]]) == 3
    assert "<script" not in html and " onload=\"" not in html and "\u202e" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;0" in html and "a&amp;amp;b7" in html
    assert "back\\slash\\x0anewline4" in html
    assert all(float(value) == at(hostile, path) for path, value in figures(html))


def test_hostile_reasons_policies_nodes_and_proxies_are_shown_too():
    """L8."""
    for words in HOSTILE:
        left = {"run": words, "what": words, "reason": words}
        chain = [night(tried(words, "failed", why=words, node=words, proxy=words, leftovers=[left]),
                       ("pruned", {"backup": words, "vs": words, "why": words}),
                       ("reboot", {"proxy": words, "node": words, "batch": 1, "started": MORNING, "seconds": 1,
                                   "outcome": "failed", "why": words}), ended(words),
                       name=words, id=words, shard=words, servers=[planned(words, words, words)],
                       left_out=[{"vs": words + "2", "section": words, "why": words}])]
        check_tags(page.html(morning.report([source([chain], [backup(words, words)], words,
                                                    [errors.UsageError(words)])], {}, MORNING)))


def test_a_name_that_is_half_a_character_does_not_end_the_page(tmpdir):
    path = compat.text(str(tmpdir.join("page.html")))
    page.write(path, morning.report([source([[night(tried(HALF, "failed"), servers=[])]])], {}, MORNING))
    with open(path, "rb") as stream:
        stream.read().decode("utf-8" if compat.PYTHON3 else "utf-8", "strict" if compat.PYTHON3 else "replace")


def test_what_failed_comes_first():
    html = page.html(morning.report([source([[night(
        tried(outcome="failed"), tried("db01"), ended("failed"), servers=[planned("db01"), planned("web01")])]],
        [backup(), backup("b-db01", "db01")])], {"nightly": policy()}, MORNING))
    assert "<h1>1 server failed</h1>" in html
    assert html.index("<h1>") < html.index("Failed, an earlier") < html.index("<svg") < html.index("All servers")


def test_an_outcome_is_said_in_words_and_not_in_colour_alone(found):
    badges = re.findall(r'<span class="badge ([a-z-]+)"><span aria-hidden="true">(.)</span> ([a-z ]+)</span>',
                        page.html(found))
    assert len(badges) > len(found["servers"]) and all(kind == said.replace(" ", "-") for kind, _sign, said in badges)


def test_tables_have_heads_with_their_scope(found):
    html = page.html(found)
    assert "<th>" not in html and html.count('<th scope="col">') >= 5
    assert html.count("<tr>") == html.count('<th scope="row">') + html.count("<thead>")


def test_many_servers_are_folded_away_and_few_are_not(found):
    assert "<details>" in page.html(found) and "<details open>" in page.html(report_of(Fleet(10)))


@pytest.mark.parametrize("chains", [
    [], [[night(ended(), servers=[])]], [[night(opens=None, closes=None, limits=None)]]])
def test_where_there_is_nothing_to_show_there_is_a_page_all_the_same(chains):
    check_tags(page.html(morning.report([source(chains)], {}, MORNING)))


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_the_page_is_written_whole_and_for_us_alone_unless_one_is_there(found, tmpdir):
    path = str(tmpdir.join("page.html"))
    page.write(compat.text(path), found)
    assert mode(path) == 0o600
    os.chmod(path, 0o644)
    page.write(compat.text(path), found)
    assert mode(path) == 0o644 and os.listdir(str(tmpdir)) == ["page.html"]
    with open(path, "rb") as stream:
        assert stream.read().endswith(b"</html>\n")


def test_a_link_to_the_page_stays_a_link(found, tmpdir):
    os.symlink(str(tmpdir.join("real.html")), str(tmpdir.join("link.html")))
    page.write(compat.text(str(tmpdir.join("link.html"))), found)
    assert os.path.islink(str(tmpdir.join("link.html"))) and os.path.getsize(str(tmpdir.join("real.html"))) > 1000


def test_a_page_that_cannot_be_written_is_a_clear_error(found, tmpdir):
    with pytest.raises(errors.VibackupError) as caught:
        page.write(compat.text(str(tmpdir.join("no", "page.html"))), found)
    assert "cannot write" in caught.value.message and "page.html" in caught.value.message


def test_who_is_never_pruned_is_on_the_page_with_how_many_backups_it_has():
    left = {"vs": "<gone>", "section": None, "why": "no section of the policy selects it", "wanted": False}
    entries = [backup(), backup("1", vs="<gone>")]
    report = morning.report([source([[night(tried(), ended(), left_out=[left])]], entries)],
                            {"nightly": policy()}, MORNING)
    html = page.html(report)
    check_tags(html)
    assert ("servers.0.prunable", "1") in figures(html) and "Never pruned" in html and "<gone>" not in html
