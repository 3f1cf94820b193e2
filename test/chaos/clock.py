"""A time of day of their own for some processes."""
import contextlib
import os
import struct
import subprocess


class Clock:
    """The time of day of the processes that are started with its environment."""

    def __init__(self, directory):
        self._path, library = (os.path.join(directory, f"clock-{os.urandom(4).hex()}{suffix}") for suffix in ("", ".so"))
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, os.path.join(os.path.dirname(__file__), "clock_shim.c")], check=True)
        with open(self._path, "wb") as file:
            file.write(struct.pack("q", 0))
        os.chmod(self._path, 0o644)
        os.chmod(library, 0o755)
        self._environment = {"LD_PRELOAD": library, "RCQ_TEST_CLOCK": self._path}

    def set(self, minutes):
        with open(self._path, "r+b") as file:
            file.write(struct.pack("q", minutes * 60))

    @contextlib.contextmanager
    def started(self):
        """What is started within lives by this clock."""
        before = dict(os.environ)
        os.environ.update(self._environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
