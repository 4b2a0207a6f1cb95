#include "db/tables/latency_tables.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "db/rules.h"

namespace frostnas::db {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

constexpr char kFind[] =
    "SELECT seq, record FROM latency_tables WHERE device_fingerprint = ? "
    "AND runtime = ? AND threads = ? AND batch = ?";
constexpr char kInsert[] =
    "INSERT INTO latency_tables (device_fingerprint, runtime, threads, batch, "
    "record) VALUES (?, ?, ?, ?, ?)";
constexpr char kUpdate[] = "UPDATE latency_tables SET record = ? WHERE seq = ?";
constexpr char kSetOp[] =
    "INSERT OR REPLACE INTO op_latencies (latency_table, op_sha256, record) "
    "VALUES (?, ?, ?)";
constexpr char kOps[] =
    "SELECT record FROM op_latencies WHERE latency_table = ? "
    "ORDER BY op_sha256";

struct TableRow {
  int64_t seq = 0;         // 0: there is none
  v1::LatencyTable table;  // without operators
};

TableKey KeyOf(const v1::LatencyTable& table) {
  return {table.device().fingerprint(), table.device().runtime(),
          table.threads(), table.batch()};
}

absl::StatusOr<TableRow> FindTable(Database& db, const TableKey& key) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query(kFind, key.device_fingerprint, key.runtime,
                            key.threads, key.batch));
  TableRow found;
  ASSIGN_OR_RETURN(const bool exists, row.Step());
  if (!exists) return found;
  found.seq = row.Int(0);
  ASSIGN_OR_RETURN(found.table, ParseRecord<v1::LatencyTable>(row.Bytes(1)));
  return found;
}

// Returns the row's seq.
absl::StatusOr<int64_t> SaveHeader(Database& db,
                                   const v1::LatencyTable& table) {
  const TableKey key = KeyOf(table);
  ASSIGN_OR_RETURN(TableRow row, FindTable(db, key));
  MergeTableHeader(table, &row.table);
  const std::string record = row.table.SerializeAsString();
  if (row.seq != 0) {
    RETURN_IF_ERROR(db.Run(kUpdate, Blob(record), row.seq));
    return row.seq;
  }
  RETURN_IF_ERROR(db.Run(kInsert, key.device_fingerprint, key.runtime,
                         key.threads, key.batch, Blob(record)));
  return db.last_insert_id();
}

}  // namespace

absl::Status MergeTable(Database& db, const v1::LatencyTable& table) {
  RETURN_IF_ERROR(CheckLatencyTable(table));
  ASSIGN_OR_RETURN(const int64_t seq, SaveHeader(db, table));
  for (const v1::OpLatency& op : table.ops()) {
    RETURN_IF_ERROR(
        db.Run(kSetOp, seq, OpDigest(op.op()), Blob(op.SerializeAsString())));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::LatencyTable> ReadTable(Database& db, const TableKey& key) {
  ASSIGN_OR_RETURN(TableRow row, FindTable(db, key));
  if (row.seq == 0) return NoSuchTable(key);
  ASSIGN_OR_RETURN(Statement rows, db.Query(kOps, row.seq));
  RETURN_IF_ERROR(ForEachRow(rows, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(*row.table.add_ops(),
                     ParseRecord<v1::OpLatency>(rows.Bytes(0)));
    return absl::OkStatus();
  }));
  return std::move(row.table);
}

}  // namespace frostnas::db
