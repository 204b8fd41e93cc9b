SELECT position, hash FROM views.projected
