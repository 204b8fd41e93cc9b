"""What is served over HTTP: the voter's way in, the published log, and a witness of it."""
