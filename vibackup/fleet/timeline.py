"""One night as a picture: when each proxy rebooted and backed up what, and how many backups each managed node carried.

It is SVG to stand in an HTML page, which has its colours. What it says in colour it says by a letter or a pattern
too, and each bar has its words as a title. Bars narrower than a pixel that are alike and meet are drawn as one.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup.fleet import nightly, words
from vibackup.fleet.markup import escaped
from vibackup.report import duration

WIDTH, LABELS, RIGHT = 1000.0, 132.0, 14.0  # units of the picture, which are pixels on a wide screen
TOP, HEADING, GAP = 26.0, 22.0, 6.0
NARROWEST = 1.0  # units of a bar
_ROW_HEIGHTS = ((40, 15.0), (120, 9.0), (10 ** 9, 5.0))  # up to how many rows have which height
_NODE_HEIGHTS = ((12, 34.0), (40, 22.0), (10 ** 9, 14.0))
_STEPS = (300, 900, 1800) + tuple(3600 * hours for hours in (1, 2, 3, 4, 6, 12, 24))  # seconds from tick to tick
_MOST_TICKS = 13
_LONGEST_LABEL = 18
_LETTERS = {nightly.WARNING: "W", nightly.FAILED: "F", nightly.STOPPED: "S"}


def picture(night, number, path):
    """Return the night (as ``nightly.facts`` gives it) as lines of SVG; number: of the picture in its page.

    path: where in the report's data the night is, such as ``nights.0``: figures name where they come from.
    """
    scale = _Scale(night)
    body, bottom = _proxies(night, scale, TOP, number)
    nodes, bottom = _nodes(night, scale, bottom, path)
    return (_head(night, number, bottom + 4) + _patterns(number) + _frame(night, scale, bottom) + body + nodes
            + ["</svg>"])


class _Scale(object):
    """From moments to places."""

    def __init__(self, night):
        moments = [night["opens"], night["closes"], night["began"], night["last_seen"]]
        moments = [moment for moment in moments if moment is not None]
        slack = max(60.0, (max(moments) - min(moments)) * 0.01)
        self.first, self.last = min(moments) - slack, max(moments) + slack

    def place(self, moment):
        """Return where a moment is, in units from the left."""
        inner = WIDTH - LABELS - RIGHT
        return LABELS + inner * min(1.0, max(0.0, (moment - self.first) / (self.last - self.first)))


# -- the picture

def _head(night, number, height):
    return ['<svg class="timeline" viewBox="0 0 %g %g" role="img" aria-labelledby="t%d d%d">' % (
                WIDTH, round(height, 1), number, number),
            '<title id="t%d">Timeline of the night %s</title>' % (number, escaped(words.title(night))),
            '<desc id="d%d">%s</desc>' % (number, escaped(_in_words(night)))]


def _in_words(night):
    busiest = sorted(night["nodes"], key=lambda node: -node["most"])[:1]
    return "%s; %d backups of %d servers on %d proxies, %d reboots%s. The table has all servers and outcomes." % (
        words.span(night), night["drawn"], night["counts"]["planned"], len(night["proxies"]), night["reboots"],
        "".join("; at most %d backups at once on the node %s" % (node["most"], node["name"]) for node in busiest))


def _patterns(number):
    """Return the fillings that tell bars apart without colour."""
    def pattern(name, size, drawing):
        return ('<pattern id="%s%d" width="%d" height="%d" patternUnits="userSpaceOnUse"%s</pattern>' % (
            name, number, size, size, drawing))
    return ["<defs>", pattern("reboot", 5, ' patternTransform="rotate(45)"><path class="hatch" d="M0 0V5"/>'),
            pattern("warning", 5, '><circle class="mark" cx="2.5" cy="2.5" r="1"/>'),
            pattern("failed", 6, '><path class="mark" d="M0 0L6 6M6 0L0 6"/>'),
            pattern("stopped", 5, '><path class="mark" d="M0 2.5H5"/>'), "</defs>"]


def _frame(night, scale, bottom):
    """Return the hours, the window, and what is outside it."""
    drawn = []
    for begin, end in ((scale.first, night["opens"]), (night["closes"], scale.last)):
        if begin is not None and end is not None and end > begin:
            drawn.append('<rect class="outside" x="%.1f" y="%g" width="%.1f" height="%.1f"/>' % (
                scale.place(begin), TOP, scale.place(end) - scale.place(begin), bottom - TOP))
    for moment in _ticks(scale):
        x = scale.place(moment)
        drawn.append('<path class="grid" d="M%.1f %gV%.1f"/><text class="tick" x="%.1f" y="14">%s</text>' % (
            x, TOP, bottom, x, words.moment(moment, "%H:%M")))
    for key, anchor, shift in (("opens", "start", 4), ("closes", "end", -4)):
        if night[key] is not None:
            x = scale.place(night[key])
            drawn.append('<path class="window" d="M%.1f %gV%.1f"/><text class="edge" text-anchor="%s" x="%.1f" '
                         'y="%g">%s %s</text>' % (x, TOP - 6, bottom, anchor, x + shift, TOP + 11, key,
                                                  words.moment(night[key], "%H:%M")))
    return drawn


def _ticks(scale):
    """Return the moments that are named: whole hours of the local clock, or of a short night parts of one."""
    span = scale.last - scale.first
    step = next((step for step in _STEPS if span / step <= _MOST_TICKS), _STEPS[-1])
    offset = words.offset(scale.first)
    first = (int(scale.first) + offset) // step * step + step - offset
    return [first + number * step for number in range(int((scale.last - first) // step) + 1)
            if LABELS + 10 < scale.place(first + number * step) < WIDTH - RIGHT - 10]


# -- proxies

def _proxies(night, scale, top, number):
    lanes = [(lane, _rows(lane["backups"])) for lane in night["proxies"]]
    total = sum(len(rows) for _lane, rows in lanes)
    height = _height(_ROW_HEIGHTS, total)
    y = top + HEADING
    drawn = ['<text class="heading" x="0" y="%g">Proxies</text>' % (y - 7)]
    for lane, rows in lanes:
        tall = height * max(1, len(rows))
        drawn.append(_label(_lane_name(lane), _lane_words(lane), y + tall / 2))
        drawn.append('<path class="rule" d="M0 %.1fH%g"/>' % (y - GAP / 2, WIDTH))
        drawn += _reboots(lane, scale, y, tall, number)
        for row, backups in enumerate(rows):
            drawn += _bars(backups, scale, y + row * height, height - 2, number)
        y += tall + GAP
    return drawn, y


def _height(heights, count):
    return next(height for most, height in heights if count <= most)


def _lane_name(lane):
    return lane["name"] if lane["name"] is not None else "in servers, %s" % lane["node"]


def _lane_words(lane):
    return "%s: %s, %s" % (lane["name"] or "agents in the servers of %s" % lane["node"],
                           words.count(len(lane["reboots"]), "reboot"), words.count(len(lane["backups"]), "backup"))


def _rows(backups):
    """Return the backups in as few rows as hold them with none over another."""
    rows, ends = [], []
    for each in sorted(backups, key=lambda each: each["started"]):
        free = [place for place, end in enumerate(ends) if end - nightly.SLACK <= each["started"]]
        if not free:
            rows.append([])
            ends.append(0)
            free = [len(rows) - 1]
        rows[free[0]].append(each)
        ends[free[0]] = each["started"] + each["seconds"]
    return rows


def _reboots(lane, scale, y, tall, number):
    drawn = []
    for each in lane["reboots"]:
        x, width = _extent(each, scale)
        failed = "" if each["outcome"] == nightly.OK else " failed"
        drawn.append('<g data-reboot="%s"><title>%s</title><rect class="reboot%s" x="%.1f" y="%.1f" '
                     'width="%.1f" height="%.1f"/><rect fill="url(#reboot%d)" x="%.1f" y="%.1f" width="%.1f" '
                     'height="%.1f"/></g>' % (each["outcome"], escaped(_reboot_words(lane, each)), failed, x, y - 1,
                                              width, tall, number, x, y - 1, width, tall))
        drawn += [_letter("R", x + width / 2, y + tall / 2, "failed")] if failed else []
    return drawn


def _reboot_words(lane, each):
    why = ": %s" % each["why"] if each["why"] else ""
    return "reboot of %s, %s, %s, %s%s" % (lane["name"], each["outcome"], words.moment(each["started"], "%H:%M"),
                                           duration(each["seconds"]), why)


def _extent(each, scale):
    x = scale.place(each["started"])
    return x, max(NARROWEST, scale.place(each["started"] + each["seconds"]) - x)


# -- backups

def _bars(backups, scale, y, height, number):
    drawn = []
    for outcome, title, x, width, count in _merged(backups, scale):
        drawn.append('<g class="%s" data-count="%d"><title>%s</title><rect class="bar" x="%.2f" y="%.1f" width="%.2f" '
                     'height="%.1f"/>' % (outcome, count, escaped(title), x, y, width, height))
        if outcome in _LETTERS:
            drawn.append('<rect fill="url(#%s%d)" x="%.2f" y="%.1f" width="%.2f" height="%.1f"/>' % (
                outcome, number, x, y, width, height))
        drawn.append("</g>")
        if outcome in _LETTERS and height > 8:
            drawn.append(_letter(_LETTERS[outcome], x + width / 2, y + height / 2, outcome))
    return drawn


def _merged(backups, scale):
    """Return ``(outcome, title, x, width, count)`` of the bars; those too narrow to be seen apart are one."""
    bars = []
    for each in backups:
        x, width = _extent(each, scale)
        if bars and width <= NARROWEST and _joins(bars[-1], each, x):
            outcome, _title, first, _width, count = bars.pop()
            bars.append((outcome, "%d backups, %s" % (count + 1, outcome), first, x + width - first, count + 1))
        else:
            bars.append((each["outcome"], _backup_words(each), x, width - 0.3 if width > 2 else width, 1))
    return bars


def _joins(bar, each, x):
    outcome, _title, first, width, count = bar
    narrow = width <= NARROWEST or count > 1
    return narrow and outcome == each["outcome"] == nightly.OK and x - (first + width) < NARROWEST


def _backup_words(each):
    again = ", try %d" % each["attempt"] if each["attempt"] > 1 else ""
    why = ": %s" % each["why"] if each["why"] else ""
    return "%s, %s%s, %s to %s, %s%s" % (
        each["vs"], each["outcome"], again, words.moment(each["started"], "%H:%M"),
        words.moment(each["started"] + each["seconds"], "%H:%M"), duration(each["seconds"]), why)


def _letter(letter, x, y, kind):
    return '<text class="letter %s" x="%.1f" y="%.1f" aria-hidden="true">%s</text>' % (kind, x, y + 3.2, letter)


# -- nodes

def _nodes(night, scale, top, path):
    if not night["nodes"]:
        return [], top
    height = _height(_NODE_HEIGHTS, len(night["nodes"]))
    y = top + HEADING
    limit = night["nodes"][0]["limit"]
    said = "" if limit is None else ', <tspan class="soft">dashed: the limit of %d</tspan>' % limit
    drawn = ['<text class="heading" x="0" y="%.1f">Backups at once on each managed node%s</text>' % (y - 7, said)]
    for place, node in enumerate(night["nodes"]):
        drawn.append('<path class="rule" d="M0 %.1fH%g"/>' % (y - GAP / 2, WIDTH))
        drawn += _node(node, scale, y, height, "%s.nodes.%d" % (path, place))
        y += height + GAP
    return drawn, y


def _node(node, scale, y, height, path):
    highest = max(node["most"], node["limit"] or 0, 1)
    unit = (height - 3) / highest
    base = y + height
    over = node["limit"] is not None and node["most"] > node["limit"]
    line = ["M%.1f %.1f" % (LABELS, base)]
    for moment, count in node["steps"]:
        line.append("H%.1fV%.1f" % (scale.place(moment), base - unit * count))
    drawn = [_label(node["name"], node["name"], y + height / 2, "%d" % node["most"], path + ".most", over),
             '<path class="steps%s" d="%sV%.1fZ"><title>%s: at most %d backups at once</title></path>' % (
                 " over" if over else "", "".join(line), base, escaped(node["name"]), node["most"])]
    if node["limit"] is not None:
        drawn.append('<path class="limit" d="M%g %.1fH%g"/>' % (LABELS, base - unit * node["limit"], WIDTH - RIGHT))
    return drawn


# -- words beside it

def _label(name, title, y, figure=None, path=None, over=False):
    shown = name if len(name) <= _LONGEST_LABEL else name[:_LONGEST_LABEL - 1] + "\u2026"
    said = '<text class="label" x="0" y="%.1f"><title>%s</title>%s</text>' % (y + 4, escaped(title), escaped(shown))
    if figure is None:
        return said
    return said + '<text class="figure%s" x="%g" y="%.1f"><tspan data-path="%s" data-value="%s">%s</tspan></text>' % (
        " over" if over else "", LABELS - 10, y + 4, path, figure, "max %s%s" % (figure, "!" if over else ""))
