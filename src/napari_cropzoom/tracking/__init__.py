"""Following one animal by its pixels."""
