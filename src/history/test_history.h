// A log and its history on one simulated machine, for the tests of this module.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "history/history.h"
#include "history/segment.h"
#include "ingest/ingest.h"
#include "os/fake_os.h"

namespace traccia::history {

using Strings = std::vector<std::string>;

inline constexpr std::string_view kAccount = "111122223333";
inline constexpr std::string_view kRegion = "eu-south-1";

struct Sample {
  std::string id;
  std::string account{kAccount};
  std::string region{kRegion};
  Time time = from_unix_seconds(1'789'990'000);
  std::string more{};  // members, each with a comma before it
};

inline ingest::Draft draft(const Sample& sample) {
  event::AdmitOptions options;
  options.account = sample.account;
  options.default_region = sample.region;
  options.now = from_unix_seconds(2'000'000'000);
  return ingest::event_draft(
             fmt::format(R"({{"eventTime":"{}","eventName":"n","eventID":"{}"{}}})",
                         format_iso_milliseconds(sample.time), sample.id, sample.more),
             options, "sender")
      .value();
}

// The log and its index on one simulated machine.
class HistoryTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    history_.reset();
    open_log();
    open_history();
  }
  void open_history() {
    history_.reset();
    auto opened = History::open(fake_.os(), "/data/history", *wal_, options_);
    ASSERT_TRUE(opened) << opened.error().message();
    history_ = std::move(*opened);
  }
  void open_wal() {
    ingest_.reset();
    wal_.reset();
    ASSERT_TRUE(fake_.files.make_directories("/data/wal"));
    wal::Options options;
    options.segment_bytes_max = 4096;
    options.recent_bytes_max = recent_bytes_max_;
    wal_ = wal::Wal::open(fake_.files, "/data/wal", options).value();
  }
  void open_log() {
    open_wal();
    ingest_ = ingest::Ingest::open(fake_.os(), "/window", *wal_, {}).value();
  }
  bool submit(const std::vector<Sample>& samples) {
    std::vector<ingest::Draft> drafts;
    for (const auto& sample : samples) drafts.push_back(draft(sample));
    bool done = false;
    ingest_->submit(std::move(drafts),
                    [&](Result<ingest::Outcome> outcome) { done = outcome.has_value(); });
    wal_->step(Duration(0));
    return done;
  }
  void catch_up(size_t records_max = 100) {
    while (true) {
      const auto taken = history_->step(records_max);
      ASSERT_TRUE(taken) << taken.error().message();
      maintain();
      if (*taken == 0) return;
    }
  }
  void maintain() {
    while (true) {
      const auto worked = history_->maintain();
      ASSERT_TRUE(worked) << worked.error().message();
      if (!*worked) return;
    }
  }
  // Everything taken in so far goes into segments.
  void seal() {
    const auto before = options_.head_age_max;
    catch_up();
    fake_.clock.advance(before);
    catch_up();
    ASSERT_EQ(history_->durable_cursor(), history_->cursor());
  }
  std::vector<std::string> segments() const {
    std::vector<std::string> out;
    for (const auto& path : fake_.files.paths()) {
      if (path.ends_with(kSegmentSuffix)) out.push_back(path);
    }
    return out;
  }
  static Query query() {
    Query out;
    out.account = kAccount;
    out.region = kRegion;
    return out;
  }
  static Query query(Attribute attribute, std::string value) {
    auto out = query();
    out.expression = Expression::is(attribute, std::move(value));
    return out;
  }
  static Strings ids_of(const Page& page) {
    Strings out;
    for (const auto& record : page.records) {
      event::RecordMemory memory(record.size());
      const auto event = event::read_stored(memory.keep_padded(record), "", memory).value();
      out.emplace_back(event.event_id);
    }
    return out;
  }
  Strings ids(const Query& query) {
    const auto page = history_->lookup(query);
    EXPECT_TRUE(page);
    return page ? ids_of(*page) : Strings{};
  }

  // Nothing is merged unless a test says so.
  Options options_{.room_wait = {}, .merge = {.inputs_max = 0}};
  uint64_t recent_bytes_max_ = 3000;  // some entries are read as they came in, some from the disk
  os::FakeOs fake_;
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<History> history_;
};

inline constexpr std::string_view kRich =
    R"(,"eventSource":"iam.amazonaws.com","readOnly":true,)"
    R"("userIdentity":{"type":"IAMUser","userName":"Ada","accessKeyId":"AKIA1"},)"
    R"("resources":[{"type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/ops/Writer"},)"
    R"({"type":"AWS::IAM::Role","ARN":"arn:aws:s3:::bucket"}])";

}  // namespace traccia::history
