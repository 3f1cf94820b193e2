"""A TCP proxy in front of the server that can cut a connection between the server's commit and its answer."""
import selectors
import socket
import threading


class CuttingProxy:
    """Forwards to the server; when armed, the next answer to a request that contains `marker` is thrown away and the
    connection cut."""

    def __init__(self, server_port):
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._marker = None
        self.cuts = 0
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, marker):
        self._marker = marker

    def close(self):
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port))
        except OSError:
            client.close()
            return
        self._open += [client, server]
        doomed = False
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ)
            selector.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    try:
                        data = key.fileobj.recv(65536)
                    except OSError:
                        data = b""
                    if not data or (key.fileobj is server and doomed):
                        client.close()
                        server.close()
                        if doomed:
                            self.cuts += 1
                        return
                    if key.fileobj is client and self._marker and self._marker in data:
                        self._marker = None
                        doomed = True
                    (server if key.fileobj is client else client).sendall(data)
