"""What steers an emulator from outside: it knows URLs, and nothing of how they are served."""
