"""The tour: six tasks on the sample, each at its control, done by a person or shown by itself."""
