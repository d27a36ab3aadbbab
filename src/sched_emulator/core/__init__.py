"""The pure core: one sandbox's state and rules, on integer milliseconds, without I/O, clocks or chance."""
