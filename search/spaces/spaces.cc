#include "search/spaces/spaces.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "arch/textproto.h"
#include "base/embedded_file.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "search/spaces/space_files.h"

namespace frostnas::search {

std::vector<std::string> SpaceNames() {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : SpaceFiles()) {
    names.emplace_back(file.name);
  }
  return names;
}

absl::StatusOr<v1::Space> LoadSpaceSpec(absl::string_view name_or_file) {
  v1::Space space;
  for (const EmbeddedFile& file : SpaceFiles()) {
    if (file.name != name_or_file) continue;
    RETURN_IF_ERROR(arch::ParseTextproto(file.text, file.name, space));
    return space;
  }
  const std::string path = ResolveUserPath(name_or_file);
  if (!FileExists(path)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", name_or_file, "\" is not a space or a file; spaces are ",
        absl::StrJoin(SpaceNames(), ", ")));
  }
  RETURN_IF_ERROR(arch::ReadTextproto(path, space));
  return space;
}

absl::StatusOr<arch::SearchSpace> LoadSpace(
    absl::string_view name_or_file, const arch::SpaceOverrides& overrides) {
  ASSIGN_OR_RETURN(const v1::Space spec, LoadSpaceSpec(name_or_file));
  return arch::SearchSpace::Create(spec, overrides);
}

}  // namespace frostnas::search
