"""A small file system that can be filled to the last byte, and emptied."""
import contextlib
import os
import subprocess

import harness


class Disk:
    """Mounted at a directory until remove(), which what still has files open there outlives."""

    def __init__(self, directory, megabytes):
        os.makedirs(directory, exist_ok=True)
        account = harness.run_as()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,uid={account['user']},gid={account['group']},mode=0700", "tmpfs", directory], check=True)
        self.directory, self._ballast = directory, os.path.join(directory, "ballast")

    def fill(self, leave=0):
        """So that no more than `leave` bytes are left."""
        free = os.statvfs(self.directory)
        most = free.f_bavail * free.f_frsize - leave
        with contextlib.suppress(OSError), open(self._ballast, "ab", buffering=0) as file:
            while most > 0:
                most -= file.write(bytes(min(most, 1 << 16)))

    def empty(self):
        os.unlink(self._ballast)

    def remove(self):
        subprocess.run(["umount", "--lazy", self.directory], check=True)
