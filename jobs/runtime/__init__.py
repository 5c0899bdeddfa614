"""What every job shares: settings, endpoints, steps."""
