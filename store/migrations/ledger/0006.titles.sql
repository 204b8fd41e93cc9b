-- Who asks what a subject was given before finds their places in every cycle.
-- depends: 0005.claims

CREATE INDEX reservation_by_subject ON reservation (subject, cycle);
