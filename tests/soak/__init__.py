"""What can go wrong, over and over, beside processes that run and run: nothing may be lost, and nothing may grow."""
