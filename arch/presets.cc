#include "arch/presets.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "arch/presets/preset_files.h"
#include "arch/textproto.h"
#include "base/embedded_file.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace frostnas::arch {
namespace {

const EmbeddedFile* FindPreset(absl::string_view name) {
  for (const EmbeddedFile& file : PresetFiles()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

absl::Status UnknownPreset(absl::string_view what, absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" is not a ", what, "; presets are ",
                   absl::StrJoin(PresetNames(), ", ")));
}

}  // namespace

std::vector<std::string> PresetNames() {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : PresetFiles()) names.emplace_back(file.name);
  return names;
}

absl::StatusOr<v1::Architecture> PresetArchitecture(
    absl::string_view name, const SpaceOverrides& overrides) {
  const EmbeddedFile* file = FindPreset(name);
  if (file == nullptr) return UnknownPreset("preset", name);
  v1::Space spec;
  RETURN_IF_ERROR(ParseTextproto(file->text, name, spec));
  ASSIGN_OR_RETURN(const SearchSpace space,
                   SearchSpace::Create(spec, overrides));
  v1::Choice only;
  only.mutable_candidate()->Resize(static_cast<int>(space.slots().size()), 0);
  ASSIGN_OR_RETURN(v1::Architecture architecture, space.ArchitectureOf(only));
  architecture.set_name(absl::StrCat(name, "_", space.spec().width()));
  return architecture;
}

absl::StatusOr<v1::Architecture> LoadArchitecture(
    absl::string_view preset_or_file, const SpaceOverrides& overrides) {
  if (FindPreset(preset_or_file) != nullptr) {
    return PresetArchitecture(preset_or_file, overrides);
  }
  const std::string path = ResolveUserPath(preset_or_file);
  if (!FileExists(path)) {
    return UnknownPreset("preset or a file", preset_or_file);
  }
  if (overrides.width) {
    return absl::InvalidArgumentError(
        absl::StrCat("width applies to presets only; ", preset_or_file,
                     " is a file, whose channels are final"));
  }
  v1::Architecture architecture;
  RETURN_IF_ERROR(ReadTextproto(path, architecture));
  if (overrides.input_size) architecture.set_input_size(*overrides.input_size);
  if (overrides.input_channels) {
    architecture.set_input_channels(*overrides.input_channels);
  }
  if (overrides.num_classes) {
    architecture.set_num_classes(*overrides.num_classes);
  }
  if (const absl::Status valid = ExpandArchitecture(architecture).status();
      !valid.ok()) {
    return absl::Status(valid.code(),
                        absl::StrCat(path, ": ", valid.message()));
  }
  return architecture;
}

}  // namespace frostnas::arch
