// A network in numbers, for people and for tools (`frostctl describe`).
//
// Thread-safe.
#ifndef FROSTNAS_ARCH_DESCRIBE_H_
#define FROSTNAS_ARCH_DESCRIBE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "arch/cost.h"
#include "arch/graph.h"
#include "arch/space.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::arch {

struct Description {
  v1::Architecture architecture;
  std::string sha256;  // arch/digest.h
  Graph graph;
  Cost total;
};

// What `preset_or_file` says, as LoadArchitecture of arch/presets.h with its
// errors.
absl::StatusOr<Description> Describe(absl::string_view preset_or_file,
                                     const SpaceOverrides& overrides);

// Of an architecture at hand. INVALID_ARGUMENT as ExpandArchitecture.
absl::StatusOr<Description> Describe(v1::Architecture architecture);

// {"name","sha256","input_size","input_channels","classes","params","macs",
// "package_bytes","layers":[{"name","kind","in","out","kernel","stride",
// "params","macs","bytes"}]}; "in" and "out" are [height, width, channels].
// MACs are of one image; bytes as Cost::package_bytes.
std::string DescriptionJson(const Description& description);

// A table with a line a layer and the total.
std::string DescriptionText(const Description& description);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_DESCRIBE_H_
