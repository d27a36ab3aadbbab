"""Traffic against the core: what a recording says of the open questions, and what no answer explains."""
