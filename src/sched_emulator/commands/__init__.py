"""The sub-commands of `sched-emulator`, one module each."""
