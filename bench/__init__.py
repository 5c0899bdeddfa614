"""How fast it is: benchmarks as commands."""
