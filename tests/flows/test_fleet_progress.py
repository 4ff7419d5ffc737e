"""A night as a person at a terminal sees it pass, and as a pipe gets it told."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.flows.helpers import ROOT, Stage
from vibackup import compat
from vibackup.fleet.progress import Watcher

COLUMNS, LINES = 70, 12
DEADLINE_SECONDS = 60

POLICY = """
[fleet]
window = always
batch = 1
retries = 0

[servers all]
names = web01, mixed01, db01
proxies = pbh01
agents = agents.ini
agent = site
location = here
skip-raw = yes
"""

AGENT = """
[site]
image_backup = sh -c '{script}' {name}
"""


def write(folder, script):
    """Write the policy and the agent that does what ``script`` says, where ``$0`` is the disk; return the policy."""
    folder.join("agents.ini").write(AGENT.replace("{script}", script))
    folder.join("night.ini").write(POLICY)
    return compat.text(str(folder.join("night.ini")))


# -- in a pipe

@pytest.fixture
def stage(tmpdir):
    stage = Stage(str(tmpdir))
    stage.open()
    yield stage
    stage.close()


@pytest.fixture
def told(monkeypatch, stage):
    """What the view is told of: a kind, its facts, and how many reboots there had been by then."""
    found, tell = [], Watcher.tell

    def tell_and_note(self, kind, facts):
        found.append((kind, facts, [call.method for call in stage.calls].count("reboot")))
        tell(self, kind, facts)
    monkeypatch.setattr(Watcher, "tell", tell_and_note)
    return found


def test_without_a_terminal_each_batch_and_each_server_is_a_plain_line(tmpdir, stage, told):
    """And what a view on a terminal would show of them is told just the same, before it is done."""
    words = stage.printed("fleet", "--policy=" + write(tmpdir, "case $0 in web01*) echo no >&2; exit 1;; esac"))
    lines = words.splitlines()[1:-1]
    assert "\x1b" not in words and "\r" not in words
    assert sorted(line for line in lines if "batch" in line) == ["pbh01: batch %d: 1 server" % number
                                                                 for number in (1, 2, 3)]
    assert len([line for line in lines if re.match("(db01  ok|mixed01  warning)  ", line)]) == 2
    assert len([line for line in lines if re.match("web01  failed  .*: .*no", line)]) == 1
    assert re.match(r"2 of 3 done, 1 failed, 1 warned, took \d+ min \d\d s$", lines[-1])
    assert len(set(lines)) == len(lines)
    of_db01 = [kind for kind, facts, _reboots in told if kind != "warning" and facts.get("vs") == "db01"]
    assert of_db01 == ["begin", "read", "backup"]
    steps = [(facts["step"], reboots) for kind, facts, reboots in told if kind == "step" and facts["proxy"] == "pbh01"]
    assert set(step for step, _reboots in steps) >= set(["snapshot", "attach", "reboot", "find disks", "read", "detach",
                                                         "delete snapshot"])
    assert [reboots for step, reboots in steps if step == "reboot"] == [0, 1, 2, 3]
    assert [facts["servers"] for kind, facts, _reboots in told if kind == "proxy"].count(["db01"]) == 1


# -- on a terminal

class Terminal(object):
    """A pseudo-terminal with ``vibackup fleet --lab`` in front; its screen is that of an emulator which is not ours.

    What it writes elsewhere than on the terminal is in ``output``, a file.
    """

    def __init__(self, folder, script, *words, **more):
        import pyte
        self.screen = pyte.HistoryScreen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self.ours, theirs = _pair()
        self.output = folder.join("output")
        stdout = open(str(self.output), "wb") if more.get("only_errors") else theirs
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vibackup", "fleet", "--lab", "--policy=" + write(folder, script)] + list(words),
            cwd=ROOT, stdin=theirs, stdout=stdout, stderr=theirs, env=dict(os.environ, TERM="xterm"),
            preexec_fn=lambda: _lead(theirs) if more.get("in_front", True) else os.setsid())
        os.close(theirs)
        if stdout is not theirs:
            stdout.close()

    @property
    def lines(self):
        """The lines on the screen, and those that have left it at the top."""
        gone = ["".join(row[column].data for column in range(COLUMNS)) for row in self.screen.history.top]
        return [line.rstrip() for line in gone + list(self.screen.display) if line.strip()]

    def until(self, words):
        """Read what is written until the screen shows a line that fits the expression ``words``; return the lines."""
        return self._read(lambda: any(re.search(words, line) for line in self.lines))

    def to_the_end(self):
        """Read until the program has ended; return its exit status."""
        self._read(lambda: False)
        return self.wait()

    def _read(self, is_enough):
        import select
        end = time.time() + DEADLINE_SECONDS
        while not is_enough():
            assert time.time() < end, "\n".join(self.lines)
            if select.select([self.ours], [], [], 1)[0]:
                try:
                    data = os.read(self.ours, 65536)
                except OSError:  # that is how a terminal says that nobody is there any more
                    data = b""
                if not data:
                    break
                self._stream.feed(data)
        return self.lines

    def type(self, words):
        os.write(self.ours, words)

    def wait(self):
        """Wait until the program has ended; return its exit status."""
        end = time.time() + DEADLINE_SECONDS
        while self.process.poll() is None:
            assert time.time() < end
            time.sleep(0.01)
        return self.process.returncode

    def hang_up(self):
        """Close the terminal."""
        os.close(self.ours)
        self.ours = None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.ours is not None:
            self.hang_up()


def _pair():
    import fcntl
    import pty
    import struct
    import termios
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    return ours, theirs


def _lead(terminal):
    """Be the leader of a session to which the terminal belongs, so that its Ctrl-C is a signal."""
    import fcntl
    import termios
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.any_interpreter
class TestTerminal(object):
    """web01 fails, then the agent of mixed01 waits until it is told to go on, then db01 is backed up."""

    @pytest.fixture
    def start(self, tmpdir):
        made = []
        self.gate = tmpdir.join("gate")
        script = ("case $0 in web01*) echo no >&2; exit 1;; "
                  "mixed01*) while ! test -e %s; do sleep 0.05; done;; esac" % self.gate)

        def start(*words, **more):
            made.append(Terminal(tmpdir, script, *words, **more))
            return made[-1]
        yield start
        for terminal in made:
            terminal.close()

    def go_on(self):
        self.gate.write("go on")

    def test_the_view_stands_below_what_is_wrong_while_it_passes_and_the_totals_in_its_place_at_the_end(self, start):
        terminal = start()
        lines = terminal.until("reading mixed01 for [1-9] s")
        assert len(lines) <= LINES
        assert re.match("0 of 3 done, 1 failed, 1 running, end (... )?..:.., 1 waiting$", lines[-2])
        assert re.match(r"pbh01: batch 2: reading mixed01 for \d+ s$", lines[-1])
        assert [line for line in lines[:-2] if line.startswith("web01  failed  ")]
        assert not [line for line in lines[:-2] if "batch" in line or " done" in line]
        self.go_on()
        assert terminal.to_the_end() == 1
        lines = terminal.lines
        assert len([line for line in lines if line.startswith("web01  failed  ")]) == 1
        assert len([line for line in lines if line.startswith("mixed01  warning  ")]) == 1
        assert not [line for line in lines if "batch" in line or "end " in line or "db01" in line]
        assert [line for line in lines if re.match("2 of 3 done, 1 failed, 1 warned, took .* s$", line)]
        assert lines[-1] == "exit status 1 (in a lab)"

    def test_ctrl_c_is_answered_at_once_and_the_second_one_leaves_nothing_of_the_view(self, start):
        """L3: everything of ours is taken back."""
        terminal = start()
        terminal.until("reading mixed01")
        terminal.type(b"\x03")
        terminal.until("once more, and it is cancelled")
        terminal.until("reading mixed01")
        terminal.type(b"\x03")
        assert terminal.to_the_end() == 130
        lines = terminal.lines
        assert lines.count("vibackup: stopping: taking back what is ours") == 1
        assert not [line for line in lines if "^C" in line or "batch" in line or "LEFT" in line]
        assert [line for line in lines if re.match("0 of 3 done, 1 failed, 1 stopped, 1 skipped", line)]

    def test_a_document_on_standard_output_is_one_and_whole_and_the_view_is_elsewhere(self, start):
        """And the terminal is gone before the end, which does the night no harm."""
        terminal = start("--json", only_errors=True, in_front=False)
        terminal.until("reading mixed01")
        terminal.hang_up()
        self.go_on()
        assert terminal.wait() == 1
        document = json.loads(terminal.output.read())
        assert document["counts"]["outcomes"] == {"failed": 1, "ok": 1, "warning": 1}
        assert document["leftovers"] == []
