"""The morning's report as one HTML page: it asks the network for nothing, runs no script, and has the worst on top.

Figures carry ``data-path``, the place in the report's data where they come from.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import state
from vibackup.fleet import morning, nightly, style, timeline, words
from vibackup.fleet.markup import escaped, figure, name, table
from vibackup.report import duration, size
from vibackup.version import __version__

_SIGNS = {nightly.OK: "\u2713", nightly.WARNING: "!", nightly.FAILED: "\u2715", nightly.STOPPED: "\u25a0",
          nightly.SKIPPED: "\u2192", nightly.NEVER_TRIED: "\u25cb", nightly.NOT_YET: "\u2026",
          nightly.LEFT_OUT: "\u2212", nightly.CUT_SHORT: "\u2702", nightly.RUNNING: "\u2026", morning.NO_NIGHT: "?"}
_OPEN_UP_TO = 60  # servers in the table of all of them, which is folded where there are more


def write(path, report):
    """Write the page of the report to the file ``path``, in one atomic step; raise VibackupError."""
    state.write_file(path, html(report).encode("utf-8", "replace"))


def html(report):
    """Return the page of the report (as ``morning.report`` gives it), as text."""
    lines = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
             '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'; '
             'img-src data:">', '<meta name="viewport" content="width=device-width, initial-scale=1">',
             '<meta name="color-scheme" content="light dark">', '<link rel="icon" href="data:,">',
             "<title>%s</title>" % escaped(_title(report)), "<style>", style.CSS, "</style>", "</head>", "<body>",
             "<main>"]
    for part in (_header, _figures, _missed, _wanting_a_look, _nights, _not_known, _left_out, _never_pruned,
                 _all_servers):
        lines += part(report)
    return "\n".join(lines + ["</main>", _footer(report), "</body>", "</html>", ""])


def _title(report):
    return "Backups %s: %s" % (words.moment(report["at"], "%Y-%m-%d"), report["headline"])


def _header(report):
    first, _comma, rest = report["headline"].partition(", ")
    said = ['<header class="%s">' % report["status"],
            '<p class="eyebrow">Backups, %s %s <span class="soft">(%s)</span></p>' % (
                escaped(words.moment(report["at"], "%A")), escaped(words.moment(report["at"])),
                words.zone(report["at"])),
            "<h1>%s</h1>" % escaped(first[:1].upper() + first[1:])]
    return said + (['<p class="rest">%s</p>' % escaped(rest)] if rest else []) + ["</header>"]


def _badge(outcome):
    return '<span class="badge %s"><span aria-hidden="true">%s</span> %s</span>' % (
        escaped(outcome.replace(" ", "-")), _SIGNS.get(outcome, ""), escaped(outcome))


# -- figures

def _figures(report):
    counts = report["counts"]
    cards = [_card(counts["within_rpo"], "counts.within_rpo", "within RPO", "of %s that have an RPO" % _figure_of(
        counts["with_rpo"], "counts.with_rpo"))]
    cards += [_card(counts[key], "counts." + key, shown, note, kind) for key, shown, note, kind in _CARDS
              if counts[key] or key in _ALWAYS]
    cards.append(_card(counts["within_rto"], "counts.within_rto", "restore within RTO", "%s not measured" % _figure_of(
        counts["restore_not_measured"], "counts.restore_not_measured")))
    cards.append(_card(counts["bytes"], "counts.bytes", "read", "%s reboots of proxies" % _figure_of(
        counts["reboots"], "counts.reboots"), shown=size(counts["bytes"])))
    return ['<ul class="cards of%d">' % len(cards)] + cards + ["</ul>"]


_CARDS = (("no_good_backup", "no good backup", "within RPO", "bad"), (nightly.FAILED, "failed", "last night", "bad"),
          (nightly.STOPPED, "stopped", "last night", "bad"), (nightly.SKIPPED, "skipped", "last night", "poor"),
          (nightly.key(nightly.NEVER_TRIED), "never tried", "last night", "poor"),
          (nightly.WARNING, "with warnings", "last night", "poor"))
_ALWAYS = ("no_good_backup", nightly.FAILED, nightly.SKIPPED, nightly.WARNING)


def _figure_of(value, path):
    return figure(value, "%d" % value, path)


def _card(value, path, words_below, note, kind="", shown=None):
    return '<li class="%s"><strong>%s</strong> <span>%s</span> <small>%s</small></li>' % (
        kind if value else "", figure(value, shown or "%d" % value, path), escaped(words_below), note)


# -- what wants a look

def _wanting_a_look(report):
    lines = []
    for key, heading, places in words.wanting_a_look(report):
        lines += ['<section class="look">',
                  '<h2>%s <span class="count">%d</span></h2>' % (escaped(heading), len(places))]
        lines += _LOOKS.get(key, _failures)(report, places) + ["</section>"]
    return lines


def _at(places, report):
    """Return ``(server, its place in the report's data)`` for each of ``places``."""
    return [(report["servers"][place], "servers.%d" % place) for place in places]


def _failures(report, places):
    return table(("Server", "Last night", "Last good backup", "RPO", "Why"),
                 [_server_cells(server, path) + [_why(server)] for server, path in _at(places, report)], "servers")


def _server_cells(server, path):
    return [name(server["name"]), _badge(server["outcome"]), _last_good(server, path),
            figure(server["rpo"], words.age(server["rpo"] or 0), path + ".rpo")]


def _last_good(server, path):
    if server["last_good"] is None:
        return '<span class="%s">never</span>' % ("never" if server["protected"] else "soft")
    return "%s ago" % figure(server["last_good"]["age"], words.age(server["last_good"]["age"]), path + ".last_good.age")


def _why(server):
    said = [each for each in [server["why"]] + server["warnings"] if each]
    return "<br>".join(escaped(each) for each in said) or '<span class="none">\u2013</span>'


def _slow(report, places):
    rows = [[name(server["name"]), _restore(server, path),
             figure(server["rto"], words.age(server["rto"]), path + ".rto")]
            for server, path in _at(places, report)]
    return table(("Server", "Measured restore", "RTO"), rows, "servers short")


def _restore(server, path):
    return figure(server["restore_seconds"], duration(server["restore_seconds"] or 0), path + ".restore_seconds")


def _found_bad(report, places):
    rows = [[name(server["name"]), "<br>".join(escaped(each) for each in server["found_bad"]),
             _last_good(server, path)] for server, path in _at(places, report)]
    return table(("Server", "Backups that a check found bad", "Last good backup"), rows, "servers short")


_LOOKS = {"restore_too_slow": _slow, "found_bad": _found_bad}


def _missed(report):
    if not report["missed"]:
        return []
    rows = [[name(each["policy"]), "%s to %s" % (words.moment(each["opened"]), words.moment(each["closed"], "%H:%M")),
             words.moment(each["last"])] for each in report["missed"]]
    return ['<section class="look">', '<h2>Nothing was started <span class="count">%d</span></h2>' % len(rows)] + table(
        ("Policy", "Window that passed", "Last sign of a night"), rows) + ["</section>"]


# -- the nights

def _nights(report):
    lines = []
    for number, night in enumerate(report["nights"]):
        path = "nights.%d" % number
        lines += ["<section>", "<h2>Night %s %s</h2>" % (name(words.title(night)), _badge(night["outcome"])),
                  '<p class="soft">%s</p>' % escaped(_frame(night))]
        lines += _facts(night, path) + _extras(night)
        if night["drawn"] or night["reboots"]:
            lines += ['<div class="chart" tabindex="0" role="region" aria-label="Timeline">']
            lines += timeline.picture(night, number, path) + ["</div>", _LEGEND]
        lines.append("</section>")
    return lines


def _frame(night):
    window = "" if night["opens"] is None else "; window %s to %s" % (
        words.moment(night["opens"]), words.moment(night["closes"], "%H:%M"))
    why = ". %s" % night["why"] if night["why"] else ""
    return "%s%s%s" % (words.span(night), window, why)


def _facts(night, path):
    counts = night["counts"]
    facts = [("lasted", figure(night["seconds"], duration(night["seconds"]), path + ".seconds")),
             ("planned", _figure_of(counts["planned"], path + ".counts.planned"))]
    facts += [(outcome, _figure_of(counts[nightly.key(outcome)], "%s.counts.%s" % (path, nightly.key(outcome))))
              for outcome in nightly.OUTCOMES
              if counts[nightly.key(outcome)] or outcome in (nightly.OK, nightly.FAILED)]
    facts += [("read", figure(night["bytes"], size(night["bytes"]), path + ".bytes")),
              ("reboots", _figure_of(night["reboots"], path + ".reboots")),
              ("reboots a server", figure(night["reboots_per_server"], "%.2f" % (night["reboots_per_server"] or 0),
                                          path + ".reboots_per_server")),
              ("old backups removed", _figure_of(night["pruned"], path + ".pruned"))]
    return ['<dl class="facts">'] + ["<div><dt>%s</dt><dd>%s</dd></div>" % (escaped(key), value)
                                     for key, value in facts] + ["</dl>"]


def _extras(night):
    said = ["Left behind of %s: %s (%s). Release it with <code>vibackup reconcile --fix</code>." % (
        name(left["vs"]), escaped(left["what"]), escaped(left["reason"])) for left in night["leftovers"]]
    said += ["Not removed: %s of %s: %s" % (escaped(each["backup"]), name(each["vs"]), escaped(each["why"]))
             for each in night["not_pruned"]]
    return ['<ul class="extras">'] + ["<li>%s</li>" % each for each in said] + ["</ul>"] if said else []


_LEGEND = ('<p class="legend"><span><i class="ok"></i>backup</span><span><i class="warning"></i>with warnings, W</span>'
           '<span><i class="failed"></i>failed, F</span><span><i class="stopped"></i>stopped, S</span>'
           '<span><i class="reboot"></i>reboot of the proxy</span>'
           "<span>Bars of less than a pixel are drawn together.</span></p>")


# -- the rest

def _not_known(report):
    said = [escaped(each) for each in report["damaged"]]
    said += ["RPO and RTO of %s: its policy is not at hand; give it with <code>--policy</code>." % name(each)
             for each in report["without_policy"]]
    said += ["%s: there is no night of this policy yet." % name(each) for each in report["without_night"]]
    if not said:
        return []
    return ['<section class="look">', "<h2>Not known</h2>", '<ul class="extras">'] + [
        "<li>%s</li>" % each for each in said] + ["</ul>", "</section>"]


def _left_out(report):
    if not report["lists"]["left_out"]:
        return []
    rows = [[escaped(why or ""), "%d" % len(servers), ", ".join(name(server["name"]) for server in servers)]
            for why, servers in words.reasons(report["lists"]["left_out"], report["servers"])]
    return ["<section>", "<h2>Left out %s</h2>" % '<span class="count">%s</span>' % _figure_of(
        report["counts"]["left_out"], "counts.left_out")] + table(("Why", "How many", "Servers"), rows, "reasons") + [
            "</section>"]


def _never_pruned(report):
    places = report["lists"]["never_pruned"]
    if not places:
        return []
    said = ["%s (%s)" % (name(report["servers"][place]["name"]), _figure_of(
        report["servers"][place]["prunable"], "servers.%d.prunable" % place)) for place in places]
    return ["<section>", "<h2>Never pruned %s</h2>" % '<span class="count">%s</span>' % _figure_of(
        len(places), "counts.never_pruned"), "<p>%s: %s</p>" % (escaped(words.NEVER_PRUNED), ", ".join(said)),
            "</section>"]


def _all_servers(report):
    servers = report["servers"]
    opened = " open" if len(servers) <= _OPEN_UP_TO else ""
    rows = [_server_cells(server, path) + [_restore(server, path), escaped(server["section"] or ""),
                                           escaped(server["node"] or "")]
            for server, path in _at(range(len(servers)), report)]
    return ["<section>", "<details%s>" % opened, "<summary>All servers %s</summary>" % (
        '<span class="count">%s</span>' % _figure_of(len(servers), "counts.servers"))] + table(
            ("Server", "Last night", "Last good backup", "RPO", "Measured restore", "Section", "Node"), rows,
            "servers all") + ["</details>", "</section>"]


def _footer(report):
    sources = ", ".join("%s (%s, %d backups)" % (source["folder"], source["manager"], source["backups"])
                        for source in report["sources"])
    return ("<footer><p>Written by vibackup %s at %s from %s. All times are those of the clock of the machine that "
            "wrote it, %s from UTC at that moment. A good backup holds all disks of its server, and no check has found "
            "it bad; its age counts from its beginning.</p></footer>" % (
                __version__, escaped(words.moment(report["at"])), escaped(sources), words.zone(report["at"])))
