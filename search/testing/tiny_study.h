// A study small enough for tests: 100 choices on 8 x 8 images.
#ifndef FROSTNAS_SEARCH_TESTING_TINY_STUDY_H_
#define FROSTNAS_SEARCH_TESTING_TINY_STUDY_H_

#include <string>
#include <vector>

#include "latency/latency_table.h"
#include "proto/frostnas/v1/measurement.pb.h"
#include "proto/frostnas/v1/space.pb.h"
#include "proto/frostnas/v1/study.pb.h"

namespace frostnas::search {

v1::Space TinySpace();

// A valid spec over TinySpace on `devices`: 4 trials, 2 + 2 supernet epochs,
// synthetic images.
v1::StudySpec TinySpec(const std::vector<std::string>& devices = {"host"});

// What a worker would say of `id`.
v1::Device TinyDevice(const std::string& id);

// Nanoseconds that TinyTable and scripted workers give an operator: rising
// with its multiplications.
int64_t TinyOpNs(const v1::OpKey& op);

// A table of every operator of TinySpace.
latency::LatencyTable TinyTable();

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_TESTING_TINY_STUDY_H_
