"""Whether a port is free, asked before anything starts that would find out late."""

from __future__ import annotations

import socket

from streams.errors import TransientError

_ATTEMPTS = 20


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. Raises TransientError for an address that is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(
                1
            )  # Linux lets a second socket bind beside one that only binds, but not listen beside one that does
        except PermissionError as error:
            raise TransientError(f"port {port} needs root; choose one above 1023") from error
        except socket.gaierror as error:
            raise TransientError(f"{host} is no address: {error.strerror}") from error
        except OSError:
            return False
        return True


def free_ports(host: str, first: int, count: int, *, what: str, setting: str) -> int:
    """The first of `count` free ports in a row: `first` itself, or any where it is 0.

    Raises TransientError that names the taken one and the setting that chooses another.
    """
    if first:
        for port in range(first, first + count):
            if not is_free(host, port):
                raise TransientError(
                    f"port {port} is taken, {what} cannot listen there; free it, or choose another: "
                    f"{setting}={port + 100}"
                )
        return first
    for _ in range(_ATTEMPTS):
        with socket.socket() as probe:
            probe.bind((host, 0))
            start: int = probe.getsockname()[1]
        if start + count <= 65536 and all(is_free(host, port) for port in range(start, start + count)):
            return start
    raise TransientError(f"no {count} free ports in a row on {host}")
