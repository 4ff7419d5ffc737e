"""How long a raw image of 4 GiB with 1 GiB of data takes to become a VHD, beside qemu-img, and in how much memory."""
import os
import random
import shutil
import statistics
import sys

from common import MEBIBYTE, ROOT, interleaved, met, output_of, ratio, seconds_of, workspace

NAME = "raw image of 4 GiB with 1 GiB of data to a dynamic VHD"
SIZE, DATA, RUN = 4096 * MEBIBYTE, 1024 * MEBIBYTE, MEBIBYTE
NEEDED = SIZE // 2 + 1024 * MEBIBYTE  # bytes of free space: the image's data and one VHD at a time, with room
REPETITIONS = 5
GOAL, MOST_MEMORY = 1.5, 64  # times qemu-img's; MiB

# Not getrusage: what that says of a process begins with the peak of its parent.
_PACK = """
import sys
from vibackup import vhd
vhd.pack(sys.argv[1], sys.argv[2])
with open("/proc/self/status") as stream:
    print([line.split()[1] for line in stream if line.startswith("VmHWM:")][0])
"""


def figure():
    """Return the medians of both and their ratio, each in a fresh process, as text."""
    if shutil.which("qemu-img") is None:
        return "not measured: qemu-img is not there (goal: at most %.1f times its time)" % GOAL
    with workspace() as folder:
        if shutil.disk_usage(folder).free < NEEDED:
            return "not measured: less than %d MiB are free in %s" % (NEEDED // MEBIBYTE, folder)
        return _measure(os.path.join(folder, "disk.raw"), os.path.join(folder, "disk.vhd"))


def _measure(raw, vhd):
    _write_image(raw)
    memory = []
    ours, qemus = interleaved([
        lambda: _timed(vhd, lambda: memory.append(int(output_of([sys.executable, "-c", _PACK, raw, vhd],
                                                                PYTHONPATH=ROOT)))),
        lambda: _timed(vhd, lambda: output_of(["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o",
                                               "subformat=dynamic", raw, vhd]))], REPETITIONS)
    times, most = ratio(ours, qemus), max(memory) / 1024  # the system counts KiB
    return "%.2f s, qemu-img %.2f s: %.2f times (goal: at most %.1f; %s); at most %.0f MiB (goal: below %d; %s)" % (
        statistics.median(ours), statistics.median(qemus), times, GOAL, met(times <= GOAL),
        most, MOST_MEMORY, met(most < MOST_MEMORY))


def _write_image(path):
    """Write random data in runs of 1 MiB, each anywhere in a window of its own, and holes around them."""
    numbers = random.Random(1)
    window = SIZE // (DATA // RUN)
    with open(path, "wb") as stream:
        for begin in range(0, SIZE, window):
            stream.seek(begin + numbers.randrange((window - RUN) // 4096) * 4096)
            stream.write(os.urandom(RUN))
        stream.truncate(SIZE)
        stream.flush()
        os.fsync(stream.fileno())


def _timed(vhd, write):
    """Return the seconds that ``write`` takes to make the file ``vhd``; what others wrote is on the disk by then."""
    os.sync()
    try:
        return seconds_of(write)
    finally:
        os.remove(vhd)
