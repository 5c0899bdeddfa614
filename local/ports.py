"""Which loopback ports a stack takes."""

import socket

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier server that still linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
    return True


def is_open(port: int, *, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        socket.create_connection((HOST, port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


def next_free(first: int, *, avoid: set[int]) -> int:
    """The first free port from `first` on that is not in `avoid`."""
    for port in range(first, 65536):
        if port not in avoid and is_free(port):
            return port
    raise RuntimeError(f"no free port from {first} on")


def any_free(*, avoid: set[int]) -> int:
    """A free port the system chooses, not in `avoid`."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in avoid:
            return port
