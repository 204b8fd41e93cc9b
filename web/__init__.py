"""The voter's way in: an HTTP service that takes ballot papers straight to the ballot box."""
