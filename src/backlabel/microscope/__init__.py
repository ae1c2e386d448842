"""How an image was taken, as its file or the text beside it says."""
