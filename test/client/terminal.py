"""A program on a terminal of its own, as people use it: what it shows, keys, Ctrl-C, another size, a window that is closed."""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time


class Terminal:
    """stdin, stdout and stderr of the program are one pseudo-terminal that it controls; with `stdout` or `stderr` that one
    goes elsewhere."""

    def __init__(self, arguments, environment, columns=100, rows=30, **elsewhere):
        self.master, slave = pty.openpty()
        self._set_size(columns, rows)
        self.modes = termios.tcgetattr(slave)
        self.text = ""
        self.process = subprocess.Popen(arguments, env={"TERM": "xterm", **environment}, start_new_session=True,
                                        preexec_fn=lambda: self._begin(slave),
                                        **{"stdin": slave, "stdout": slave, "stderr": slave, **elsewhere})
        self.slave = slave  # kept open, so that its modes can be looked at when the program has ended

    @staticmethod
    def _begin(slave):
        """In the program's process: its terminal, and signals as a shell hands them on, also when this runs under nohup or behind a "&"."""
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(fd)

    def _set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows=30):
        self._set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def close_window(self):
        """As a window that is closed, or a connection that breaks off."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def read(self, seconds=0.0):
        """Adds to `text` what is shown within this time."""
        if select.select([self.master], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                self.text += os.read(self.master, 1 << 16).decode(errors="replace")

    def wait_for(self, pattern, timeout=20.0):
        """Until this regular expression is found in what has been shown; returns the match."""
        end = time.monotonic() + timeout
        while not (match := re.search(pattern, self.text, re.S)):
            assert time.monotonic() < end, f"not shown within {timeout} s: {pattern}\n{self.text!r}"
            self.read(0.05)
        return match

    def forget(self):
        self.read()
        self.text = ""

    def wait_exit(self, timeout=20.0):
        """The exit code; of a signal as subprocess says."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still there after {timeout} s: {self.text!r}"
            if self.master >= 0:
                self.read(0.02)
            else:
                time.sleep(0.02)
        while self.master >= 0 and select.select([self.master], [], [], 0)[0]:
            self.read()
        return self.process.returncode

    def modes_now(self):
        return termios.tcgetattr(self.slave)

    def lines(self):
        """What a terminal would show: lines that are written over count as they are last. Of the main page."""
        text = re.sub(r"\x1b\[\?1049h.*?(\x1b\[\?1049l|$)", "", self.text, flags=re.S)
        shown = []
        for line in text.replace("\r\n", "\n").split("\n"):
            row = ""
            for part in line.split("\r"):
                part = re.sub(r"\x1b\[[0-9;]*m", "", part)
                erases = part.endswith("\x1b[K")
                part = part.removesuffix("\x1b[K")
                row = part if erases else part + row[len(part):]
            shown.append(row)
        return shown
