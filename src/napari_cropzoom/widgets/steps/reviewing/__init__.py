"""Parts of the step *Review*."""
