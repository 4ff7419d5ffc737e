"""Java packages of the management API, as a lab has them."""
