"""How certain a verdict is: copies and hard negatives made from the user's own images, and counted."""
