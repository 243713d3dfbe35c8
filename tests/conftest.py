"""What every test module shares."""

import contextlib

# torch's compiler brings an LLVM of its own, and so does software OpenGL. Loaded after a window is open
# the former crashes; the window never loads torch (models run in another process), but tests do.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401
