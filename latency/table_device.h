// A device that is not at hand: answers come from its saved latency table.
#ifndef FROSTNAS_LATENCY_TABLE_DEVICE_H_
#define FROSTNAS_LATENCY_TABLE_DEVICE_H_

#include <memory>
#include <string>

#include "latency/device.h"
#include "latency/latency_table.h"

namespace frostnas::latency {

// Measure() gives the table's prediction and its interval with the verdict
// LOOKED_UP and no samples, the same bytes every time; ProfileOps() gives its
// entries. Only the table's own threads and batch have answers. The fingerprint
// is the SHA-256 of the table, so that a changed table is another device.
std::unique_ptr<LatencyDevice> CreateTableDevice(std::string id,
                                                 LatencyTable table);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_TABLE_DEVICE_H_
