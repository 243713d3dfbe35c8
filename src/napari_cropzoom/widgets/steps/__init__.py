"""The steps of the dock, one module each."""
