"""The editors' console: pages, rendered here, kept current by server-sent events."""

from serving.console.routes import mount as mount
