"""Where records go out: one task per block, which may await; the only room that decides when to send."""
