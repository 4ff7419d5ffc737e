"""archive: a whole virtual server as VHDs and a manifest; checked, or brought back."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import arguments, catalog, errors, report, verbs
from vibackup.flows import archive, archive_restore
from vibackup.names import printable

SUMMARY = "a whole virtual server to VHDs and a manifest; --verify checks it, --restore brings it back as a new server"
EXAMPLE = "vibackup archive --vs=db01 --to=FOLDER; vibackup archive --restore --from=FOLDER --new-vs=db01-back"

# What each of the three ways wants and may have, of the options that not all have.
_MAKE = ("--vs and --to", ("vs", "to"), ("skip_raw", "freeze", "thaw"))
_RESTORE = ("--restore, --from and --new-vs", ("restore", "from_", "new_vs"), ("to_node", "to_group", "isolated"))
_VERIFY = ("--verify and --from", ("verify", "from_"), ())


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_vs(parser, "the virtual server to archive", required=False)
    arguments.add_to(parser, "FOLDER", "where the archive goes: a folder that is new or empty", required=False)
    parser.add_argument("--skip-raw", action="store_true", help="leave raw disks out, instead of refusing the server")
    arguments.add_quiesce(parser)
    parser.add_argument("--verify", action="store_true", help="check an archive, manifest and files; wants no manager")
    parser.add_argument("--restore", action="store_true", help="check an archive and make a new virtual server from it")
    arguments.add_from(parser, "FOLDER", "the archive to check or restore", required=False)
    arguments.add_new_server(parser)


def complete(given):
    """Turn names into what they stand for; raise UsageError for what makes no sense together."""
    wanted = _RESTORE if given.restore else _VERIFY if given.verify else _MAKE
    words, needed, allowed = wanted
    for name in needed:
        if not getattr(given, name):
            raise errors.UsageError("give %s together" % words)
    for _words, others, more in (_MAKE, _RESTORE, _VERIFY):
        for name in others + more:
            if getattr(given, name) and name not in needed + allowed:
                raise errors.UsageError("%s does not go with %s" % (_option(name), words))
    arguments.complete_quiesce(given)


def _option(name):
    return "--" + name.rstrip("_").replace("_", "-")


def without_manager(given):
    """Tell whether it only reads files."""
    return given.verify


def subject(given):
    """Return what the first line speaks of."""
    return given.vs or given.from_


def prepare(run, given):
    """Return the plan, its check and its flow."""
    if given.restore:
        plan = archive_restore.Plan(run, given.from_, given.new_vs, given.to_node, given.to_group, given.isolated)
        return plan, archive_restore.check, archive_restore.restore_archive
    plan = archive.Plan(run, given.vs, given.to, given.skip_raw, given.freeze, given.thaw)
    return plan, archive.check, archive.archive


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    given = session.options
    return _verify(session) if given.verify else _restore(session) if given.restore else _make(session)


def _make(session):
    entry = session.carry_out(*prepare(session.run_, session.options))
    return entry and verbs.Result("%s is archived in %s" % (entry["vs"], entry["location"]), entry["outcome"], entry)


def _restore(session):
    restored = session.carry_out(*prepare(session.run_, session.options))
    return restored and verbs.done(
        session, "restored", restored, "%(vs)s runs, restored from the archive %(archive)s" % restored)


def _verify(session):
    def tell(file):
        good = "%s  %s, good" % (file["file"], report.size(file["bytes"]))
        session.lines([good if file["wrong"] is None else "WRONG: %s" % printable(file["wrong"])])
    found, files = archive_restore.verify(session.run_, session.options.from_, tell)
    session.more["archive"] = dict((key, found[key]) for key in ("vs", "taken", "run", "tool_version", "skipped"))
    session.more["files"] = files
    wrong = [file["wrong"] for file in files if file["wrong"] is not None]
    if wrong:
        raise errors.BadArchive(archive_restore.damaged(session.options.from_, wrong[0]))
    return verbs.Result("the archive of %s of %s is good, %d disk%s" % (
        found["vs"], found["taken"], len(files), "" if len(files) == 1 else "s"), catalog.OK, None)
