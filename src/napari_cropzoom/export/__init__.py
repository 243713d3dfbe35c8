"""To show others: labeled videos."""
