"""Records as tables, names as cells, files written whole, and a store of small values."""
