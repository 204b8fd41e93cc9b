"""The nouns: frozen types that cross a boundary, their bytes and their errors. Imports nothing of ours."""
