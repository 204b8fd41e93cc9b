-- $1 ballot, $2 a number that one had. The number of a screening, alone on its ballot until the transaction ends.
INSERT INTO ballot.screening (ballot, number) VALUES ($1, $2 + 1)
ON CONFLICT (ballot) DO UPDATE SET number = greatest(screening.number, $2) + 1
RETURNING number
