"""How keys of the table act: when they are pressed, held, and let go."""
