"""Prove that a backup restores and boots: on a scratch server without a network, which is removed again."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import catalog, errors, guest, making, power
from vibackup import manager as api
from vibackup.flows import restore
from vibackup.guest import Guest


def verify(run, plan):
    """Restore ``plan``'s backup to a scratch server, boot it, check it, remove it; return what is now known of it.

    1. Its images are restored to new disks and a new server, as ``restore.restore`` does; it has no network.
    2. The server boots within the deadline.
    3. The check command, if any, ends well in its guest.
    4. The catalog's entry is marked.
    5. Server and disks are removed.

    The mark is ``verified``: its outcome, and how many seconds the restore took until the server ran, which
    is the figure to hold against the recovery time objective. Raises DoesNotBoot or CheckFailed for a backup
    that is no good, having written that down too.
    """
    with run.held(plan.holds()):
        check(run, plan)
        with making.scratch(run) as made:
            server = restore.restored_server(run, plan, made)
            _boot(run, plan, server)
            seconds = run.elapsed()
            if plan.command is not None:
                _check_guest(run, plan, server)
            return _mark(run, plan, "ok", seconds)


def _boot(run, plan, server):
    try:
        power.start(run, server, seconds=plan.seconds)
    except (errors.ServerFailed, errors.TimedOut) as error:
        _mark(run, plan, errors.DoesNotBoot.outcome)
        raise errors.DoesNotBoot("the backup %s does not boot: %s" % (plan.entry["id"], error.message))


def _check_guest(run, plan, server):
    """Run the check command in the guest of the scratch server, which goes by its working name."""
    host = Guest(run, api.name_of(server.handle), plan.settings().get("operating_system", ""))
    with run.step("check guest", plan.new_vs, " ".join(plan.command)):
        host.wait_until_it_answers(plan.seconds)
        try:
            host.must(plan.command, run.timeout)
        except errors.GuestError as error:
            _mark(run, plan, errors.CheckFailed.outcome)
            raise errors.CheckFailed("the backup %s boots, and its check failed: %s" % (
                plan.entry["id"], error.message))


def _mark(run, plan, outcome, seconds=None):
    found = {"outcome": outcome, "finished": run.now(), "run": run.id, "restore_seconds": seconds,
             "check": plan.command}
    with run.held([catalog.hold(plan.entry["id"])]):  # or retention could remove it at the same moment
        run.catalog.mark(plan.entry["id"], verified=found)
    return dict(found, backup=plan.entry["id"], vs=plan.entry["vs"])


class Plan(restore.Plan):
    """A verification of the backup ``identity`` through ``proxy``, see ``restore.Plan``.

    command: the check, a list of words, or None. seconds: how long the scratch server may take to run.
    """

    def __init__(self, run, identity, proxy, known, command=None, seconds=None, **more):
        restore.Plan.__init__(self, run, identity, proxy, "scratch %s" % identity, known, isolated=True, **more)
        self.command = command
        self.seconds = seconds

    def lines(self):
        """Return what will be done, a line a step, once ``check`` has completed the plan."""
        lines = self.making_lines()
        if self.command is not None:
            lines.append("check guest: %s" % " ".join(self.command))
        return lines + ["stop: %s" % self.new_vs, "delete server: %s" % self.new_vs] + [
            "delete disk: %s" % target.name for target in reversed(self.targets)]


def check(run, plan):
    """Make every check that can be made before a change, and complete ``plan``; raise what speaks against it."""
    restore.check(run, plan)
    if plan.command is not None and run.manager.lab is None:
        raise errors.Refused("--check works in a lab alone: the scratch server has no network by which ssh could reach "
                             "it; leave it out, or restore with --isolated and check by hand")
    system = plan.settings().get("operating_system", "")
    if plan.command is not None and guest.family(system) is None:
        raise errors.Refused("the backup %s is of a server with %s, which takes no commands: leave out --check" % (
            plan.entry["id"], system or "an operating system that nobody recorded"))
