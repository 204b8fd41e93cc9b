-- For connections that only look up by key. Planning costs twice the look-up, and would be done anew for each; a plan of
-- the first day, when tables are empty, must be right on the hundredth.
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET jit = off;
