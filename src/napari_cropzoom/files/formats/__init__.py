"""Box files of other programs: one module a format, each named in `registry`."""
