"""A narrow way to the server."""
import socket
import threading
import time


class SlowProxy:
    """Forwards to the server, at most `rate` bytes a second in that direction."""

    def __init__(self, server_port, rate):
        self._server_port, self.rate = server_port, rate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                client.close()
                continue
            for source, sink, slow in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._forward, args=(source, sink, slow), daemon=True).start()

    def _forward(self, source, sink, slow):
        try:
            while data := source.recv(1 << 14):
                if slow:
                    time.sleep(len(data) / self.rate)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
