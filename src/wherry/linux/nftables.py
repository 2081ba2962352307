"""The kernel's packet filter, through libnftables.

Knows the library's context and its command language, nft(8). Must not know what the rules are for. A command text is
one transaction: all of it happens or nothing.
"""

from __future__ import annotations

import ctypes
import errno
import threading

_LIBRARY = "libnftables.so.1"


class NftError(OSError):
    """The kernel or the library refused; the message is the library's, which marks the place."""

    def __init__(self, message: str, commands: str) -> None:
        super().__init__(errno.EINVAL, f"nft: {message.strip()}")
        self.commands = commands


class Nft:
    """One context, in the network namespace of the thread that makes it. Safe on any thread."""

    def __init__(self) -> None:
        library = ctypes.CDLL(_LIBRARY, use_errno=True)
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
            getattr(library, name).argtypes = [ctypes.c_void_p]
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(library, name).argtypes = [ctypes.c_void_p]
            getattr(library, name).restype = ctypes.c_char_p
        library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        library.nft_ctx_free.argtypes = [ctypes.c_void_p]
        library.nft_ctx_free.restype = None
        self._library = library
        self._context = library.nft_ctx_new(0)
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)
        self._lock = threading.Lock()

    def run(self, commands: str) -> str:
        """Run commands, separated by newlines, as one transaction; what they print. NftError."""
        with self._lock:
            status = self._library.nft_run_cmd_from_buffer(self._context, commands.encode())
            output: bytes = self._library.nft_ctx_get_output_buffer(self._context) or b""
            failed: bytes = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if status != 0:
            raise NftError(failed.decode("utf-8", "replace"), commands)
        return output.decode("utf-8", "replace")

    def close(self) -> None:
        with self._lock:
            if self._context:
                self._library.nft_ctx_free(self._context)
                self._context = None
