SELECT position, hash FROM views.projected FOR UPDATE
