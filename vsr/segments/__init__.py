"""A long run as pieces that survive it: cut, made by one or by many, kept, joined."""
