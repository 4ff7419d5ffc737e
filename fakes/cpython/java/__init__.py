"""The few Java packages that scripts on the VM server import."""
