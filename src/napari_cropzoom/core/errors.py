"""The one exception that carries a message for a person."""

QUOTED = 80
"""Characters of a file, or of a library's words about it, that a message repeats at most."""


class CropzoomError(Exception):
    """Something the person can act on.

    The message is shown as it is, in the dock and on standard error, so it names the file, the place
    in it and the cure, in one or two sentences. Anything that is not a ``CropzoomError`` is a bug.
    """


def brief(said: object, limit: int = QUOTED) -> str:
    """Return a text, or what an exception says, in one line and cut to ``limit`` characters.

    An exception that says nothing is named by its class. Characters that cannot be shown are escaped.
    """
    text = str(said) or type(said).__name__
    line = " ".join(text[: 4 * limit].split())
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    return line if len(line) <= limit else f"{line[: limit - 3].rstrip()}..."
