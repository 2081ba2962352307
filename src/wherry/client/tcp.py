"""Sockets to engines on other hosts: TCP, with TLS where asked for.

Knows name look-up and certificates. Must not know HTTP. Loaded only for tcp:// hosts: `ssl` is slow to import.
"""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from wherry.client.address import Address, Tls


_PIECE = 65536
_RECORD = 16384


def connect(address: Address) -> socket.socket | Encrypted:
    """A connected socket, encrypted if the address asks for TLS. Raises OSError (ssl.SSLError is one)."""
    sock = socket.create_connection((address.name, address.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock if address.tls is None else _secured(sock, address.name, address.tls)


def _secured(sock: socket.socket, name: str, tls: Tls) -> Encrypted:
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
    return Encrypted(sock, context, name)


class Encrypted:
    """A TLS connection that can end its own side and go on reading, with the methods of a socket that clients use.

    `ssl.SSLSocket` cannot: its `unwrap` sends our end and at once tries to read the peer's, and what the peer sends in
    that moment is lost. Here TLS works on memory, so that nothing is read unless it is asked for.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        import ssl

        self._want_read = ssl.SSLWantReadError
        self._ended = (ssl.SSLZeroReturnError, ssl.SSLEOFError)
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._unsent = b""
        self._read_ahead = b""
        try:
            self._shake_hands()
        except BaseException:
            sock.close()
            raise

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except self._want_read:
                self.flush()
                self._fetch()
            except OSError:
                self.flush()
                raise
            else:
                self.flush()
                return

    def _fetch(self) -> None:
        data = self._sock.recv(_PIECE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def recv(self, size: int) -> bytes:
        """As of a socket: b"" at the peer's end, BlockingIOError if there is nothing and it must not wait."""
        data, self._read_ahead = self._read_ahead[:size], self._read_ahead[size:]
        while not data:
            try:
                return self._tls.read(size)
            except self._want_read:
                self._fetch()
            except self._ended:
                return b""
        return data

    def pending(self) -> int:
        """Bytes that `recv` gives without looking at the connection."""
        return len(self._read_ahead) + self._tls.pending()

    def send(self, data: bytes) -> int:
        """As of a socket; what is encrypted and not sent yet is `unflushed`."""
        if self._unsent and not self.flush():
            raise BlockingIOError
        taken = self._tls.write(data[:_RECORD]) if data else 0
        self.flush()
        return taken

    def sendall(self, data: bytes) -> None:
        while data:
            data = data[self.send(data) :]

    @property
    def unflushed(self) -> bool:
        return bool(self._unsent)

    def flush(self) -> bool:
        """Send what is encrypted; whether all of it is gone."""
        self._unsent += self._outgoing.read()
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent)
            except BlockingIOError:
                return False
            self._unsent = self._unsent[sent:]
        return True

    def unwrap(self) -> None:
        """Say that no more comes from us. What has arrived so far is read first: the library would drop it."""
        try:
            while data := self._tls.read(_PIECE):
                self._read_ahead += data
        except (self._want_read, *self._ended):
            pass
        try:
            self._tls.unwrap()
        except self._want_read:
            pass
        self.flush()

    def setblocking(self, flag: bool) -> None:
        self._sock.setblocking(flag)

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()
