-- Units that put forward fewer than is asked of them.
-- depends: 0001.views

ALTER TABLE cycle ADD COLUMN below_minimum jsonb NOT NULL DEFAULT '[]';
