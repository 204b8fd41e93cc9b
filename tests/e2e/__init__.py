"""Whole cycles through `starter.py`, on servers of their own."""
