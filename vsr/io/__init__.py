"""Everything that touches containers, codecs and picture files: the only room that imports av."""
