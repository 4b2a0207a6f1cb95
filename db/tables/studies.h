// Studies.
#ifndef FROSTNAS_DB_TABLES_STUDIES_H_
#define FROSTNAS_DB_TABLES_STUDIES_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "db/records.h"
#include "db/tables/context.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::db {

struct StudyRow {
  int64_t seq = 0;
  bool cancel_requested = false;
  v1::Study study;  // with id and spec
};

// As Store::CreateStudy.
absl::StatusOr<v1::Study> InsertStudy(WriteContext& context,
                                      absl::string_view request_id,
                                      const v1::StudySpec& spec);

// The row number of a study. NOT_FOUND.
absl::StatusOr<int64_t> FindStudy(sqlite::Database& db,
                                  absl::string_view study_id);

// NOT_FOUND.
absl::StatusOr<StudyRow> ReadStudy(sqlite::Database& db,
                                   absl::string_view study_id);
absl::StatusOr<StudyRow> ReadStudy(sqlite::Database& db, int64_t seq);

// Newest first. INVALID_ARGUMENT.
absl::StatusOr<Page<v1::Study>> ReadStudies(sqlite::Database& db,
                                            const PageRequest& page);

// Writes the study as it is in `row` and an event with it.
absl::Status SaveStudy(WriteContext& context, const StudyRow& row);

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TABLES_STUDIES_H_
