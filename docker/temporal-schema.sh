#!/bin/sh
# Makes or updates the tables of Temporal's two databases; safe to run again.
set -eu
for database in temporal temporal_visibility; do
  folder=${database#temporal_}
  [ "$folder" = visibility ] || folder=temporal
  temporal-sql-tool --database "$database" create-database
  temporal-sql-tool --database "$database" setup-schema -v 0.0
  temporal-sql-tool --database "$database" update-schema \
    -d "/etc/temporal/schema/postgresql/v12/$folder/versioned"
done
