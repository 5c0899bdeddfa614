"""The news that `make demo` replays: every article, masthead and figure is invented."""
