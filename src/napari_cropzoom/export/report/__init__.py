"""A report of a review: its numbers, its pictures, and one page of HTML that holds them."""
