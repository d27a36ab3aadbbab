"""The contract suite: tells whether a target behaves as the scheduling API is documented.

A target is the emulator, the real gateway, or a mock of somebody's own. The suite speaks HTTP only: it knows the
specification (`openapi/`), and nothing of how any target is built. How it is put together, from the bottom:

    results · settings          what a check is, what became of it; what the user asked for
    gate · exchange             every request passes here: budget, rate, refusals, the key, the record
    worlds · receivers          time, and who receives deliveries: virtual on an emulator, real on anything else
    contract · ledger           the documents resolved for the target's shapes; its answers to the open questions
    api                         what scenarios and probes talk to
    catalogue                   where checks are registered, with address and grade
    probes/ · scenarios/        the checks, written to be read
    schema/                     schemathesis over the resolved document
    runner · cleanup · known    plans, runs side by side, deletes what was made
    reports/                    terminal, HTML, Markdown, JUnit, JSON
"""
