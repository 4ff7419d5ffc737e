# -*- coding: utf-8 -*-
"""The picture of a night: nothing is missing in it, and each bar is where and how long it was."""
from __future__ import absolute_import, division, print_function, unicode_literals

import re
from xml.etree import ElementTree

import pytest

from tests.nights import CLOSES, HOUR, MORNING, OPENS, Fleet, ended, night, planned, tried
from vibackup import compat
from vibackup.fleet import nightly, timeline, words


def picture(*lines, **facts):
    return drawn(nightly.facts([night(*lines, **facts)], "vm1", MORNING))


def drawn(facts):
    svg = "\n".join(timeline.picture(facts, 0, "nights.0"))
    return parsed_plainly(svg) if compat.JYTHON else ElementTree.fromstring(svg.encode("utf-8"))  # or it is no XML


def parsed_plainly(svg):
    """Return the same: Debian's Jython has no parser of XML."""
    builder = ElementTree.TreeBuilder()
    for tag, words in re.findall(r"<([^<>]*)>|([^<>]+)", svg):
        name = tag.split(" ")[0].strip("/")
        if words:
            builder.data(words)
        elif tag.startswith("/"):
            builder.end(name)
        else:
            builder.start(name, dict(re.findall(r'([a-zA-Z-]+)="([^"]*)"', tag)))
            if tag.endswith("/"):
                builder.end(name)
    return builder.close()


def bars(svg):
    return [(group.get("class"), int(group.get("data-count")), group) for group in svg.iter("g")
            if group.get("data-count")]


def box(group):
    found = group.find("rect")
    return float(found.get("x")), float(found.get("x")) + float(found.get("width"))


def test_a_bar_is_where_its_backup_was_in_the_window():
    svg = picture(tried(after=HOUR, seconds=2 * HOUR), ended())
    (kind, count, group), = bars(svg)
    left, right = box(group)
    width = timeline.WIDTH - timeline.LABELS - timeline.RIGHT
    assert (kind, count) == ("ok", 1)
    assert abs((right - left) / width - 2.0 / 7.14) < 0.005
    assert abs((left - timeline.LABELS) / width - 1.07 / 7.14) < 0.005
    assert group.find("title").text == "web01, ok, %s to %s, 2 h 00 min" % (
        words.moment(OPENS + HOUR, "%H:%M"), words.moment(OPENS + 3 * HOUR, "%H:%M"))


@pytest.mark.parametrize("count", [10, 200])
def test_every_try_and_every_reboot_is_drawn(count):
    fleet = Fleet(count)
    found = nightly.facts([night(*fleet.records, **fleet.first())], "vm1", MORNING)
    svg = drawn(found)
    assert sum(each[1] for each in bars(svg)) == found["tries"]
    assert len([group for group in svg.iter("g") if group.get("data-reboot")]) == found["reboots"]


def test_bars_of_less_than_a_pixel_are_one_and_a_failed_one_is_never_hidden_in_it():
    lines = [tried("vs%d" % number, after=number, seconds=1) for number in range(50)]
    lines[25] = tried("bad", "failed", after=25, seconds=1)
    found = bars(picture(*lines + [ended()]))
    assert sum(count for _kind, count, _group in found) == 50
    assert [(kind, count) for kind, count, _group in found if kind == "failed"] == [("failed", 1)]
    assert len(found) <= 5 and all(box(group)[1] - box(group)[0] >= 1 for _kind, _count, group in found)


def test_backups_of_one_proxy_at_one_time_are_not_over_each_other():
    found = bars(picture(tried("a", after=0), tried("b", after=10), tried("c", after=610), ended()))
    places = [(group.find("rect").get("y"), box(group)) for _kind, _count, group in found]
    assert len(set(y for y, _box in places)) == 2
    for y, (left, right) in places:
        assert not any(other == y and left < begin < right for other, (begin, _end) in places)


@pytest.mark.parametrize("outcome, letter", [("warning", "W"), ("failed", "F"), ("stopped", "S")])
def test_an_outcome_has_a_letter_and_a_pattern_besides_its_colour(outcome, letter):
    svg = picture(tried(outcome=outcome, seconds=HOUR), ended())
    (_kind, _count, group), = bars(svg)
    assert [each.get("fill") for each in group.iter("rect")][1] == "url(#%s0)" % outcome
    assert letter in [each.text for each in svg.iter("text") if "letter" in each.get("class")]
    assert outcome + "0" in [each.get("id") for each in svg.iter("pattern")]


def test_the_nodes_most_at_once_and_limit_are_drawn_and_one_that_was_exceeded_stands_out():
    def figures(count):
        tries = [tried("vs%d" % number, after=number, agent_node="node1") for number in range(count)]
        svg = picture(*tries + [ended()])
        return [(each.text, each.get("data-value")) for each in svg.iter("tspan") if each.get("data-path")], len(
            [each for each in svg.iter("path") if each.get("class") == "steps over"]), len(
                [each for each in svg.iter("path") if each.get("class") == "limit"])
    assert figures(3) == ([("max 3", "3")], 0, 1)
    assert figures(4) == ([("max 4!", "4")], 1, 1)


def test_when_the_window_opens_and_closes_is_marked_and_a_night_without_one_has_no_mark():
    def edges(svg):
        return [each.text.split()[0] for each in svg.iter("text") if each.get("class") == "edge"]
    assert edges(picture(tried(), ended())) == ["opens", "closes"]
    assert edges(picture(tried(), ended(), opens=None, closes=None)) == []


@pytest.mark.parametrize("seconds", [1, 600, 3600, 7 * 3600, 3 * 86400])
def test_a_picture_has_a_few_hours_marked_however_long_the_night_was(seconds):
    svg = picture(tried(seconds=seconds), ended(after=seconds + 60), opens=None, closes=None)
    assert len([each for each in svg.iter("text") if each.get("class") == "tick"]) <= 14


def test_it_has_a_title_and_a_description_for_who_cannot_see_it():
    svg = picture(tried(), ended())
    names = dict((each.get("id"), each.text) for each in svg if each.get("id"))
    assert svg.get("role") == "img" and svg.get("aria-labelledby").split() == ["t0", "d0"]
    assert "Timeline" in names["t0"] and "1 backups of 1 servers on 1 proxies" in names["d0"]


def test_a_node_with_a_long_name_is_cut_and_its_title_is_whole():
    svg = picture(tried(node="n" * 60), ended(), servers=[planned("web01", node="n" * 60)])
    assert any(each.text == "n" * 60 for each in svg.iter("title"))
    assert not any(re.search("n{30}", "".join(each.itertext())) for each in svg.iter("text")
                   if each.find("title") is None)


def test_what_lies_outside_the_window_is_inside_the_picture():
    left, right = box(bars(picture(tried(after=CLOSES - OPENS - 60, seconds=2 * HOUR), ended(after=10 * HOUR)))[0][2])
    assert timeline.LABELS <= left < right <= timeline.WIDTH
