"""The rest of the management API: finding objects, making jobs, data centers and nodes."""
from __future__ import absolute_import, division, print_function, unicode_literals

from fakes import kinds
from fakes.dispatch import KIND, TEXT, operation
from fakes.events import EventLog
from fakes.faults import ManagementException
from fakes.jobs import Job

CONFIGURATION_MANAGER, FOUNDRY_CONTEXT = kinds.CONFIGURATION_MANAGER, kinds.FOUNDRY_CONTEXT


# -- every object

@operation(kinds.MANAGED_OBJECT, "getName", outlives=True)
def get_name(_lab, record):
    """Return the object's name."""
    return record["name"]


@operation(kinds.MANAGED_OBJECT, "getId", outlives=True)
def get_id(_lab, record):
    """Return the object's id, which no other object ever has."""
    return record["id"]


@operation(kinds.MANAGED_OBJECT, "getKind", outlives=True)
def get_kind(_lab, record):
    """Return the object's kind."""
    return kinds.BY_NAME[record["kind"]]


@operation(kinds.MANAGED_OBJECT, "setName", takes=(TEXT,), changes=True)
def set_name(lab, record, name, job):
    """Rename the object."""
    if not name:
        raise ManagementException("%s: a name cannot be empty" % record["name"])
    lab.world.change(record, job, name=name)


# -- the configuration manager

@operation(CONFIGURATION_MANAGER, "getFoundryContext")
def get_foundry_context(lab, _manager):
    """Return the context that has the event log."""
    return lab.foundry_context


@operation(CONFIGURATION_MANAGER, "findObject", takes=(KIND, TEXT))
def find_object(lab, _manager, kind, name):
    """Return an object of that kind with that name, or None."""
    return lab.world.named(kind.names(), name)


@operation(CONFIGURATION_MANAGER, "getObjects", takes=(KIND,))
def get_objects(lab, _manager, kind):
    """Return every object of that kind."""
    return lab.world.of_kinds(kind.names())


@operation(CONFIGURATION_MANAGER, "getLocalTime")
def get_local_time(lab, _manager):
    """Return the manager's wall clock, in milliseconds since 1970."""
    return lab.wall_ms()


@operation(CONFIGURATION_MANAGER, "createJob", takes=(TEXT,))
def create_job(lab, _manager, name):
    """Return a new job, which has to be begun."""
    return lab.keep_session(Job(lab.new_session_id("job"), name))


@operation(FOUNDRY_CONTEXT, "getEventLog")
def get_event_log(lab, _context):
    """Return the event log, from this moment on."""
    return lab.keep_session(EventLog(lab.new_session_id("eventlog"), len(lab.world.events)))


# -- data centers and nodes

@operation(kinds.VIRTUAL_DATA_CENTER, "getManagedNodes")
def get_managed_nodes(lab, center):
    """Return the data center's nodes."""
    nodes = lab.world.of_kinds({kinds.MANAGED_NODE.name})
    return [node for node in nodes if node["data_center"] == center["id"]]


@operation(kinds.MANAGED_NODE, "getVirtualDataCenter")
def get_virtual_data_center(lab, node):
    """Return the data center that the node is in."""
    return lab.world.get(node["data_center"])


@operation(kinds.MANAGED_NODE, "getVirtualServers")
def get_virtual_servers(lab, node):
    """Return the virtual servers that run on the node."""
    servers = lab.world.of_kinds({kinds.VIRTUAL_SERVER.name})
    return [server for server in servers if server["managed_node"] == node["id"]]


class VirtualizationManager(object):
    """Where a script begins."""

    lab = None

    @staticmethod
    def getConfigurationManager():
        """Return the manager of the lab that is open, or raise where none is."""
        if VirtualizationManager.lab is None:
            raise ManagementException("no lab is open")
        return VirtualizationManager.lab.configuration_manager()
