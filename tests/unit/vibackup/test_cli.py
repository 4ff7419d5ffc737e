# -*- coding: utf-8 -*-
"""The command line: exit statuses, what is printed where, and what must never run for real."""
from __future__ import absolute_import, division, print_function, unicode_literals

import json
import os
import signal
import subprocess
import sys
import tempfile

import pytest

from tests.runs import Calls, fail, objects, server, small_lab, state_folder
from vibackup import cli, compat, ledger, locks, options
from vibackup import state as state_

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(cli.__file__)))
AGENTS = """[reader]
image_backup = model-agent image {device} {name}
bytes = ([0-9]+) bytes read
file_backup = true

[failing]
image_backup = false
"""


class Site(object):
    """A lab, a state folder, and a command line that works on both."""

    def __init__(self, lab, tmpdir, capsys):
        self.lab = lab
        self.capsys = capsys
        self.state = state_folder(tmpdir)
        self.agents = compat.text(str(tmpdir.join("agents.ini")))
        tmpdir.join("agents.ini").write(AGENTS)
        self.output = self.errors = None

    def command(self, *words):
        """Run ``vibackup WORDS`` on the lab and return the exit status; keep what it printed."""
        status = cli.main(None, ["vibackup"] + list(words) + ["--lab", "--state=" + self.state])
        self.output, self.errors = [compat.text(each) for each in self.capsys.readouterr()]
        return status

    def proxy_backup(self, *words):
        more = [] if any(word.startswith("--vs=") for word in words) else ["--vs=web01"]
        more += [] if any(word.startswith("--agent=") for word in words) else ["--agent=reader"]
        return self.command("proxy-backup", "--proxy=pbh01", "--agents=" + self.agents, *(more + list(words)))

    @property
    def document(self):
        return json.loads(self.output)

    @property
    def backups(self):
        folder = os.path.join(compat.native(self.state), "catalog")
        return os.listdir(folder) if os.path.isdir(folder) else []

    def hold(self, name, run_id="other"):
        """Have another run hold the server called ``name``."""
        identity = self.lab.world.named({"VirtualServer"}, name)["id"]
        other = ledger.Ledger(self.state, run_id, "proxy-backup")
        other.take(identity, name)
        return other

    def leave_behind(self, name, monkeypatch):
        """Have a run that is gone leave the intent of a snapshot of the server called ``name``."""
        identity = self.lab.world.named({"VirtualServer"}, name)["id"]
        with monkeypatch.context() as patched:
            me = dict(locks.this_process(), started="gone")
            patched.setattr(locks, "this_process", lambda: me)
            dead = ledger.Ledger(self.state, "dead", "proxy-backup")
        dead.intend(ledger.SNAPSHOT, vs=identity, vs_name=name, name="vibackup dead %s" % name)


@pytest.fixture
def site(tmpdir, capsys):
    with small_lab() as lab:
        yield Site(lab, tmpdir, capsys)


# -- exit statuses, as the table of the design has them

def test_0_where_the_backup_is_done_and_nothing_else_has_changed(site):
    before = objects(site.lab)
    assert site.proxy_backup() == 0
    assert "done: web01 is backed up as " in site.output
    assert objects(site.lab) == before
    assert len(site.backups) == 1


@pytest.mark.parametrize("verb", ["backups", "reconcile", "probe"])
def test_0_for_what_only_reads(site, verb):
    assert site.command(verb) == 0
    assert site.errors == ""


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_0_for_help(site, word):
    assert cli.main(None, ["vibackup", word]) == 0


@pytest.mark.parametrize("verb", ["proxy-backup", "snapshot-boot", "backups", "reconcile", "probe"])
def test_0_for_the_help_of_each_verb(verb):
    assert cli.main(verb, ["script.py", "--help"]) == 0
    assert cli.main(None, ["vibackup", verb, "--help"]) == 0


def test_1_failed_and_all_of_ours_was_taken_back(site):
    before = objects(site.lab)
    assert site.proxy_backup("--agent=failing") == 1
    assert objects(site.lab) == before
    assert site.backups == []


def test_1_where_a_wait_reached_its_deadline(site):
    before = objects(site.lab)
    assert site.command("snapshot-boot", "--vs=web01", "--boot-device=backup.iso", "--timeout=5") == 1
    assert "not Stopped within 5 seconds" in site.errors
    assert objects(site.lab) == before


@pytest.mark.parametrize("words", [
    [], ["no-such-verb"], ["proxy-backup"], ["backups", "--no-such-option"], ["backups", "word"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=no-such-agent"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--mode=tape"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--freeze=x"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--thaw=x"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--freeze='", "--thaw=x"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--agents=/no/such/file"],
    ["backups", "--timeout=0"], ["backups", "--timeout=-1"], ["backups", "--timeout=soon"],
    ["backups", "--timeout=nan"], ["backups", "--timeout=inf"]], ids=" ".join)
def test_2_bad_command_line_and_nothing_was_touched(site, words):
    calls = Calls(site.lab)
    assert site.command(*words) == 2
    assert calls.lines == []
    assert site.output == ""
    assert site.errors.count("\n") == 1
    assert "Traceback" not in site.errors


@pytest.mark.parametrize("word", ["--lab-fault=1:after:throw", "--lab-trace=x"])
def test_2_for_faults_without_a_lab(capsys, word):
    assert cli.main(None, ["vibackup", "probe", word]) == 2
    assert "want --lab" in capsys.readouterr()[1]


def test_2_for_a_trace_that_cannot_be_written_and_no_lab_is_left(tmpdir, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmpdir))
    nowhere = compat.text(str(tmpdir.join("no folder", "trace")))
    assert cli.main(None, ["vibackup", "probe", "--lab", "--lab-trace=" + nowhere]) == 2
    assert tmpdir.listdir() == []


@pytest.mark.parametrize("word", ["x", "0:before:throw", "1:during:throw", "1:before:explode", "1:before",
                                  "-1:before:throw"])
def test_2_for_a_fault_that_is_none(site, word):
    assert site.command("probe", "--lab-fault=" + word) == 2


@pytest.mark.parametrize("words", [
    ["proxy-backup", "--vs=nobody", "--proxy=pbh01", "--agent=dd"],
    ["proxy-backup", "--vs=web01", "--proxy=nobody", "--agent=dd"],
    ["proxy-backup", "--vs=raw01", "--proxy=pbh01", "--agent=dd"],
    ["proxy-backup", "--vs=mixed01", "--proxy=pbh01", "--agent=dd"],
    ["proxy-backup", "--vs=pbh01", "--proxy=pbh01", "--agent=dd"],
    ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd", "--disk=nothing"],
    ["proxy-backup", "--vs=db01", "--proxy=pbh01", "--agent=tar", "--mode=file"],
    ["snapshot-boot", "--vs=web01", "--boot-device=nothing"],
    ["snapshot-boot", "--vs=raw01", "--boot-device=backup.iso"],
    ["snapshot-boot", "--vs=web01", "--boot-device=raw01-lun"]], ids=" ".join)
def test_3_not_found_or_refused_before_any_change(site, words):
    before = objects(site.lab)
    calls = Calls(site.lab)
    assert site.command(*words) == 3
    assert "begin" not in calls
    assert objects(site.lab) == before


@pytest.mark.parametrize("held", ["web01", "pbh01"])
def test_4_where_another_run_holds_the_server_or_the_proxy(site, held):
    site.hold(held)
    calls = Calls(site.lab)
    assert site.proxy_backup() == 4
    assert "begin" not in calls
    assert "%s is busy: the run other" % held in site.errors


def test_5_done_with_warnings(site):
    assert site.proxy_backup("--vs=mixed01", "--skip-raw") == 5
    assert "warning: mixed01: the raw disk mixed01-lun is left out" in site.output
    assert ", with warnings" in site.output
    assert len(site.backups) == 1


def test_6_leftovers_of_this_run(site):
    fail(site.lab, "deleteSnapshot", times=None)
    assert site.proxy_backup() == 6
    assert "LEFT BEHIND: the snapshot of web01: deleteSnapshot failed" in site.output


def test_6_leftovers_of_another_run(site, monkeypatch):
    site.leave_behind("web01", monkeypatch)
    calls = Calls(site.lab)
    assert site.proxy_backup() == 6
    assert "begin" not in calls
    assert "reconcile --fix" in site.errors


def test_6_then_reconcile_then_0(site, monkeypatch):
    site.leave_behind("web01", monkeypatch)
    assert site.command("reconcile") == 6
    assert "the snapshot of web01" in site.output
    assert site.command("reconcile", "--fix", "--dry-run") == 6
    assert site.command("reconcile", "--fix") == 0
    assert "released: 1" in site.output
    assert site.command("reconcile", "--fix") == 0
    assert "released: 0" in site.output
    assert site.proxy_backup() == 0


@pytest.mark.parametrize("words", [["probe"], ["reconcile", "--fix"],
                                   ["snapshot-boot", "--vs=web01", "--boot-device=x"],
                                   ["proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=dd"]],
                         ids=lambda words: words[0])
def test_7_no_management_api_here(capsys, tmpdir, words):
    assert cli.main(None, ["vibackup"] + words + ["--state=" + state_folder(tmpdir)]) == 7
    output, complaint = capsys.readouterr()
    assert "management API" in complaint
    assert (output, complaint.count("\n")) == ("", 1)


@pytest.mark.parametrize("words", [["backups"], ["backups", "--vs=web01"], ["reconcile"], ["reconcile", "--dry-run"]],
                         ids=" ".join)
def test_0_for_what_only_reads_the_state_folder_where_there_is_no_manager(capsys, tmpdir, words):
    """Of a machine that is gone, one wants to know what is backed up."""
    words = words + ["--state=" + state_folder(tmpdir)]
    assert cli.main(None, ["vibackup"] + words) == 0
    assert capsys.readouterr()[1] == ""
    assert cli.main(None, ["vibackup"] + words + ["--json"]) == 0
    found = json.loads(compat.text(capsys.readouterr()[0]))
    assert (found["outcome"], found["lab"], found["leftovers"]) == ("ok", False, [])


def test_what_is_backed_up_and_what_is_left_can_be_read_where_there_is_no_manager(site, monkeypatch):
    assert site.proxy_backup() == 0
    site.leave_behind("web01", monkeypatch)
    site.capsys.readouterr()
    assert cli.main(None, ["vibackup", "backups", "--state=" + site.state]) == 0
    assert "web01" in site.capsys.readouterr()[0]
    assert cli.main(None, ["vibackup", "reconcile", "--state=" + site.state]) == 6
    assert "the snapshot of web01" in site.capsys.readouterr()[0]


def test_7_the_manager_went_away(site):
    before = objects(site.lab)
    assert site.proxy_backup("--lab-fault=30:before:hang") == 7
    assert "connection lost" in site.errors and site.backups == []
    assert objects(site.lab) == before


def test_an_error_names_step_and_object_once(site):
    assert site.proxy_backup("--agent=failing") == 1
    assert site.errors.splitlines()[-1].startswith("vibackup: backup web01-system: failing: ")
    assert site.proxy_backup("--vs=raw01") == 3
    assert site.errors.count("raw01: ") == 1


def test_an_error_of_the_manager_names_step_and_object(site, tmpdir):
    trace = compat.text(tmpdir.join("trace"))
    assert site.proxy_backup("--lab-trace=" + trace) == 0
    with open(compat.native(trace), "rb") as stream:
        methods = [line.split()[3] for line in stream.read().decode("utf-8").splitlines()]
    number = len(methods) + methods.index("snapshot") + 1  # in the same lab, which goes on counting
    assert site.proxy_backup("--lab-fault=%d:before:throw" % number) == 1
    assert site.errors.startswith("vibackup: snapshot web01: ")


def what_is_told(monkeypatch):
    """Return a list that gets what is written to standard error past all buffers, as handlers must."""
    told = []
    monkeypatch.setattr(compat, "write_error_at_once", told.append)
    return told


def stop_in_the_middle(site, number):
    """Send this process a signal while the agent runs, as a terminal does."""
    site.lab.clock.call_after(60, lambda: os.kill(os.getpid(), number))
    return site.command("snapshot-boot", "--vs=web01", "--boot-device=backup.iso")


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_130_and_143_stopped_and_all_of_ours_was_taken_back(site, monkeypatch, number, status):
    before = objects(site.lab)
    handlers = {}
    # Delivered as the interpreter would, but at once on every one of them.
    monkeypatch.setattr(signal, "signal", lambda which, handler: handlers.setdefault(which, handler) and None)
    monkeypatch.setattr(os, "kill", lambda _process, which: handlers[which](which, None))
    told = what_is_told(monkeypatch)
    assert stop_in_the_middle(site, number) == status
    assert objects(site.lab) == before
    assert site.backups == []
    assert told == ["\nvibackup: stopping: taking back what is ours\n"]


def test_a_stop_whose_words_nobody_takes_is_a_stop_all_the_same(site, monkeypatch):
    """The terminal is gone, which is why it was stopped: what is ours is still taken back."""
    before = objects(site.lab)
    handlers = {}
    monkeypatch.setattr(signal, "signal", lambda which, handler: handlers.setdefault(which, handler) and None)
    monkeypatch.setattr(os, "kill", lambda _process, which: handlers[which](which, None))

    def closed(_words):
        raise OSError(9, "Bad file descriptor")
    monkeypatch.setattr(compat, "write_error_at_once", closed)
    assert stop_in_the_middle(site, signal.SIGTERM) == 143
    assert objects(site.lab) == before


def test_a_second_stop_changes_nothing_and_is_answered(site, monkeypatch):
    session = cli.Session(options.parse("probe", []))
    told = what_is_told(monkeypatch)
    session._stopper(130)(2, None)
    session._stopper(143)(15, None)
    assert session.stop == 130 and session.stops == 2
    assert [words.split(": ", 1)[1] for words in told] == [
        "stopping: taking back what is ours\n", "still taking back what is ours\n"]


def test_the_handlers_of_who_called_are_there_again_afterwards(site):
    def mine(_number, _frame):
        return

    before = signal.signal(signal.SIGTERM, mine)
    try:
        site.command("probe")
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


# -- what must never run for real

@pytest.mark.parametrize("typo", ["--dry-rn", "--dryrun", "--dry", "--dry-ru", "--dry_run", "-n", "--DRY-RUN",
                                  "--dry-run=yes"])
@pytest.mark.parametrize("where", ["first", "last", "before the runner's"])
def test_a_mistyped_dry_run_is_refused_and_changes_nothing(site, typo, where):
    calls = Calls(site.lab)
    words = ["--vs=web01", "--proxy=pbh01", "--agent=dd"]
    words = {"first": [typo] + words, "last": words + [typo],
             "before the runner's": [typo, "--inputfile=scripts/proxyBackup.py"] + words}[where]
    assert cli.main("proxy-backup", ["script.py"] + words + ["--lab"]) == 2
    assert calls.lines == []


@pytest.mark.parametrize("words", [["proxy-backup", "--vs=mixed01", "--proxy=pbh01", "--agent=dd", "--skip"],
                                   ["reconcile", "--fi"], ["backups", "--js"], ["backups", "--st=/tmp/x"],
                                   ["backups", "--v=web01"]], ids=" ".join)
def test_options_are_not_shortened(site, words):
    """What a short form means would change with the next option that begins like it."""
    assert site.command(*words) == 2


def test_a_dry_run_makes_the_checks_prints_the_plan_and_changes_nothing(site):
    before = objects(site.lab)
    calls = Calls(site.lab)
    assert site.proxy_backup("--dry-run") == 0
    assert "would do, and changes nothing now:" in site.output
    assert "  snapshot: web01\n  attach: web01-system to pbh01\n" in site.output
    assert "begin" not in calls
    assert objects(site.lab) == before
    assert site.backups == []


@pytest.mark.parametrize("words, status", [(["--vs=raw01"], 3), (["--vs=nobody"], 3)])
def test_a_dry_run_is_refused_where_the_real_one_would_be(site, words, status):
    assert site.proxy_backup("--dry-run", *words) == status


def test_a_dry_run_is_busy_where_the_real_one_would_be(site):
    site.hold("web01")
    assert site.proxy_backup("--dry-run") == 4


# -- what is printed where

def run_json(site, *words):
    return site.proxy_backup("--json", *words)


def test_json_is_one_document_on_standard_output_and_the_rest_is_on_the_other(site):
    assert run_json(site) == 0
    found = site.document
    assert (found["outcome"], found["exit_status"], found["verb"], found["vs"], found["lab"]) == (
        "ok", 0, "proxy-backup", "web01", True)
    assert [step["name"] for step in found["steps"]][:2] == ["snapshot", "attach"]
    assert all(step["outcome"] == "ok" and step["seconds"] >= 0 for step in found["steps"])
    assert found["backup"]["disks"][0]["name"] == "web01-system"
    assert found["error"] is None and found["leftovers"] == []
    assert "snapshot" in site.errors


@pytest.mark.parametrize("words, status, outcome", [
    (["--agent=failing"], 1, "failed"), (["--agent=nothing"], 2, "refused"), (["--vs=nobody"], 3, "refused"),
    (["--no-such-option"], 2, "refused"), (["--vs=mixed01", "--skip-raw"], 5, "warning")])
def test_json_is_one_document_whatever_happens(site, words, status, outcome):
    assert run_json(site, *words) == status
    assert (site.document["exit_status"], site.document["outcome"]) == (status, outcome)
    if status != 5:
        assert site.document["error"]["message"]
        assert site.document["backup"] is None


def test_json_says_which_step_failed(site):
    run_json(site, "--agent=failing")
    assert site.document["error"]["step"] == "backup"
    assert site.document["error"]["class"] == "AgentFailed"


def test_json_of_leftovers_names_them_though_the_backup_is_good(site):
    fail(site.lab, "deleteSnapshot", times=None)
    assert run_json(site) == 6
    assert [left["what"] for left in site.document["leftovers"]] == ["the snapshot of web01"]
    assert site.document["backup"] is not None


@pytest.mark.parametrize("verb", ["backups", "reconcile", "probe"])
def test_json_of_what_only_reads_is_one_document_too(site, verb):
    assert site.command(verb, "--json") == 0
    assert site.document["verb"] == verb


def test_json_of_a_dry_run_holds_the_plan(site):
    run_json(site, "--dry-run")
    assert site.document["dry_run"] is True
    assert site.document["plan"][0].startswith("snapshot: web01")


def test_a_run_in_a_lab_says_so_on_its_first_and_its_last_line(site):
    site.proxy_backup()
    lines = site.output.splitlines()
    assert "in a lab: no real virtual server is touched" in lines[0]
    assert lines[-1].endswith("(in a lab)")


def test_an_error_is_one_line_without_a_traceback(site):
    site.proxy_backup("--vs=raw01")
    assert site.errors.startswith("vibackup: raw01: raw01-lun is a raw disk")
    assert site.errors.count("\n") == 1


@pytest.mark.parametrize("name", ["no\nbody", "no\x1b[31mbody", "no\rbody", "no\x85body", "no\u2028body"], ids=repr)
def test_a_name_of_several_lines_is_shown_on_one(site, name):
    assert site.proxy_backup("--vs=" + name) == 3
    assert "no\\x" in site.errors
    assert len(site.errors.splitlines()) == 1
    assert all(character not in site.errors + site.output for character in "\x1b\r\x85\u2028")


@pytest.mark.parametrize("name", ["süd", "a b", "a=b", "$(reboot)", "-rf", "../../x", "'\"", "服务器", "a\nb"], ids=repr)
def test_a_server_may_have_any_name(tmpdir, capsys, name):
    def rename(description):
        server(description, "web01")["name"] = name

    with small_lab(rename) as lab:
        site = Site(lab, tmpdir, capsys)
        before = objects(lab)
        assert site.proxy_backup("--vs=" + name, "--json") == 0
        assert site.document["vs"] == name
        assert objects(lab) == before
        assert site.command("backups", "--vs=" + name, "--json") == 0
        assert [entry["vs"] for entry in site.document["backups"]] == [name]


def test_a_bug_is_reported_with_its_traceback_and_what_is_ours_is_taken_back(site, monkeypatch):
    from vibackup import backup
    before = objects(site.lab)
    monkeypatch.setattr(backup, "back_up", lambda *_anything: 1 / 0)
    assert site.proxy_backup() == 1
    assert "Traceback" in site.errors
    assert "internal error, please report it: ZeroDivisionError" in site.errors
    assert objects(site.lab) == before


def test_a_damaged_catalog_is_said_to_be(site):
    state_.write_json(os.path.join(state_.folder(site.state, "catalog"), "x.json"), [])
    assert site.command("backups") == 2
    assert "x.json" in site.errors


def test_a_state_folder_that_others_may_write_to_is_refused(site):
    os.chmod(state_.folder(site.state), 0o777)
    assert site.proxy_backup() == 3
    assert "chmod 700" in site.errors


# -- what runners do to the command line

PROBE = ["--lab", "--json"]


@pytest.mark.parametrize("argv", [
    ["script.py"] + PROBE, PROBE, ["/a/b/script.py", "--inputfile=scripts/probe.py"] + PROBE,
    ["--inputfile=scripts/probe.py"] + PROBE, ["Runner", "something", "--inputfile=scripts/probe.py"] + PROBE,
    ["-c"] + PROBE, PROBE + ["--inputfile=scripts/probe.py"], [""] + PROBE], ids=" ".join)
def test_the_runners_own_words_are_tolerated_and_the_programs_name_may_be_missing(site, argv):
    assert cli.main("probe", argv) == 0
    assert json.loads(compat.text(site.capsys.readouterr()[0]))["verb"] == "probe"


def test_the_words_of_this_process_are_the_default(site, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str("script.py"), str("--lab"), str("--json")])
    assert cli.main("probe") == 0


def test_words_that_are_not_utf_8_are_no_traceback(site):
    word = b"--vs=\xff\xfe"
    argv = ["script.py", os.fsdecode(word) if compat.PYTHON3 else word, "--lab"]
    assert cli.main("backups", argv) == 0


def test_a_script_leaves_with_the_exit_status(site):
    with pytest.raises(SystemExit) as caught:
        cli.main_and_exit("backups", ["script.py", "--no-such-option"])
    assert caught.value.code == 2


def test_it_runs_as_a_module():
    child = subprocess.Popen([sys.executable, "-m", "vibackup", "probe"], cwd=ROOT, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    output, complaint = child.communicate()
    assert child.returncode == 7
    assert output == b""
    assert compat.text(complaint).startswith("vibackup: no Virtual Iron management API here")


# -- whoever watches may go away

class Gone(object):
    """Standard output after ``| head`` has read enough."""

    def isatty(self):
        return False

    def write(self, _words):
        raise IOError(32, "Broken pipe")

    def flush(self):
        raise IOError(32, "Broken pipe")


def test_a_reader_who_goes_away_does_not_make_a_run_leave_things_behind(site, monkeypatch):
    before = objects(site.lab)
    monkeypatch.setattr(sys, "stdout", Gone())
    assert site.proxy_backup() == 0
    assert objects(site.lab) == before
    assert len(site.backups) == 1


def in_a_shell(tmpdir, redirection, *words):
    """Run ``python -m vibackup WORDS`` with ``redirection`` (a shell's); return its exit status and errors."""
    line = 'exec "$0" -m vibackup "$@" ' + redirection
    child = subprocess.Popen(["sh", "-c", line, sys.executable] + [compat.native(word) for word in words] +
                             [compat.native("--state=" + state_folder(tmpdir))], cwd=ROOT, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    complaint = compat.text(child.communicate()[1])
    return child.returncode, complaint


@pytest.mark.parametrize("words, status", [(("backups",), 0), (("backups", "--json"), 0), (("probe", "--json"), 7)],
                         ids=lambda value: " ".join(value) if isinstance(value, tuple) else None)
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_an_exit_status_does_not_depend_on_whether_anybody_reads(tmpdir, redirection, words, status):
    found, complaint = in_a_shell(tmpdir, redirection, *words)
    assert "Traceback" not in complaint
    assert found == status, complaint
    if "--json" in words and not compat.JYTHON:  # whose standard output keeps its errors to itself
        assert "the JSON document could not be written" in complaint
