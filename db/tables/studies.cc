#include "db/tables/studies.h"

#include <limits>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "db/rules.h"
#include "db/tables/events.h"

namespace frostnas::db {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

constexpr char kInsert[] =
    "INSERT INTO studies (request_id, spec_sha256, state, spec, record) "
    "VALUES (?, ?, ?, ?, ?)";
constexpr char kByRequest[] =
    "SELECT seq, spec_sha256 FROM studies WHERE request_id = ?";
constexpr char kExists[] = "SELECT 1 FROM studies WHERE seq = ?";
constexpr char kSelect[] =
    "SELECT seq, cancel_requested, spec, record FROM studies WHERE seq = ?";
constexpr char kPage[] =
    "SELECT seq, cancel_requested, spec, record FROM studies WHERE seq < ? "
    "ORDER BY seq DESC LIMIT ?";
constexpr char kUpdate[] =
    "UPDATE studies SET state = ?, cancel_requested = ?, record = ? "
    "WHERE seq = ?";

absl::Status NoSuchStudy(absl::string_view study_id) {
  return absl::NotFoundError(absl::StrCat("no study ", study_id));
}

absl::StatusOr<StudyRow> ParseRow(const Statement& row) {
  StudyRow parsed;
  parsed.seq = row.Int(0);
  parsed.cancel_requested = row.Int(1) != 0;
  ASSIGN_OR_RETURN(auto spec, ParseRecord<v1::StudySpec>(row.Bytes(2)));
  ASSIGN_OR_RETURN(parsed.study, ParseRecord<v1::Study>(row.Bytes(3)));
  parsed.study.set_id(StudyId(parsed.seq));
  *parsed.study.mutable_spec() = std::move(spec);
  return parsed;
}

// The study made by this request before; none: nullopt. ALREADY_EXISTS.
absl::StatusOr<std::optional<v1::Study>> FindRequest(
    Database& db, absl::string_view request_id, absl::string_view spec_sha256) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kByRequest, request_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  if (row.Text(1) != spec_sha256) {
    return absl::AlreadyExistsError(
        absl::StrCat("request_id ", request_id,
                     " was used with another spec; choose a new one"));
  }
  ASSIGN_OR_RETURN(StudyRow made, ReadStudy(db, row.Int(0)));
  return std::move(made.study);
}

}  // namespace

absl::StatusOr<v1::Study> InsertStudy(WriteContext& context,
                                      absl::string_view request_id,
                                      const v1::StudySpec& spec) {
  RETURN_IF_ERROR(CheckRequestId(request_id));
  const std::string digest = SpecDigest(spec);
  ASSIGN_OR_RETURN(auto made, FindRequest(context.db, request_id, digest));
  if (made.has_value()) return *std::move(made);
  StudyRow row;
  row.study.set_state(v1::STUDY_STATE_QUEUED);
  row.study.set_created_at_ns(context.now_ns);
  RETURN_IF_ERROR(context.db.Run(kInsert, request_id, digest, row.study.state(),
                                 Blob(spec.SerializeAsString()), Blob("")));
  row.seq = context.db.last_insert_id();
  row.study.set_id(StudyId(row.seq));
  *row.study.mutable_spec() = spec;
  RETURN_IF_ERROR(SaveStudy(context, row));
  return std::move(row.study);
}

absl::StatusOr<int64_t> FindStudy(Database& db, absl::string_view study_id) {
  ASSIGN_OR_RETURN(const int64_t seq, StudySeq(study_id));
  ASSIGN_OR_RETURN(const int64_t found, db.QueryInt(0, kExists, seq));
  if (found == 0) return NoSuchStudy(study_id);
  return seq;
}

absl::StatusOr<StudyRow> ReadStudy(Database& db, absl::string_view study_id) {
  ASSIGN_OR_RETURN(const int64_t seq, StudySeq(study_id));
  return ReadStudy(db, seq);
}

absl::StatusOr<StudyRow> ReadStudy(Database& db, int64_t seq) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kSelect, seq));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return NoSuchStudy(StudyId(seq));
  return ParseRow(row);
}

absl::StatusOr<Page<v1::Study>> ReadStudies(Database& db,
                                            const PageRequest& page) {
  constexpr int64_t kNewest = std::numeric_limits<int64_t>::max();
  ASSIGN_OR_RETURN(const int64_t before, ReadPage("studies", page, kNewest));
  // One more than asked for tells whether there is a next page.
  ASSIGN_OR_RETURN(Statement rows, db.Query(kPage, before, page.size + 1));
  Page<v1::Study> studies;
  int64_t last = 0;
  RETURN_IF_ERROR(ForEachRow(rows, [&]() -> absl::Status {
    if (studies.items.size() == static_cast<size_t>(page.size)) {
      studies.next_token = PageToken("studies", last);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(StudyRow row, ParseRow(rows));
    last = row.seq;
    studies.items.push_back(std::move(row.study));
    return absl::OkStatus();
  }));
  return studies;
}

absl::Status SaveStudy(WriteContext& context, const StudyRow& row) {
  v1::StudyEvent event;
  *event.mutable_study() = row.study;
  event.mutable_study()->clear_spec();
  v1::Study record = event.study();
  record.clear_id();
  RETURN_IF_ERROR(context.db.Run(kUpdate, record.state(),
                                 int{row.cancel_requested},
                                 Blob(record.SerializeAsString()), row.seq));
  return AppendEvent(context, row.seq, std::move(event));
}

}  // namespace frostnas::db
