"""The techniques of the paper, and what it says for and against each, in a few words of our own."""
from __future__ import absolute_import, division, print_function, unicode_literals

import collections

# verb: of the command line; modes: of its backups in the catalog; title: for people; snapshot: whether one
# of the virtual server is kept as long as it lasts; all_disks: it wants one of each disk; advantages, disadvantages:
# of the paper.
Technique = collections.namedtuple("Technique", "verb modes title snapshot all_disks advantages disadvantages")

_ONE_MOMENT = "the snapshot is of one moment, as after a power cut (crash-consistent)"
_OFF_LOADED = "the work is taken off the virtual server, and off its managed node where the proxy is on another"
_FEW_AGENTS = "the agent is needed on a few proxies alone"
_PROXY_REBOOTS = "more steps, and the proxy is rebooted before and after"
_GROWS = "the snapshot lives in the free space of its disk group, and is lost when that is used up"
_NOT_ALONE = "only a part of a solution: it keeps no history of backups"

PROXY_IMAGE = Technique(
    "proxy-backup", ("image",), "whole disks, by an agent on a proxy", True, True,
    (_OFF_LOADED, _ONE_MOMENT, _FEW_AGENTS, "whatever operating system is on the disks, a Linux proxy can read them",
     "no file is looked at one by one, and a whole disk comes back at once"),
    (_PROXY_REBOOTS, _GROWS, "a single file comes back with its whole disk"))

PROXY_FILES = Technique(
    "proxy-backup", ("file",), "files, by an agent on a proxy", True, True,
    (_OFF_LOADED, _ONE_MOMENT, _FEW_AGENTS, "single files come back"),
    (_PROXY_REBOOTS, _GROWS, "the proxy must have the operating system of the virtual server"))

AGENT_FILES = Technique(
    "agent-backup", ("file",), "files, by an agent in the virtual server itself", False, False,
    ("well understood: the same as on a physical server", "single files come back, by the agent's own rules",
     "agents for applications (databases, mail) work as ever"),
    ("a licence and an installation on each virtual server",
     "it takes processor, memory and LAN from the virtual server, and from all on its managed node"))

AGENT_IMAGE = Technique(
    "agent-backup", ("image",), "whole disks, from within the virtual server itself", False, False,
    ("no backup software is needed: dd to a share on the network is enough", "raw disks can be read as well"),
    ("the disks change while they are read: good for servers that are still, or do not change often",
     "it takes processor, memory and LAN from the virtual server, and from all on its managed node"))

ARRAY = Technique(
    "array-backup", ("array", "image"), "the storage array's own snapshots of raw disks", False, False,
    ("the storage array moves the data, and no server does", "procedures that exist for the array go on as they are",
     "clustered applications can have their shared disks"),
    ("raw disks have no snapshot, clone, export or archive by Virtual Iron",
     "how an array is told to work is a matter of each array"))

ARCHIVE = Technique(
    "archive", ("archive",), "the whole virtual server as VHD files", True, True,
    ("disks and settings as they were at one moment, in an open format that is at home outside Virtual Iron too",
     "no agent and no proxy"),
    (_GROWS, "all bytes, every time", _NOT_ALONE))

SNAPSHOT_BOOT = Technique(
    "snapshot-boot", ("boot",), "its snapshot, booted from a device that backs it up", True, False,
    ("nothing is installed anywhere, and any operating system will do", _ONE_MOMENT),
    (_GROWS, "that it stopped by itself is the only sign of success",
     "it runs beside the original, on the same managed node"))

CLONE = Technique(
    "clone-disk", (), "a consistent copy of a disk in another disk group", True, False,
    ("a disk that can be used at once", _ONE_MOMENT),
    (_GROWS, "it takes the space of the whole disk", _NOT_ALONE))

EXPORT = Technique(
    "export-disk", (), "a disk as a VHD file", True, False,
    ("an open format that is at home outside Virtual Iron too", "no agent and no proxy", _ONE_MOMENT),
    (_GROWS, "all bytes, every time", _NOT_ALONE))

ROLLBACK = Technique(
    "rollback", (), "a snapshot to go back to after a risky change", True, False,
    ("taken in seconds, and the quickest way back",),
    (_GROWS, "no backup: it is in the disk group of the original, and goes with it",
     "there is one snapshot of a logical disk, so while it is there no other technique can take one"))
