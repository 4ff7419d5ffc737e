"""The policy: an INI file that says which virtual servers are backed up, how, when, and how much of it at once.

One section ``[fleet]`` is about the night as a whole. Each section ``[servers NAME]`` selects virtual servers and
says how they are backed up; what stands in ``[all servers]`` holds for each of them that says nothing else. FLEET and
SERVERS are the keys there are. A fault is a line ``FILE: [section] key: what is wrong, and what would be right``.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import io
import os
import re
import textwrap

from vibackup import agents, backup, compat, errors, tables
from vibackup.fleet import values
from vibackup.fleet.window import Window
from vibackup.names import printable

# What a policy says. path: in full; name: the file's, without .ini; window: a Window, or None for any time;
# grace, snapshot_age (seconds); limits: LIMITS to whole numbers; retries: of a server that failed; batch: the most
# servers that share a reboot; bytes_per_second: of a backup, until the catalog knows better; mail: None, or a dict of
# to (addresses), from (an address or None), smtp_host (None: the local sendmail) and when (always, failures); sections:
# Sections in the order of the file.
Policy = collections.namedtuple("Policy", (
    "path name window days grace limits retries batch snapshot_age bytes_per_second mail sections"))

# Which virtual servers, and how. names, nodes, disk_groups, exclude, proxies: names and patterns (proxies: () is any);
# file_names: names; technique, mode, agent (its name), location (None: the agent's own); agents: the path of an INI, or
# None; folders: to be backed up by an agent in the server, () is all; freeze, thaw: lists of words, or None; skip_raw;
# write_rate: bytes a second, 0 where nobody knows; rpo, rto: seconds, or None; keep: a dict of KEEP to whole numbers.
Section = collections.namedtuple("Section", (
    "name names nodes disk_groups file_names exclude technique mode agent agents location folders proxies freeze thaw "
    "skip_raw write_rate rpo rto keep"))

PROXY, AGENT = "proxy-backup", "agent-backup"
IMAGE, FILE = backup.IMAGE, backup.FILE
LIMITS = ("in all", "node", "proxy", "disk group", "agent server")
KEEP = ("last", "daily", "weekly", "monthly", "yearly")
MOST_PROBLEMS = 100  # that are listed of one file
LARGEST_FILE = 4 * 1024 ** 2  # characters of a file of names

# A key. default: as one would write it, or "" for ``nothing``. parse: of ``values``.
Key = collections.namedtuple("Key", "name default meaning parse nothing")


def _key(name, default, meaning, parse, nothing=None):
    return Key(name, default, meaning, parse, nothing)


FLEET = (
    _key("window", "22:00-05:00", "between which times of the local clock backups start; it may span midnight. always: "
         "at any time", values.hours),
    _key("days", "mon-sun", "on which days the window opens", values.days),
    _key("grace", "30min", "how long agents that read when the window closes, or at Ctrl-C or TERM, may go on, before "
         "they are cancelled", values.duration),
    _key("at-once", "16", "the most backups at once in all", values.whole(1, 10000)),
    _key("at-once-per-node", "2", "the most at once that load one managed node", values.whole(1, 1000)),
    _key("at-once-per-proxy", "2", "the most at once on one proxy", values.whole(1, 1000)),
    _key("at-once-per-disk-group", "4", "the most at once that read from one disk group", values.whole(1, 1000)),
    _key("at-once-per-agent-server", "8", "the most at once that write to one location, or by one agent that has none",
         values.whole(1, 10000)),
    _key("retries", "1", "how often a server that failed is tried again, at the end of the queue", values.whole(0, 10)),
    _key("batch", "12", "the most servers whose disks a proxy is given by one reboot", values.whole(1, 100)),
    _key("snapshot-age", "4h", "how old a snapshot may get before its disks are read", values.duration),
    _key("speed", "100MiB", "what a backup reads in a second, until the catalog knows how long a server takes",
         values.speed),
    _key("mail-to", "", "who is sent the report: addresses", values.addresses, ()),
    _key("mail-from", "", "the sender's address", values.address),
    _key("smtp-host", "", "the host that takes the mail, which must do so without a login; without it, the local "
         "sendmail", values.host),
    _key("mail-when", "always", "when it is sent: always, or failures", values.one_of("always", "failures")),
)

SERVERS = (
    _key("names", "", "names of virtual servers, or patterns such as web*", values.patterns, ()),
    _key("file", "", "a file of more names, one a line, beside the policy", values.text),
    _key("nodes", "", "only servers on these managed nodes: names or patterns", values.patterns, ()),
    _key("disk-groups", "", "only servers with a disk in one of these disk groups: names or patterns",
         values.patterns, ()),
    _key("exclude", "", "not these: names or patterns; a later section may have them", values.patterns, ()),
    _key("technique", PROXY, "proxy-backup, or agent-backup for an agent in each server", values.one_of(PROXY, AGENT)),
    _key("mode", IMAGE, "image, or file", values.one_of(IMAGE, FILE)),
    _key("agent", "", "the backup software, by its name; must be given", values.text),
    _key("agents", "", "an INI file of more agents, beside the policy", values.text),
    _key("location", "", "where the agent keeps the backups; without it, the agent's own default", values.location),
    _key("folders", "", "of agent-backup with mode = file: what to back up; without it, every file system",
         values.folders, ()),
    _key("proxies", "", "of proxy-backup: names or patterns of the proxies to be used; without it, those that made "
         "backups before", values.patterns, ()),
    _key("freeze", "", "of proxy-backup: a command to be run in the server right before the snapshot", values.command),
    _key("thaw", "", "of proxy-backup: the command that ends what freeze began", values.command),
    _key("skip-raw", "no", "of proxy-backup: yes leaves raw disks out, instead of refusing the server",
         values.yes_or_no),
    _key("write-rate", "", "of proxy-backup: what a server writes in a second, such as 2MiB, as long as its snapshot "
         "lives; without it, or where that is less, a tenth of its disks is kept free", values.speed, 0),
    _key("rpo", "", "recovery point objective: how much may be lost, such as 26h", values.duration),
    _key("rto", "", "recovery time objective: how long a restore may take", values.duration),
    _key("keep-last", "2", "how many of the newest backups are kept", values.whole(0, 10000)),
    _key("keep-daily", "7", "and of so many days the newest of each", values.whole(0, 10000)),
    _key("keep-weekly", "4", "and of so many weeks", values.whole(0, 10000)),
    _key("keep-monthly", "6", "and of so many months", values.whole(0, 10000)),
    _key("keep-yearly", "0", "and of so many years; where any keep-... is given, those that are not are 0",
         values.whole(0, 10000)),
)

_ALL = "all servers"
_MANY_BLANKS = re.compile(r"[^\S\n]{100}")  # for which the library's expressions take the square of their number
_OF_FLEET = collections.OrderedDict((key.name, key) for key in FLEET)
_OF_SERVERS = collections.OrderedDict((key.name, key) for key in SERVERS)
_KEEP_KEYS = ["keep-" + word for word in KEEP]
_LIMIT_KEYS = ["at-once", "at-once-per-node", "at-once-per-proxy", "at-once-per-disk-group", "at-once-per-agent-server"]
_SELECT = ("names", "file", "nodes", "disk-groups")
_OF_PROXY = ("proxies", "freeze", "thaw", "skip-raw", "write-rate")


def read(path):
    """Return the Policy in the file at ``path``; raise UsageError, which tells the first fault and how many more."""
    found, wrong = _read(path)
    if wrong:
        more = " (and %d more: vibackup fleet --check lists them)" % (len(wrong) - 1) if len(wrong) > 1 else ""
        raise errors.UsageError(wrong[0] + more)
    return found


def problems(path):
    """Return every fault of the file at ``path``, each one line of text; [] where ``read`` takes it."""
    return _read(path)[1]


def keys_help():
    """Return what the keys of a policy are, as text of lines below 80 characters."""
    lines = []
    for head, keys in (("[fleet]", FLEET), ("[servers NAME], one or more, and [all servers] for all of them", SERVERS)):
        lines += [head, ""]
        for key in keys:
            lines += textwrap.wrap("%s%s" % (key.meaning, " (default: %s)" % key.default if key.default else ""), 78,
                                   initial_indent="  %-26s" % key.name, subsequent_indent=" " * 28)
        lines.append("")
    return "\n".join(lines)


def _read(path):
    """Return ``(the Policy or None, its problems)``."""
    path = compat.text(path)
    reading = _Reading(path)
    found = None
    try:
        content = tables.text_of(path)
        if _MANY_BLANKS.search(content):
            raise errors.UsageError("%s: has a hundred blanks in a row, which would take long to read" % path)
        for fault in tables.faults_of_form(path, content):
            reading.add(fault)
        if not reading.problems:
            found = reading.policy(tables.parser_of(path, content))
    except errors.UsageError as error:
        reading.add(error)
    return (None if reading.problems else found), reading.problems


# What stands in a section: values of its keys, those that are wrong, and those that it says itself.
_Given = collections.namedtuple("_Given", "values wrong own")


class _Reading(object):
    """Reads one file, and gathers what is wrong with it in ``problems``."""

    def __init__(self, path):
        self._path = path
        self._full_path = compat.text(os.path.abspath(compat.native(path)))
        self._agents = {}
        self.problems = []

    def add(self, error):
        """Note a UsageError as one line; nobody reads thousands of them."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(printable(" ".join(error.message.split())))

    def _place(self, section, key):
        return "%s: [%s] %s" % (self._path, section[:100], key[:100])

    def _fault(self, section, key, words):
        self.add(errors.UsageError("%s: %s" % (self._place(section, key), words)))

    def policy(self, parser):
        """Return the Policy that the INI ``parser`` has read; it is worth nothing where there are problems."""
        sections = collections.OrderedDict()
        if parser.defaults():
            self._fault("DEFAULT", "the section", "is not known here; write [%s]" % _ALL)
            return None
        for name in parser.sections():
            plain = self._section_name(name)
            if plain in sections:
                self._fault(name, "the section", "appears twice")
            elif plain is not None:
                sections[plain] = dict(parser.items(name))
        fleet = self._given("fleet", _OF_FLEET, sections.pop("fleet", {}), {}, ())
        common = self._given(_ALL, _OF_SERVERS, sections.pop(_ALL, {}), {}, ())
        found = [self._section(name, pairs, common) for name, pairs in sections.items()]
        if not found:
            self._fault("servers NAME", "the section", "missing; a policy has one or more of them")
        return self._whole(fleet, found)

    def _section_name(self, name):
        """Return the name of a section with single blanks, or None where there is no such section."""
        plain = " ".join(name.split())
        if plain in ("fleet", _ALL) or (re.match(r"servers [^\[\]]{1,100}\Z", plain) and printable(plain) == plain):
            return plain
        known = ["servers NAME"] if plain.lower().startswith("server") else ["fleet", _ALL, "servers NAME"]
        self._fault(plain, "the section", "not known; %s" % values.nearest(plain, known))
        return None

    # -- keys

    def _given(self, name, keys, pairs, inherited, inherited_wrong):
        """Return the _Given of a section: what its ``pairs`` say, else what is ``inherited``, else the defaults."""
        found = dict((key.name, key.parse(key.default, key.name) if key.default else key.nothing)
                     for key in keys.values())
        found.update(inherited)
        wrong = set(inherited_wrong) - set(pairs)
        for key, value in sorted(pairs.items()):
            lines = [line.strip() for line in value.splitlines()]
            words = "\n".join(line for line in lines if line and line[0] not in "#;")
            try:
                found[key] = self._value(name, keys, key, words, key in inherited)
            except errors.UsageError as error:
                self.add(error)
                wrong.add(key)
        return _Given(found, wrong, set(pairs))

    def _value(self, name, keys, key, words, is_inherited):
        if key not in keys:
            other = "fleet" if key in _OF_FLEET else "servers NAME" if key in _OF_SERVERS else None
            raise errors.UsageError("%s: unknown key; %s" % (self._place(name, key), (
                "it belongs in [%s]" % other if other else values.nearest(key, list(keys)))))
        if not words:
            if is_inherited and not keys[key].default:
                return keys[key].nothing  # takes back what [all servers] says
            raise errors.UsageError("%s: is given, and empty" % self._place(name, key))
        return keys[key].parse(words, self._place(name, key))

    # -- [fleet]

    def _whole(self, fleet, sections):
        given = fleet.values
        days, opens_and_closes = given["days"], given["window"]
        if opens_and_closes is None and "days" in fleet.own and "window" not in fleet.wrong:
            self._fault("fleet", "days", "of no use with window = %s, which has no days" % values.ALWAYS)
        for key in ("mail-from", "smtp-host", "mail-when"):
            if key in fleet.own - fleet.wrong and "mail-to" not in fleet.own:
                self._fault("fleet", key, "of no use without mail-to: say who is to have the mail")
        mail = {"to": given["mail-to"], "from": given["mail-from"], "smtp_host": given["smtp-host"],
                "when": given["mail-when"]}
        name = os.path.basename(self._full_path)
        return Policy(
            self._full_path, name[:-4] if name.lower().endswith(".ini") and len(name) > 4 else name,
            Window(opens_and_closes[0], opens_and_closes[1], days) if opens_and_closes else None, days, given["grace"],
            dict(zip(LIMITS, [given[key] for key in _LIMIT_KEYS])), given["retries"], given["batch"],
            given["snapshot-age"], given["speed"], mail if mail["to"] else None, tuple(sections))

    # -- [servers NAME]

    def _section(self, name, pairs, common):
        """Return the Section of ``pairs``, what ``common`` says included; None where something is wrong with it."""
        inherited = dict((key, common.values[key]) for key in common.own if key in _OF_SERVERS)
        given = self._given(name, _OF_SERVERS, pairs, inherited, common.wrong & set(_OF_SERVERS))
        got = dict(given.values, **self._keep(given, common))
        self._drop_what_is_for_others(name, given, got)
        file_names = self._names_in(name, got["file"])
        for key, words in self._what_makes_no_sense(given, got, pairs) + self._about_agent(name, given, got):
            self._fault(name, key, words)
        return Section(name[len("servers "):], got["names"], got["nodes"], got["disk-groups"], file_names,
                       got["exclude"], got["technique"], got["mode"], got["agent"], self._beside(got["agents"]),
                       got["location"], got["folders"], got["proxies"], got["freeze"], got["thaw"], got["skip-raw"],
                       got["write-rate"], got["rpo"], got["rto"], dict((word, got["keep-" + word]) for word in KEEP))

    def _keep(self, given, common):
        """Return the keep-... that are not said, of which any other is said: they are 0."""
        said = (given.own | common.own) & set(_KEEP_KEYS)
        return dict((key, 0) for key in _KEEP_KEYS if said and key not in said)

    def _drop_what_is_for_others(self, name, given, got):
        """A key that the technique has no use for is a fault in the section itself, and nothing where inherited."""
        if given.wrong & {"technique", "mode"}:
            return
        strange = [key for key in _OF_PROXY if got["technique"] != PROXY]
        if (got["technique"], got["mode"]) != (AGENT, FILE):
            strange.append("folders")
        for key in strange:
            if key in given.own and key not in given.wrong and got[key]:
                self._fault(name, key, "of no use with technique = %s and mode = %s" % (got["technique"], got["mode"]))
            got[key] = False if key == "skip-raw" else _OF_SERVERS[key].nothing

    def _what_makes_no_sense(self, given, got, pairs):
        """Return ``(key, words)`` of what is right key by key and makes no sense together."""
        found = []
        if not any(got[key] for key in _SELECT) and not given.wrong & set(_SELECT):
            found.append(("names", "the section selects no virtual server: give names, file, nodes or disk-groups"))
        for one, other in (("freeze", "thaw"), ("thaw", "freeze")):
            if got[one] is not None and got[other] is None and not given.wrong & {"freeze", "thaw"}:
                found.append((one, "goes together with %s, and there is none" % other))
        if not any(got[key] for key in _KEEP_KEYS) and not given.wrong & set(_KEEP_KEYS):
            key = [each for each in _KEEP_KEYS if each in pairs] or _KEEP_KEYS
            found.append((key[0], "nothing would be kept: give one keep-... above 0"))
        return found

    def _about_agent(self, name, given, got):
        """Return ``(key, words)`` of what is wrong with the agent, or makes no sense with it."""
        if given.wrong & {"agent", "agents"}:
            return []
        known = self._known_agents(name, got["agents"])
        if known is None:
            return []
        if got["agent"] is None:
            return [("agent", "missing; there are %s" % ", ".join(sorted(known)))]
        if got["agent"] not in known:
            return [("agent", "not known: %s; %s" % (got["agent"], values.nearest(got["agent"], sorted(known))))]
        return [] if given.wrong & {"mode", "technique", "location", "folders"} else _about_use(
            known[got["agent"]], got)

    def _known_agents(self, name, path):
        """Return the agents by name, with those of the INI at ``path`` (None: none); None, told once, for a bad one."""
        if path not in self._agents:
            self._agents[path] = None
            try:
                self._agents[path] = agents.load(self._beside(path))
            except errors.UsageError as error:
                self._fault(name, "agents", error.message)
        return self._agents[path]

    def _beside(self, path):
        """Return the path of a file that a policy names: relative to its own folder."""
        return path if path is None else os.path.join(os.path.dirname(self._full_path), path)

    def _names_in(self, name, path):
        """Return the names in the file at ``path``, one a line; () where none is given, or it is no such file."""
        if path is None:
            return ()
        try:
            with io.open(compat.native(self._beside(path)), encoding="utf-8-sig") as stream:
                content = stream.read(LARGEST_FILE + 1)
        except (IOError, OSError, UnicodeError) as error:
            self._fault(name, "file", "%s cannot be read: %s" % (path, compat.message(error)))
            return ()
        lines = [line.strip() for line in content[:LARGEST_FILE].split("\n")]
        found = tuple(line for line in lines if line and line[0] not in "#;")
        if not found or len(content) > LARGEST_FILE or "\0" in content:
            self._fault(name, "file", "%s is no list of names, one a line: it %s" % (
                path, "is empty" if not found else "has zero bytes in it, or more than %d characters" % LARGEST_FILE))
        return found


def _about_use(agent, got):
    """Return ``(key, words)`` of why ``agent`` cannot do what a section wants of it, in a list; [] where it can."""
    if got["technique"] == AGENT and agent.suffix and got["location"] is None:
        return [("location", "missing; %s writes files, and a server's own disks are no place for them" % agent.name)]
    by_itself = got["technique"] == AGENT and got["mode"] == FILE and not got["folders"]
    operation = "file_system_backup" if by_itself else got["mode"] + "_backup"
    if not agent.supports(operation):
        alike = "give folders, or another agent" if by_itself and agent.supports("file_backup") else (
            "choose another agent or mode")
        return [("mode", "the agent %s has no %s; %s" % (agent.name, operation, alike))]
    try:
        agent.commands(operation, agents.values_for(agent, "vs", "disk", got["location"], "id", device="/dev/x",
                                                    mount="/x", origin="/"))
        return []
    except errors.Refused:
        return [("location", "missing; the agent %s has no default for it" % agent.name)]
