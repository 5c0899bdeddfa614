"""The `wiredesk` command: one module a group."""
