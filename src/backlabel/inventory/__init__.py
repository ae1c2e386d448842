"""What lies in a folder and what each file really is, without decoding anything."""
