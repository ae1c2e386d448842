"""How certain a verdict is: copies and hard negatives made from one's own images, and counted."""
