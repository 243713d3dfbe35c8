"""Labels made by review: what was found, what a person has said of it, and the table of both."""
