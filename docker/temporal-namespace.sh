#!/bin/sh
# Makes the namespace with a retention of 90 days and registers our search attributes; safe to run again.
set -eu
namespace=xuanshu
temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention 90d
for name in Programme Cycle UnitCode AwardLevel; do
  temporal operator search-attribute list --namespace "$namespace" | grep -qw "$name" ||
    temporal operator search-attribute create --namespace "$namespace" --name "$name" --type Keyword
done
