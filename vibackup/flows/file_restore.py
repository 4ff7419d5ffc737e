"""Bring the files of a backup back into a folder of a guest: the first of the paper's two steps from a NAS."""
from __future__ import absolute_import, division, print_function, unicode_literals

import contextlib
import ntpath
import posixpath
import re

from vibackup import agents, backup, checks, compat, errors, ledger, recorded_backup, steps
from vibackup.guest import Command, failure
from vibackup.names import printable, safe_name

# In a Linux guest, in bytes.
LONGEST_NAME = 255
LONGEST_PATH = 4095

_WINDOWS_FOLDER = re.compile(r"[A-Za-z]:(\\|\Z)|\\\\")  # of a drive, or of the lasting name that a disk has


def file_restore(run, plan):
    """Bring the files of ``plan.entry`` back into ``plan.folder``; return what ``report`` returns.

    1. A new folder is made beside it.
    2. The agent restores the files into that: of each part of the backup what was below its folder.
    3. When all is there, the new folder is moved to its place.

    run: a ``run.Run``. plan: a Plan. Raises a VibackupError where not all came back; then nothing of it is left.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with _working_folder(run, plan) as whole:
            for part, target in zip(plan.entries, plan.targets(whole)):
                with run.step("restore", part["name"], "by %s in %s" % (plan.agent.name, plan.proxy.name)):
                    plan.guest.must(["mkdir", "--", target])
                    backup.bring_files_back(run, plan.guest, plan.agent, plan.values(part, target))
            _move(run, plan, whole)
        return plan.report(run)


class Plan(object):
    """The files of the backup ``identity`` of the catalog, to come back into ``folder`` of the guest of ``proxy``.

    known: the ``agents.Agent`` objects by name. names: parts of the backup that are wanted; none: all. location:
    None: the backup's own. Of several parts each gets a folder of its own below ``folder``. Raises NotFound,
    and Refused for a backup that cannot be restored this way.
    """

    def __init__(self, run, identity, proxy, folder, known, names=(), location=None):
        self.entry = recorded_backup.entry_of(run, identity)
        self.entries = _parts(self.entry, names)
        self.agent = recorded_backup.agent_of(self.entry, known)
        self.location = recorded_backup.location_of(self.entry, location)
        self.proxy = steps.find_server(run.manager, proxy)
        self.folder = posixpath.normpath(folder)
        self.guest = None

    def holds(self):
        """Return what the run must hold alone, as ``run.held`` takes it."""
        return [(self.proxy.id, self.proxy.name)]

    def values(self, part, target):
        """Return what the agent's placeholders stand for when it brings ``part`` back into ``target``."""
        files = part["files"]
        return agents.values_for(self.agent, self.entry["vs"], part["name"], self.location, files["id"],
                                 mount=files["mount"], origin=files["origin"], backup_id=part["backup_id"],
                                 target=target)

    def targets(self, folder):
        """Return where below ``folder`` each part comes, in order: of a single one into ``folder`` itself."""
        if len(self.entries) == 1:
            return [folder]
        return [posixpath.join(folder, self._subfolder(part)) for part in self.entries]

    def _subfolder(self, part):
        """Return the name of the folder of one part of several: its own, and its number where that is not enough."""
        same = [each for each in self.entries if each["name"] == part["name"]]
        name = safe_name(part["name"].strip("/") or "root")
        return name if len(same) == 1 else "%s.%s" % (name, part["files"]["id"].rpartition(".")[2])

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        return ["restore: %s, by %s in %s from %s to %s" % (
            part["name"], self.agent.name, self.proxy.name, self.location or "its server", target)
            for part, target in zip(self.entries, self.targets(self.folder))]

    def report(self, run):
        """Return what was restored, for the JSON document."""
        return {"backup": self.entry["id"], "of": self.entry["vs"], "vs": self.proxy.name, "folder": self.folder,
                "parts": [{"name": part["name"], "folder": target}
                          for part, target in zip(self.entries, self.targets(self.folder))],
                "seconds": run.elapsed()}


def check(run, plan):
    """Make every check that can be made before a change; raise what speaks against it."""
    plan.guest = steps.guest_of(run, plan.proxy)
    checks.linux(plan.guest, "files come back into a Linux guest alone")
    if not plan.folder.startswith("/") or plan.folder.startswith("//") or plan.folder == "/":
        raise errors.UsageError("--to=%s: give a folder of %s in full, such as /srv/back" % (
            plan.folder, plan.proxy.name))
    _must_fit(run, plan)
    for part, target in zip(plan.entries, plan.targets(plan.folder)):
        plan.agent.commands("file_restore", plan.values(part, target))
    recorded_backup.newest_where_it_must_be(run, plan, "file_restore")
    checks.runs(run.manager, plan.proxy, "choose another server that can reach %s" % (plan.location or "the backup"))
    checks.answers(plan.guest)
    _must_be_free(plan.guest, plan.folder)


def _must_fit(run, plan):
    """Refuse a folder whose name, or the path of what comes into it, is longer than a Linux guest can have."""
    for path in plan.targets(plan.folder) + plan.targets(_working(run, plan) + "/whole"):
        data = path.encode("utf-8", "surrogatepass" if compat.PYTHON3 else "strict")
        if len(data) > LONGEST_PATH or max(len(name) for name in data.split(b"/")) > LONGEST_NAME:
            raise errors.UsageError("--to=%s: too long, a name has %d bytes at most and a path %d: choose a shorter "
                                    "one" % (plan.folder, LONGEST_NAME, LONGEST_PATH))


def _must_be_free(host, folder):
    """Refuse a folder that holds anything, that nothing can be moved to, or that could not be made."""
    above = posixpath.dirname(folder)
    if not host.test("-d", above):
        raise errors.Refused("%s has no folder %s: make it first, or mount its share" % (host.name, above))
    if not host.test("-e", folder) and not host.test("-L", folder):
        return
    if host.test("-L", folder) or not host.test("-d", folder):
        raise errors.Refused("%s: %s is no folder: choose another one" % (host.name, folder))
    if host.command(Command(["mountpoint", "-q", "--", folder], None, None)).status == 0:
        raise errors.Refused("%s: a file system is mounted on %s: choose a folder below it" % (host.name, folder))
    if host.must(["find", folder, "-mindepth", "1", "-maxdepth", "1", "-print", "-quit"]).strip():
        raise errors.Refused("%s: %s is not empty: choose another one, or move away what it holds" % (
            host.name, folder))


@contextlib.contextmanager
def _working_folder(run, plan):
    """Make a folder beside the one wanted and yield the path below it where all is to come; remove it when left."""
    working = _working(run, plan)
    number = run.ledger.intend(ledger.FOLDER, proxy=plan.proxy.id, proxy_name=plan.proxy.name, folder=plan.folder,
                               commands=[[["rm", "-rf", "--", working], None, None]])
    try:
        whole = working + "/whole"
        with run.step("make folder", working):
            plan.guest.must(["mkdir", "-m", "700", "--", working])
            if len(plan.entries) > 1:
                plan.guest.must(["mkdir", "--", whole])
        yield whole
    finally:
        run.release(number, lambda: backup.undo(plan.guest, run.ledger.facts(number)["commands"]))


def _working(run, plan):
    """Return the path of the folder beside the one wanted in which its files come, with a name that always fits."""
    return posixpath.join(posixpath.dirname(plan.folder), ".vibackup-" + run.id)


def _move(run, plan, whole):
    """Move what has come to its place: from then on it is the administrator's."""
    with run.step("move to its place", plan.folder):
        if plan.guest.test("-d", plan.folder):  # whose it is, and who may look into it, was decided before
            for program in ("chown", "chmod"):
                plan.guest.must([program, "--reference=" + plan.folder, "--", whole])
        with run.releasing():  # no stop comes between this and knowing what became of it
            completed = plan.guest.command(Command(["mv", "-T", "--", whole, plan.folder], None, None))
            if completed.status != 0 and plan.guest.test("-e", whole):
                raise errors.GuestError("%s: mv: %s" % (plan.guest.name, failure(completed)))


def _parts(entry, names):
    """Return the parts of the catalog's ``entry`` that are called ``names``, or all; raise what speaks against them."""
    if entry.get("mode") != backup.FILE:
        raise errors.Refused("the backup %s holds no files (mode %s): restore it with --new-vs or --overwrite" % (
            entry["id"], entry.get("mode")))
    for name in names:
        if name not in [part["name"] for part in entry["disks"]]:
            raise errors.NotFound("the backup %s has no %s; it has: %s" % (
                entry["id"], name, ", ".join(part["name"] for part in entry["disks"])))
    chosen = [part for part in entry["disks"] if part["name"] in names or not names]
    if not chosen or any(not part.get("files") for part in chosen):
        raise errors.Refused("the catalog does not say where the agent keeps the files of the backup %s: restore them "
                             "with %s itself" % (entry["id"], entry["agent"]))
    for part in chosen:
        if not _is_whole(part):
            raise errors.Refused("the catalog's entry of the backup %s is damaged: its files of %s are not as vibackup "
                                 "writes them; restore them with %s itself" % (
                                     entry["id"], printable(part["name"]), entry["agent"]))
    return chosen


def _is_whole(part):
    """Tell whether a part of the catalog has what finds its files again, each of its type, and leads nowhere else."""
    files = part["files"]
    return (isinstance(files, dict) and _is_text(files.get("id")) and _is_text(part.get("backup_id"))
            and _is_straight(files.get("mount")) and _is_straight(files.get("origin")))


def _is_text(value):
    """Tell whether ``value`` is text that a program can be given."""
    try:
        return isinstance(value, compat.text_type) and value != "" and "\0" not in value and bool(compat.native(value))
    except UnicodeError:
        return False


def _is_straight(path):
    """Tell whether ``path`` is that of a folder in full: put below another one it leads to nowhere above that."""
    if not _is_text(path):
        return False
    if _WINDOWS_FOLDER.match(path):
        return ntpath.normpath(path) == path
    return path.startswith("/") and not path.startswith("//") and posixpath.normpath(path) == path
