"""How steps are wired: one file per job."""
