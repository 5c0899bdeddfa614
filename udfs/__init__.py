"""How Flink calls us: one file per operator."""
