-- $1 sheet
SELECT ballot.id AS ballot, ballot.no AS ballot_no, day FROM ballot.sheet JOIN ballot.ballot ON ballot.id = sheet.ballot WHERE sheet.no = $1
