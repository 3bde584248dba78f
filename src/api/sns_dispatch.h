// Brings what is published to its subscribers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/services.h"
#include "base/error.h"

namespace traccia::api {

struct SnsDispatchOptions {
  std::string base_url = {};  // "https://HOST[:PORT]": where links and certificates point to
  // Messages have come into queues.
  std::function<void()> wake_receivers = [] {};
};

// Thread-safe. Deliveries are rows of the store (decision 24).
class SnsDispatch {
 public:
  static constexpr int64_t kBatchMax = 100;  // deliveries into queues in one transaction

  SnsDispatch(Services& services, SnsDispatchOptions options)
      : services_(services), options_(std::move(options)) {}

  // Moves what is due into queues, as SNS on behalf of the topic, which each queue's policy must
  // allow. What a queue refuses goes to the subscription's dead-letter queue, or is lost and told
  // to the log. True when there was something to do.
  Result<bool> deliver_to_queues();

 private:
  // A delivery with what it takes to make it.
  struct Job {
    sns::Delivery delivery;
    sns::Subscription subscription;
    std::string signature_version;
    sns::Content content;
  };
  struct Batch {
    std::vector<ingest::Draft> drafts;
    size_t lost = 0;
    std::string why;  // of the last one that was lost
  };

  Result<std::vector<Job>> load_queue_jobs();
  Result<std::optional<Job>> complete(meta::Transaction& transaction, sns::Delivery delivery);
  Result<std::string> render(const Job& job);
  Result<> deliver(meta::Transaction& transaction, const Job& job, const std::string& body,
                   Batch& batch);
  // Into that queue; false, and why, when it does not take it.
  Result<bool> send(meta::Transaction& transaction, const Job& job, std::string_view queue_arn,
                    const std::string& body, Batch& batch);

  Services& services_;
  SnsDispatchOptions options_;
};

}  // namespace traccia::api
