"""Playing and stepping."""
