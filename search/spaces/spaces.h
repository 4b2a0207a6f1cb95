// The spaces that come with the program: frost, frost_block, mobilenetv2,
// qf_mobilenetv1. Each is a textproto of this folder, embedded.
//
// Thread-safe.
#ifndef FROSTNAS_SEARCH_SPACES_SPACES_H_
#define FROSTNAS_SEARCH_SPACES_SPACES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "arch/space.h"
#include "proto/frostnas/v1/space.pb.h"

namespace frostnas::search {

std::vector<std::string> SpaceNames();

// What --space takes: a name of the above or a Space textproto as the user
// typed its path. INVALID_ARGUMENT: neither (the message lists the names), or
// the file's fault; else as base/file.h.
absl::StatusOr<v1::Space> LoadSpaceSpec(absl::string_view name_or_file);

// The same with overrides applied and made concrete (arch/space.h).
absl::StatusOr<arch::SearchSpace> LoadSpace(
    absl::string_view name_or_file, const arch::SpaceOverrides& overrides);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_SPACES_SPACES_H_
