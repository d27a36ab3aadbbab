"""Traffic as data: the format of a recording, the one that writes it, the one that reads it.

docs/recording-format.md describes the format. The room knows neither the emulator nor HTTP clients and servers.
"""
