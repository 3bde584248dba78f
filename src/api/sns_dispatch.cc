// Deliveries into queues.
// SPDX-License-Identifier: Apache-2.0
#include "api/sns_dispatch.h"

#include <fmt/format.h>

#include "api/service_messages.h"
#include "base/log.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

constexpr std::string_view kService = "sns.amazonaws.com";

}  // namespace

// nullopt: there is nothing to deliver to any more.
Result<std::optional<SnsDispatch::Job>> SnsDispatch::complete(meta::Transaction& transaction,
                                                              sns::Delivery delivery) {
  auto& sns = services_.sns;
  TRY_ASSIGN(auto subscription, sns.subscriptions.find_by_id(transaction, delivery.subscription));
  if (!subscription) return std::nullopt;
  TRY_ASSIGN(const auto topic, sns.topics.find_by_id(transaction, subscription->topic_id));
  if (!topic) return std::nullopt;
  Job job{.delivery = std::move(delivery),
          .subscription = std::move(*subscription),
          .signature_version = topic->signature_version(),
          .delivery_policy = topic->attribute("DeliveryPolicy"),
          .display_name = topic->attribute("DisplayName"),
          .content = {}};
  auto& stored = job.delivery.stored;
  if (!stored.data_key.empty()) {
    TRY_ASSIGN(const auto key, sns.sealer.open(stored.data_key, sns::data_key_context(stored)));
    TRY_ASSIGN(stored.content, crypto::open_sealed(key, stored.content, stored.uuid));
  }
  TRY_ASSIGN(job.content, sns::decode_content(stored.content));
  return job;
}

Result<std::vector<SnsDispatch::Job>> SnsDispatch::load_queue_jobs() {
  std::vector<Job> jobs;
  TRY(services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(auto due, services_.sns.outgoing.due_to_queues(transaction, kBatchMax));
    for (auto& delivery : due) {
      TRY_ASSIGN(auto job, complete(transaction, std::move(delivery)));
      if (job) jobs.push_back(std::move(*job));
    }
    return {};
  }));
  return jobs;
}

// Of a notification the one that ends the subscription, of others the one that confirms it.
std::string SnsDispatch::link_of(const Job& job) const {
  const auto& subscription = job.subscription;
  if (job.delivery.stored.kind == sns::MessageKind::Notification) {
    return fmt::format("{}/?Action=Unsubscribe&SubscriptionArn={}", options_.base_url,
                       subscription.arn());
  }
  return fmt::format("{}/?Action=ConfirmSubscription&TopicArn={}&Token={}", options_.base_url,
                     subscription.topic_arn, job.content.token);
}

// What the subscriber gets: the message itself, or its envelope.
Result<std::string> SnsDispatch::render(const Job& job) {
  const auto& subscription = job.subscription;
  const auto& stored = job.delivery.stored;
  const bool notification = stored.kind == sns::MessageKind::Notification;
  const auto& text = job.content.text_for(subscription.protocol);
  if (notification && subscription.raw()) return text;
  sns::Envelope envelope{.kind = stored.kind,
                         .message_id = stored.uuid,
                         .topic_arn = subscription.topic_arn,
                         .subject = job.content.subject,
                         .message = text,
                         .published = stored.published,
                         .token = job.content.token,
                         .attributes = job.content.attributes};
  envelope.link = link_of(job);
  TRY_ASSIGN(const auto made,
             services_.sns.signer.sign(sns::string_to_sign(envelope), job.signature_version));
  return sns::render(envelope, {.version = job.signature_version,
                                .base64 = made.base64,
                                .certificate = options_.base_url + made.path});
}

Result<bool> SnsDispatch::send(meta::Transaction& transaction, const Job& job,
                               std::string_view queue_arn, const std::string& body, Batch& batch) {
  sqs::NewMessage message{.body = body};
  const bool raw =
      job.subscription.raw() && job.delivery.stored.kind == sns::MessageKind::Notification;
  if (raw) message.attributes = job.content.attributes;
  TRY_ASSIGN(const auto refused,
             send_for_service(services_, transaction, {kService, job.subscription.topic_arn},
                              queue_arn, std::move(message), batch.drafts));
  if (refused) batch.why = refused->message();
  return !refused;
}

// A queue's refusal is final ("Message delivery retries": client-side errors are not retried).
Result<> SnsDispatch::deliver(meta::Transaction& transaction, const Job& job,
                              const std::string& body, Batch& batch) {
  auto& outgoing = services_.sns.outgoing;
  TRY_ASSIGN(const bool exists, outgoing.exists(transaction, job.delivery));
  if (!exists) return {};
  TRY_ASSIGN(bool done, send(transaction, job, job.subscription.endpoint, body, batch));
  const auto dead_letters = job.subscription.dead_letter_arn();
  if (!done && !dead_letters.empty()) {
    TRY_ASSIGN(done, send(transaction, job, dead_letters, body, batch));
  }
  if (!done) ++batch.lost;
  return outgoing.finish(transaction, job.delivery);
}

Result<bool> SnsDispatch::deliver_to_queues() {
  TRY_ASSIGN(const auto jobs, load_queue_jobs());
  if (jobs.empty()) return false;
  std::vector<std::string> bodies;
  for (const auto& job : jobs) {
    TRY_ASSIGN(auto body, render(job));
    bodies.push_back(std::move(body));
  }
  Batch batch;
  const auto done = services_.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        batch = {};
        for (size_t i = 0; i < jobs.size(); ++i) {
          TRY(deliver(transaction, jobs[i], bodies[i], batch));
        }
        return std::move(batch.drafts);
      });
  options_.wake_receivers();
  if (batch.lost > 0) {
    log(LogLevel::Warning, "notifications were lost: their queues do not take them",
        {{"messages", batch.lost},
         {"topic", jobs.back().subscription.topic_arn},
         {"why", batch.why}});
  }
  TRY(done);
  return true;
}

}  // namespace traccia::api
