"""Virtual servers and what happens to them."""
from fakes.kinds import (  # noqa: F401
    FAILED_EVENT as VirtualServerFailedEvent,
    RUNNING_EVENT as VirtualServerRunningEvent,
    STARTING_EVENT as VirtualServerStartingEvent,
    STOPPED_EVENT as VirtualServerStoppedEvent,
    VIRTUAL_SERVER as VirtualServer,
    VIRTUAL_SERVER_EVENT as VirtualServerEvent,
    VirtualServer_BootInfo,
)
