// Deliveries to subscribers over HTTP(S) and by mail.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/sns_dispatch.h"
#include "base/log.h"
#include "sns/delivery_policy.h"

namespace traccia::api {
namespace {

constexpr std::string_view kAgent = "Amazon Simple Notification Service Agent";

struct Url {
  std::string base, path, query;
};
// Checked when it was subscribed.
Url split(std::string_view url) {
  const auto host = url.find("://") + 3;
  const auto path = std::min(url.find_first_of("/?", host), url.size());
  const auto query = std::min(url.find('?', path), url.size());
  Url out{std::string(url.substr(0, path)), std::string(url.substr(path, query - path)),
          std::string(url.substr(std::min(query + 1, url.size())))};
  if (out.path.empty()) out.path = "/";
  return out;
}

// "HTTP/HTTPS headers" of Amazon SNS.
http::Request make_request(const sns::Subscription& subscription, const sns::StoredMessage& stored,
                           std::string_view content_type, std::string body) {
  const bool notification = stored.kind == sns::MessageKind::Notification;
  http::Request request;
  request.method = "POST";
  auto url = split(subscription.endpoint);
  request.path = std::move(url.path);
  request.query = std::move(url.query);
  request.headers.add("x-amz-sns-message-type", sns::name_of(stored.kind));
  request.headers.add("x-amz-sns-message-id", stored.uuid);
  request.headers.add("x-amz-sns-topic-arn", subscription.topic_arn);
  if (notification) {
    request.headers.add("x-amz-sns-subscription-arn", subscription.arn());
    if (subscription.raw()) request.headers.add("x-amz-sns-rawdelivery", "true");
  }
  request.headers.add("Content-Type",
                      notification ? content_type : sns::DeliveryPolicy::kContentType);
  request.headers.add("User-Agent", kAgent);
  request.body = std::move(body);
  return request;
}

bool is_mail(const sns::Subscription& subscription) {
  return subscription.protocol.starts_with("email");
}

// As people read it; "email-json" has the envelope.
std::string mail_text(const sns::Subscription& subscription, sns::MessageKind kind,
                      std::string_view message, std::string_view link) {
  switch (kind) {
    case sns::MessageKind::Notification:
      return fmt::format(
          "{}\n\n--\nIf you wish to stop receiving notifications from this topic, please visit the "
          "link below to unsubscribe:\n{}\n",
          message, link);
    case sns::MessageKind::SubscriptionConfirmation:
      return fmt::format(
          "You have chosen to subscribe to the topic:\n{}\n\nTo confirm this subscription, visit "
          "the link below (if this was in error, no action is necessary):\n{}\n",
          subscription.topic_arn, link);
    case sns::MessageKind::UnsubscribeConfirmation:
      return fmt::format(
          "Your subscription to the topic below has been deactivated:\n{}\n\nIf this was in error, "
          "visit the link below to subscribe again:\n{}\n",
          subscription.topic_arn, link);
  }
  return {};
}

std::string mail_subject(sns::MessageKind kind, const std::optional<std::string>& subject) {
  if (kind == sns::MessageKind::SubscriptionConfirmation) {
    return "AWS Notification - Subscription Confirmation";
  }
  if (kind == sns::MessageKind::UnsubscribeConfirmation) {
    return "AWS Notification - Unsubscribe Confirmation";
  }
  return subject.value_or("AWS Notification Message");
}

sns::DeliveryPolicy policy_of(const sns::Subscription& subscription, std::string_view of_topic) {
  return sns::effective_policy(of_topic, subscription.attribute("DeliveryPolicy"));
}

}  // namespace

http::ClientOptions SnsDispatch::client_options() const {
  return {.connect_timeout = kPushTimeout,
          .total_timeout = kPushTimeout,
          .response_bytes_max = kAnswerBytesMax,
          .ca_file = options_.ca_file,
          .guard = &options_.guard};
}

// Its subscription is busy from then on.
Result<std::optional<SnsDispatch::Job>> SnsDispatch::take_push() {
  const MutexLock lock(mutex_);
  const auto now = services_.os.clock.monotonic();
  std::erase_if(paced_, [&](const auto& one) { return one.second <= now; });
  auto unavailable = busy_;
  for (const auto& [subscription, until] : paced_) unavailable.push_back(subscription);
  std::optional<Job> job;
  TRY(services_.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(auto delivery, services_.sns.outgoing.due_push(transaction, unavailable));
    if (!delivery) return {};
    TRY_ASSIGN(job, complete(transaction, std::move(*delivery)));
    return {};
  }));
  if (job) busy_.push_back(job->subscription.id);
  return job;
}

SnsDispatch::Pushed SnsDispatch::mail(const Job& job, const std::string& body, std::string& why) {
  const auto& subscription = job.subscription;
  const auto& stored = job.delivery.stored;
  const bool envelope =
      subscription.protocol == "email-json" && stored.kind == sns::MessageKind::Notification;
  const auto sent = http::send_mail(
      options_.relay,
      {.to = subscription.endpoint,
       .from_name = job.display_name.empty() ? "AWS Notifications" : job.display_name,
       .subject = mail_subject(stored.kind, job.content.subject),
       .text = envelope ? body
                        : mail_text(subscription, stored.kind,
                                    job.content.text_for(subscription.protocol), link_of(job)),
       .id = fmt::format("{}.{}", stored.uuid, subscription.uuid),
       .date = services_.os.clock.now()});
  if (sent) return Pushed::Delivered;
  why = sent.error().message();
  return sent.error().code() == ErrorCode::PermissionDenied ? Pushed::Refused : Pushed::Later;
}

// "HTTP/HTTPS endpoints": what a repetition cannot help is final.
SnsDispatch::Pushed SnsDispatch::push(http::Client& client, const Job& job, const std::string& body,
                                      std::string& why) {
  const auto policy = policy_of(job.subscription, job.delivery_policy);
  const auto answer =
      client.send(split(job.subscription.endpoint).base,
                  make_request(job.subscription, job.delivery.stored, policy.content_type, body));
  if (!answer) {
    why = answer.error().message();
    // Who may be reached is the operator's to say; the URL will not change.
    return answer.error().code() == ErrorCode::PermissionDenied ? Pushed::Refused : Pushed::Later;
  }
  if (answer->status >= 200 && answer->status < 300) return Pushed::Delivered;
  why = fmt::format("the subscriber answers {}", answer->status);
  return answer->status >= 500 || answer->status == 429 ? Pushed::Later : Pushed::Refused;
}

Result<> SnsDispatch::finish_push(const Job& job, const std::string& body, Pushed pushed,
                                  const std::string& why) {
  auto& outgoing = services_.sns.outgoing;
  const auto& delivery = job.delivery;
  const auto policy = policy_of(job.subscription, job.delivery_policy);
  const auto retry = delivery.attempts + 1;
  const auto delay =
      is_mail(job.subscription) ? sns::mail_delay_before(retry) : policy.retry->delay_before(retry);
  Batch batch;
  bool lost = false;
  TRY(services_.outbox.commit(
      [&](meta::Transaction& transaction) -> Result<std::vector<ingest::Draft>> {
        batch = {};
        TRY_ASSIGN(const bool exists, outgoing.exists(transaction, delivery));
        if (!exists) return std::move(batch.drafts);
        if (pushed == Pushed::Later && delay) {
          TRY(outgoing.retry(transaction, delivery, services_.os.clock.now() + *delay));
          return std::move(batch.drafts);
        }
        const auto dead_letters = job.subscription.dead_letter_arn();
        lost = pushed != Pushed::Delivered;
        if (lost && !dead_letters.empty() &&
            delivery.stored.kind == sns::MessageKind::Notification) {
          TRY_ASSIGN(const bool kept, send(transaction, job, dead_letters, body, batch));
          lost = !kept;
        }
        TRY(outgoing.finish(transaction, delivery));
        return std::move(batch.drafts);
      }));
  if (pushed != Pushed::Delivered) options_.wake_receivers();
  if (lost) {
    log(LogLevel::Warning, "a notification was lost",
        {{"topic", job.subscription.topic_arn},
         {"endpoint", job.subscription.endpoint},
         {"why", why}});
  }
  return {};
}

Result<bool> SnsDispatch::push_next(http::Client& client) {
  TRY_ASSIGN(const auto job, take_push());
  if (!job) return false;
  const auto done = [&]() -> Result<> {
    TRY_ASSIGN(const auto body, render(*job));
    std::string why;
    const auto pushed =
        is_mail(job->subscription) ? mail(*job, body, why) : push(client, *job, body, why);
    return finish_push(*job, body, pushed, why);
  }();
  const auto policy = policy_of(job->subscription, job->delivery_policy);
  const MutexLock lock(mutex_);
  std::erase(busy_, job->subscription.id);
  if (policy.receives_max) {
    paced_[job->subscription.id] =
        services_.os.clock.monotonic() + Duration(std::chrono::seconds(1)) / *policy.receives_max;
  }
  TRY(done);
  return true;
}

}  // namespace traccia::api
