"""Label schemes, and the labelled set that is made with them."""
