"""Lines at the bottom of a terminal that are drawn again and again in their place, while others pass above them."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import threading

REDRAW_SECONDS = 0.25  # of real time, whatever the clock of a lab says
END_SECONDS = 5  # a terminal that is stopped (Ctrl-S) keeps nobody from ending
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"  # a line that is wider than we think must not become two
_UP, _ERASE_LINE, _ERASE_BELOW = "\x1b[%dA", "\x1b[K", "\x1b[J"


class Block(object):
    """The lines. Only the thread of its own writes, so whoever tells of something never waits for the terminal.

    write(words): writes to the terminal. size(): its columns and lines. lines_of(columns, lines): what is to be shown
    now, at most so many lines, each at most so wide; it is called on that thread.
    """

    def __init__(self, write, size, lines_of):
        self._write, self._size, self._lines_of = write, size, lines_of
        self._above = collections.deque()
        self._shown = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing)
        self._thread.daemon = True

    def begin(self):
        """Show it from now on."""
        self._thread.start()

    def above(self, words):
        """Have one line printed above the block, to stay. It takes no lock: a signal's handler may call it."""
        self._above.append(words)

    def end(self):
        """Take the block away; what was to be printed above it is printed."""
        self._over.set()
        self._thread.join(END_SECONDS)

    def _keep_drawing(self):
        try:
            while not self._over.wait(REDRAW_SECONDS):
                self.draw()
        finally:
            self._draw([])

    def draw(self):
        """Draw it as it is now, where that is not what stands there."""
        columns, lines = self._size()
        self._draw(self._lines_of(columns - 1, lines)[:lines])  # in the last column some terminals wait to wrap

    def _draw(self, lines):
        above = [self._above.popleft() for _each in range(len(self._above))]
        if above or lines != self._shown:
            words = self._to_the_top() + (_ERASE_BELOW if self._shown and (above or not lines) else "")
            words += "".join(line + "\n" for line in above)
            if lines:
                words += _NO_WRAP + "\n".join(line + _ERASE_LINE for line in lines) + _ERASE_BELOW + "\r" + _WRAP
            self._shown = lines
            self._write(words)

    def _to_the_top(self):
        return "\r" * bool(self._shown) + (_UP % (len(self._shown) - 1) if len(self._shown) > 1 else "")
