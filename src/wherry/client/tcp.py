"""Sockets to engines on other hosts: TCP, with TLS where asked for.

Knows name look-up and certificates. Must not know HTTP. Loaded only for tcp:// hosts: `ssl` is slow to import.
"""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.client.address import Address, Tls


def connect(address: Address) -> socket.socket:
    """A connected socket, encrypted if the address asks for TLS. Raises OSError (ssl.SSLError is one)."""
    sock = socket.create_connection((address.name, address.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock if address.tls is None else _secured(sock, address.name, address.tls)


def _secured(sock: socket.socket, name: str, tls: Tls) -> socket.socket:
    import os
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.verify:
        context.load_verify_locations(tls.ca)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if os.path.exists(tls.certificate) and os.path.exists(tls.key):
        context.load_cert_chain(tls.certificate, tls.key)
    return context.wrap_socket(sock, server_hostname=name)
