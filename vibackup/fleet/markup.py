"""Pieces of HTML: whatever a name holds, it is shown and nothing else."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup.names import printable

_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"))


def escaped(words):
    """Return ``words`` for the text or an attribute of HTML; control characters are shown as escapes."""
    found = printable(words)
    for character, escape in _ESCAPES:
        found = found.replace(character, escape)
    return found


def name(words):
    """Return a name as HTML: whatever direction it is written in, what stands around it keeps its own."""
    return "<bdi>%s</bdi>" % escaped(words)


def figure(value, shown, path):
    """Return a number as HTML, which says where in the report's data it comes from; a dash where it is None."""
    if value is None:
        return '<span class="none">\u2013</span>'
    return '<data value="%s" data-path="%s">%s</data>' % (_exact(value), path, escaped(shown))


def _exact(value):
    return "%d" % value if value == int(value) else repr(float(value))


def table(heads, rows, kind=""):
    """Return the lines of a table; a row is its cells, HTML, of which the first is the row's head."""
    found = ['<table class="%s"><thead><tr>%s</tr></thead><tbody>' % (
        kind, "".join('<th scope="col">%s</th>' % escaped(head) for head in heads))]
    for cells in rows:
        found.append("<tr>%s</tr>" % "".join(
            ['<th scope="row">%s</th>' % cells[0]] + [
                '<td data-head="%s">%s</td>' % (escaped(head), cell) for head, cell in zip(heads[1:], cells[1:])]))
    return found + ["</tbody></table>"]
