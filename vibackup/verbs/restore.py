"""restore: a new virtual server from a backup's images; or the images onto disks that exist; or files into a folder."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import agents, arguments, errors, verbs
from vibackup.flows import file_restore, overwrite, restore

SUMMARY = "new disk, attach to the proxy, the agent restores it, a new virtual server boots from it"
EXAMPLE = "vibackup restore --backup=ID --proxy=pbh01 --new-vs=web01-back"


def options(parser):
    """Add the verb's options to its parser."""
    arguments.add_backup(parser)
    arguments.add_proxy(parser)
    arguments.add_new_server(parser)
    arguments.add_overwrite(parser)
    parser.add_argument("--to", metavar="FOLDER",
                        help="bring the files of a backup back into this folder of the proxy's guest, which is empty "
                             "or not there yet")
    arguments.add_disks(parser, "restore this disk of the backup alone; may be given again (default: all)")
    arguments.add_agents(parser)
    arguments.add_location(parser)


def complete(given):
    """Turn names into what they stand for; raise UsageError for what makes no sense together."""
    if sum([given.new_vs is not None, bool(given.overwrite), given.to is not None]) != 1:
        raise errors.UsageError("restore: give either --new-vs=NAME or --overwrite=DISKNAME, or for files --to=FOLDER")
    if given.new_vs is None and (given.to_node or given.to_group or given.isolated):
        raise errors.UsageError("restore: --to-node, --to-group and --isolated are for a new server, not for "
                                "--overwrite or --to")
    given.known = agents.load(given.agents)


def subject(given):
    """Return what the first line speaks of."""
    return given.backup


def prepare(run, given):
    """Return the plan, its check and its flow."""
    if given.to is not None:
        return _into_folder(run, given)
    return _onto_disks(run, given) if given.overwrite else _as_new_server(run, given)


def _as_new_server(run, given):
    plan = restore.Plan(run, given.backup, given.proxy, given.new_vs, given.known, node=given.to_node,
                        group=given.to_group, disks=given.disk, location=given.location, isolated=given.isolated)
    return plan, restore.check, restore.restore


def _onto_disks(run, given):
    plan = overwrite.Plan(run, given.backup, given.proxy, given.overwrite, given.known, disks=given.disk,
                          location=given.location)
    return plan, overwrite.check, overwrite.overwrite


def _into_folder(run, given):
    plan = file_restore.Plan(run, given.backup, given.proxy, given.to, given.known, names=given.disk,
                             location=given.location)
    return plan, file_restore.check, file_restore.file_restore


def carry_out(session):
    """Do what the command line asks for; return the Result."""
    restored = session.carry_out(*prepare(session.run_, session.options))
    return restored and verbs.done(session, "restored", restored, _words(session.options, restored))


def _words(given, restored):
    if given.to is not None:
        return "%(folder)s of %(vs)s holds the files of the backup %(backup)s" % restored
    if given.overwrite:
        verb = "holds" if len(given.overwrite) == 1 else "hold"
        return "%s %s the backup %s" % (", ".join(given.overwrite), verb, restored["backup"])
    return "%(vs)s runs, restored from the backup %(backup)s" % restored
