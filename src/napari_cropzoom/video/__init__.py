"""Frame-exact reading of video files: index, decoder, cache, checks."""
