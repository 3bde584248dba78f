// What the log refuses reaches it later, in the order of commits.
// SPDX-License-Identifier: Apache-2.0
#include "api/outbox.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "os/fake_os.h"

namespace traccia::api {
namespace {

using Strings = std::vector<std::string>;

class OutboxTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fake_.files.make_directories("/d/wal"));
    open();
  }
  void TearDown() override { close(); }

  void open() {
    wal::Options options;
    options.disk_reserve_bytes = 0;
    wal_ = wal::Wal::open(fake_.files, "/d/wal", options).value();
    ingest_ = ingest::Ingest::open(fake_.os(), "/d/window", *wal_, {}).value();
    database_ = meta::Database::open(
                    fake_.os(), "/d/meta.db",
                    {kOutboxSchema, "CREATE TABLE changes (name TEXT PRIMARY KEY) STRICT;"})
                    .value();
    outbox_.emplace(*database_, *ingest_);
    stop_ = false;
    stepping_ = std::jthread([this] {
      while (!stop_) wal_->step(std::chrono::milliseconds(1));
    });
  }
  void close() {
    stop_ = true;
    if (stepping_.joinable()) stepping_.join();
  }

  // Why it was refused; empty when it was not.
  std::string change(const std::string& name) {
    const auto done =
        outbox_->commit([&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
          TRY(transaction.execute("INSERT INTO changes VALUES (?)", {name}));
          std::vector<ingest::Draft> drafts{ingest::change_draft(name, name, "sender")};
          return drafts;
        });
    if (done) return "";
    return std::string(done.error().reason().empty() ? done.error().message()
                                                     : done.error().reason());
  }

  Strings column(std::string_view sql) {
    Strings out;
    EXPECT_TRUE(database_->read([&](meta::Transaction& transaction) {
      return transaction.query(sql, {}, [&](const meta::Row& row) -> Result<> {
        out.push_back(row.text(0));
        return {};
      });
    }));
    return out;
  }
  Strings logged() {
    Strings out;
    for (wal::Position at = 0;;) {
      const auto entry = ingest::read_entry(*wal_, at).value();
      if (!entry) return out;
      for (const auto& record : *entry->records) out.emplace_back(record.json);
      at = entry->next;
    }
  }

  os::FakeOs fake_;
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<meta::Database> database_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::optional<Outbox> outbox_;
  std::atomic<bool> stop_{false};
  std::jthread stepping_;
};

TEST_F(OutboxTest, WhatALogThatIsFullRefusesReachesItOnceThereIsRoom) {
  EXPECT_EQ(change("a"), "");
  wal_->limit_disk(0);
  EXPECT_EQ(change("b"), kCommittedNotLogged);
  EXPECT_EQ(change("c"), kCommittedNotLogged);
  EXPECT_FALSE(outbox_->resend());
  EXPECT_EQ(logged(), Strings{"a"});
  wal_->limit_disk(1 << 30);
  EXPECT_EQ(outbox_->resend().value(), 2U);
  EXPECT_EQ(logged(), (Strings{"a", "b", "c"}));
  EXPECT_EQ(outbox_->resend().value(), 0U);
  EXPECT_EQ(change("d"), "");
  EXPECT_EQ(column("SELECT json FROM outbox"), Strings{"d"}) << "the log has the others";
}

TEST_F(OutboxTest, ALaterChangeDoesNotOvertake) {
  wal_->limit_disk(0);
  EXPECT_EQ(change("a"), kCommittedNotLogged);
  wal_->limit_disk(1 << 30);
  EXPECT_EQ(change("b"), "");
  EXPECT_EQ(logged(), (Strings{"a", "b"}));
}

TEST_F(OutboxTest, SoManyMayWait) {
  wal_->limit_disk(0);
  for (size_t i = 0; i < Outbox::kWaitingMax; ++i) {
    ASSERT_EQ(change(std::to_string(i)), kCommittedNotLogged);
  }
  EXPECT_EQ(change("one more"), "LogDiskFull");
  EXPECT_EQ(column("SELECT count(*) FROM changes"), Strings{std::to_string(Outbox::kWaitingMax)})
      << "refused without a trace";
  wal_->limit_disk(1 << 30);
  EXPECT_EQ(outbox_->resend().value(), Outbox::kWaitingMax);
  EXPECT_EQ(logged().size(), Outbox::kWaitingMax);
  EXPECT_EQ(change("one more"), "");
}

TEST_F(OutboxTest, ARestartOnAFullDiskLosesNothing) {
  wal_->limit_disk(0);
  EXPECT_EQ(change("a"), kCommittedNotLogged);
  close();
  outbox_.reset();
  open();
  wal_->limit_disk(0);
  EXPECT_EQ(outbox_->drain().error().code(), ErrorCode::ResourceExhausted);
  EXPECT_EQ(change("b"), kCommittedNotLogged);
  wal_->limit_disk(1 << 30);
  EXPECT_EQ(outbox_->resend().value(), 2U);
  EXPECT_EQ(logged(), (Strings{"a", "b"}));
}

TEST_F(OutboxTest, TheLogKeepsTheOrderOfCommits) {
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  const auto change_next = [&] {
    return outbox_->commit(
        [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
          int64_t count = 0;
          TRY(transaction.query("SELECT count(*) FROM changes", {},
                                [&](const meta::Row& row) -> Result<> {
                                  count = row.integer(0);
                                  return {};
                                }));
          const auto name = fmt::format("{:05}", count);
          TRY(transaction.execute("INSERT INTO changes VALUES (?)", {name}));
          std::vector<ingest::Draft> drafts{ingest::change_draft(name, name, "sender")};
          return drafts;
        });
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < kEach; ++j) EXPECT_TRUE(change_next());
      });
    }
  }
  EXPECT_EQ(logged(), column("SELECT name FROM changes ORDER BY name"));
  EXPECT_EQ(logged().size(), size_t{kThreads} * kEach);
}

// Such a commit may be there after a restart: then the log learns of it, and else of nothing.
TEST_F(OutboxTest, WhatIsNotDurableDoesNotReachTheLog) {
  EXPECT_EQ(change("a"), "");
  fake_.files.set_fault(
      [](os::Operation operation, const std::string& path) -> std::optional<Error> {
        if (operation != os::Operation::Sync || path != "/d/meta.db-wal") return std::nullopt;
        return Error(ErrorCode::Unavailable, "input/output error");
      });
  EXPECT_EQ(change("b"), kCommittedNotLogged);
  EXPECT_EQ(logged(), Strings{"a"});
  fake_.files.set_fault(nullptr);
  EXPECT_NE(change("c"), "") << "until the process starts anew";
  close();
  outbox_.reset();
  database_.reset();
  open();
  ASSERT_TRUE(outbox_->drain());
  EXPECT_EQ(logged(), column("SELECT name FROM changes ORDER BY name"));
}

}  // namespace
}  // namespace traccia::api
