"""`sched-emulator run -- COMMAND`: an unmodified program finds the emulator where it expects the gateway."""

HOST = "api.infrai.cc"
