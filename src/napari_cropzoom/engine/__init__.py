"""Networks: finding, loading and running them."""
