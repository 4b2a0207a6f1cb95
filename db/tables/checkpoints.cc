#include "db/tables/checkpoints.h"

#include "base/status_macros.h"
#include "db/rules.h"

namespace frostnas::db {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

constexpr char kUpsert[] =
    "INSERT INTO checkpoints (study, state) VALUES (?, ?) "
    "ON CONFLICT (study) DO UPDATE SET state = excluded.state";
constexpr char kClearBlobs[] = "DELETE FROM checkpoint_blobs WHERE study = ?";
constexpr char kAddBlob[] =
    "INSERT INTO checkpoint_blobs (study, position, sha256) VALUES (?, ?, ?)";
constexpr char kSelect[] = "SELECT state FROM checkpoints WHERE study = ?";
constexpr char kBlobs[] =
    "SELECT sha256 FROM checkpoint_blobs WHERE study = ? ORDER BY position";
constexpr char kReferenced[] =
    "SELECT sha256 FROM checkpoint_blobs "
    "UNION SELECT weights_sha256 FROM trials WHERE weights_sha256 <> '' "
    "UNION SELECT package_sha256 FROM trials WHERE package_sha256 <> '' "
    "UNION SELECT input_sha256 FROM tasks WHERE input_sha256 <> '' "
    "UNION SELECT sha256 FROM attempt_blobs ORDER BY 1";

absl::Status AppendTexts(Statement& rows, std::vector<std::string>* texts) {
  return ForEachRow(rows, [&] {
    texts->emplace_back(rows.Text(0));
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status SaveCheckpoint(WriteContext& context, int64_t study,
                            const Checkpoint& checkpoint) {
  RETURN_IF_ERROR(CheckCheckpoint(checkpoint));
  RETURN_IF_ERROR(context.db.Run(kUpsert, study, Blob(checkpoint.state)));
  RETURN_IF_ERROR(context.db.Run(kClearBlobs, study));
  int position = 0;
  for (const std::string& blob : checkpoint.blob_sha256) {
    RETURN_IF_ERROR(context.db.Run(kAddBlob, study, position++, blob));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(Database& db,
                                                         int64_t study) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kSelect, study));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  Checkpoint checkpoint;
  checkpoint.state = std::string(row.Bytes(0));
  ASSIGN_OR_RETURN(Statement blobs, db.Query(kBlobs, study));
  RETURN_IF_ERROR(AppendTexts(blobs, &checkpoint.blob_sha256));
  return checkpoint;
}

absl::StatusOr<std::vector<std::string>> ReadReferencedBlobs(Database& db) {
  ASSIGN_OR_RETURN(Statement rows, db.Query(kReferenced));
  std::vector<std::string> blobs;
  RETURN_IF_ERROR(AppendTexts(rows, &blobs));
  return blobs;
}

}  // namespace frostnas::db
