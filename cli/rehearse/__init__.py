"""`programme rehearse`: any programme run to its end by invented people, on servers of its own."""
