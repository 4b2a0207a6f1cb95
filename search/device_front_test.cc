#include "search/device_front.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::search {
namespace {

using ::testing::ElementsAre;

// A trial of accuracy `top1` that takes these times on "host" and on "adb:1";
// 0: not measured there.
v1::Trial Trial(int id, double top1, int64_t host_ns, int64_t phone_ns) {
  v1::Trial trial;
  trial.set_id(id);
  trial.set_state(v1::TRIAL_STATE_MEASURED);
  trial.set_int8_top1(top1);
  const auto add = [&](const char* device, int64_t ns) {
    if (ns == 0) return;
    v1::Measurement* latency = trial.add_latency();
    latency->set_device_id(device);
    latency->set_median_ns(ns);
  };
  add("host", host_ns);
  add("adb:1", phone_ns);
  return trial;
}

std::vector<int> Ids(const std::vector<ObjectivePoint>& points) {
  std::vector<int> ids;
  for (const ObjectivePoint& point : points) ids.push_back(point.id);
  return ids;
}

TEST(DeviceFrontTest, DevicesHaveFrontsOfTheirOwn) {
  const std::vector<v1::Trial> trials = {
      Trial(1, 0.5, 100, 900), Trial(2, 0.6, 200, 300), Trial(3, 0.4, 90, 950)};
  const v1::StudySpec spec;
  EXPECT_THAT(Ids(ParetoFront(AdmittedPoints(spec, trials, "host"))),
              ElementsAre(3, 1, 2));
  EXPECT_THAT(Ids(ParetoFront(AdmittedPoints(spec, trials, "adb:1"))),
              ElementsAre(2));
}

TEST(DeviceFrontTest, OnlyMeasuredTrialsCount) {
  std::vector<v1::Trial> trials = {Trial(1, 0.5, 100, 0), Trial(2, 0.6, 0, 300),
                                   Trial(3, -1, 100, 100),
                                   Trial(4, 0.5, 100, 100)};
  trials[3].set_state(v1::TRIAL_STATE_WAITING);
  const v1::StudySpec spec;
  EXPECT_THAT(Ids(AdmittedPoints(spec, trials, "host")), ElementsAre(1));
  EXPECT_THAT(Ids(AdmittedPoints(spec, trials, "adb:1")), ElementsAre(2));
}

TEST(DeviceFrontTest, EveryLimitBindsOnEveryFront) {
  v1::StudySpec spec;
  v1::LatencyLimit* limit = spec.add_latency_limits();
  limit->set_device_id("adb:1");
  limit->set_limit_ns(500);
  const std::vector<v1::Trial> trials = {Trial(1, 0.5, 100, 501),
                                         Trial(2, 0.6, 200, 500)};
  EXPECT_THAT(Ids(AdmittedPoints(spec, trials, "host")), ElementsAre(2));
}

}  // namespace
}  // namespace frostnas::search
