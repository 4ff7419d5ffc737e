# -*- coding: utf-8 -*-
"""README.rst: its commands are run in its own order and print what it shows; its tables say what the product has."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import io
import os
import re
import subprocess
import sys

import pytest

import fakes.__main__
import fakes.opening
from tests.conftest import installed
from tests.flows.helpers import ROOT, compat, content_in, environment, kept_lab, run_main, small, vibackup_in
from vibackup import agents, arrays, cli, errors, manager, verbs

PASSWORD = "only a rehearsal"
FOLDER = "/srv/rehearsal"  # where the README's commands were typed
ID = "[0-9]{8}-[0-9]{6}-[0-9a-f]{8}"
TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
LEFT_OUT = "..."
KILLED = "Killed"

# A line that is typed, and the lines that it prints.
Typed = collections.namedtuple("Typed", "line shown")


# -- what the README says

def text_of(*names):
    with io.open(os.path.join(ROOT, *names), encoding="utf-8") as stream:
        return stream.read()


README = text_of("README.rst")


def section(title):
    """Return the README's section called ``title``, its own sections with it."""
    begin = re.search(r"^%s\n-+\n" % re.escape(title), README, re.MULTILINE)
    return re.compile(r"^[^\n]+\n-{4,}$", re.MULTILINE).split(README[begin.end():], 1)[0]


def blocks(words):
    """Return the literal blocks of a part of the README, each as a list of lines that begin at its margin."""
    found = []
    for block in re.findall(r"::\n\n((?:(?:    [^\n]*)?\n)+)", words + "\n"):
        found.append([line[4:] for line in block.strip("\n").split("\n")])
    return found


def block(title, begin):
    """Return the literal block of the section ``title`` whose first line begins so."""
    [found] = [each for each in blocks(section(title)) if each[0].startswith(begin)]
    return found


def typed():
    """Return all that the README shows as typed, as Typeds in its order."""
    found = []
    for line in [line for each in blocks(README) if each[0].startswith("$ ") for line in each]:
        if line.startswith("$ "):
            found.append(Typed(line[2:], []))
        elif line.startswith("> ") and found[-1].line.endswith("\\"):
            found[-1] = Typed(found[-1].line + "\n" + line[2:], [])
        else:
            found[-1].shown.append(line)
    return found


def literals(words):
    return [re.sub(r"\s+", " ", each) for each in re.findall(r"``(.+?)``", words, re.DOTALL)]


def exit_status(shown):
    """Return the exit status that a reader takes from what is shown."""
    if shown[-1:] == [KILLED]:
        return 137
    told = [re.match("exit status ([0-9]+)", line) for line in shown]
    if any(told):
        return int([match for match in told if match][-1].group(1))
    return errors.WARNINGS if any(", with warnings" in line for line in shown) else errors.DONE


# -- whether that is what happens

class Reader(object):
    """Somebody who types what the README shows, in a folder of their own, and compares what is printed."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.found = {FOLDER: folder}  # the README's word: what stands for it here
        monkeypatch.chdir(folder)

    def type(self, command):
        """Run a Typed; returns nothing, and fails where it prints or returns anything else than the README shows."""
        status, printed = self._run(self.here(command.line))
        told = "$ %s\n%s" % (command.line, "\n".join(printed))
        assert status == exit_status(command.shown), told
        shown = [line for line in command.shown if line != KILLED]
        assert self.shows(shown, printed), "%s\n\nThe README shows:\n%s" % (told, "\n".join(shown))

    def here(self, line):
        for word, mine in self.found.items():
            line = line.replace(word, mine)
        return line

    def _run(self, line):
        """Return the exit status and the lines printed; in this process wherever no shell is needed."""
        words = compat.split_words(line.replace("\\\n", "").replace("$PWD", self.folder))
        if words[0] == "export":
            name, _equals, value = words[1].partition("=")
            self.monkeypatch.setenv(str(name), compat.native(value))
            return 0, []
        if words[0] == "vibackup" and not re.search("[|<>]|:crash", line):
            ran = run_main(words[1], words[2:])
            lines = ran.output.splitlines()
            return ran.status, lines[:-1] + ran.errors.splitlines() + lines[-1:]
        if words[:3] == ["python3", "-m", "fakes"] and not re.search("[|<>]", line):
            return fakes.__main__.main([compat.native(word) for word in words[3:]]), []
        return shell(line, self.folder)

    def shows(self, shown, printed):
        """Tell whether ``printed`` are the lines ``shown``, of which some may be left out."""
        if not shown:
            return not printed
        if shown[0] == LEFT_OUT:
            return any(self.shows(shown[1:], printed[number:]) for number in range(1, len(printed) + 1))
        return bool(printed) and self._is_line(shown[0], printed[0]) and self.shows(shown[1:], printed[1:])

    def _is_line(self, shown, printed):
        """Compare but for ids, times and the folder; an id that was seen before must be the same again."""
        pattern = ""
        ids = []
        for word in re.split("(%s|%s)" % (ID, TIME), self.here(shown)):
            known = word in self.found.values()
            if re.match(ID, word) and not known:
                ids.append(word)
            pattern += "(%s)" % ID if re.match(ID, word) and not known else \
                TIME if re.match(TIME, word) else re.escape(word)
        match = re.match(pattern + r" *\Z", printed)  # Python 2 ends lines of JSON with a space
        if match:
            self.found.update(zip(ids, match.groups()))
        return bool(match)


def shell(line, folder):
    """Run a line by a shell; ``vibackup`` and ``python3`` are this checkout's and this interpreter's."""
    programs = os.path.join(folder, "..", "programs")
    if not os.path.isdir(programs):
        os.mkdir(programs)
        for name, words in (("vibackup", "-m vibackup"), ("python3", "")):
            path = os.path.join(programs, name)
            with io.open(path, "w", encoding="utf-8") as stream:
                stream.write('#!/bin/sh\nexec "%s" %s "$@"\n' % (compat.text(sys.executable), words))
            os.chmod(path, 0o755)
    path = "%s:%s" % (os.path.abspath(programs), compat.environment("PATH"))
    child = subprocess.Popen(["sh", "-c", compat.native(line)], cwd=folder, env=environment(PATH=path),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = compat.text(child.communicate()[0]).splitlines()
    return child.returncode % 256 if child.returncode >= 0 else 128 - child.returncode, \
        [line for line in lines if line != KILLED]  # not every shell says so


@pytest.fixture
def folder(tmpdir, monkeypatch):
    for name, value in (("RESTIC_PASSWORD", PASSWORD), ("RESTIC_CACHE_DIR", "cache"), ("BORG_BASE_DIR", "borg"),
                        ("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes")):
        monkeypatch.setenv(str(name), str(tmpdir.join(value) if value in ("cache", "borg") else value))
    return compat.text(str(tmpdir.mkdir("rehearsal")))


@pytest.fixture
def sessions(monkeypatch):
    """What each verb put into its JSON document beside what all have: ``{verb: names}``."""
    found = collections.defaultdict(set)

    class Session(cli.Session):
        def run(self):
            status = cli_session.run(self)
            found[self.options.verb].update(self.more)
            return status
    cli_session = cli.Session
    monkeypatch.setattr(cli, "Session", Session)
    return found


@pytest.mark.needs("restic", "dd", "tar", "cmp", "grep")
def test_all_that_is_typed_prints_what_is_shown_and_every_verb_is_among_it(folder, monkeypatch, sessions):
    reader = Reader(folder, monkeypatch)
    for command in typed():
        reader.type(command)
    assert set(sessions) == set(verbs.MODULES)
    for verb, names in sessions.items():
        assert json_names().get(verb, set()) == names, verb


def json_names():
    """Return what the README says that each verb adds to the JSON document."""
    words = section("What every verb has").partition("under keys of its own: ")[2].partition("\n\n")[0]
    return dict((part.partition(":")[0].strip(), set(literals(part))) for part in words.split(";"))


def test_the_json_document_has_the_names_that_are_told_of():
    told = re.search("It has (.*?);", section("What every verb has"), re.DOTALL).group(1)
    dry = run_main("rollback", ["--lab", "--vs=web01", "--take", "--dry-run", "--json"]).document
    assert set(dry) == set(literals(told)) | set(("dry_run", "plan"))


def test_the_first_command_prints_what_is_shown(folder, monkeypatch):
    [command], shown = blocks(section("Try it: two commands"))[:2]
    monkeypatch.setenv(str("VIBACKUP_PYTHON"), sys.executable)
    monkeypatch.setenv(str("TMPDIR"), compat.native(folder))
    reader = Reader(folder, monkeypatch)
    status, printed = shell("cd '%s' && %s" % (ROOT, command), folder)
    assert status == 0 and reader.shows(shown, printed), "\n".join(printed)


# -- with the agent alone

def alone(agent):
    """Return the README's line that gives back an image, or tar's files, and needs nothing but the agent."""
    lines = block("Restore with the agent alone", "location=")
    [place] = [number for number, line in enumerate(lines) if re.match("# %s\\b" % agent, line)]
    return lines[place + 1]


@pytest.fixture(scope="module")
def repositories(tmpdir_factory):
    """The folder below which agents keep what they back up, with a repository for each that wants one."""
    made = compat.text(str(tmpdir_factory.mktemp(str("repositories"))))
    for agent, line in (("restic", "restic init -q --repo=restic"), ("borg", "borg init --encryption=none borg")):
        if installed(agent):
            environment_ = environment(RESTIC_PASSWORD=PASSWORD, BORG_BASE_DIR=made + "/borg's own")
            assert subprocess.call(["sh", "-c", line], cwd=made, env=environment_) == 0
    return made


def back_up(folder, repositories, agent, *words):
    """Back web01 up in a lab; returns a shell's lines that set the three words the README takes from the catalog."""
    lab = os.path.join(folder, "lab")
    kept_lab(lab, small())
    ran = vibackup_in(lab, "proxy-backup", "--vs=web01", "--proxy=pbh01", "--agent=" + agent,
                      "--location=" + os.path.join(repositories, agent), *words)
    assert ran.status == 0, ran.errors
    [entry] = vibackup_in(lab, "backups").document["backups"]
    [disk] = entry["disks"]
    return "".join("%s='%s'\n" % pair for pair in (
        ("location", entry["location"]), ("stored_as", disk["stored_as"]), ("backup_id", disk["backup_id"])))


def read(*path):
    with open(compat.native(os.path.join(*path)), "rb") as stream:
        return stream.read()


@pytest.mark.parametrize("agent", [pytest.param(name, marks=pytest.mark.needs(name))
                                   for name in ("dd", "restic", "borg")])
def test_an_image_comes_back_with_the_agent_alone(folder, repositories, agent):
    words = back_up(folder, repositories, agent)
    status, printed = shell(words + alone(agent), folder)
    assert status == 0, printed
    assert read(folder, "restored.img") == content_in(os.path.join(folder, "lab"), "web01-system")


@pytest.mark.needs("tar")
def test_files_of_tar_come_back_with_the_agent_alone(folder, repositories):
    words = back_up(folder, repositories, "tar", "--mode=file")
    status, printed = shell("%smkdir restored\n%s" % (words, alone("tar")), folder)
    assert status == 0, printed
    assert read(folder, "restored", "etc", "motd") == b"hello\n"


@pytest.mark.parametrize("agent", [pytest.param(name, marks=pytest.mark.needs(name)) for name in ("restic", "borg")])
def test_files_of_a_repository_come_back_below_the_folder_that_is_told_of(folder, repositories, agent):
    words = back_up(folder, repositories, agent, "--mode=file")
    [line] = [line for line in block("Restore with the agent alone", "restic") if agent in line]
    status, printed = shell("%smkdir -p restored\n%s" % (words, line), folder)
    assert status == 0, printed
    [below] = [each for each in literals(section("Restore with the agent alone")) if each.startswith("mnt/")]
    found = [os.path.join(where, name) for where, _folders, names in os.walk(os.path.join(folder, "restored"))
             for name in names]
    assert len(found) == 1 and found[0].endswith("/%s/etc/motd" % below)  # a lab has folders of its own above
    assert read(found[0]) == b"hello\n"


# -- examples

@pytest.mark.needs("xz")
def test_the_agent_that_is_shown_as_an_example_backs_up_and_restores(folder):
    table, lab = os.path.join(folder, "agents.ini"), os.path.join(folder, "lab")
    with io.open(table, "w", encoding="utf-8") as stream:
        stream.write("\n".join(block("Agents", "[xz]")) + "\n")
    kept_lab(lab, small())
    agent = ["--proxy=pbh01", "--agents=" + table, "--location=" + os.path.join(folder, "images")]
    made = vibackup_in(lab, "proxy-backup", "--vs=web01", "--agent=xz", *agent)
    assert made.status == 0 and made.document["backup"]["disks"][0]["bytes_read"] == 256 * 1024, made.errors
    back = vibackup_in(lab, "restore", "--backup=" + made.document["backup"]["id"], "--new-vs=web01-back", *agent)
    assert back.status == 0, back.errors
    assert content_in(lab, "web01-back-system") == content_in(lab, "web01-system")


@pytest.mark.needs("restic")
def test_the_script_that_is_shown_as_an_example_backs_up(folder, repositories, capsys):
    script = "\n".join(block("From your own scripts", "from __future__"))
    for shown, here in (("vibackup.connect()", "vibackup.connect_lab(lab)"), ("/var/lib/vibackup", folder + "/state"),
                        ("/srv/restic", repositories + "/restic")):
        assert shown in script
        script = script.replace(shown, here)
    lab = fakes.opening.open_lab()
    try:
        exec(compile(script, str("README.rst"), str("exec"), 0, True), {"lab": lab})
    finally:
        lab.close()
    lines = capsys.readouterr()[0].splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["web01", "ok"], ["db01", "ok"]]
    assert lines[2:] == ["left behind: []"]


# -- tables and lists

def test_the_table_of_verbs_has_each_and_its_script():
    rows = re.findall(r"^([a-z-]+) +(\w+\.py) ", section("Which technique"), re.MULTILINE)
    assert sorted(verb for verb, _script in rows) == sorted(verbs.MODULES)
    for verb, script in rows:
        assert 'main_and_exit("%s"' % verb in text_of("scripts", script)


def test_every_script_that_is_called_is_there():
    for name in re.findall(r"--inputfile=(scripts/\S+?\.py)", README):
        assert os.path.isfile(os.path.join(ROOT, name)), name


def test_every_exit_status_has_its_row():
    rows = re.findall(r"^([0-9][0-9, ]*)  ", section("Exit statuses"), re.MULTILINE)
    told = [int(status) for row in rows for status in row.split(",")]
    assert sorted(told) == sorted(value for value in vars(errors).values() if isinstance(value, int))


def test_every_option_that_is_named_exists():
    there = "".join(run_main(verb, ["--help"]).output for verb in verbs.MODULES)
    there += text_of("scripts", "runner.sh") + text_of("tests", "run.sh") + text_of("fakes", "__main__.py")
    named = set(re.findall("(?<![^ `])--[a-z][a-z-]+", " ".join(
        each for each in literals(README) if each.startswith(("--", "python3 -m fakes", "sh scripts")))))
    assert len(named) > 25
    others = set(("--password-file", "--unfreeze"))  # of restic and of fsfreeze
    assert [option for option in sorted(named - others) if option + " " not in there.replace("\n", " ")
            and option + "=" not in there and option + '"' not in there] == []


def test_known_and_assumed_calls_are_told_apart_as_the_product_does():
    known, assumed = section("What is known of the management API, and what is assumed").split("is *assumed*")
    for _kind, known_calls, assumed_calls in manager.CALLS:
        assert [call for call in known_calls if "``%s``" % call not in known] == []
        assert [call for call in assumed_calls if "``%s``" % call not in assumed] == []


@pytest.mark.parametrize("title, table", [("Agents", agents), ("Arrays", arrays)])
def test_the_shipped_agents_and_arrays_are_named(title, table):
    said = section(title)
    assert [name for name in table.load() if name != "model" and name not in said] == []
