"""The one place that names the management API of Virtual Iron.

Calls that the paper's appendix uses are known. Those marked ``# assumed`` are functions that the
paper describes without their names: a site whose API differs mends one line here, and
``vibackup probe`` says which of them a manager has. Every error of the manager leaves this module as
an ``errors.ApiError``.
"""
from __future__ import absolute_import, division, print_function, unicode_literals

import os
import socket

from vibackup import compat, errors
from vibackup.turn import Turn

RUNNING, STOPPED, STARTING, FAILED, OTHER = "Running", "Stopped", "Starting", "Failed", "other"
LOGICAL, RAW, NETWORK = "logical", "raw", "network"

MOST_NAMES = 5  # of what there is, where a name is not found
LISTING_TRIES = 3

_IN_WORDS = {"VirtualServer": "virtual server", "StorageDevice": "storage device", "LogicalDisk": "logical disk",
             "LvmDiskGroup": "disk group", "ManagedNode": "managed node"}

_EVENT_KINDS = {"VirtualServerRunningEvent": RUNNING, "VirtualServerStoppedEvent": STOPPED,
                "VirtualServerStartingEvent": STARTING,   # assumed
                "VirtualServerFailedEvent": FAILED}       # assumed


def connect(clock, guests, lab=None):
    """Return the Manager of this VM server, or of the lab that is open.

    ``clock``: a ``clock.SystemClock`` or the lab's. ``guests``: the way into guests, see ``guest``.
    ``lab``: the lab, or None.
    Raises Unavailable where there is no management API, or it does not answer.
    """
    try:
        from com.virtualiron.vce.mgmt.api import VirtualizationManager
        import com.virtualiron.vce.mgmt.api.physical as physical
        import com.virtualiron.vce.mgmt.api.virtual as virtual
    except ImportError:
        raise errors.Unavailable("no Virtual Iron management API here: start this with runner.sh on the VM server, "
                                 "or rehearse with --lab")
    try:
        configuration = VirtualizationManager.getConfigurationManager()
    except compat.FAULTS as error:
        raise errors.Unavailable("the management API does not answer: %s" % compat.message(error))
    return Manager(configuration, (physical, virtual), clock, guests, lab)


def in_words(kind):
    """Return what people call an object of class ``kind``."""
    return _IN_WORDS.get(kind, kind)


def has(thing, call):
    """Tell whether this manager's API has ``call`` on the kind of object that ``thing`` is."""
    return getattr(thing, str(call), None) is not None


def require(thing, *calls):
    """Raise MissingCall, before anything changes, where the API lacks one of ``calls`` on ``thing``."""
    for call in calls:
        if not has(thing, call):
            raise errors.MissingCall("this manager has no %s (see: vibackup probe)" % call)


def require_for(purpose, thing):
    """Raise MissingCall where the API cannot do to ``thing`` what ``purpose``, a key of NEEDS, is about."""
    require(thing, *NEEDS[purpose])


# What the API must have on an object: the change, and what takes it back.
NEEDS = {
    "snapshot": ("snapshot", "getSnapshot", "deleteSnapshot"),
    "snapshot of a disk": ("getBytes", "getParentLvmDiskGroup", "getSnapshotParent"),
    "space": ("getFreeBytes", "deleteLogicalDisk"),
    "boot": ("addStorageDeviceFirst", "setBootType", "start", "stop", "getStatusEvent"),
    "proxy": ("addStorageDevice", "removeStorageDevice", "start", "stop", "reboot"),
    "new disk": ("createLogicalDisk", "getFreeBytes", "deleteLogicalDisk"),
    "import": ("importLogicalDisk", "getFreeBytes", "deleteLogicalDisk"),
    "new server": ("createVirtualServer", "deleteVirtualServer"),
    "life of a new server": ("addStorageDevice", "getStorageDevices", "setBootType", "start", "stop", "getStatusEvent",
                             "getManagedNode"),
    "life of a new disk": ("getBytes", "getParentLvmDiskGroup"),
    "clone": ("cloneTo",),
    "export": ("exportVhd",),
    "revert": ("revertToSnapshot", "start", "stop"),
}


def _call(thing, call, *arguments):
    require(thing, call)
    try:
        return getattr(thing, str(call))(*arguments)
    except errors.VibackupError:
        raise
    except compat.FAULTS as error:
        error = compat.unwrapped(error)
        raise (errors.ManagerGone if _is_lost_connection(error) else errors.ApiError)(call, error)


def _read_again(read):
    """Return ``read()``, which asks each object of a list; again where one fails, for it may be gone since the list."""
    for _number in range(LISTING_TRIES - 1):
        try:
            return read()
        except errors.ManagerGone:
            raise
        except errors.ApiError:
            continue
    return read()


def _is_lost_connection(error):
    """Tell whether an error of the manager's is one of Java's network errors, or below one.

    An interface does not count: all of Java's errors are ``java.io.Serializable``.
    """
    packages = [compat.text(kind.__module__) for kind in type(error).__mro__ if issubclass(kind, compat.FAULTS)]
    return any(package.split(".")[:2] in (["java", "rmi"], ["java", "net"], ["java", "io"]) for package in packages)


# What the API must or may have: kind -> (known calls, assumed calls).
CALLS = (
    ("ConfigurationManager", ("getFoundryContext", "findObject", "createJob"), ("getObjects",)),
    ("VirtualServer", ("getName", "getKind", "snapshot", "getSnapshot", "deleteSnapshot", "start", "getStatusEvent",
                       "getStorageDevices", "addStorageDeviceFirst", "setBootType"),
     ("getId", "setName", "addStorageDevice", "removeStorageDevice", "stop", "reboot", "getManagedNode",
      "getOperatingSystem", "setOperatingSystem", "revertToSnapshot", "getMemoryBytes", "setMemoryBytes",
      "getProcessors", "setProcessors", "getNetworks", "setNetworks", "getBootType")),
    ("VirtualDataCenter", (), ("getId", "createVirtualServer", "deleteVirtualServer")),
    ("ManagedNode", (), ("getId", "getVirtualDataCenter")),
    ("LvmDiskGroup", ("deleteLogicalDisk",), ("getId", "getFreeBytes", "createLogicalDisk", "importLogicalDisk")),
    ("LogicalDisk", ("getKind", "getSnapshotParent", "getParentLvmDiskGroup"),
     ("getId", "getBytes", "getSnapshotUsedPercent", "exportVhd", "cloneTo", "getCopyPercent")),
    ("RawDisk", (), ("getLun",)),
    ("VirtualServerEvent", ("getKind",), ("getTime",)),
)

# A virtual server's settings: name -> (call that reads it, call that sets it).
_SETTINGS = (("memory_bytes", "getMemoryBytes", "setMemoryBytes"),  # assumed
             ("processors", "getProcessors", "setProcessors"),  # assumed
             ("networks", "getNetworks", "setNetworks"),  # assumed
             ("operating_system", "getOperatingSystem", "setOperatingSystem"))  # assumed


class Manager(object):
    """The manager: finds objects, makes jobs, reads events. ``clock`` and ``guests`` belong to the same site.

    ``name`` tells one manager from another in what a run writes down. ``doubt``: why what it says cannot be
    trusted any more, in words, or None; see ``job``.
    """

    def __init__(self, configuration, packages, clock, guests, lab):
        self._configuration = configuration
        self._packages = packages
        self._log = None
        self._names = {}
        self.doubt = None
        self.jobs = Turn(clock)
        self.clock = clock
        self.guests = guests
        self.lab = lab
        self.name = "the lab in %s" % lab.folder if lab else compat.text(socket.gethostname())

    def for_thread(self):
        """Return a Manager of the same site for another thread: with an event log and a doubt of its own."""
        other = Manager(self._configuration, self._packages, self.clock, self.guests, self.lab)
        other.jobs, other._names = self.jobs, self._names
        return other

    def kind(self, name):
        """Return the API's class ``name``, from whichever of its packages has it, or None."""
        for package in self._packages:
            found = getattr(package, str(name), None)
            if found is not None:
                return found
        return None

    def find(self, kind, name):
        """Return the object of class ``kind`` called ``name``; raise NotFound where there is none, Refused for two."""
        found = self.by_name(kind, name)
        if found is None:
            raise self.not_found(kind, name)
        if has(self._configuration, "getObjects") and self._names_of(kind).count(name) > 1:
            raise errors.Refused("two %ss are called %s, and only one is meant: give each a name of its own" % (
                in_words(kind), name))
        return found

    def _names_of(self, kind):
        """Return the names of all objects of class ``kind``, asked for once: each is a call of the API."""
        if kind not in self._names:
            self._names[kind] = _read_again(lambda: [name_of(thing) for thing in self.objects(kind)])
        return self._names[kind]

    def not_found(self, kind, name):
        """Return the NotFound that says so, and which names there are that are most like it."""
        try:
            names = set(self._names_of(kind))
        except (errors.ApiError, errors.MissingCall):
            names = ()  # what is not there is the error to tell
        alike = sorted(names, key=lambda each: (-len(os.path.commonprefix([each, compat.text(name)])), each))
        return errors.NotFound("no %s is called %s%s" % (
            in_words(kind), name, "; there is: " + ", ".join(alike[:MOST_NAMES]) if alike else ""))

    def find_server(self, name):
        """Return the virtual server called ``name``; raise NotFound or Refused."""
        return self.find("VirtualServer", name)

    def find_device(self, name):
        """Return the storage device called ``name``; raise NotFound or Refused."""
        return self.find("StorageDevice", name)

    def by_id(self, kind, identity, name):
        """Return the object of class ``kind`` with that id, or None; ``name``: to look it up where none is listed."""
        if has(self._configuration, "getObjects"):
            return self.find_by_id(kind, identity)
        found = self.by_name(kind, name)
        return found if found is not None and identity_of(found) == identity else None

    def server_by_id(self, identity, name):
        """Return the virtual server with that id, or None; see ``by_id``."""
        return self.by_id("VirtualServer", identity, name)

    def by_name(self, kind, name):
        """Return the object of class ``kind`` called ``name``, or None."""
        return _call(self._configuration, "findObject", self.kind(kind), name)

    def objects(self, kind):
        """Return every object of class ``kind``."""
        return list(_call(self._configuration, "getObjects", self.kind(kind)))  # assumed

    def samples(self, kind):
        """Return some objects of class ``kind``, to be asked what calls they have."""
        if kind == "ConfigurationManager":
            return [self._configuration]
        if kind == "VirtualServerEvent":
            events = [status(server) for server in self.samples("VirtualServer")]
            return [event for event in events if event is not None][:1]
        return self.objects(kind)[:1] if has(self._configuration, "getObjects") else []

    def find_by_id(self, kind, identity):
        """Return the object of class ``kind`` whose id is ``identity``, or None."""
        return _read_again(lambda: next(
            (thing for thing in self.objects(kind) if identity_of(thing) == identity), None))

    def which(self, thing, kinds):
        """Return the first of ``kinds`` (names of classes) that ``thing`` is of, or None."""
        found = _call(thing, "getKind")
        for name in kinds:
            wanted = self.kind(name)
            if wanted is not None and wanted.isAssignableFrom(found):
                return name
        return None

    def is_a(self, thing, kind):
        """Tell whether ``thing`` is of class ``kind`` or one below it."""
        return self.which(thing, (kind,)) is not None

    def device_kind(self, device):
        """Return LOGICAL, RAW or NETWORK for a storage device."""
        return {"LogicalDisk": LOGICAL, "NetworkBlockDevice": NETWORK}.get(
            self.which(device, ("NetworkBlockDevice", "LogicalDisk")), RAW)

    def is_snapshot_disk(self, device):
        """Tell whether a storage device is the snapshot of a logical disk."""
        return self.is_a(device, "LogicalDisk") and parent_of(device) is not None

    def holder_of(self, device):
        """Return a virtual server that has ``device``, or None; raise MissingCall where nobody can tell."""
        self.require_listing()
        wanted = identity_of(device)
        return _read_again(lambda: next(
            (server for server in self.objects("VirtualServer")
             if any(identity_of(each) == wanted for each in devices_of(server))), None))

    def require_listing(self):
        """Raise MissingCall where objects cannot be listed: then nobody can tell who uses a disk."""
        require(self._configuration, "getObjects")

    def require_events(self):
        """Raise MissingCall where nothing can be waited for."""
        require(self.event_log(), "listenForEvents")

    def boot_type(self, device):
        """Return the boot type that fits ``device``, or raise Refused where nothing boots from it."""
        boot_info = self.kind("VirtualServer_BootInfo")
        kind = self.which(device, ("NetworkBlockDevice", "LvmStorageDevice"))
        if kind == "NetworkBlockDevice":
            return boot_info.VS_BOOT_DEVICE_CDROM
        if kind == "LvmStorageDevice":
            return boot_info.VS_BOOT_DEVICE_DISK
        raise errors.Refused("%s is neither a network block device nor a logical disk: nothing boots from it"
                             % name_of(device))

    def disk_boot_type(self):
        """Return the boot type of a server that boots from its first disk."""
        return self.kind("VirtualServer_BootInfo").VS_BOOT_DEVICE_DISK

    def settings_of(self, server):
        """Return what this API lets one record of a virtual server, as plain data.

        memory_bytes, processors, networks (names), operating_system, boot_type (DISK or CDROM), node (its
        name); what the API cannot tell is not there.
        """
        found = dict((name, _plain(_call(server, getter)))
                     for name, getter, _setter in _SETTINGS if has(server, getter))
        if has(server, "getBootType"):
            cdrom = self.kind("VirtualServer_BootInfo").VS_BOOT_DEVICE_CDROM
            found["boot_type"] = "CDROM" if _call(server, "getBootType") == cdrom else "DISK"  # assumed
        if has(server, "getManagedNode"):
            found["node"] = name_of(node_of(server))
        return found

    def create_job(self, name):
        """Return a new job, not yet begun."""
        return _call(self._configuration, "createJob", name)

    def event_log(self):
        """Return the event log; the first call subscribes."""
        if self._log is None:
            self._log = _call(_call(self._configuration, "getFoundryContext"), "getEventLog")
        return self._log

    def listen(self, server, seconds):
        """Wait until there are events of the virtual server, for ``seconds`` at most."""
        _call(self.event_log(), "listenForEvents", self.kind("VirtualServerEvent"), server, int(seconds * 1000))

    def event_kind(self, event):
        """Return what an event tells: RUNNING, STOPPED, STARTING, FAILED or OTHER."""
        return _EVENT_KINDS.get(self.which(event, sorted(_EVENT_KINDS)), OTHER)


def _plain(value):
    """Return a value of the API as plain data: text, a whole number, or a list of text."""
    if isinstance(value, compat.number_types):
        return int(value)
    if isinstance(value, (compat.text_type, compat.byte_type)):
        return compat.text(value)
    return [compat.text(each) for each in value]


# -- every object

def name_of(thing):
    """Return the object's name, as text."""
    return compat.text(_call(thing, "getName"))


def identity_of(thing):
    """Return what tells this object from all others: its id, or its name where the API has no ids."""
    return compat.text(_call(thing, "getId")) if has(thing, "getId") else name_of(thing)  # assumed


def can_identify(thing):
    """Tell whether the API has ids; without them ``identity_of`` is the name."""
    return has(thing, "getId")


def can_name(thing):
    """Tell whether the API can rename an object."""
    return has(thing, "setName")


def set_name(thing, name):
    """Rename the object, where the API can."""
    if can_name(thing):
        _call(thing, "setName", name)  # assumed


# -- jobs

def begin(job):
    """Begin the job."""
    _call(job, "begin")


def commit(job):
    """Commit the job."""
    _call(job, "commit")


def abort(job):
    """Abort the job."""
    _call(job, "abort")


def describe(job, words, thing):
    """Say in the manager's journal what the job does to ``thing``."""
    _call(job, "addOperationDescription", words, thing, thing, thing)


# -- virtual servers

def status(server):
    """Return the event that tells the server's present state, or None."""
    return _call(server, "getStatusEvent")


def event_key(event):
    """Return what tells one event from another: text that only compares equal."""
    if event is None:
        return None
    if has(event, "getTime"):
        return "%s %s" % (compat.text(_call(event, "getKind")), compat.text(_call(event, "getTime")))  # assumed
    return compat.text(event)


def event_moment(event):
    """Return what tells an event from others in every process alike, or None where the API has nothing that does."""
    return event_key(event) if event is not None and has(event, "getTime") else None


def operating_system(server):
    """Return the guest's operating system in the manager's words."""
    return compat.text(_call(server, "getOperatingSystem"))  # assumed


def node_of(server):
    """Return the managed node that the server runs on."""
    return _call(server, "getManagedNode")  # assumed


def data_center_of(node):
    """Return the data center that a managed node is in."""
    return _call(node, "getVirtualDataCenter")  # assumed


def set_settings(server, settings):
    """Give the server what ``Manager.settings_of`` recorded (inside a job); return names of what the API cannot set."""
    left = []
    for name, _getter, setter in _SETTINGS:
        if name in settings and has(server, setter):
            _call(server, setter, settings[name])
        elif name in settings:
            left.append(name)
    return left


def create_server(center, name, node):
    """Create a virtual server of the data center on the managed node (inside a job)."""
    return _call(center, "createVirtualServer", name, node)  # assumed


def delete_server(center, server):
    """Delete a virtual server that does not run (inside a job); its disks stay."""
    _call(center, "deleteVirtualServer", server)  # assumed


def start(server):
    """Start the server (inside a job)."""
    _call(server, "start")


def stop(server):
    """Stop the server (inside a job)."""
    _call(server, "stop")  # assumed


def reboot(server):
    """Boot the server again (inside a job)."""
    _call(server, "reboot")  # assumed


def devices_of(server):
    """Return the server's storage devices in order."""
    return list(_call(server, "getStorageDevices"))


def add_device(server, device):
    """Add a storage device behind the others (inside a job)."""
    _call(server, "addStorageDevice", device)  # assumed


def add_device_first(server, device):
    """Add a storage device before the others (inside a job)."""
    _call(server, "addStorageDeviceFirst", device)


def remove_device(server, device):
    """Take a storage device away from the server (inside a job)."""
    _call(server, "removeStorageDevice", device)  # assumed


def set_boot_type(server, boot_type):
    """Set what the server boots from (inside a job)."""
    _call(server, "setBootType", boot_type)


def snapshot(server):
    """Take the server's snapshot (inside a job); returns the snapshot virtual server."""
    return _call(server, "snapshot")


def snapshot_of(server):
    """Return the server's snapshot virtual server, or None."""
    return _call(server, "getSnapshot")


def revert(server):
    """Give the server's disks the content back that its snapshot has (inside a job); it must not run."""
    _call(server, "revertToSnapshot")  # assumed


def delete_snapshot(server, snapshot_server):
    """Delete the server's snapshot virtual server, whose snapshot disks are deleted already (inside a job)."""
    _call(server, "deleteSnapshot", snapshot_server)


# -- disks

def bytes_of(disk):
    """Return the logical disk's size in bytes."""
    return int(_call(disk, "getBytes"))  # assumed


def parent_of(disk):
    """Return the disk that this snapshot disk is a snapshot of, or None where it is none."""
    return _call(disk, "getSnapshotParent")


def group_of(disk):
    """Return the logical disk's disk group."""
    return _call(disk, "getParentLvmDiskGroup")


def free_bytes(group):
    """Return how many bytes of the disk group are free."""
    return int(_call(group, "getFreeBytes"))  # assumed


def delete_disk(group, disk):
    """Delete a logical disk of the group (inside a job)."""
    _call(group, "deleteLogicalDisk", disk)


def create_disk(group, name, size):
    """Create a logical disk of ``size`` bytes in the group (inside a job)."""
    return _call(group, "createLogicalDisk", name, size)  # assumed


def import_disk(group, name, path):
    """Make a logical disk in the group from the VHD file ``path`` (inside a job)."""
    return _call(group, "importLogicalDisk", name, path)  # assumed


def export_disk(disk, path):
    """Write the logical disk to the VHD file ``path`` (inside a job)."""
    _call(disk, "exportVhd", path)  # assumed


def clone_disk(disk, group, name):
    """Make a logical disk in the group with the content of ``disk`` (inside a job)."""
    return _call(disk, "cloneTo", group, name)  # assumed


def copied_percent(disk):
    """Return how much of the copying of ``disk`` is done, 0 to 100, or None where the API cannot tell."""
    return int(_call(disk, "getCopyPercent")) if has(disk, "getCopyPercent") else None  # assumed


def lun_of(disk):
    """Return the name that the storage array has for a raw disk; "" where the manager names none."""
    return compat.text(_call(disk, "getLun") or "")  # assumed


def can_tell_lost(disk):
    """Tell whether the API can say that a snapshot disk ran out of space."""
    return has(disk, "getSnapshotUsedPercent")


def loss_of(disk):
    """Return why what is read of a snapshot disk is worth nothing, or None where it is good, or nobody can tell."""
    if not can_tell_lost(disk):
        return None
    try:
        percent = int(_call(disk, "getSnapshotUsedPercent"))  # assumed
    except errors.ManagerGone:
        raise
    except errors.ApiError as error:
        return compat.message(error.cause)
    return "its space is used up" if percent >= 100 else None
