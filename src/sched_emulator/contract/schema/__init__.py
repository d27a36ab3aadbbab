"""Schemathesis over the specification, resolved for the shapes that the target was found to have."""
