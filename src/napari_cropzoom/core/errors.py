"""The one exception that carries a message for a person."""


class CropzoomError(Exception):
    """Something the person can act on.

    The message is shown as it is, in the dock and on standard error, so it names the file, the place
    in it and the cure, in one or two sentences. Anything that is not a ``CropzoomError`` is a bug.
    """
