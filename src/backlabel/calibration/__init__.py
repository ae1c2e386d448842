"""How certain a verdict is: copies and hard negatives of the user's own images, counted."""
