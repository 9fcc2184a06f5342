"""A TLS client that has the server answer without end: key updates, of which each asks for one back (RFC 8446, section 4.6.3).

Python's ssl has no such call, so OpenSSL is spoken to itself.
"""
import ctypes
import ctypes.util
import socket
import threading

_ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
_Pointer = ctypes.c_void_p
for _name, _arguments in (("TLS_client_method", []), ("SSL_CTX_new", [_Pointer]), ("SSL_new", [_Pointer])):
    getattr(_ssl, _name).restype = _Pointer
    getattr(_ssl, _name).argtypes = _arguments
for _name, _arguments in (("SSL_set_fd", [_Pointer, ctypes.c_int]), ("SSL_connect", [_Pointer]), ("SSL_do_handshake", [_Pointer]),
                          ("SSL_write", [_Pointer, ctypes.c_char_p, ctypes.c_int]), ("SSL_key_update", [_Pointer, ctypes.c_int]),
                          ("SSL_free", [_Pointer]), ("SSL_CTX_free", [_Pointer])):
    getattr(_ssl, _name).argtypes = _arguments

UPDATE_REQUESTED = 1


class KeyUpdateFlood:
    """Sends `first`, then updates from a thread of its own, and reads nothing, until it is left or the server ends it."""

    def __init__(self, address, first):
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._context = _ssl.SSL_CTX_new(_ssl.TLS_client_method())
        self._ssl = _ssl.SSL_new(self._context)
        _ssl.SSL_set_fd(self._ssl, self.socket.fileno())
        assert _ssl.SSL_connect(self._ssl) == 1
        assert _ssl.SSL_write(self._ssl, first, len(first)) == len(first)
        self.updates = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        self.socket.settimeout(None)
        while not self._stop.is_set():
            if _ssl.SSL_key_update(self._ssl, UPDATE_REQUESTED) != 1 or _ssl.SSL_do_handshake(self._ssl) != 1:
                return
            self.updates += 1

    @property
    def ended(self):
        """The server has closed the connection."""
        return not self._thread.is_alive()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self.socket.shutdown(socket.SHUT_RDWR) if not self.ended else None
        self._thread.join(20)
        _ssl.SSL_free(self._ssl)
        _ssl.SSL_CTX_free(self._context)
        self.socket.close()
