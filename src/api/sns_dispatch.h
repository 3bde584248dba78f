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
#include "base/mutex.h"
#include "http/client.h"
#include "http/mail.h"

namespace traccia::api {

struct SnsDispatchOptions {
  std::string base_url = {};  // "https://HOST[:PORT]": where links and certificates point to
  // Messages have come into queues.
  std::function<void()> wake_receivers = [] {};
  // For what is pushed to addresses that subscribers choose.
  http::AddressGuard guard = {};
  std::string ca_file = {};  // empty: the system's
  http::MailRelay relay = {};
};

// Thread-safe. Deliveries are rows of the store (decision 24).
class SnsDispatch {
 public:
  static constexpr int64_t kBatchMax = 100;  // deliveries into queues in one transaction
  static constexpr std::chrono::seconds kPushTimeout{15};  // "Amazon SNS message delivery retries"
  static constexpr size_t kAnswerBytesMax = 64 << 10;      // of a subscriber

  SnsDispatch(Services& services, SnsDispatchOptions options)
      : services_(services), options_(std::move(options)) {}

  // Moves what is due into queues, as SNS on behalf of the topic, which each queue's policy must
  // allow. What a queue refuses goes to the subscription's dead-letter queue, or is lost and told
  // to the log. True when there was something to do.
  Result<bool> deliver_to_queues();
  // Sends what has been due for longest to its subscriber, one at a time for each of them, and as
  // often as its delivery policy says. False: nothing is due. A subscriber's refusal is no error.
  // Several threads may call it at once, each with a client of client_options().
  Result<bool> push_next(http::Client& client);
  http::ClientOptions client_options() const;

 private:
  // A delivery with what it takes to make it.
  struct Job {
    sns::Delivery delivery;
    sns::Subscription subscription;
    std::string signature_version;
    std::string delivery_policy;  // the topic's
    std::string display_name;     // likewise
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

  // Of one push.
  enum class Pushed : uint8_t { Delivered, Later, Refused };
  Result<std::optional<Job>> take_push();
  Pushed push(http::Client& client, const Job& job, const std::string& body, std::string& why);
  Pushed mail(const Job& job, const std::string& body, std::string& why);
  std::string link_of(const Job& job) const;
  Result<> finish_push(const Job& job, const std::string& body, Pushed pushed,
                       const std::string& why);

  Services& services_;
  SnsDispatchOptions options_;
  Mutex mutex_;
  // Subscriptions that are being pushed to, and when those with a limit may be pushed to again.
  std::vector<int64_t> busy_ GUARDED_BY(mutex_);
  std::map<int64_t, Duration> paced_ GUARDED_BY(mutex_);
};

}  // namespace traccia::api
