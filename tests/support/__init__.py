"""What tests share: real servers and databases of their own."""
