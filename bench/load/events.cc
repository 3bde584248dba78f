// Renders base events once; fills their slots for each event.
// SPDX-License-Identifier: Apache-2.0
#include "events.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <random>

#include "event_shapes.h"
#include "random.h"

namespace traccia::load {
namespace {

constexpr int kUsers = 120, kRoles = 80, kSessionNames = 300, kPlaces = 70;
constexpr uint32_t kSessionEvents = 8;   // of a base round, with one temporary key
constexpr uint32_t kResourceEvents = 5;  // of a base round, on one resource
constexpr double kZipf = 0.9;

// What mix() is salted with, so that no two uses share random bits.
enum Salt : uint64_t { kIdHigh = 1, kIdLow, kFill, kSession, kAddress, kResourceLow = 16 };

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::string_view kFirst[] = {"maria", "john",  "wei",   "fatima", "lukas", "ana",
                                       "priya", "tomas", "chidi", "yuki",   "elena", "omar"};
constexpr std::string_view kLast[] = {"lopez", "smith", "zhang", "hassan", "novak",
                                      "silva", "patel", "okoye", "tanaka", "rossi"};
constexpr std::string_view kTeams[] = {"orders", "billing",  "search",   "identity", "catalog",
                                       "media",  "payments", "delivery", "reports",  "platform"};
constexpr std::string_view kDuties[] = {"api",      "worker", "deploy", "backup",
                                        "readonly", "admin",  "ingest", "scheduler"};
constexpr std::string_view kStages[] = {"prod", "prod-eu", "staging", "dev",
                                        "test", "shared",  "sandbox"};
constexpr std::string_view kAgents[] = {
    "aws-cli/2.17.9 Python/3.11.8 Linux/6.1.92 exe/x86_64.amzn.2023 prompt/off command/s3.ls",
    "Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 os/linux#6.1.92 md/arch#x86_64 lang/python#3.11.9",
    "aws-sdk-go-v2/1.30.1 os/linux lang/go#1.22.4 md/GOOS#linux md/GOARCH#amd64 api/sts#1.30.1",
    "aws-sdk-java/2.26.7 Linux/5.10.218 OpenJDK_64-Bit_Server_VM/17.0.11 vendor/Amazon.com_Inc.",
    "APN/1.0 HashiCorp/1.0 Terraform/1.8.5 terraform-provider-aws/5.54.1 aws-sdk-go-v2/1.27.2",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari",
    "aws-sdk-js/3.600.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#20.14.0 api/dynamodb#3.600.0",
    "eks.amazonaws.com",
    "lambda.amazonaws.com",
    "autoscaling.amazonaws.com"};
constexpr std::string_view kServices[] = {"lambda", "autoscaling", "eks", "cloudtrail", "config"};

std::string person(size_t i) {
  return fmt::format("{}.{}", kFirst[i % std::size(kFirst)],
                     kLast[(i / std::size(kFirst)) % std::size(kLast)]);
}

std::string role_name(size_t i) {
  return fmt::format("{}-{}", kTeams[i % std::size(kTeams)],
                     kDuties[(i / std::size(kTeams)) % std::size(kDuties)]);
}

std::string place_name(size_t i) {
  return fmt::format("{}-{}", kTeams[i % std::size(kTeams)],
                     kStages[(i / std::size(kTeams)) % std::size(kStages)]);
}

std::string session_name(size_t i) {
  switch (i % 3) {
    case 0:
      return person(i / 3) + "@example.com";
    case 1:
      return fmt::format("i-{:017x}", mix(i) >> 4);
    default:
      return fmt::format("{}-{}", role_name(i / 3), 1000 + mix(i) % 9000);
  }
}

// 16 characters that belong to one principal for good.
std::string principal(std::string_view what, size_t i) {
  Random random(mix(what.size(), i));
  std::string out;
  while (out.size() < 16) out += kBase32[random() % kBase32.size()];
  return out;
}

std::discrete_distribution<size_t> zipf(size_t count) {
  std::vector<double> weights;
  weights.reserve(count);
  for (size_t i = 0; i < count; ++i) weights.push_back(1 / std::pow(double(i + 1), kZipf));
  return {weights.begin(), weights.end()};
}

// Draws and renders base events.
class Renderer {
 public:
  explicit Renderer(uint64_t seed) : random_(seed) {
    std::vector<double> weights;
    for (const auto& shape : kCallShapes) weights.push_back(shape.weight);
    shapes_ = {weights.begin(), weights.end()};
  }

  BaseEvent next() {
    event_ = {};
    const size_t number = shapes_(random_);
    shape_ = &kCallShapes[number];
    place_ = place_name(places_(random_));
    event_.name = shape_->name;
    event_.source = fmt::format("{}.amazonaws.com", shape_->source);
    event_.resource_type = shape_->resource_type;
    event_.read_only = shape_->read_only;
    const auto touched = touched_[number]++;
    event_.resource = static_cast<uint32_t>(number) << 16 | touched / kResourceEvents;
    append(R"({"eventVersion":"1.11","userIdentity":)");
    append_identity();
    append_head();
    append_tail();
    return std::move(event_);
  }

 private:
  void append(std::string_view text) { event_.text += text; }
  void slot(Slot::Kind kind, size_t length) {
    event_.slots.push_back(
        {static_cast<uint32_t>(event_.text.size()), static_cast<uint16_t>(length), kind});
    event_.text.append(length, '0');
  }

  // Appends a template, see CallShape.
  void expand(std::string_view text) {
    while (!text.empty()) {
      const auto at = text.find('$');
      append(text.substr(0, at));
      if (at == text.npos) return;
      const auto end = text.find(';', at);
      const char what = text[at + 1];
      size_t length = 0;
      for (const char digit : text.substr(at + 2, end - at - 2))
        length = length * 10 + static_cast<size_t>(digit - '0');
      text.remove_prefix(end + 1);
      switch (what) {
        case 'A':
          append(kAccount);
          break;
        case 'G':
          append(kRegion);
          break;
        case 'P':
          append(place_);
          break;
        case 'T':
          slot(Slot::Kind::Time, 20);
          break;
        case 'U':
          slot(Slot::Kind::Uuid, 36);
          break;
        case 'H':
          slot(Slot::Kind::Hex, length);
          break;
        case 'B':
          slot(Slot::Kind::Base64, length);
          break;
        case 'R':
          slot(Slot::Kind::Resource, length);
          break;
        default:
          std::abort();
      }
    }
  }

  void append_identity() {
    const auto kind = random_.below(100);
    if (kind < 30) {
      append_user(users_(random_));
    } else if (kind < 86) {
      append_role(roles_(random_), sessions_(random_));
    } else {
      event_.user = fmt::format("{}.amazonaws.com", kServices[random_.below(std::size(kServices))]);
      append(fmt::format(R"({{"type":"AWSService","invokedBy":"{}"}})", event_.user));
    }
  }

  void append_user(size_t i) {
    event_.user = person(i);
    event_.session = uint32_t{1} << 31 | static_cast<uint32_t>(i);
    append(
        fmt::format(R"({{"type":"IAMUser","principalId":"AIDA{}","arn":"arn:aws:iam::{}:user/{}",)"
                    R"("accountId":"{}","accessKeyId":")",
                    principal("user", i), kAccount, event_.user, kAccount));
    event_.access_key = {static_cast<uint32_t>(event_.text.size()), 20};
    append(fmt::format(R"(AKIA{}","userName":"{}"}})", principal("key", i), event_.user));
  }

  void append_role(size_t role, size_t session) {
    event_.user = session_name(session);
    const auto id = principal("role", role);
    const auto name = role_name(role);
    append(fmt::format(R"({{"type":"AssumedRole","principalId":"AROA{}:{}",)"
                       R"("arn":"arn:aws:sts::{}:assumed-role/{}/{}","accountId":"{}",)"
                       R"("accessKeyId":")",
                       id, event_.user, kAccount, name, event_.user, kAccount));
    event_.access_key = {static_cast<uint32_t>(event_.text.size()), 20};
    event_.temporary_key = true;
    const auto who = role * kSessionNames + session;
    event_.session = static_cast<uint32_t>(who) << 12 | (seen_[who]++ / kSessionEvents);
    append("ASIA");
    slot(Slot::Kind::SessionKey, 16);
    append(fmt::format(R"(","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":)"
                       R"("AROA{}","arn":"arn:aws:iam::{}:role/{}","accountId":"{}","userName":)"
                       R"("{}"}},"attributes":{{"creationDate":"2026-11-25T06:00:0{}Z",)"
                       R"("mfaAuthenticated":"false"}}}}}})",
                       id, kAccount, name, kAccount, name, session % 10));
  }

  void append_head() {
    append(R"(,"eventTime":")");
    slot(Slot::Kind::Time, 20);
    append(fmt::format(R"(","eventSource":"{}","eventName":"{}","awsRegion":"{}",)"
                       R"("sourceIPAddress":")",
                       event_.source, event_.name, kRegion));
    if (event_.access_key.length == 0) {
      append(event_.user);
    } else {
      slot(Slot::Kind::SessionAddress, 15);
    }
    append(fmt::format(R"(","userAgent":"{}")", kAgents[random_.below(std::size(kAgents))]));
    if (random_.below(100) < 3) {
      append(fmt::format(R"(,"errorCode":"AccessDenied","errorMessage":"User is not authorized to )"
                         R"(perform: {}:{} because no identity-based policy allows it")",
                         shape_->source, shape_->name));
    }
  }

  void append_tail() {
    append(R"(,"requestParameters":)");
    expand(shape_->parameters);
    append(R"(,"responseElements":)");
    expand(shape_->response);
    if (!shape_->additional.empty()) {
      append(R"(,"additionalEventData":)");
      expand(shape_->additional);
    }
    append(R"(,"requestID":")");
    slot(Slot::Kind::Uuid, 36);
    append(R"(","eventID":")");
    slot(Slot::Kind::EventId, 36);
    append(fmt::format(R"(","readOnly":{})", event_.read_only));
    append_resources();
    append(fmt::format(R"(,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":)"
                       R"("{}","eventCategory":"Management")",
                       kAccount));
    if (event_.access_key.length > 0) {  // AWS's own services do not say
      append(fmt::format(R"(,"tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":)"
                         R"("TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":)"
                         R"("{}.{}.amazonaws.com"}})",
                         shape_->source, kRegion));
    }
    append("}");
  }

  void append_resources() {
    if (shape_->resource_type.empty()) return;
    append(fmt::format(R"(,"resources":[{{"accountId":"{}","type":"{}","ARN":")", kAccount,
                       shape_->resource_type));
    const auto start = event_.text.size();
    expand(shape_->resource_arn);
    event_.resource_arn = {static_cast<uint32_t>(start),
                           static_cast<uint32_t>(event_.text.size() - start)};
    event_.fresh_resource = shape_->resource_arn.find("$R") != std::string_view::npos;
    append(R"("}])");
  }

  Random random_;
  std::discrete_distribution<size_t> shapes_;
  std::discrete_distribution<size_t> users_ = zipf(kUsers), roles_ = zipf(kRoles),
                                     sessions_ = zipf(kSessionNames), places_ = zipf(kPlaces);
  std::map<size_t, uint32_t> touched_, seen_;
  const CallShape* shape_ = nullptr;
  std::string place_;
  BaseEvent event_;
};

// The characters of a random number, most of its bits used.
template <size_t kBits>
void fill_text(char* to, size_t length, std::string_view alphabet, Random& random) {
  constexpr size_t kEach = 64 / kBits;
  for (size_t i = 0; i < length; i += kEach) {
    auto bits = random();
    for (size_t j = i; j < std::min(length, i + kEach); ++j, bits >>= kBits) {
      to[j] = alphabet[bits & ((1U << kBits) - 1)];
    }
  }
}

void fill_uuid(char* to, uint64_t high, uint64_t low) {
  constexpr size_t kPlacesOfHigh[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17};
  constexpr size_t kPlacesOfLow[] = {19, 20, 21, 22, 24, 25, 26, 27,
                                     28, 29, 30, 31, 32, 33, 34, 35};
  for (const auto at : kPlacesOfHigh) to[at] = kHex[high & 15], high >>= 4;
  for (const auto at : kPlacesOfLow) to[at] = kHex[low & 15], low >>= 4;
  to[8] = to[13] = to[18] = to[23] = '-';
  to[14] = '4';
  to[19] = kHex[8 | (static_cast<uint64_t>(to[20]) & 3)];
}

// Three digits each, so that the length stays.
void fill_address(char* to, uint64_t bits) {
  for (size_t octet = 0; octet < 4; ++octet, bits >>= 16) {
    const auto value = 100 + (bits & 0xffff) % 156;
    to[octet * 4] = static_cast<char>('0' + value / 100);
    to[octet * 4 + 1] = static_cast<char>('0' + value / 10 % 10);
    to[octet * 4 + 2] = static_cast<char>('0' + value % 10);
    if (octet < 3) to[octet * 4 + 3] = '.';
  }
}

}  // namespace

EventTime event_time_now() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  EventTime out{};
  std::memcpy(out.data(), text, out.size());
  return out;
}

EventPool::EventPool(uint64_t seed) : seed_(mix(seed)) {
  Renderer renderer(0);  // who and what are alike for every seed; ids differ
  for (uint64_t i = 0; i < kBases; ++i) bases_.push_back(renderer.next());
}

void EventPool::fill(char* text, uint64_t number, const EventTime& time) const {
  const auto& base = bases_[number % kBases];
  const auto round = mix(seed_, number / kBases);
  Random random(mix(seed_ + kFill, number));
  for (const auto& slot : base.slots) {
    char* const to = text + slot.offset;
    switch (slot.kind) {
      case Slot::Kind::Time:
        std::memcpy(to, time.data(), time.size());
        break;
      case Slot::Kind::EventId:
        fill_uuid(to, mix(seed_ + kIdHigh, number), mix(seed_ + kIdLow, number));
        break;
      case Slot::Kind::Uuid: {
        const auto high = random();
        fill_uuid(to, high, random());
        break;
      }
      case Slot::Kind::Hex:
        fill_text<4>(to, slot.length, kHex, random);
        break;
      case Slot::Kind::Base64:
        fill_text<6>(to, slot.length, kBase64, random);
        break;
      case Slot::Kind::SessionKey: {
        Random key(mix(round + kSession, base.session));
        fill_text<5>(to, slot.length, kBase32, key);
        break;
      }
      case Slot::Kind::SessionAddress:
        fill_address(to, mix(round + kAddress, base.session));
        break;
      case Slot::Kind::Resource: {
        Random id(mix(round + kResourceLow, base.resource));
        fill_text<4>(to, slot.length, kHex, id);
        break;
      }
    }
  }
}

std::string EventPool::event(uint64_t number, const EventTime& time) const {
  auto text = base(number).text;
  fill(text.data(), number, time);
  return text;
}

std::string EventPool::event_id(uint64_t number) const {
  std::string id(36, '0');
  fill_uuid(id.data(), mix(seed_ + kIdHigh, number), mix(seed_ + kIdLow, number));
  return id;
}

std::string EventPool::access_key(uint64_t number) const {
  const auto span = base(number).access_key;
  return event(number, {}).substr(span.offset, span.length);
}

std::string EventPool::resource_arn(uint64_t number) const {
  const auto span = base(number).resource_arn;
  return event(number, {}).substr(span.offset, span.length);
}

double EventPool::mean_bytes() const {
  double bytes = 0;
  for (const auto& base : bases_) bytes += static_cast<double>(base.text.size());
  return bytes / double(kBases);
}

double EventPool::mean_entropy_bytes() const {
  double bits = 0;
  std::map<uint32_t, size_t> sessions, resources;
  for (const auto& base : bases_) {
    for (const auto& slot : base.slots) {
      if (slot.kind == Slot::Kind::EventId || slot.kind == Slot::Kind::Uuid) bits += 122;
      if (slot.kind == Slot::Kind::Hex) bits += slot.length * 4.0;
      if (slot.kind == Slot::Kind::Base64) bits += slot.length * 6.0;
      if (slot.kind == Slot::Kind::Resource) resources.emplace(base.resource, slot.length * 4);
      if (slot.kind == Slot::Kind::SessionKey) sessions.emplace(base.session, 80 + 29);
    }
  }
  for (const auto& [group, shared] : sessions) bits += static_cast<double>(shared);
  for (const auto& [group, shared] : resources) bits += static_cast<double>(shared);
  return bits / 8 / double(kBases);
}

}  // namespace traccia::load
