"""The command ``cropzoom``: the verbs of ``litpose``, and a few of its own.

Thin: it reads arguments, runs a stage and says what happened.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

from napari_cropzoom.core.errors import CropzoomError

OK, FAILED, INTERRUPTED = 0, 1, 130
STDERR = 2  # the last of the streams that every process has
ROOM = "Make room on the disk, or send the output elsewhere."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        0 if all went well, 1 if not, 130 if interrupted. Wrong usage leaves with ``SystemExit(2)``.
    """
    from napari_cropzoom.cli.parser import build_parser

    _have_all_streams()
    _write_every_character()
    args = build_parser().parse_args(files_apart(sys.argv[1:] if argv is None else argv))
    debug = getattr(args, "debug", False)
    from napari_cropzoom.files.leftovers import remove_leftovers  # not for --help, which ends above

    _end_like_ctrl_c()
    remove_leftovers()
    try:
        args.handler(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # the program that read our output has gone; keep Python from complaining about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return _fail("interrupted; nothing was left half-written", INTERRUPTED, debug)
    except CropzoomError as error:
        return _fail(str(error), FAILED, debug)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and error.filename is None:
            return _fail(f"what this says cannot be written ({error.strerror}). {ROOM}", FAILED, debug)
        if error.filename is None or error.strerror is None:
            return _fail(f"{error} (--debug shows where)", FAILED, debug)
        cure = "Check that it is there and may be read and written, and that the disk has room."
        if error.errno == errno.ENAMETOOLONG:
            cure = "Rename the video: files made of it are named after it, with up to 30 letters more."
        return _fail(f"{error.filename}: {error.strerror}. {cure}", FAILED, debug)
    except Exception as error:  # a bug, but the person is owed one plain line
        text = " ".join(str(error).split())
        message = f"unexpected {type(error).__name__}: {text} (--debug shows where)"
        return _fail(message, FAILED, debug)
    return OK


def files_apart(argv: Sequence[str]) -> list[str]:
    """Arguments in which a file that is there and begins with a dash cannot be taken for an option."""
    return [
        os.path.join(os.curdir, word)
        if word.startswith("-") and os.path.splitext(word)[1] and os.path.isfile(word)
        else word
        for word in argv
    ]


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"cropzoom: error: {' '.join(message.split())}\n")
    return code


def _have_all_streams() -> None:
    """Open what the caller has closed, or the first files of this process were taken for its output."""
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= STDERR:
            os.set_inheritable(number, True)
        os.close(number)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _write_every_character() -> None:
    """Write characters that the console's code page lacks as escapes: no output fails for a name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _end_like_ctrl_c() -> None:
    """Clean up also when told to end, by a dropped connection, by Ctrl-Break or by a closed console.

    Windows has the last two as SIGBREAK. A program that is to go on without its terminal (``nohup``)
    ignores SIGHUP, and does so here.
    """
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt_only(os.getpid()))


def _interrupt_only(process: int) -> Callable[[int, FrameType | None], None]:
    """Make a signal clean up like Ctrl-C, but not in the worker processes that inherit the handler."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != process:
            os._exit(128 + number)
        raise KeyboardInterrupt

    return interrupt
