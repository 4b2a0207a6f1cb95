// Reading of tar archives (POSIX ustar) in memory.
#ifndef FROSTNAS_NN_DATA_DOWNLOAD_TAR_H_
#define FROSTNAS_NN_DATA_DOWNLOAD_TAR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas::nn {

// A regular file of an archive. The contents are the archive's memory.
struct TarFile {
  std::string path;  // as the archive says it; not to be trusted
  absl::string_view contents;
};

// The regular files, in order; directories are left out. DATA_LOSS: damaged,
// cut short, or with links, devices or extensions, which data sets do not
// need. Messages begin with `name`. Thread-safe.
absl::StatusOr<std::vector<TarFile>> ReadTar(absl::string_view archive,
                                             absl::string_view name);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_DOWNLOAD_TAR_H_
