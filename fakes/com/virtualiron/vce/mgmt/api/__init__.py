"""``com.virtualiron.vce.mgmt.api``, as scripts import it."""
from fakes.model import VirtualizationManager  # noqa: F401
