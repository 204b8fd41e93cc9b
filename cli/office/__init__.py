"""What officers live in, Excel and Word: reading sheets, printing forms, lists, notices and certificates."""
