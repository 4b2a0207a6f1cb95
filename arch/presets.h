// Networks known by name: frostnet_small, frostnet_base, frostnet_large,
// mobilenet_v1, mobilenet_v2, qf_mobilenet_v1, goyal_sequential.
//
// Each is a file of arch/presets, a space with one candidate a slot, so width,
// input size and classes apply as they do to spaces. Thread-safe.
#ifndef FROSTNAS_ARCH_PRESETS_H_
#define FROSTNAS_ARCH_PRESETS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "arch/space.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::arch {

std::vector<std::string> PresetNames();

// INVALID_ARGUMENT: an unknown name (the message lists the known ones) or an
// override out of range.
absl::StatusOr<v1::Architecture> PresetArchitecture(
    absl::string_view name, const SpaceOverrides& overrides);

// What --arch takes: a preset's name or an Architecture textproto as the user
// typed its path. A width does not apply to a file. INVALID_ARGUMENT: neither,
// or the file's fault; else as base/file.h.
absl::StatusOr<v1::Architecture> LoadArchitecture(
    absl::string_view preset_or_file, const SpaceOverrides& overrides);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_PRESETS_H_
