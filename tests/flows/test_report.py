# -*- coding: utf-8 -*-
"""report as it is called: by a person, by cron, by a monitoring system; and its page as a browser shows it."""
from __future__ import absolute_import, division, print_function, unicode_literals

import io
import os
import sys

import pytest

from tests.flows.helpers import ROOT, run_main, stage  # noqa: F401
from tests.nights import DAY, MORNING, OPENS, Fleet
from vibackup import compat
from vibackup.verbs import report

POLICY = """
[fleet]
window = always
mail-to = ops@example.org boss@example.org
mail-from = vibackup@vm1
mail-when = {when}
[servers web]
names = web*
agent = dd
location = /backups
rpo = 30h
rto = 2h
[servers db]
names = db*
agent = dd
location = /backups
rpo = {rpo}
[servers app]
names = app*
agent = dd
location = /backups
"""


class Site(object):
    """A folder with a state and a policy, where it is the morning after."""

    def __init__(self, folder):
        self.folder = folder
        self.state = compat.text(str(folder.join("state")))
        self.policy = self.write("nightly.ini", POLICY.format(when="always", rpo="26h"))

    def write(self, name, words):
        with io.open(str(self.folder.join(name)), "w", encoding="utf-8") as stream:
            stream.write(compat.text(words))
        return compat.text(str(self.folder.join(name)))

    def path(self, name):
        return compat.text(str(self.folder.join(name)))

    def report(self, *words, **more):
        """Run report on the state; returns how it ended."""
        return run_main("report", ["--state=" + self.state] + (["--policy=" + self.policy] if more.get(
            "policy", True) else []) + list(words))


@pytest.fixture
def site(tmpdir, monkeypatch):
    monkeypatch.setattr(report, "now", lambda _session: MORNING)
    return Site(tmpdir)


@pytest.fixture
def night(site):
    """The site after a night of 60 servers."""
    fleet = Fleet(60).ending(failed=2, warning=1)
    fleet.write(site.state)
    return fleet


# -- as a person calls it

def test_it_prints_what_failed_first_and_ends_well(site, night):
    ran = site.report()
    failed = [vs for vs, facts in night.tries().items() if facts["outcome"] == "failed"]
    assert ran.status == 0 and len(failed) == 2 and all(vs in ran.output for vs in failed)
    places = [ran.output.index(words) for words in (
        failed[0], "BACKED UP WITH WARNINGS", "NIGHT nightly on vm1", "LEFT OUT")]
    assert places == sorted(places)


def test_it_changes_nothing_in_the_state(site, night):
    """L2."""
    def content():
        paths = [os.path.join(where, name) for where, _folders, names in os.walk(site.state) for name in names]
        return sorted((path, os.path.getsize(path), os.path.getmtime(path)) for path in paths)
    before = content()
    assert site.report("--json", "--html=" + site.path("x.html"), "--prometheus=" + site.path("x.prom")).status == 0
    assert content() == before


def test_the_document_has_all_of_it(site, night):
    document = site.report("--json").document
    assert document["outcome"] == "ok" and document["lab"] is False and document["verb"] == "report"
    found = document["report"]
    assert found["counts"]["servers"] == 60 + len(night.left_out) and found["nights"][0]["id"] == night.id
    assert set(server["rpo"] for server in found["servers"]) == set((None, 26 * 3600, 30 * 3600))


def test_a_policy_that_the_night_names_is_found_by_itself(site, night):
    where = site.folder.mkdir("second")
    fleet = Fleet(5)
    first = dict(fleet.first(), policy=site.policy)
    fleet.first = lambda: first
    fleet.write(compat.text(str(where)))
    ran = run_main("report", ["--json", "--state=" + compat.text(str(where))])
    assert ran.document["report"]["without_policy"] == [] and ran.document["report"]["counts"]["with_rpo"] > 0
    assert site.report("--json", policy=False).document["report"]["without_policy"] == ["nightly"]


def test_states_of_several_vm_servers_are_one_report(site, night):
    other = compat.text(str(site.folder.join("other")))
    Fleet(5, seed=9, manager="vm2").write(other)
    found = site.report("--json", "--state=" + other).document["report"]
    assert [each["manager"] for each in found["sources"]] == ["vm1", "vm2"] and len(found["nights"]) == 2
    assert len([server for server in found["servers"] if server["manager"] == "vm2"]) == 5 + 2


def test_an_earlier_night_is_asked_for_by_its_id(site, night):
    late = Fleet(5, seed=2)
    late.id, first = "20081117-220000-x", late.first()
    late.first = lambda: dict(first, id=late.id, started=OPENS + DAY)
    late.write(site.state)
    assert site.report("--json").document["report"]["nights"][0]["id"] == late.id
    assert site.report("--json", "--night=" + night.id).document["report"]["nights"][0]["id"] == night.id
    ran = site.report("--night=nothing")
    assert ran.status == 3 and "there is no such night" in ran.errors


def test_a_lab_is_named_and_its_clock_is_the_reports(tmpdir):
    ran = run_main("report", ["--lab", "--json"])
    assert ran.status == 0 and ran.document["lab"] is True and ran.document["report"]["status"] == "unknown"
    assert ran.document["report"]["at"] < OPENS + DAY * 365  # the lab's time is not today's


@pytest.mark.parametrize("words, said", [
    (["--state={0}-typo"], "there is no such state folder"), (["--policy={0}.ini"], "cannot be read"),
    (["--prometheus=x.txt"], ".prom"), (["--night="], "empty"),
    (["--html=/nowhere/at/all.html"], "cannot write")])
def test_what_makes_no_sense_is_one_line(site, night, words, said):
    words = [word.format(site.state) for word in words]
    ran = site.report(*words)
    assert ran.status == (1 if "--html" in words[0] else 2)
    assert said in ran.errors or said.replace("cannot be read", "cannot read") in ran.errors, ran.errors
    assert ran.errors.count("\n") == 1


def damage(site):
    where = os.path.join(compat.native(site.state), str("catalog"))
    with open(os.path.join(where, sorted(os.listdir(where))[0]), "wb") as stream:
        stream.write(b"{")


def test_a_damaged_entry_hides_no_other_and_is_an_error_at_the_end(site, night):
    damage(site)
    ran = site.report("--json")
    assert ran.status == 2 and "catalog" in ran.error and len(ran.document["report"]["servers"]) > 60
    assert ran.document["report"]["counts"]["damaged"] == 1


# -- as a monitoring system calls it

def test_the_plugin_prints_its_line_first_and_ends_with_its_status(site, night):
    ran = site.report("--nagios")
    assert ran.status in (1, 2) and ran.errors == ""
    assert ran.output.startswith("VIBACKUP %s - " % {1: "WARNING", 2: "CRITICAL"}[ran.status])


@pytest.mark.parametrize("rpo, outcomes, status", [("30h", {}, 0), ("30h", {"failed": 1}, 1), ("1h", {}, 2)])
def test_the_plugins_status_is_the_reports(site, rpo, outcomes, status):
    site.write("nightly.ini", POLICY.format(when="always", rpo=rpo).replace("rto = 2h\n", "").replace("30h", rpo))
    Fleet(10).ending(**outcomes).write(site.state)
    assert site.report("--nagios").status == status


@pytest.mark.parametrize("words", [["--bad"], ["--policy=/nowhere.ini"], ["--night=nothing"], ["--json"], ["--night="],
                                   ["--prometheus=/nowhere/x.prom"], ["--state=/nowhere"], ["--timeout=x"]])
def test_whatever_goes_wrong_the_plugin_says_unknown(site, night, words):
    ran = site.report("--nagios", *words)
    assert ran.status == 3 and ran.output.startswith("VIBACKUP UNKNOWN - ") and ran.output.count("\n") == 1
    assert ran.errors == ""


def test_a_damaged_state_is_unknown_or_worse(site, night):
    damage(site)
    ran = site.report("--nagios")
    assert ran.status in (2, 3) and "damaged: catalog" in ran.output


def test_a_fault_of_our_own_is_unknown_too(site, night, monkeypatch):
    monkeypatch.setattr(report, "now", lambda _session: 1 // 0)
    ran = site.report("--nagios")
    assert ran.status == 3 and ran.output.startswith("VIBACKUP UNKNOWN - internal error")


def test_in_a_lab_the_plugins_line_is_still_the_first():
    ran = run_main("report", ["--lab", "--nagios"])
    assert ran.status == 3 and ran.output.startswith("VIBACKUP UNKNOWN - nothing is known")


def test_nagios_is_the_reports_alone():
    ran = run_main("backups", ["--nagios"])
    assert ran.status == 2 and "unknown option --nagios" in ran.errors and ran.output == ""


def test_figures_for_prometheus_are_written_beside_the_report(site, night):
    assert site.report("--prometheus=" + site.path("vibackup.prom")).status == 0
    with io.open(site.path("vibackup.prom"), encoding="utf-8") as stream:
        assert stream.read().count("vibackup_last_try{") == 60 + len(night.left_out)


# -- as cron calls it

def mails(site, monkeypatch, *words):
    sent = []
    monkeypatch.setattr(report.mail, "send", lambda *given: sent.append(given[1:]))
    ran = site.report("--mail", *words)
    return ran, sent


def test_it_is_mailed_to_whom_the_policy_says(site, night, monkeypatch):
    ran, sent = mails(site, monkeypatch)
    assert ran.status == 0 and [list(sent[0][0])] + list(sent[0][1:]) == [
        ["ops@example.org", "boss@example.org"], "vibackup@vm1", None]


@pytest.mark.parametrize("when, count", [("always", 1), ("failures", 0)])
def test_where_nothing_failed_only_who_wants_it_always_is_written_to(site, when, count, monkeypatch):
    site.write("nightly.ini", POLICY.format(when=when, rpo="30h"))
    Fleet(3).ending().write(site.state)
    ran, sent = mails(site, monkeypatch)
    assert len(sent) == count and ("no mail to" in ran.output) == (count == 0)


def test_without_an_address_the_mail_is_refused(site, night, monkeypatch):
    site.write("nightly.ini", "\n".join(line for line in POLICY.format(when="always", rpo="1h").splitlines()
                                        if not line.startswith("mail")))
    ran, sent = mails(site, monkeypatch)
    assert ran.status == 2 and "mail-to" in ran.errors and sent == []


def test_a_dry_run_writes_and_sends_nothing_and_says_what_it_would(site, night, monkeypatch):
    ran, sent = mails(site, monkeypatch, "--dry-run", "--html=" + site.path("x.html"),
                      "--prometheus=" + site.path("x.prom"))
    assert ran.status == 0 and sent == [] and not os.path.exists(site.path("x.html"))
    assert not os.path.exists(site.path("x.prom")) and ran.output.count("would ") == 3


# -- after a night of the real thing

FLEET = """
[fleet]
window = always
[servers all]
names = web01 db01 {more}
exclude = mixed*
proxies = pbh01 pbhwin
agent = model
rpo = 1h
"""


@pytest.mark.parametrize("more, status, headline", [
    ("mixed01", "ok", "2 servers have a good backup within RPO"),
    ("raw01", "critical", "1 server without a good backup within RPO")])
def test_a_fleet_and_its_report_agree_on_who_has_no_backup(stage, more, status, headline):
    """L1: whom the policy excludes is missed by nobody, whom it wants and cannot have is."""
    path = stage.write("nightly.ini", FLEET.format(more=more))
    ran = stage.vibackup("fleet", "--policy=" + path)
    found = stage.vibackup("report", "--policy=" + path).document["report"]
    assert (found["status"], found["headline"]) == (status, headline)
    assert ran.status == (0 if status == "ok" else 1), ran.errors
    assert found["counts"]["left_out"] == 4 and found["nights"][0]["exit_status"] == ran.status


EXAMPLES = os.path.join(ROOT, "examples")


def example_commands():
    """Return the words of each call of report in the examples, without the shell's."""
    found = []
    for name in sorted(os.listdir(EXAMPLES)):
        with io.open(os.path.join(EXAMPLES, name), encoding="utf-8") as stream:
            found += [line.partition("vibackup report ")[2].partition(" >")[0].split() for line in stream
                      if "vibackup report " in line and not line.startswith("#") and "summary" not in line]
    return found


def test_the_examples_are_command_lines_that_work(site, night, monkeypatch):
    """With files of the test in place of the machine's."""
    monkeypatch.setattr(report.mail, "send", lambda *_given: None)
    commands = example_commands()
    assert len(commands) == 4
    for words in commands:
        here = [word.replace("/etc/vibackup", compat.text(str(site.folder))).replace(
            "/var/lib/vibackup", site.state).replace("/var/www/html", compat.text(str(site.folder))).replace(
                "/var/lib/node_exporter", compat.text(str(site.folder))) for word in words]
        ran = run_main("report", here + ([] if "--nagios" in words else ["--state=" + site.state]))
        assert ran.status == (2 if "--nagios" in words else 0), ran.errors
    assert os.path.exists(site.path("backups.html")) and os.path.exists(site.path("vibackup.prom"))


# -- as a browser shows it

@pytest.fixture(scope="module")
def chromium():
    """One Chromium for all tests here; where it is not wanted, no test asks for it."""
    from tests import browser
    with browser.Browser() as made:
        yield made


def page_of(site, fleet):
    """Write the page and return its path and the document that goes with it."""
    fleet.write(site.state)
    ran = site.report("--json", "--html=" + site.path("page.html"))
    return site.path("page.html"), ran.document["report"]


def value_at(value, path):
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


FIGURES = "[...document.querySelectorAll('[data-path]')].map(e => [e.dataset.path, e.value || e.dataset.value])"
BACKGROUNDS = "[...document.querySelectorAll('body, section, .badge')].map(e => getComputedStyle(e).backgroundColor)"
WIDER = ("[...document.querySelectorAll('body *')].filter(e => !e.closest('.chart') && "
         "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + ' ' + e.textContent.slice(0, 40))")
LUMINANCE = """(() => {
  const shade = text => { const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map(v => v / 255).map(
      v => v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const solid = e => { for (; e; e = e.parentElement) { const found = getComputedStyle(e).backgroundColor;
      if (!found.startsWith('rgba') && found !== 'transparent') return found } return 'rgb(255, 255, 255)' };
  return [...document.querySelectorAll('h1, h2, p, th, td, dt, dd, .badge, small, strong, li, .never, .none')].filter(
      e => e.textContent.trim()).map(e => { const one = shade(getComputedStyle(e).color), two = shade(solid(e));
      return [(Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05), e.className + ' ' + e.textContent.slice(0, 30)]
  }).sort((a, b) => a[0] - b[0])[0] })()"""


def check_quiet(chromium, path):
    """Check that the page has asked for nothing but itself, and has complained about nothing."""
    asked = [event["request"]["url"] for event in chromium.told("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == ["file://" + path]
    assert chromium.told("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled") == []


if sys.version_info >= (3, 7):  # about a program: the others leave it out, and cannot hand pipes to it

    @pytest.mark.needs("chromium")
    @pytest.mark.any_interpreter
    @pytest.mark.parametrize("count, hostile", [(10, False), (200, False), (44, True)])
    def test_a_browser_shows_the_reports_numbers_and_asks_for_nothing_else(site, chromium, count, hostile):
        path, found = page_of(site, Fleet(count, hostile=hostile))
        chromium.open(path)
        check_quiet(chromium, path)
        figures = chromium.ask(FIGURES)
        assert len(figures) > 2 * count and all(float(value) == value_at(found, where) for where, value in figures)
        assert chromium.ask("document.querySelectorAll('table.all tbody tr').length") == found["counts"]["servers"]
        assert chromium.ask("document.scripts.length") == 0 and chromium.ask("document.compatMode") == "CSS1Compat"
        drawn = chromium.ask("[...document.querySelectorAll('[data-count]')].map(e => +e.dataset.count)")
        assert sum(drawn) == found["nights"][0]["drawn"]
        names = chromium.ask("[...document.querySelectorAll('table.all tbody th')].map(e => e.textContent)")
        assert len(set(names)) == found["counts"]["servers"]

    @pytest.mark.needs("chromium")
    @pytest.mark.any_interpreter
    @pytest.mark.parametrize("width", [1200, 360])
    def test_light_and_dark_differ_and_both_can_be_read(site, chromium, width):
        path, _found = page_of(site, Fleet(60).ending(failed=3, warning=3))
        backgrounds = {}
        for scheme in ("light", "dark"):
            chromium.open(path, width, scheme)
            backgrounds[scheme] = chromium.ask(BACKGROUNDS)
            assert chromium.ask(LUMINANCE)[0] >= 4.5, chromium.ask(LUMINANCE)
        assert all(light != dark for light, dark in zip(backgrounds["light"], backgrounds["dark"])
                   if light != "rgba(0, 0, 0, 0)") and len(backgrounds["light"]) > 20

    @pytest.mark.needs("chromium")
    @pytest.mark.any_interpreter
    @pytest.mark.parametrize("count, hostile", [(10, False), (200, False), (44, True)])
    def test_on_a_phone_only_the_chart_scrolls_sideways(site, chromium, count, hostile):
        name = "n" * 70 if hostile else "nightly"
        site.policy = site.write(name + ".ini", POLICY.format(when="always", rpo="1h"))
        path, _found = page_of(site, Fleet(count, hostile=hostile, name=name))
        chromium.open(path, 360)
        chromium.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
        assert chromium.ask("document.documentElement.scrollWidth") == 360 and chromium.ask(WIDER) == []
        assert chromium.ask("document.querySelector('.chart').scrollWidth") > 800

    @pytest.mark.needs("chromium")
    @pytest.mark.any_interpreter
    def test_five_thousand_servers_still_load(site, chromium):
        path, found = page_of(site, Fleet(5000))
        assert os.path.getsize(path) < 8 * 1024 ** 2
        chromium.open(path, 360)
        check_quiet(chromium, path)
        assert chromium.ask("document.querySelectorAll('table.all tbody tr').length") == len(found["servers"]) > 5000
        assert chromium.ask("document.documentElement.scrollWidth") == 360
        drawn = chromium.ask("[...document.querySelectorAll('[data-count]')].map(e => +e.dataset.count)")
        assert sum(drawn) == found["nights"][0]["drawn"] > 5000
