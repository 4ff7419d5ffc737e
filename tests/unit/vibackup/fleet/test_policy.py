# -*- coding: utf-8 -*-
"""The policy: what each key becomes, and one clear line for whatever is wrong with one."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os

import pytest

from vibackup import compat, errors
from vibackup.fleet import policy
from vibackup.fleet.window import Window

SERVERS = "[servers web]\nnames = web*\nagent = dd\nlocation = /srv/images\n"


def written(tmpdir, words, name="night.ini"):
    path = os.path.join(compat.text(tmpdir), name)
    with io.open(compat.native(path), "w", encoding="utf-8") as stream:
        stream.write(words)
    return path


def read(tmpdir, words):
    return policy.read(written(tmpdir, words))


def section(tmpdir, words, head=""):
    """Return the one section of a policy, which is web's with ``words`` more; ``head``: what stands before it."""
    found, = read(tmpdir, head + SERVERS + words).sections
    return found


def faults(tmpdir, words):
    """Return what is wrong with a policy, without the file's name; each is one line that can be shown."""
    path = written(tmpdir, words)
    found = policy.problems(path)
    for line in found:
        assert line.startswith(path + ": ") and len(line.splitlines()) == 1 and len(line) < 2000, line
    return [line[len(path) + 2:] for line in found]


# -- what stands in it

def test_a_policy_wants_no_more_than_a_section_with_names_and_an_agent(tmpdir):
    found = read(tmpdir, SERVERS)
    assert (found.name, found.path) == ("night", os.path.join(compat.text(tmpdir), "night.ini"))
    assert found.window == Window(22 * 60, 5 * 60, tuple(range(7))) and found.days == tuple(range(7))
    assert (found.grace, found.retries, found.batch, found.snapshot_age) == (1800, 1, 12, 4 * 3600)
    assert found.limits == {"in all": 16, "node": 2, "proxy": 2, "disk group": 4, "agent server": 8}
    assert found.bytes_per_second == 100 * 1024 ** 2 and found.mail is None
    web, = found.sections
    assert web == policy.Section(
        "web", ("web*",), (), (), (), (), "proxy-backup", "image", "dd", None, "/srv/images", (), (), None, None,
        False, 0, None, None, {"last": 2, "daily": 7, "weekly": 4, "monthly": 6, "yearly": 0})


def test_every_key_of_the_night_is_read(tmpdir):
    found = read(tmpdir, """[fleet]
window = 21:30 - 24:00
days = Fri-Mon, wed
grace = 90s
at-once = 40
at-once-per-node = 3
at-once-per-proxy = 5
at-once-per-disk-group = 6
at-once-per-agent-server = 7
retries = 0
batch = 20
snapshot-age = 2.5h
speed = 1.5GiB
mail-to = root, backup@example.org
mail-from = vibackup@example.org
smtp-host = mail.example.org:587
mail-when = failures
""" + SERVERS)
    assert found.window == Window(21 * 60 + 30, 24 * 60, (0, 2, 4, 5, 6)) and found.days == (0, 2, 4, 5, 6)
    assert (found.grace, found.retries, found.batch, found.snapshot_age) == (90, 0, 20, 9000)
    assert [found.limits[each] for each in policy.LIMITS] == [40, 3, 5, 6, 7]
    assert found.bytes_per_second == 1.5 * 1024 ** 3
    assert found.mail == {"to": ("root", "backup@example.org"), "from": "vibackup@example.org",
                          "smtp_host": "mail.example.org:587", "when": "failures"}


def test_every_key_of_servers_is_read(tmpdir):
    written(tmpdir, "# of the accounting\nacc01\n\n acc 02 \n", "more.txt")
    written(tmpdir, "[own]\nimage_backup = own {device} {location}\n", "own.ini")
    found = section(tmpdir, """file = more.txt
nodes = node1 node2
disk-groups = "fast group"
exclude = web9*, 'web 8'
agents = own.ini
proxies = pbh*
freeze = fsfreeze --freeze '/srv/my data'
thaw = fsfreeze --unfreeze '/srv/my data'
skip-raw = yes
rpo = 26h
rto = 30min
keep-last = 1
keep-yearly = 3
""")
    assert (found.names, found.file_names) == (("web*",), ("acc01", "acc 02"))
    assert (found.nodes, found.disk_groups) == (("node1", "node2"), ("fast group",))
    assert (found.exclude, found.proxies) == (("web9*", "web 8"), ("pbh*",))
    assert found.agents == os.path.join(compat.text(tmpdir), "own.ini")
    assert found.freeze == ["fsfreeze", "--freeze", "/srv/my data"] and found.thaw[1] == "--unfreeze"
    assert (found.skip_raw, found.rpo, found.rto) == (True, 26 * 3600, 1800)
    assert found.keep == {"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "yearly": 3}


def test_an_agent_in_the_servers_has_folders_of_either_system(tmpdir):
    words = "technique = agent-backup\nmode = file\nfolders = /srv/data, 'C:\\My Data' D:\\x\n"
    found = read(tmpdir, SERVERS.replace("= dd", "= tar") + words).sections[0].folders
    assert found == ("/srv/data", "C:\\My Data", "D:\\x")


def test_any_time_is_no_window(tmpdir):
    assert read(tmpdir, "[fleet]\nwindow = always\n" + SERVERS).window is None


def test_names_stand_between_blanks_commas_and_lines_and_quotes_keep_them(tmpdir):
    found = read(tmpdir, "[servers a]\nagent = dd\n"
                 "names = web01,web02 , \"my, web\"\n  # no name\n  'it is' süd-* a%b\n")
    assert found.sections[0].names == ("web01", "web02", "my, web", "it is", "süd-*", "a%b")


def test_what_all_servers_say_holds_where_a_section_says_nothing_else(tmpdir):
    head = "[all servers]\nexclude = *-test\nrpo = 1d\nkeep-daily = 30\nproxies = pbh*\n"
    assert section(tmpdir, "", head)[5:6] + section(tmpdir, "", head)[17:18] == (("*-test",), 86400)
    own = section(tmpdir, "exclude = web9\nrpo = 2d\nkeep-daily = 5\n", head)
    assert (own.exclude, own.rpo, own.keep["daily"], own.proxies) == (("web9",), 2 * 86400, 5, ("pbh*",))
    assert section(tmpdir, "keep-last = 1\n", head).keep == {
        "last": 1, "daily": 30, "weekly": 0, "monthly": 0, "yearly": 0}


def test_what_all_servers_say_may_stand_behind_the_sections(tmpdir):
    assert read(tmpdir, SERVERS + "[all servers]\nrto = 1h\n").sections[0].rto == 3600


def test_an_empty_value_takes_back_what_all_servers_say(tmpdir):
    head = "[all servers]\nfreeze = sync\nthaw = sync\nexclude = web9\n"
    found = section(tmpdir, "freeze =\nthaw =\nexclude =\n", head)
    assert (found.freeze, found.thaw, found.exclude) == (None, None, ())


def test_what_a_technique_has_no_use_for_is_not_inherited(tmpdir):
    head = "[all servers]\nproxies = pbh*\nfreeze = sync\nthaw = sync\nskip-raw = yes\n"
    found = section(tmpdir, "technique = agent-backup\n", head)
    assert (found.proxies, found.freeze, found.thaw, found.skip_raw) == ((), None, None, False)


def test_sections_are_in_the_order_of_the_file(tmpdir):
    names = ["zebra", "ant", "the rest"]
    found = read(tmpdir, "".join(SERVERS.replace("web]", name + "]") for name in names))
    assert [each.name for each in found.sections] == names


def test_files_are_relative_to_the_policy_and_so_is_its_name(tmpdir, monkeypatch):
    folder = tmpdir.mkdir("policies")
    written(folder, "acc01\n", "more.txt")
    written(folder, SERVERS + "file = more.txt\n", "every day.ini")
    monkeypatch.chdir(str(tmpdir))
    found = policy.read(os.path.join("policies", "every day.ini"))
    assert found.name == "every day" and os.path.isabs(found.path) and found.sections[0].file_names == ("acc01",)


# -- what is wrong with it

BAD = {  # key: values that are none, and words of what is said of them
    "window": (("22:00", "such as 22:00-05:00"), ("25:00-05:00", "not a time"), ("24:00-05:00", "not a time"),
               ("22:60-05:00", "not a time"), ("22:00-22:00", "opens when it closes"), ("never", "not a time"),
               ("1:00-\n  2:00", "on one line")),
    "days": (("monday", "not a day"), ("mon-tue-wed", "not a day"), ("-", "not a day"),
             ("mon 7", "such as mon or mon-fri: 7")),
    "grace": (("30", "not a time above 0"), ("0min", "not a time above 0"), ("1w", "not a time above 0")),
    "at-once": (("0", "from 1 to 10000"), ("-1", "from 1"), ("1.5", "from 1"), ("99999999999999999999", "from 1")),
    "at-once-per-node": (("none", "from 1 to 1000"),),
    "at-once-per-proxy": (("two", "from 1 to 1000"),),
    "at-once-per-disk-group": (("0", "from 1 to 1000"),),
    "at-once-per-agent-server": (("0", "from 1 to 10000"),),
    "retries": (("11", "from 0 to 10"),),
    "batch": (("0", "from 1 to 100"), ("101", "from 1 to 100")),
    "snapshot-age": (("never", "not a time above 0"),),
    "speed": (("100", "such as 100MiB"), ("0MiB", "such as 100MiB"), ("100MB/s", "such as 100MiB")),
    "mail-to": (("root, nobody@", "not an address"), ("-oQ/tmp", "not an address"), ("a@b@c", "not an address"),
                ("root # and me", "a comment must stand")),
    "mail-from": (("me <me@example.org>", "not an address"),),
    "smtp-host": (("mail example", "not a host"), ("-x", "not a host"), ("mail:smtp", "not a host")),
    "mail-when": (("never", "it is always or failures"),),
    "names": (("'web", "a quote does not close"), ("a \"\"", "is empty"), ("a*b*c*d*e*", "more than 4 stars"),
              ("web01 # the first", "a comment must stand on a line of its own"), ("x" * 1001, "more than 1000")),
    "file": (("nowhere.txt", "cannot be read"), (".", "cannot be read")),
    "nodes": (("\"node1", "a quote does not close"),),
    "disk-groups": (("''", "is empty"),),
    "exclude": (("it's", "a quote does not close"),),
    "technique": (("array-backup", "it is proxy-backup or agent-backup"),),
    "mode": (("files", "it is image or file"),),
    "agent": (("dd2", "did you mean dd?"), ("zzzzz", "there are borg, dd"), ("a\n  b", "on one line")),
    "agents": (("nowhere.ini", "cannot be read"),),
    "location": (("sftp:me:secret@host:/x", "location: holds a password"), ("-rf", "may not begin with -")),
    "folders": (("data", "not a folder in full"), ("C:data", "not a folder in full")),
    "proxies": (("'", "a quote does not close"),),
    "freeze": (("fsfreeze 'x", "closing quot"), ("mysql --password=secret", "holds a password"), ("''", "no program")),
    "thaw": (("\"", "closing quot"),),
    "skip-raw": (("true", "it is yes or no"),),
    "write-rate": (("fast", "so much in a second"),),
    "rpo": (("daily", "not a time above 0"),),
    "rto": (("0s", "not a time above 0"),),
    "keep-last": (("-1", "from 0 to 10000"),),
    "keep-daily": (("all", "from 0 to 10000"),),
    "keep-weekly": (("4w", "from 0 to 10000"),),
    "keep-monthly": (("12 or so", "from 0 to 10000"),),
    "keep-yearly": (("10001", "from 0 to 10000"),),
}


def with_key(key, value):
    """Return a policy, and its section, in which ``key`` has ``value``."""
    if key in [each.name for each in policy.FLEET]:
        return "fleet", "[fleet]\n%s = %s\n" % (key, value) + SERVERS
    lines = [line for line in SERVERS.splitlines() if not line.startswith(key + " ")] + ["%s = %s" % (key, value)]
    return "servers web", "\n".join(lines) + "\n"


def test_every_key_has_bad_values_below():
    assert sorted(BAD) == sorted(key.name for key in policy.FLEET + policy.SERVERS)


@pytest.mark.parametrize("key", sorted(BAD))
def test_a_bad_value_is_one_line_that_names_section_and_key(tmpdir, key):
    for value, words in BAD[key]:
        head, content = with_key(key, value)
        found = [line for line in faults(tmpdir, content) if line.startswith("[%s] %s: " % (head, key))]
        assert len(found) == 1 and words in found[0], (value, faults(tmpdir, content))
        assert "secret" not in found[0]


@pytest.mark.parametrize("key", sorted(BAD))
def test_an_empty_value_is_a_mistake(tmpdir, key):
    head, content = with_key(key, "")
    assert "[%s] %s: is given, and empty" % (head, key) in faults(tmpdir, content)


@pytest.mark.parametrize("words, message", [
    ("[flet]\n" + SERVERS, "[flet] the section: not known; did you mean fleet?"),
    ("[Servers web]\n" + SERVERS, "[Servers web] the section: not known; did you mean servers NAME?"),
    ("[servers]\n" + SERVERS, "[servers] the section: not known; did you mean servers NAME?"),
    ("[something]\n" + SERVERS, "[something] the section: not known; there are fleet, all servers, servers NAME"),
    ("[DEFAULT]\nagent = dd\n" + SERVERS, "[DEFAULT] the section: is not known here; write [all servers]"),
    (SERVERS + "[servers  web]\nnames = x\n", "[servers web] the section: appears twice"),
    (SERVERS + SERVERS, "[servers web] the section: appears twice"),
    (SERVERS + "names = a\n", "[servers web] names: appears twice"),
    ("", "[servers NAME] the section: missing; a policy has one or more of them"),
    ("[fleet]\n", "[servers NAME] the section: missing; a policy has one or more of them"),
    ("[fleet]\nwindwo = 1\n" + SERVERS, "[fleet] windwo: unknown key; did you mean window?"),
    ("[fleet]\nagent = dd\n" + SERVERS, "[fleet] agent: unknown key; it belongs in [servers NAME]"),
    (SERVERS + "retries = 3\n", "[servers web] retries: unknown key; it belongs in [fleet]"),
    (SERVERS + "nodes = a ; b\n", "[servers web] nodes: a comment must stand on a line of its own"),
    ("names = web*\n", "is not an INI file: ")])
def test_a_form_that_is_wrong_is_named_with_what_would_be_right(tmpdir, words, message):
    assert any(line.startswith(message) for line in faults(tmpdir, words)), faults(tmpdir, words)


@pytest.mark.parametrize("words, message", [
    ("[fleet]\nwindow = always\ndays = mon\n" + SERVERS,
     "[fleet] days: of no use with window = always, which has no days"),
    ("[fleet]\nmail-when = failures\n" + SERVERS,
     "[fleet] mail-when: of no use without mail-to: say who is to have the mail"),
    ("[servers a]\nagent = dd\nexclude = x\n",
     "[servers a] names: the section selects no virtual server: give names, file, nodes or disk-groups"),
    ("[servers a]\nnames = x\n",
     "[servers a] agent: missing; there are borg, dd, model, netbackup, networker, restic, tar, tsm"),
    (SERVERS + "freeze = sync\n", "[servers web] freeze: goes together with thaw, and there is none"),
    (SERVERS + "thaw = sync\n", "[servers web] thaw: goes together with freeze, and there is none"),
    (SERVERS + "keep-last = 0\n", "[servers web] keep-last: nothing would be kept: give one keep-... above 0"),
    (SERVERS + "mode = file\n", "[servers web] mode: the agent dd has no file_backup; choose another agent or mode"),
    (SERVERS.replace("= dd", "= tar"),
     "[servers web] mode: the agent tar has no image_backup; choose another agent or mode"),
    ("[servers a]\nnames = x\nagent = networker\n",
     "[servers a] location: missing; the agent networker has no default for it"),
    ("[servers a]\nnames = x\nagent = dd\ntechnique = agent-backup\n",
     "[servers a] location: missing; dd writes files, and a server's own disks are no place for them"),
    (SERVERS + "technique = agent-backup\nproxies = pbh01\n",
     "[servers web] proxies: of no use with technique = agent-backup and mode = image"),
    (SERVERS + "technique = agent-backup\nskip-raw = yes\n",
     "[servers web] skip-raw: of no use with technique = agent-backup and mode = image"),
    (SERVERS + "technique = agent-backup\nfreeze = sync\nthaw = sync\n",
     "[servers web] freeze: of no use with technique = agent-backup and mode = image"),
    (SERVERS + "folders = /srv\n", "[servers web] folders: of no use with technique = proxy-backup and mode = image")])
def test_keys_that_make_no_sense_together_are_named(tmpdir, words, message):
    assert message in faults(tmpdir, words)


def test_an_agent_that_cannot_keep_to_one_file_system_wants_folders(tmpdir):
    written(tmpdir, "[own]\nfile_backup = own {mount}\n", "own.ini")
    words = "[servers a]\nnames = x\nagents = own.ini\nagent = own\ntechnique = agent-backup\nmode = file\n"
    assert faults(tmpdir, words) == ["[servers a] mode: the agent own has no file_system_backup; give folders, or "
                                     "another agent"]
    assert faults(tmpdir, words + "folders = /srv\n") == []


def test_a_bad_table_of_agents_is_told_once_for_all_sections(tmpdir):
    written(tmpdir, "[own]\nimage_bakcup = x\n", "own.ini")
    words = "".join(SERVERS.replace("web]", name + "]") + "agents = own.ini\n" for name in "abc")
    found, = faults(tmpdir, words)
    assert found.startswith("[servers a] agents: ") and "own.ini: [own] image_bakcup: unknown key" in found


def test_all_that_is_wrong_is_found_at_once(tmpdir):
    words = ("[fleet]\nwindow = 5\nbathc = 1\n[all servers]\nrpo = often\n[srevers b]\n"
             "[servers a]\nagent = dd3\nkeep-last = 0\n" + SERVERS + "mode = files\n")
    found = faults(tmpdir, words)
    assert sorted(line.split(": ")[0] for line in found) == [
        "[all servers] rpo", "[fleet] bathc", "[fleet] window", "[servers a] agent", "[servers a] keep-last",
        "[servers a] names", "[servers web] mode", "[srevers b] the section"]
    with pytest.raises(errors.UsageError) as caught:
        read(tmpdir, words)
    assert caught.value.message.endswith(found[0] + " (and 7 more: vibackup fleet --check lists them)")
    assert caught.value.exit_status == 2


def test_all_that_is_wrong_with_the_form_is_found_at_once(tmpdir):
    assert len(faults(tmpdir, SERVERS + "names = a\nagent = b\nmode = image ; whole\n")) == 3


@pytest.mark.parametrize("words", [
    "names" + " " * 200000 + "x", "[fleet" + " " * 200000, "names = a " + "\t" * 200000 + "b"])
def test_blanks_that_would_take_long_to_read_are_refused(tmpdir, words):
    """L7: what the library's own expressions would need hours for."""
    found, = faults(tmpdir, SERVERS + words + "\n")
    assert found == "has a hundred blanks in a row, which would take long to read"


def test_a_policy_that_is_too_large_or_not_there_or_not_text_is_refused(tmpdir):
    assert faults(tmpdir, SERVERS + "# \n" * 400000) == ["has more than 1048576 characters, and no table has"]
    assert "cannot be read" in policy.problems(compat.text(tmpdir.join("nowhere.ini")))[0]
    path = written(tmpdir, "")
    with open(compat.native(path), "wb") as stream:
        stream.write(b"[fleet]\n\xff\xfe")
    assert "cannot be read" in policy.problems(path)[0]


@pytest.mark.parametrize("content, words", [
    ("# nobody\n\n", "it is empty"), ("web01\0\n", "zero bytes"), ("web01\n" * 20, "more than 100 characters")])
def test_a_file_that_is_no_list_of_names_is_refused(tmpdir, monkeypatch, content, words):
    monkeypatch.setattr(policy, "LARGEST_FILE", 100)
    written(tmpdir, content, "more.txt")
    found, = faults(tmpdir, SERVERS + "file = more.txt\n")
    assert found.startswith("[servers web] file: more.txt is no list of names, one a line") and words in found


def test_thousands_of_names_belong_in_a_file(tmpdir):
    found, = faults(tmpdir, SERVERS.replace("web*", " ".join("web%d" % number for number in range(1001))))
    assert found == "[servers web] names: more than 1000 names: put them into a file, or write patterns"
    written(tmpdir, "".join("web%d\n" % number for number in range(20000)), "more.txt")
    assert len(section(tmpdir, "file = more.txt\n").file_names) == 20000


def test_a_hundred_faults_are_enough_to_read(tmpdir):
    assert len(faults(tmpdir, "[fleet]\n" + "".join("key%d = x\n" % number for number in range(500)))) == 100


def test_what_stands_in_a_fault_moves_no_cursor_and_shows_no_secret(tmpdir, monkeypatch):
    """L8."""
    monkeypatch.setenv(str("RESTIC_PASSWORD"), str("correct horse"))
    lines = faults(tmpdir, "[fleet]\nretries = \x1b[2Jcorrect horse\n\x1b[31mkey = x\n[servers \x1b[2J]\nnames = x\n")
    assert len(lines) >= 3 and not any("\x1b" in line or "correct horse" in line for line in lines)


# -- what is said of it

def test_the_help_has_every_key_its_default_and_short_lines():
    words = policy.keys_help()
    for key in policy.FLEET + policy.SERVERS:
        assert "\n  %s " % key.name in words and key.meaning.split()[0] in words
    assert "(default: 22:00-05:00)" in " ".join(words.split())
    assert max(map(len, words.splitlines())) < 80


def test_every_default_is_a_value_that_could_be_written(tmpdir):
    lines = dict((keys, "".join("%s = %s\n" % (key.name, key.default) for key in keys if key.default))
                 for keys in (policy.FLEET, policy.SERVERS))
    words = "[fleet]\n" + lines[policy.FLEET].replace("mail-when = always\n", "") + SERVERS + lines[policy.SERVERS]
    assert read(tmpdir, words)._replace(path="") == read(tmpdir, SERVERS)._replace(path="")
