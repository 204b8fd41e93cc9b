-- $1 ballot, $2 rules' bytes, $3 candidates in the order of the paper, $4 channels, $5 fewest and $6 most choices on a
-- paper, $7 choices a day, $8 for one candidate a day, $9 in total, $10 for one candidate in total, $11 whether a paper
-- may name a candidate twice; the first opening stays
SELECT ballot.open_ballot($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
