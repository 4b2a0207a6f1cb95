// From records in a store to the files of a study.

#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/status_matchers.h"
#include "db/memory_blob_store.h"
#include "db/memory_store.h"
#include "deploy/onnx_export.h"
#include "deploy/testing/packages.h"
#include "quant/package.h"
#include "quant/testing/architectures.h"
#include "search/report/event_line.h"
#include "search/report/html.h"
#include "search/report/outputs.h"
#include "search/report/pareto_json.h"
#include "search/report/study_report.h"
#include "search/report/terminal_table.h"
#include "search/testing/tiny_study.h"

namespace frostnas::search {
namespace {

using ::nlohmann::json;
using ::nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kTableDevice[] = "table:/tables/phone.textproto";

v1::Measurement Latency(const std::string& device, int64_t median_ns,
                        v1::MeasurementVerdict verdict) {
  v1::Measurement latency;
  latency.set_device_id(device);
  latency.set_device_fingerprint(Sha256Hex(device));
  latency.set_median_ns(median_ns);
  latency.set_p90_ns(median_ns + 250000);
  latency.set_ci_low_ns(median_ns - 1000);
  latency.set_ci_high_ns(median_ns + 1000);
  latency.set_samples(120);
  latency.set_predicted_ns(1600000);
  latency.set_threads(1);
  latency.set_batch(1);
  latency.set_verdict(verdict);
  return latency;
}

// Two trials on the front, one behind it, one infeasible.
class ReportTest : public ::testing::Test {
 protected:
  ReportTest()
      : store_(db::NewMemoryStore(&clock_)),
        blobs_(db::NewMemoryBlobStore(&clock_)) {
    v1::StudySpec spec = TinySpec({"host", kTableDevice});
    spec.set_display_name("</script><script>alert(1)</script>");
    spec.mutable_budget()->set_preset("smoke");
    v1::LatencyLimit& limit = *spec.add_latency_limits();
    limit.set_device_id("host");
    limit.set_limit_ns(5000000);
    const auto study = store_->CreateStudy("r", spec);
    EXPECT_OK(study);
    id_ = study->id();
    EnterPhases();
    db::StudyStep step;
    step.update.dataset.emplace().set_name("synthetic");
    step.update.dataset->set_classes(10);
    step.update.dataset->set_train(800);
    step.update.dataset->set_test(500);
    step.update.dataset->set_sha256(Sha256Hex("images"));
    step.update.hypervolume = 0.5;
    for (int i = 1; i <= 4; ++i) step.new_trials.push_back(NewTrial(i));
    step.trial_updates = {Result(1, 0.9, 3000000), Result(2, 0.8, 1500000),
                          Result(3, 0.7, 4000000)};
    step.trial_updates.push_back({.trial_id = 4,
                                  .state = v1::TRIAL_STATE_INFEASIBLE,
                                  .error = "loss is not finite"});
    step.front = std::vector<int>{1, 2};
    EXPECT_OK(store_->CommitStep(id_, step));
    MeasureOnHost();
  }

  void EnterPhases() {
    // As a study that was interrupted: profile, supernet, profile, trials.
    for (const char* phase : {"profile", "supernet", "profile", "trials"}) {
      EXPECT_OK(store_->UpdateStudy(id_, {.phase = phase}));
      clock_.Advance(absl::Seconds(2));
    }
    v1::StudyEvent event;
    event.mutable_epoch()->set_epoch(1);
    event.mutable_epoch()->set_phase("float");
    event.mutable_epoch()->set_train_loss(2.25);
    EXPECT_OK(store_->AppendEvent(id_, event));
  }

  static v1::Trial NewTrial(int i) {
    v1::Trial trial;
    trial.set_arch_sha256(Sha256Hex(absl::StrCat("arch ", i)));
    trial.mutable_architecture()->set_name("tiny");
    trial.mutable_architecture()->set_input_size(8);
    trial.set_params(12345);
    trial.set_macs(6789000);
    trial.set_origin(i == 1 ? "limit 5.00 ms" : "sample");
    return trial;
  }

  db::TrialUpdate Result(int id, double top1, int64_t host_ns) {
    db::TrialUpdate update{.trial_id = id};
    v1::AccuracyResult& accuracy = update.accuracy.emplace();
    accuracy.set_int8_top1(top1);
    accuracy.set_fake_quant_top1(top1 + 0.01);
    accuracy.set_float_top1(top1 + 0.02);
    accuracy.set_package_bytes(4096);
    accuracy.set_weights_sha256(Sha256Hex("w"));
    const auto package = blobs_->Put(absl::StrCat("package ", id));
    EXPECT_OK(package);
    accuracy.set_package_sha256(*package);
    accuracy.set_int8_runtime("arithmetic 1");
    accuracy.add_epoch_loss(1.5f);
    accuracy.add_epoch_loss(1.25f);
    update.latency = {
        Latency("host", host_ns, v1::MEASUREMENT_VERDICT_ACCEPTED),
        Latency(kTableDevice, host_ns * 2, v1::MEASUREMENT_VERDICT_LOOKED_UP)};
    return update;
  }

  // A done task is what tells which device measured.
  void MeasureOnHost() {
    v1::RegisterRequest worker;
    worker.set_worker_id("w");
    worker.add_roles(v1::TASK_KIND_PROFILE_OPS);
    *worker.add_devices() = TinyDevice("host");
    EXPECT_OK(store_->RegisterWorker(worker, "session"));
    v1::Task task;
    task.set_max_attempts(1);
    task.mutable_profile_ops()->set_device_id("host");
    task.mutable_profile_ops()->set_threads(1);
    task.mutable_profile_ops()->set_batch(1);
    EXPECT_OK(store_->CreateTasks(id_, {{.key = "describe", .task = task}}));
    const auto lease = store_->LeaseTask("session", absl::Seconds(10));
    ASSERT_OK(lease);
    db::Completion done;
    done.lease = {"session", (*lease)->task().id(), (*lease)->fencing_token()};
    done.outcome = v1::ATTEMPT_OUTCOME_OK;
    *done.result.mutable_profile_ops()->mutable_device() = TinyDevice("host");
    EXPECT_OK(store_->CompleteTask(done));
  }

  StudyReport Load() {
    auto report = LoadStudyReport(*store_, id_);
    EXPECT_OK(report);
    return *std::move(report);
  }

  FakeClock clock_;
  std::unique_ptr<db::Store> store_;
  std::unique_ptr<db::BlobStore> blobs_;
  std::string id_;
};

TEST_F(ReportTest, ParetoJsonHasTheFieldsPromised) {
  const auto made = ParetoJson(Load());
  ASSERT_OK(made);
  const json got = json::parse(JsonText(*made, 2));
  EXPECT_EQ(got["study_id"], id_);
  EXPECT_EQ(got["seed"], 1);
  EXPECT_EQ(got["space"], "tiny");
  EXPECT_EQ(got["dataset"]["name"], "synthetic");
  EXPECT_EQ(got["dataset"]["classes"], 10);
  EXPECT_EQ(got["dataset"]["train"], 800);
  EXPECT_EQ(got["dataset"]["val"], 0);
  EXPECT_EQ(got["dataset"]["test"], 500);
  EXPECT_EQ(got["dataset"]["sha256"], Sha256Hex("images"));
  EXPECT_EQ(got["hypervolume"], 0.5);
  EXPECT_EQ(got["latency_limits_ms"]["host"], 5.0);
  ASSERT_EQ(got["trials"].size(), 4);
}

TEST_F(ReportTest, ATrialsNumbersHaveTheirUnits) {
  const json trial =
      json::parse(JsonText(*ParetoJson(Load()), -1))["trials"][0];
  EXPECT_EQ(trial["id"], 1);
  EXPECT_EQ(trial["state"], "MEASURED");
  EXPECT_EQ(trial["arch_sha256"], Sha256Hex("arch 1"));
  EXPECT_EQ(trial["architecture"]["input_size"], 8);
  EXPECT_EQ(trial["params"], 12345);
  EXPECT_EQ(trial["macs"], 6789000);
  EXPECT_EQ(trial["package_bytes"], 4096);
  EXPECT_DOUBLE_EQ(trial["int8_top1"], 0.9);
  EXPECT_DOUBLE_EQ(trial["fake_quant_top1"], 0.91);
  EXPECT_DOUBLE_EQ(trial["float_top1"], 0.92);
  EXPECT_DOUBLE_EQ(trial["latency_ms"]["host"]["median"], 3.0);
  EXPECT_DOUBLE_EQ(trial["latency_ms"]["host"]["p90"], 3.25);
  EXPECT_EQ(trial["latency_ms"]["host"]["samples"], 120);
  EXPECT_DOUBLE_EQ(trial["latency_ms"]["host"]["predicted"], 1.6);
  EXPECT_EQ(trial["latency_ms"]["host"]["verdict"], "accepted");
  EXPECT_EQ(trial["latency_ms"][kTableDevice]["verdict"], "looked_up");
  EXPECT_EQ(trial["on_front"], true);
  EXPECT_EQ(trial["files"]["package"], "models/1.fnpkg");
}

TEST_F(ReportTest, WhatIsNotKnownIsNull) {
  const json trials = json::parse(JsonText(*ParetoJson(Load()), -1))["trials"];
  EXPECT_TRUE(trials[3]["int8_top1"].is_null());
  EXPECT_EQ(trials[3]["state"], "INFEASIBLE");
  EXPECT_EQ(trials[3]["error"], "loss is not finite");
  EXPECT_EQ(trials[2]["on_front"], false);
  EXPECT_TRUE(trials[2]["files"].empty());
}

TEST_F(ReportTest, DevicesSayWhetherTheyMeasured) {
  const json devices =
      json::parse(JsonText(*ParetoJson(Load()), -1))["devices"];
  ASSERT_EQ(devices.size(), 2);
  EXPECT_EQ(devices[0]["id"], "host");
  EXPECT_EQ(devices[0]["measured"], true);
  EXPECT_EQ(devices[0]["model"], "a processor");
  EXPECT_EQ(devices[1]["id"], kTableDevice);
  EXPECT_EQ(devices[1]["measured"], false);
  EXPECT_EQ(devices[1]["fingerprint"], Sha256Hex(kTableDevice));
}

TEST_F(ReportTest, PhasesEnteredTwiceAddUp) {
  const StudyReport report = Load();
  ASSERT_EQ(report.timings.size(), 3);
  EXPECT_EQ(report.timings[0].phase, "profile");
  EXPECT_DOUBLE_EQ(report.timings[0].seconds, 4);
  EXPECT_EQ(report.timings[1].phase, "supernet");
  EXPECT_DOUBLE_EQ(report.timings[1].seconds, 2);
  EXPECT_EQ(report.timings[2].phase, "trials");
  const auto json = ParetoJson(report);
  ASSERT_OK(json);
  EXPECT_EQ((*json)["timings_s"]["profile"], 4.0);
}

TEST_F(ReportTest, BytesThatAreNoTextAreReplaced) {
  StudyReport report = Load();
  report.study.mutable_dataset()->set_name(
      "a\xff"
      "b");
  ASSERT_OK_AND_ASSIGN(const ordered_json made, ParetoJson(report));
  EXPECT_EQ(json::parse(JsonText(made, 2))["dataset"]["name"], "a\uFFFDb");
  EXPECT_OK(ReportHtml(report));
}

// The text between the data element's tags.
std::string DataOf(const std::string& html) {
  constexpr char kOpen[] = "<script type=\"application/json\" id=\"data\">";
  const size_t begin = html.find(kOpen) + sizeof(kOpen) - 1;
  return html.substr(begin, html.find("</script>", begin) - begin);
}

TEST_F(ReportTest, ThePageHoldsItsData) {
  ASSERT_OK_AND_ASSIGN(const std::string html, ReportHtml(Load()));
  const json data = json::parse(DataOf(html));
  EXPECT_EQ(data["study_id"], id_);
  EXPECT_EQ(data["trials"].size(), 4);
  ASSERT_EQ(data["epochs"].size(), 1);
  EXPECT_EQ(data["epochs"][0]["train_loss"], 2.25);
  EXPECT_EQ(data["strategy"], "STRATEGY_RANDOM");
  EXPECT_THAT(html, HasSubstr("Chart.js"));
  EXPECT_THAT(html, Not(HasSubstr("@DATA@")));
  EXPECT_THAT(html, Not(HasSubstr("@CHART_JS@")));
}

TEST_F(ReportTest, ThePageLoadsNothing) {
  ASSERT_OK_AND_ASSIGN(const std::string html, ReportHtml(Load()));
  const std::regex reference(
      "<(script|img|iframe|link|object|embed)[^>]*\\s(src|href|data)=|"
      "@import|url\\(\\s*['\"]?(https?:)?//");
  std::smatch found;
  // The chart library has no tags; its comments may name addresses.
  EXPECT_FALSE(std::regex_search(html, found, reference)) << found.str();
}

TEST_F(ReportTest, ANameIsTextNotScript) {
  ASSERT_OK_AND_ASSIGN(const std::string html, ReportHtml(Load()));
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_EQ(json::parse(DataOf(html))["display_name"],
            "</script><script>alert(1)</script>");
}

TEST_F(ReportTest, TheTableOnTheTerminal) {
  StudyReport report = Load();
  report.study.mutable_spec()->mutable_devices()->RemoveLast();
  EXPECT_EQ(
      FrontTable(report),
      " trial epochs     INT8 %  fake-q %   float %       host ms       p90"
      "    kparams     MMACs  origin\n"
      "    2*      2      80.00     81.00     82.00         1.500     1.750"
      "       12.3      6.79  sample\n"
      "    1*      2      90.00     91.00     92.00         3.000     3.250"
      "       12.3      6.79  limit 5.00 ms\n");
  const std::vector<std::string> all =
      absl::StrSplit(TrialsTable(report), '\n');
  ASSERT_EQ(all.size(), 6);
  EXPECT_THAT(all[3], StartsWith("    3 "));
  EXPECT_THAT(all[4], AllOf(StartsWith("    4 "), HasSubstr("        -")));
}

TEST_F(ReportTest, OutputsAreThePackagesOfTheFrontThePageAndTheJson) {
  const std::string dir = JoinPath(::testing::TempDir(), "outputs");
  ASSERT_OK(MakeDirs(JoinPath(dir, "models")));
  ASSERT_OK(WriteFileAtomic(JoinPath(dir, "models/99.fnpkg"), "earlier"));
  ASSERT_OK(WriteFileAtomic(JoinPath(dir, "models/notes.txt"), "mine"));
  ASSERT_OK(WriteOutputs(Load(), *blobs_, nullptr, dir));
  EXPECT_THAT(ReadFile(JoinPath(dir, "models/1.fnpkg"), 100),
              IsOkAndHolds("package 1"));
  EXPECT_THAT(ReadFile(JoinPath(dir, "models/2.fnpkg"), 100),
              IsOkAndHolds("package 2"));
  EXPECT_FALSE(FileExists(JoinPath(dir, "models/3.fnpkg")));
  EXPECT_FALSE(FileExists(JoinPath(dir, "models/99.fnpkg")));
  EXPECT_TRUE(FileExists(JoinPath(dir, "models/notes.txt")));
  EXPECT_TRUE(FileExists(JoinPath(dir, "report.html")));
  ASSERT_OK_AND_ASSIGN(const std::string text,
                       ReadFile(JoinPath(dir, "pareto.json"), 1 << 20));
  EXPECT_EQ(json::parse(text)["study_id"], id_);
}

// A front of one trial whose package is real.
class OnnxOutputsTest : public ReportTest {
 protected:
  OnnxOutputsTest()
      : package_(deploy::RandomPackage(quant::EveryLayerArchitecture(), 1)) {
    db::TrialUpdate update = Result(2, 0.8, 1500000);
    const auto blob = blobs_->Put(quant::SerializePackage(package_));
    EXPECT_OK(blob);
    update.accuracy->set_package_sha256(*blob);
    db::StudyStep step;
    step.trial_updates = {update};
    step.front = std::vector<int>{1, 2};
    EXPECT_OK(store_->CommitStep(id_, step));
    dir_ = JoinPath(
        ::testing::TempDir(),
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
  }

  // The trial of pareto.json, after WriteOutputs with `check`.
  json WrittenTrial(int id, const OnnxChecker& check) {
    EXPECT_OK(WriteOutputs(Load(), *blobs_, check, dir_));
    const auto text = ReadFile(JoinPath(dir_, "pareto.json"), 1 << 20);
    EXPECT_OK(text);
    return json::parse(*text)["trials"][id - 1];
  }

  v1::Package package_;
  std::string dir_;
};

TEST_F(OnnxOutputsTest, APackageThatCanBeExportedHasAnOnnxFile) {
  ASSERT_OK(MakeDirs(JoinPath(dir_, "models")));
  ASSERT_OK(WriteFileAtomic(JoinPath(dir_, "models/99.onnx"), "earlier"));
  const json trial = WrittenTrial(2, nullptr);
  EXPECT_EQ(trial["files"]["onnx"], "models/2.onnx");
  EXPECT_FALSE(trial.contains("export_check"));
  EXPECT_THAT(ReadFile(JoinPath(dir_, "models/2.onnx"), 1 << 20),
              IsOkAndHolds(*deploy::ExportOnnx(package_)));
  EXPECT_FALSE(FileExists(JoinPath(dir_, "models/99.onnx")));
}

TEST_F(OnnxOutputsTest, AnotherPackageHasNoneAndSaysSoInTheLog) {
  ScopedLogCapture log;
  const json trial = WrittenTrial(1, nullptr);
  EXPECT_FALSE(trial["files"].contains("onnx"));
  EXPECT_FALSE(FileExists(JoinPath(dir_, "models/1.onnx")));
  EXPECT_THAT(log.lines(), Contains(HasSubstr("trial 1 has no ONNX file")));
}

TEST_F(OnnxOutputsTest, WhatTheReaderFindsStandsInTheJsonAndThePage) {
  const json trial =
      WrittenTrial(2, [&](const v1::Package& package, const std::string&) {
        EXPECT_EQ(quant::SerializePackage(package),
                  quant::SerializePackage(package_));
        return deploy::ExportCheck{.images = 1000,
                                   .top1_agreement = 0.9875,
                                   .max_abs_logit_diff = 0.5,
                                   .within_one_step = 0.75,
                                   .runtime = "a reader"};
      });
  const json check = trial["export_check"]["onnx"];
  EXPECT_EQ(check["images"], 1000);
  EXPECT_EQ(check["top1_agreement"], 0.9875);
  EXPECT_EQ(check["max_abs_logit_diff"], 0.5);
  EXPECT_EQ(check["within_one_step"], 0.75);
  EXPECT_EQ(check["runtime"], "a reader");
  ASSERT_OK_AND_ASSIGN(const std::string page,
                       ReadFile(JoinPath(dir_, "report.html"), 1 << 24));
  EXPECT_THAT(page, HasSubstr("\"top1_agreement\":0.9875"));
}

TEST_F(OnnxOutputsTest, ACheckThatFailsIsToldAndTheRestIsWritten) {
  const json trial = WrittenTrial(2, [](const auto&, const std::string&) {
    return absl::InternalError("no such operator");
  });
  EXPECT_EQ(trial["export_check"]["onnx"]["error"], "no such operator");
  EXPECT_TRUE(FileExists(JoinPath(dir_, "models/2.onnx")));
}

TEST_F(OnnxOutputsTest, AStopDuringACheckEndsTheWriting) {
  EXPECT_THAT(WriteOutputs(
                  Load(), *blobs_,
                  [](const auto&, const std::string&) {
                    return absl::CancelledError("stop");
                  },
                  dir_),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_FALSE(FileExists(JoinPath(dir_, "pareto.json")));
}

TEST_F(ReportTest, AMissingPackageLeavesEarlierOutputsAlone) {
  const std::string dir = JoinPath(::testing::TempDir(), "kept");
  ASSERT_OK(WriteOutputs(Load(), *blobs_, nullptr, dir));
  ASSERT_OK(blobs_->CollectUnreferenced({}, absl::ZeroDuration()));
  EXPECT_THAT(WriteOutputs(Load(), *blobs_, nullptr, dir),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_TRUE(FileExists(JoinPath(dir, "pareto.json")));
}

TEST_F(ReportTest, WithoutAFrontNothingIsWritten) {
  db::StudyStep step;
  step.front.emplace();
  ASSERT_OK(store_->CommitStep(id_, step));
  const std::string dir = JoinPath(::testing::TempDir(), "nothing");
  EXPECT_THAT(WriteOutputs(Load(), *blobs_, nullptr, dir),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(id_)));
  EXPECT_FALSE(FileExists(dir));
}

TEST_F(ReportTest, AnUnknownStudyIsNotFound) {
  EXPECT_THAT(LoadStudyReport(*store_, "st-00000099"),
              StatusIs(absl::StatusCode::kNotFound));
}

// The text after the time of day.
std::string LineOf(const v1::StudyEvent& event) {
  return EventLine(event).substr(sizeof("00:00:00"));
}

TEST(EventLineTest, EachKindOfEventIsOneLine) {
  v1::StudyEvent event;
  event.mutable_study()->set_state(v1::STUDY_STATE_QUEUED);
  EXPECT_EQ(LineOf(event), "study queued");
  event.mutable_study()->set_state(v1::STUDY_STATE_FAILED);
  event.mutable_study()->set_phase("trials");
  event.mutable_study()->set_progress(0.5);
  event.mutable_study()->set_error("no\nworker");
  EXPECT_EQ(LineOf(event), "study failed, trials, 50 %: no worker");

  event.mutable_trial()->set_id(3);
  event.mutable_trial()->set_state(v1::TRIAL_STATE_MEASURED);
  event.mutable_trial()->set_origin("sample");
  event.mutable_trial()->set_int8_top1(0.625);
  event.mutable_trial()->set_package_sha256("p");
  *event.mutable_trial()->add_latency() =
      Latency("host", 1234567, v1::MEASUREMENT_VERDICT_ACCEPTED);
  EXPECT_EQ(LineOf(event),
            "trial 3 measured (sample), INT8 62.50 %, host 1.235 ms");

  event.mutable_attempt()->set_task_id("tk-1");
  event.mutable_attempt()->set_number(2);
  event.mutable_attempt()->set_worker_id("w");
  event.mutable_attempt()->set_outcome(v1::ATTEMPT_OUTCOME_LOST);
  event.mutable_attempt()->set_error("\x1b[2Jgone");
  EXPECT_EQ(LineOf(event), "attempt 2 of tk-1 by w: lost:  [2Jgone");

  event.mutable_epoch()->set_epoch(4);
  event.mutable_epoch()->set_phase("search");
  EXPECT_THAT(LineOf(event), StartsWith("epoch 4 (search): loss 0.0000"));
}

TEST(EventLineTest, ValuesOfANewerControllerHaveALineToo) {
  v1::StudyEvent event;
  EXPECT_EQ(LineOf(event), "event of a newer controller");
  event.mutable_study()->set_state(static_cast<v1::StudyState>(99));
  EXPECT_EQ(LineOf(event), "study of a newer controller");
  event.mutable_trial()->set_state(static_cast<v1::TrialState>(99));
  EXPECT_THAT(LineOf(event), HasSubstr("of a newer controller"));
}

}  // namespace
}  // namespace frostnas::search
