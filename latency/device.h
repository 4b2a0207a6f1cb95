// Start here: something latency is measured on, or looked up for.
//
//   ASSIGN_OR_RETURN(const auto device, OpenDevice("host", RealClock()));
//   ASSIGN_OR_RETURN(const v1::Measurement measured,
//                    device->Measure(package, {}, stop));
//
// Ids: "host"; "adb:SERIAL", a phone; "table:FILE", which answers from a saved
// table and says that it did not measure.
//
// Thread-safe: a device does one thing at a time, other callers wait.
#ifndef FROSTNAS_LATENCY_DEVICE_H_
#define FROSTNAS_LATENCY_DEVICE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/stop.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/package.pb.h"
#include "proto/frostnas/v1/task.pb.h"

namespace frostnas::latency {

enum class DeviceKind { kHost, kAdb, kTable };

struct DeviceId {
  DeviceKind kind = DeviceKind::kHost;
  std::string argument;  // serial or file; empty for the host
};

// INVALID_ARGUMENT, naming the id and what would be valid.
absl::StatusOr<DeviceId> ParseDeviceId(absl::string_view id);

// How long to look: kSmoke is for trying things out.
enum class Effort { kSmoke, kQuick, kFull };
Effort EffortOf(v1::MeasureEffort effort);
v1::MeasureEffort ToProto(Effort effort);

struct MeasureRequest {
  int threads = 1;  // 1..64
  int batch = 1;    // 1..1024
  Effort effort = Effort::kQuick;
  // Load after the measurement, for the latency of a device that has become
  // warm; 0: none, at most 3600.
  double sustained_s = 0;
  // Of the networks that the ops of ProfileOps belong to, pixels: which
  // reference runs beside them (reference_network.h). 0: small ones. A package
  // has its own.
  int input_size = 0;
  // v1::Measurement::full_speed_ns of the results, by reference, from earlier
  // results of this device; where one is missing, what it estimated or was
  // given before.
  v1::FullSpeeds full_speeds;
};

// Takes one finished op; an error ends the profiling and is returned.
using OpCallback = std::function<absl::Status(const v1::OpLatency&)>;

class LatencyDevice {
 public:
  virtual ~LatencyDevice() = default;

  // Fixed while the object lives.
  virtual const v1::Device& Describe() const = 0;

  // OK, or why there is no use in asking for a measurement. UNAVAILABLE: not
  // now, a phone is away or cools down. FAILED_PRECONDITION: never again, a
  // person must look at it. Returns at once.
  virtual absl::Status Ready() const { return absl::OkStatus(); }

  // Latency of `package`, without its input transform. predicted_ns is left 0,
  // but for what a table answers.
  // INVALID_ARGUMENT: the package or request. NOT_FOUND: a table lacks an op.
  // FAILED_PRECONDITION: a table for other threads or batch. UNAVAILABLE: not
  // measurable now, try again; IsTooHot() tells of heat. DEADLINE_EXCEEDED: it
  // hangs. ABORTED: what ran there died. RESOURCE_EXHAUSTED: its storage is
  // full. CANCELLED: `stop`.
  virtual absl::StatusOr<v1::Measurement> Measure(const v1::Package& package,
                                                  const MeasureRequest& request,
                                                  const StopToken& stop) = 0;

  // Latency of each op, in order, handed to `done` as they are finished: what
  // came before an error or a stop need not be measured again. Codes as above.
  virtual absl::Status ProfileOps(absl::Span<const v1::OpKey> ops,
                                  const MeasureRequest& request,
                                  const OpCallback& done,
                                  const StopToken& stop) = 0;

  // What its results on so many threads are stated at (see
  // v1::Measurement::full_speed_ns): of the references used so far, where it
  // has any.
  virtual v1::FullSpeeds FullSpeeds(int /*threads*/) const { return {}; }
};

// UNAVAILABLE, told from others of that code.
absl::Status TooHotError(absl::string_view message);
bool IsTooHot(const absl::Status& status);

// Of that reference; 0: not known.
double FullSpeedNs(const v1::FullSpeeds& speeds, int reference_size);

// INVALID_ARGUMENT naming the field.
absl::Status CheckRequest(const MeasureRequest& request);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_DEVICE_H_
