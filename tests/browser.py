# -*- coding: utf-8 -*-
"""A headless Chromium for tests of a page: steered over two pipes, by the protocol of its developer tools."""
from __future__ import absolute_import, division, print_function, unicode_literals

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

DEADLINE_SECONDS = 60
# Has the two pipes under the numbers where Chromium looks for them.
_START = """import fcntl, os, sys
pipes = [fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3]]
for number, pipe in zip((3, 4), pipes):
    os.dup2(pipe, number)
os.execvp(sys.argv[3], sys.argv[3:])"""
_TALKATIVE = ("Runtime", "Log", "Network", "Page")  # what it tells of by itself


class Browser(object):
    """Chromium with one tab. ``events`` is all that it told of since the page was opened."""

    def __init__(self, program="chromium"):
        self._profile = tempfile.mkdtemp(prefix="vibackup-chromium-")
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        self._child = subprocess.Popen(
            [sys.executable, "-c", _START, str(to_read), str(to_write), program, "--headless=new", "--no-sandbox",
             "--disable-gpu", "--hide-scrollbars", "--disable-background-networking", "--no-first-run",
             "--remote-debugging-pipe", "--user-data-dir=" + self._profile, "about:blank"],
            pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self._number, self._rest, self._session = 0, b"", None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in _TALKATIVE:
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._child.kill()
        self._child.wait()
        os.close(self._read)
        os.close(self._write)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method, **parameters):
        """Call a method of the protocol and return its result; what it refuses is an AssertionError."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode("ascii") + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        until = time.time() + DEADLINE_SECONDS
        while b"\0" not in self._rest:
            assert select.select([self._read], [], [], max(0, until - time.time()))[0], "chromium does not answer"
            piece = os.read(self._read, 1 << 20)
            assert piece, "chromium has ended"
            self._rest += piece
        message, _zero, self._rest = self._rest.partition(b"\0")
        return json.loads(message.decode("utf-8"))

    def open(self, path, width=1200, scheme="light"):
        """Open the file ``path`` as a page that is so many pixels wide, light or dark, and wait until it is there."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        del self.events[:]
        self.call("Page.navigate", url="file://" + path)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def ask(self, expression):
        """Return what a JavaScript expression is in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def told(self, *methods):
        """Return the parameters of the events of these kinds."""
        return [event["params"] for event in self.events if event.get("method") in methods]

    def picture(self, path):
        """Write what the whole page looks like to a PNG file."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        with open(path, "wb") as stream:
            stream.write(base64.b64decode(data))
