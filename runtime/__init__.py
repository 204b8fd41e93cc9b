"""Settings, logging, the connection to Temporal, the doctor, and the stack of servers that needs no installation."""
