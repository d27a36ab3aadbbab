"""The gateway's own description of itself, held against `openapi/scheduling.yaml`: free, without a key."""
