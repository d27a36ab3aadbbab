"""Random sessions: everything that can happen to a sandbox, as plain steps that Hypothesis draws and shrinks."""
