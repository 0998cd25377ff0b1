"""What is said to whoever runs infra/up and infra/down, on standard error, and how they end."""

import signal
import sys
import time

# From one sign of life to the next, where the output is no terminal.
SIGN_OF_LIFE_EVERY_S = 15


class Trouble(Exception):
    """Something went wrong. Ends the program with 1."""

    exit_code = 1


class Missing(Trouble):
    """Something must be installed or chosen first; nothing was started. Ends the program with 2."""

    exit_code = 2


def say(line):
    print(line, file=sys.stderr, flush=True)


class Progress:
    """One step that takes a while: a line that counts the seconds, or a line now and then."""

    def __init__(self, what):
        self.what = what
        self.begun = self.said = time.monotonic()
        self.is_terminal = sys.stderr.isatty()
        say(what)

    def tick(self):
        """To be called several times a second."""
        now = time.monotonic()
        if self.is_terminal:
            print(f"\r  {now - self.begun:.0f} s ", end="", file=sys.stderr, flush=True)
        elif now - self.said >= SIGN_OF_LIFE_EVERY_S:
            self.said = now
            say(f"  {now - self.begun:.0f} s")

    def done(self):
        """The step is over, well or not."""
        if self.is_terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def main(run):
    """Runs a program and ends it: 0 done, 1 failed, 2 something is missing, 130 interrupted, 143 terminated."""
    # As an exception, so that what was begun is cleared away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run()
    except Trouble as trouble:
        say(str(trouble))
        sys.exit(trouble.exit_code)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
