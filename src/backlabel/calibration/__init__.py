"""How certain a verdict is: copies and look-alikes made from the user's own images, and counted."""
