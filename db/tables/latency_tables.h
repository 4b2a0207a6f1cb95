// Operator latencies that studies share.
#ifndef FROSTNAS_DB_TABLES_LATENCY_TABLES_H_
#define FROSTNAS_DB_TABLES_LATENCY_TABLES_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/records.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/measurement.pb.h"

namespace frostnas::db {

// As Store::MergeLatencyTable.
absl::Status MergeTable(sqlite::Database& db, const v1::LatencyTable& table);

// As Store::GetLatencyTable.
absl::StatusOr<v1::LatencyTable> ReadTable(sqlite::Database& db,
                                           const TableKey& key);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_LATENCY_TABLES_H_
