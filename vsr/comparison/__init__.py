"""Two videos or pictures side by side: scores over time, and a page to look at them."""
