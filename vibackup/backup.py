"""Run an agent in a guest, judge what came of it, and take a worthless backup back."""
from __future__ import absolute_import, division, print_function, unicode_literals

from vibackup import agents, errors, guest
from vibackup.masking import mask

IMAGE, FILE = "image", "file"
FAILURE_LINES = 3


def prepare(run, host, agent, mode, values):
    """Have ``agent`` in the guest ``host`` make ready for a backup, and check that it can make one.

    mode, values: as ``back_up`` takes them. Raises AgentFailed where it cannot: then nothing was made.
    """
    _run_all(run, host, agent, agent.commands(mode + "_before", values), [], None)


def back_up(run, host, agent, mode, values, size=None, operation=None):
    """Back up one device or mount with ``agent`` in the guest ``host``, which is prepared; return what is known of it.

    mode: IMAGE or FILE. values: for the agent's placeholders, see ``agents.values_for``. size: the
    bytes that an image must have, or None where that is not known. operation: the agent's, where it is
    not that of the mode. Returns a dict: ``bytes`` and ``backup_id`` (None where the agent does not say),
    ``outcome``: OK or WARNING, ``values``.

    Raises AgentFailed where the agent's exit status, or the bytes that it says it has read, say that
    there is no whole backup.
    """
    said = []
    try:
        outcome = _run_all(run, host, agent, agent.commands(operation or mode + "_backup", values), said, size)
    except errors.VibackupError:
        _discard_if_made(run, host, agent, mode, values, "\n".join(said))
        raise
    finally:
        with run.releasing():
            for command in agent.commands(mode + "_after", values):
                host.command(command)
    return _checked(run, host, agent, mode, values, size, outcome, "\n".join(said))


def _checked(run, host, agent, mode, values, size, outcome, output):
    """Return what is known of a backup, unless the agent's own figures say that there is no whole one."""
    found = {"bytes": agent.bytes_read(output), "backup_id": agent.backup_id(output) or values["id"],
             "outcome": outcome, "values": values}
    why = _missing(agent, output) or _short(agent, mode, found, size)
    if why is not None:
        discard(run, host, agent, mode, found)
        raise errors.AgentFailed("%s %s" % (agent.name, why))
    return found


def bring_back(run, host, agent, values, size):
    """Have ``agent`` in the guest ``host`` write an image of ``size`` bytes onto the device that ``values`` name.

    The paper: "The image backup previously taken was restored to the new disk device". values: for the
    agent's placeholders, those of the backup. Raises AgentFailed where its exit status says that the
    image is not whole, or its figures do.
    """
    said = []
    try:
        _run_all(run, host, agent, agent.commands("image_restore", values), said, size)
    finally:
        with run.releasing():
            for command in agent.commands("image_after", values):
                host.command(command)
    written = agent.bytes_read("\n".join(said))
    if written is not None and written != size:
        raise errors.AgentFailed("%s wrote %d bytes of %s where the disk has %d" % (
            agent.name, written, values["name"], size))


def bring_files_back(run, host, agent, values):
    """Have ``agent`` in the guest ``host`` bring files back into the folder ``{target}`` of ``values``, which is empty.

    values: for the agent's placeholders, those of the backup. Raises AgentFailed where its exit status says
    that not all of them came back, or where none did.
    """
    _run_all(run, host, agent, agent.commands("file_restore", values), [], None)
    if not host.must(["find", values["target"], "-mindepth", "1", "-maxdepth", "1", "-print", "-quit"]).strip():
        raise errors.AgentFailed("%s ended well, but brought nothing back of %s" % (agent.name, values["name"]))


def prove_blank(run, host, device):
    """Raise NotBlank unless every byte of ``device`` (a GuestDisk) is zero: a disk that holds anything is not ours."""
    with run.step("prove blank", host.name, device.path):
        completed = host.command(guest.Command(["cmp", "-n", "%d" % device.bytes, "--", device.path, "/dev/zero"],
                                               None, None), run.timeout)
        if completed.status != 0:
            run.check_stop()
            raise errors.NotBlank("%s: %s is not proved blank, so nothing was written to it (%s); to write to a disk "
                                  "that holds something, name it with --overwrite" % (
                                      host.name, device.path, guest.failure(completed)))


def look_at(run, host, device, partitions):
    """Check that the guest finds on ``device`` the ``partitions`` that the backup had (None: nobody looked)."""
    with run.step("look at disk", host.name, device.path) as record:
        host.command(guest.Command(["blockdev", "--rereadpt", device.path], None, None))
        found = [guest.layout(disk) for disk in host.disks() if disk.path == device.path]
        if not found or partitions not in (None, found[0]):
            raise errors.AgentFailed("%s: %s does not show the partitions that the backup had: %s" % (
                host.name, device.path, _in_words(found[0] if found else [])))
        record["detail"] += ", " + _in_words(found[0])


def _in_words(partitions):
    return ", ".join("%d: %s" % (number, system or "no file system") for number, system in partitions) or "no partition"


def _missing(agent, output):
    """Return what an agent always says of a backup and did not say of this one, or None."""
    if agent.tells_bytes and agent.bytes_read(output) is None:
        return "ended well, but did not say how many bytes it has read"
    if agent.tells_backup_id and agent.backup_id(output) is None:
        return "ended well, but did not say what it calls the backup"
    return None


def _short(agent, mode, found, size):
    if mode == IMAGE and agent.tells_bytes and found["bytes"] != size:
        return "read %d bytes of %s where the disk has %d" % (found["bytes"], found["values"]["name"], size)
    return None


def _discard_if_made(run, host, agent, mode, values, output):
    """After a failure, remove what the agent has kept all the same, or may have."""
    backup_id = agent.backup_id(output)
    if backup_id is not None:
        discard(run, host, agent, mode, {"values": values, "backup_id": backup_id})
        return
    with run.releasing():
        for command in _if_known(agent, mode + "_discard", values):
            host.command(command)  # where nothing was kept it may fail, and all is well


def undo_commands(agent, mode, values):
    """Return what removes every trace of a backup that was cut short, as plain lists that the ledger can keep.

    An agent's command that needs the name which the agent gives when it has finished is left out:
    where there is such a name, there was no cut.
    """
    return [list(command) for operation in ("_after", "_discard")
            for command in _if_known(agent, mode + operation, values)]


def _if_known(agent, operation, values):
    try:
        return agent.commands(operation, values)
    except errors.Refused:
        return []


def undo(host, commands):
    """Run what ``undo_commands`` returned; raise GuestError where one of them fails."""
    for argv, stdin, stdout in commands:
        completed = host.command(guest.Command(argv, stdin, stdout))
        if completed.status != 0:
            raise errors.GuestError("%s: %s: %s" % (host.name, argv[0], guest.failure(completed)))


def _run_all(run, host, agent, commands, said, size):
    outcome = agents.OK
    for command in commands:
        completed = host.command(command, run.timeout, lambda line: _progress(run, agent, line, size))
        said.extend([completed.output, completed.errors])
        verdict = agent.judge(completed.status, command)
        if verdict == agents.FAILED:
            run.check_stop()
            raise errors.AgentFailed("%s: %s: %s" % (
                agent.name, _program(command), mask(guest.failure(completed, FAILURE_LINES))))
        if verdict == agents.WARNING:
            outcome = agents.WARNING
            run.warn("%s: %s" % (agent.name, guest.failure(completed)))
    return outcome


def _program(command):
    """Return the name of the program that a command runs, also behind ``env NAME=VALUE``."""
    words = [word for word in command.argv if word != "env" and "=" not in word]
    return words[0] if words else command.argv[0]


def _progress(run, agent, line, size):
    found = agent.progress(line)
    if found is not None:
        unit, figure = found
        run.show("progress", {"unit": unit, "figure": figure, "size": size})


def discard(run, host, agent, mode, found):
    """Remove a backup that is worthless after all, where the agent has a command for that; say so otherwise.

    ``found``: what ``back_up`` returned.
    """
    values = dict(found["values"], backup_id=found["backup_id"])
    commands = agent.commands(mode + "_discard", values)
    with run.releasing():
        with run.step("discard", host.name, values["name"]) as record:
            failures = [guest.failure(completed) for completed in map(host.command, commands) if completed.status != 0]
            if failures or not commands:
                record["detail"] = failures[0] if failures else "%s has no command for it" % agent.name
                run.warn("a worthless backup of %s stays with %s: %s" % (
                    values["name"], agent.name, record["detail"]))
