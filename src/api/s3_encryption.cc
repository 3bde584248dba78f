// Reads headers and defaults, and asks KMS.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_encryption.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "aws/arn.h"
#include "base/bytes.h"

namespace traccia::api {
namespace {

constexpr std::string_view kAlgorithmHeader = "x-amz-server-side-encryption";
constexpr std::string_view kKeyHeader = "x-amz-server-side-encryption-aws-kms-key-id";
constexpr std::string_view kContextHeader = "x-amz-server-side-encryption-context";
constexpr std::string_view kBucketKeyHeader = "x-amz-server-side-encryption-bucket-key-enabled";
constexpr std::string_view kClassHeader = "x-amz-storage-class";
constexpr std::string_view kManagedKey = "alias/aws/s3";
constexpr std::string_view kObjectContext = "aws:s3:arn";

// Of a request; absent members are the bucket's to say.
struct Asked {
  std::optional<s3::Sse> kind = std::nullopt;
  std::string key = {};
  kms::EncryptionContext context = {};
  std::optional<bool> bucket_key = std::nullopt;
};

std::unexpected<Error> two_layers() {
  return s3_error("NotImplemented",
                  "Dual-layer encryption (aws:kms:dsse) is not available on this server; use "
                  "aws:kms");
}

// A JSON object of texts.
std::optional<kms::EncryptionContext> read_context(std::string_view text) {
  const auto value = json::parse(text);
  if (!value || !value->is_object()) return std::nullopt;
  kms::EncryptionContext out;
  for (const auto& [name, one] : value->get_object()) {
    if (!one.is_string()) return std::nullopt;
    out.emplace(name, one.get_string());
  }
  return out;
}

Result<kms::EncryptionContext> parse_context(std::string_view header) {
  if (header.empty()) return kms::EncryptionContext();
  const auto wrong = [] {
    return s3_error("InvalidArgument",
                    "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded "
                    "UTF-8 string holding JSON which represents a string-string map");
  };
  const auto text = base64_decode(header);
  auto context = text ? read_context(*text) : std::nullopt;
  if (!context) return wrong();
  return std::move(*context);
}

Result<Asked> read_headers(const S3Call& call) {
  Asked out;
  const auto algorithm = call.header(kAlgorithmHeader);
  out.key = call.header(kKeyHeader);
  if (algorithm == "AES256") {
    out.kind = s3::Sse::S3;
  } else if (algorithm == "aws:kms") {
    out.kind = s3::Sse::Kms;
  } else if (algorithm == "aws:kms:dsse") {
    return two_layers();
  } else if (!algorithm.empty()) {
    return s3_error("InvalidEncryptionAlgorithmError",
                    "The encryption request that you specified is not valid. The valid value is "
                    "AES256 or aws:kms.");
  }
  if (!out.key.empty() && out.kind != s3::Sse::Kms) {
    return s3_error("InvalidArgument",
                    "Server Side Encryption with AWS KMS managed key requires HTTP header "
                    "x-amz-server-side-encryption : aws:kms");
  }
  TRY_ASSIGN(out.context, parse_context(call.header(kContextHeader)));
  if (const auto bucket_key = call.header(kBucketKeyHeader); !bucket_key.empty()) {
    out.bucket_key = http::equal_ignoring_case(bucket_key, "true");
  }
  return out;
}

Result<s3::StorageClass> read_class(const S3Call& call) {
  const auto name = call.header(kClassHeader);
  if (name.empty()) return s3::StorageClass::Standard;
  const auto found = s3::storage_class_of(name);
  if (found) return *found;
  return s3_error("InvalidStorageClass", "The storage class you specified is not valid");
}

Result<DefaultEncryption> default_of(S3Call& call, meta::Transaction& transaction) {
  TRY_ASSIGN(const auto text,
             call.services().s3.get_document(transaction, call.bucket(), s3::Document::Encryption));
  if (!text) return DefaultEncryption();
  return parse_default_encryption(*text);
}

// S3 makes the call; the permissions are the caller's ("Using server-side encryption with AWS KMS
// keys", permissions).
Result<Caller> through_s3(const S3Call& call, std::string_view region) {
  auto caller = call.caller();
  if (caller.principal.account_id.empty()) {
    return s3_error("InvalidArgument",
                    "Requests specifying Server Side Encryption with AWS KMS managed keys require "
                    "AWS Signature Version 4.");
  }
  caller.via_service = "s3";
  caller.region = region;
  return caller;
}

Recording recording_of(const s3::Encryption& encryption) {
  return encryption.bucket_key ? Recording::Seldom : Recording::Always;
}

// Of an object: what it is encrypted under, and of SSE-KMS the request for its data key.
struct Chosen {
  s3::Encryption encryption = {};
  bool by_default = true;
  uint64_t writes = 0;  // kms::Keys::know
  std::optional<KeyRequest> request = {};
};

Result<> choose_key(S3Call& call, meta::Transaction& transaction, const std::string& key,
                    kms::EncryptionContext context, Chosen& chosen) {
  auto& encryption = chosen.encryption;
  // One context names the bucket, so that one key does for its objects ("Amazon S3 Bucket Keys").
  const S3Address named{call.bucket(), encryption.bucket_key ? "" : call.key()};
  context.try_emplace(std::string(kObjectContext), s3_arn(named));
  encryption.context = json::serialize(render_context(context));
  TRY_ASSIGN(auto caller, through_s3(call, call.found_bucket().region));
  chosen.request.emplace(
      call.services(), std::move(caller),
      KeyRequest::Of{key.empty() ? std::string(kManagedKey) : key, std::move(context), std::nullopt,
                     recording_of(encryption)});
  chosen.request->decide(transaction, chosen.writes);
  return {};
}

// As the request says or else the bucket.
Result<> choose(S3Call& call, meta::Transaction& transaction, const Asked& asked, Chosen& chosen) {
  TRY_ASSIGN(const auto fallback, default_of(call, transaction));
  chosen.by_default = !asked.kind;
  auto& encryption = chosen.encryption;
  encryption.kind = asked.kind.value_or(fallback.kind);
  if (encryption.kind != s3::Sse::Kms) return {};
  encryption.bucket_key = asked.bucket_key.value_or(fallback.bucket_key);
  return choose_key(call, transaction, asked.kind ? asked.key : fallback.key, asked.context,
                    chosen);
}

// In the answer and in the call's event ("Amazon S3 CloudTrail events", SSEApplied).
void show(S3Call& call, const s3::Encryption& encryption, bool by_default) {
  s3_add_encryption(call.answer_headers, encryption);
  if (!call.response_elements.is_object()) call.response_elements = json::Object{};
  http::Headers shown;
  s3_add_encryption(shown, encryption);
  for (const auto& [name, value] : shown) call.response_elements.as_object()[name] = value;
  call.sse_applied = fmt::format("{}SSE_{}", by_default ? "Default_" : "",
                                 encryption.kind == s3::Sse::Kms ? "KMS" : "S3");
}

}  // namespace

Result<DefaultEncryption> parse_default_encryption(const std::string& xml) {
  TRY_ASSIGN(const auto root, aws::parse_xml(xml));
  const auto malformed = [] { return s3_error("MalformedXML", "no encryption configuration"); };
  const auto rules = root.children_named("Rule");
  if (root.name != "ServerSideEncryptionConfiguration" || rules.size() != 1) return malformed();
  const auto* chosen = rules.front()->child("ApplyServerSideEncryptionByDefault");
  if (chosen == nullptr) return malformed();
  DefaultEncryption out;
  const auto algorithm = chosen->child_text("SSEAlgorithm");
  out.key = chosen->child_text("KMSMasterKeyID");
  if (algorithm == "aws:kms:dsse") return two_layers();
  if (algorithm != "AES256" && algorithm != "aws:kms") return malformed();
  if (algorithm == "aws:kms") out.kind = s3::Sse::Kms;
  if (!out.key.empty() && out.kind != s3::Sse::Kms) {
    return s3_error("InvalidArgument",
                    "a KMSMasterKeyID is not applicable if the default sse algorithm is not "
                    "aws:kms");
  }
  const auto bucket_key = rules.front()->child_text("BucketKeyEnabled");
  if (!bucket_key.empty() && bucket_key != "true" && bucket_key != "false") return malformed();
  out.bucket_key = bucket_key == "true";
  return out;
}

Result<s3::Sealing> s3_seal_object(S3Call& call) {
  TRY_ASSIGN(const auto asked, read_headers(call));
  Chosen chosen{.writes = call.services().database.writes()};
  TRY(call.look(
      [&](meta::Transaction& transaction) { return choose(call, transaction, asked, chosen); }));
  s3::Sealing out;
  TRY_ASSIGN(const auto storage_class, read_class(call));
  out.encryption = std::move(chosen.encryption);
  if (chosen.request) {
    auto made = chosen.request->finish();
    if (!made) return std::unexpected(refuse_key(made.error()));
    out.encryption.key_arn = std::move(made->key_arn);
    out.encryption.sealed_key = std::move(made->sealed);
    out.data_key = std::move(made->plaintext);
  }
  for (const auto name : {kAlgorithmHeader, kKeyHeader, kContextHeader, kBucketKeyHeader}) {
    const auto value = call.header(name);
    if (!value.empty()) call.extra_parameters[name] = value;
  }
  out.storage_class = storage_class;
  if (storage_class != s3::StorageClass::Standard) {
    call.extra_parameters[kClassHeader] = s3::name_of(storage_class);
    call.answer_headers.add(kClassHeader, s3::name_of(storage_class));
  }
  show(call, out.encryption, chosen.by_default);
  return out;
}

Result<s3::OpenUpload> s3_seal_part(S3Call& call) {
  s3::OpenUpload out;
  auto& sealing = out.sealing;
  std::optional<KeyRequest> request;
  const auto writes = call.services().database.writes();
  TRY(call.look([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(out, call.services().s3.get_upload(transaction, call.bucket(), call.key(),
                                                  call.query_or_empty("uploadId")));
    return s3_ask_to_open(call, transaction, sealing.encryption, writes, request);
  }));
  TRY_ASSIGN(sealing.data_key, s3_open(request));
  show(call, sealing.encryption, false);
  return out;
}

Result<> s3_ask_to_open(S3Call& call, meta::Transaction& transaction,
                        const s3::Encryption& encryption, std::optional<uint64_t> writes,
                        std::optional<KeyRequest>& request) {
  if (encryption.kind != s3::Sse::Kms) return {};
  const auto key = aws::parse_arn(encryption.key_arn);
  auto context = read_context(encryption.context);
  if (!key || !context) {
    return fail(ErrorCode::DataLoss, "the index holds a broken encryption of an object");
  }
  TRY_ASSIGN(auto caller, through_s3(call, key->region));
  request.emplace(call.services(), std::move(caller),
                  KeyRequest::Of{encryption.key_arn, std::move(*context), encryption.sealed_key,
                                 recording_of(encryption)});
  request->decide(transaction, writes);
  return {};
}

Result<std::string> s3_open(std::optional<KeyRequest>& request) {
  if (!request) return std::string();
  auto opened = request->finish();
  if (!opened) return std::unexpected(refuse_key(opened.error()));
  return std::move(opened->plaintext);
}

void s3_add_encryption(http::Headers& headers, const s3::Encryption& encryption) {
  headers.add(kAlgorithmHeader, s3::algorithm_of(encryption.kind));
  if (encryption.kind != s3::Sse::Kms) return;
  headers.add(kKeyHeader, encryption.key_arn);
  if (encryption.bucket_key) headers.add(kBucketKeyHeader, "true");
}

Error refuse_key(const Error& error) {
  struct Shown {
    std::string_view reason, name;
  };
  static constexpr Shown kShown[] = {{"NotFound", "KMS.NotFoundException"},
                                     {"InvalidArn", "KMS.NotFoundException"},
                                     {"Disabled", "KMS.DisabledException"},
                                     {"KMSInvalidState", "KMS.KMSInvalidStateException"},
                                     {"InvalidKeyUsage", "KMS.InvalidKeyUsageException"},
                                     {"InvalidCiphertext", "KMS.InvalidCiphertextException"},
                                     {"IncorrectKey", "KMS.IncorrectKeyException"}};
  const auto* const at = std::ranges::find(kShown, error.reason(), &Shown::reason);
  if (at == std::end(kShown)) return error;
  return {error.code(), at->name, error.message()};
}

}  // namespace traccia::api
