// The embedded object service: buckets, objects, multipart uploads. Protocol-free; `api` speaks
// REST-XML. Error reasons are S3's own codes (NoSuchBucket, NoSuchKey, PreconditionFailed, …).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "blob/blob.h"
#include "meta/database.h"
#include "os/os.h"
#include "s3/acl.h"
#include "s3/checksums.h"
#include "s3/encryption.h"

namespace traccia::s3 {

extern const std::string_view kSchema;
extern const std::string_view kVersionsSchema;
extern const std::string_view kLocksSchema;
extern const std::string_view kSmallSchema;

// Once set it never goes back to Never.
enum class Versioning : uint8_t { Never = 0, Enabled = 1, Suspended = 2 };

// Never: not one request said anything of it.
enum class MfaDelete : uint8_t { Never = 0, Enabled = 1, Disabled = 2 };

// "Locking objects with Object Lock".
enum class LockMode : uint8_t { None = 0, Governance = 1, Compliance = 2 };
enum class LegalHold : uint8_t { None = 0, On = 1, Off = 2 };  // None: it never had one
// Whether governance mode binds a call.
enum class Governance : uint8_t { Enforced, Bypassed };

// Of one version.
struct Lock {
  LockMode mode = LockMode::None;
  Time until = {};  // with a mode
  LegalHold legal_hold = LegalHold::None;

  bool empty() const { return mode == LockMode::None && legal_hold == LegalHold::None; }
};

// The retention of objects that come without one of their own: so many days or years.
struct DefaultRetention {
  LockMode mode = LockMode::None;
  int days = 0;
  int years = 0;
};

struct Bucket {
  std::string name;
  std::string owner_account;
  std::string region;
  Time created;
  Versioning versioning = Versioning::Never;
  MfaDelete mfa_delete = MfaDelete::Never;
  bool object_lock = false;  // once set it stays, and versioning stays Enabled
  DefaultRetention default_retention = {};
  Ownership ownership = Ownership::Enforced;
  std::optional<Acl> acl = std::nullopt;  // the owner's only

  bool keeps_versions() const { return versioning != Versioning::Never; }
};

// The version that buckets hold that do not, or not at the moment, keep versions.
inline constexpr std::string_view kNullVersion = "null";

// System metadata that a client may set and reads back.
struct ObjectHeaders {
  std::string content_type;  // "binary/octet-stream" when empty
  std::string content_encoding, content_language, content_disposition, cache_control, expires;
};

// Of an object: values by key, in which case counts.
using Tags = std::map<std::string, std::string>;
inline constexpr size_t kTagsMax = 10;

struct ObjectInfo {
  std::string bucket;
  std::string key;
  uint64_t size = 0;
  std::string etag;    // without quotes
  Time last_modified;  // whole seconds
  ObjectHeaders headers;
  std::map<std::string, std::string> metadata;  // x-amz-meta-*, names lower case without prefix
  Tags tags = {};
  std::string owner_account;
  Encryption encryption;
  StorageClass storage_class = StorageClass::Standard;
  std::optional<Time> restored_until = std::nullopt;  // of archived objects
  std::map<std::string, std::string> checksums;  // "crc32" → base64, of a composite with its "-N"
  ChecksumType checksum_type = ChecksumType::FullObject;
  std::string part_sums = {};                            // of a composite: encode_part_sums()
  std::vector<std::pair<blob::BlobId, uint64_t>> parts;  // bytes in order
  std::string version_id = std::string(kNullVersion);
  int64_t place = 0;  // among the versions of its key, of which the newest has the least
  bool delete_marker = false;
  Lock lock = {};
  std::optional<Acl> acl = std::nullopt;  // the owner's only; counts as the bucket's ownership says
  bool latest = true;                     // of its key; filled by list_versions only

  // Whether it came in parts, of which each is one of `parts`.
  bool multipart() const { return etag.find('-') != etag.npos; }
  // Whether it must be restored before it is read.
  bool archived(Time now) const {
    return is_archive(storage_class) && (!restored_until || *restored_until <= now);
  }
};

struct PutOptions {
  ObjectHeaders headers;
  std::map<std::string, std::string> metadata;
  std::optional<std::string> if_match;  // an ETag
  bool if_none_match_any = false;       // If-None-Match: *
  std::map<std::string, std::string> checksums;
  Tags tags = {};
  Lock lock = {};              // InvalidRequest where the bucket has no Object Lock
  Encryption encryption = {};  // as the bytes were stored
  StorageClass storage_class = StorageClass::Standard;
  std::string owner_account = {};  // empty: the bucket's
  std::optional<Acl> acl = std::nullopt;
};

struct ListOptions {
  std::string prefix, delimiter, after;  // keys strictly greater than `after`
  size_t keys_max = 1000;
  // Of list_versions: goes on behind that version of the key `after`.
  std::string after_version = {};
};
struct ListResult {
  std::vector<ObjectInfo> objects;           // key order by bytes; parts not filled
  std::vector<std::string> common_prefixes;  // in order, each counts as one key
  bool truncated = false;
  std::string next;          // last key or common prefix given, when truncated
  std::string next_version;  // of list_versions: the version of that key
};

// What a deletion came to. Empty where the bucket keeps no versions, or nothing was there.
struct Deleted {
  std::string version_id;      // of the version removed, or of the delete marker made
  bool delete_marker = false;  // one was made, or removed
  bool existed = true;         // something was there, or a marker was made
};

struct Part {
  int number = 0;
  std::string etag;
  uint64_t size = 0;
  Time last_modified;
  std::string checksum = {};  // base64, of the upload's algorithm
};
struct Upload {
  std::string id, bucket, key;
  Time initiated;
  std::string owner_account;
  StorageClass storage_class = StorageClass::Standard;
  UploadChecksum checksum = {};
};
struct OpenUpload {
  Upload upload;
  Sealing sealing;  // of its parts, without the data key
};

// What completes an upload, and what the client knows of it.
struct CompletedPart {
  int number = 0;
  std::string etag;
  std::map<std::string, std::string> checksums = {};
};
struct Completion {
  std::vector<CompletedPart> parts;
  std::map<std::string, std::string> checksums = {};  // of the object, with "-N" or without
  std::optional<ChecksumType> checksum_type = std::nullopt;
  std::optional<uint64_t> size = std::nullopt;
};

// Names of the bucket documents that are stored and returned as given.
enum class Document {
  Policy = 0,
  Encryption = 2,
  Tagging = 3,
  PublicAccessBlock = 4,
  Lifecycle = 6,
  Notification = 8,
  Logging = 9,
  TransitionSize = 7  // x-amz-transition-default-minimum-object-size
};

inline constexpr uint64_t kObjectBytesMax = 5ULL << 40;
inline constexpr uint64_t kPartBytesMin = 5ULL << 20;  // all parts but the last
inline constexpr int kPartsMax = 10'000;
// InvalidArgument beyond 1 to kPartsMax.
Result<> check_part_number(int number);
inline constexpr size_t kKeyBytesMax = 1024;
inline constexpr size_t kMetadataBytesMax = 2048;
inline constexpr size_t kBucketsMaxPerAccount = 10'000;

// "Bucket naming rules": 3–63 of [a-z0-9.-], no "..", not an IPv4 address, reserved words, …
// InvalidBucketName says which rule.
Result<> check_bucket_name(std::string_view name);

// Bytes that are ready to be named by put_object() or put_part(). Few of them are kept in the index
// (decision 35) and written with their name; the others are in a file by now.
struct StoredBytes {
  blob::BlobId id;
  std::string blob = {};  // of those that go into the index: as docs/formats/blob.md has it
};
inline constexpr size_t kInIndexMax = 16 << 10;  // bytes

// Thread-safe; state lives in the transaction and the blob store. Writes of files happen before the
// transaction; a file that no committed row names is an orphan and removed at the next start.
class S3 {
 public:
  // `service_key`: of load_service_key().
  S3(os::Os os, meta::Database& database, blob::BlobStore& blobs, std::string service_key)
      : os_(os), database_(database), blobs_(blobs), service_key_(std::move(service_key)) {}

  Result<> create_bucket(meta::Transaction& transaction, const Bucket& bucket);
  Result<> delete_bucket(meta::Transaction& transaction, std::string_view name);
  Result<Bucket> get_bucket(meta::Transaction& transaction, std::string_view name);
  // The bucket with its policy and PublicAccessBlock documents, in one look-up: every request to a
  // bucket needs them.
  struct PolicedBucket {
    Bucket bucket;
    std::optional<std::string> policy;
    std::optional<std::string> public_access_block;
  };
  Result<PolicedBucket> get_bucket_and_policy(meta::Transaction& transaction,
                                              std::string_view name);
  Result<std::vector<Bucket>> list_buckets(meta::Transaction& transaction,
                                           std::string_view owner_account);
  // InvalidBucketState for any but Enabled in a bucket with Object Lock.
  Result<> set_versioning(meta::Transaction& transaction, std::string_view bucket,
                          Versioning versioning, MfaDelete mfa_delete);
  Result<> put_document(meta::Transaction& transaction, std::string_view bucket, Document document,
                        std::string_view text);
  // nullopt when it was never put or was deleted.
  Result<std::optional<std::string>> get_document(meta::Transaction& transaction,
                                                  std::string_view bucket, Document document);
  // Of all buckets that have one, by bucket.
  Result<std::map<std::string, std::string>> documents_of(meta::Transaction& transaction,
                                                          Document document);
  Result<> delete_document(meta::Transaction& transaction, std::string_view bucket,
                           Document document);

  // Encrypts the bytes and, if there are many, writes them to a file that is durable on return.
  Result<StoredBytes> store_bytes(std::string_view bytes, const Sealing& sealing = {});
  // Takes back bytes that no transaction came to name. Idempotent.
  Result<> discard_bytes(const blob::BlobId& blob);
  Result<ObjectInfo> put_object(meta::Transaction& transaction, std::string_view bucket,
                                std::string_view key, std::string_view etag, uint64_t size,
                                const StoredBytes& stored, const PutOptions& options);
  // The current version. NoSuchKey also when that is a delete marker.
  Result<ObjectInfo> get_object(meta::Transaction& transaction, std::string_view bucket,
                                std::string_view key);
  // The current version, or the one named; may be a delete marker. NoSuchKey; NoSuchVersion;
  // InvalidArgument for what is no version id of this bucket.
  Result<ObjectInfo> get_version(meta::Transaction& transaction, std::string_view bucket,
                                 std::string_view key, std::optional<std::string_view> version);
  Result<> set_ownership(meta::Transaction& transaction, std::string_view bucket,
                         Ownership ownership);
  Result<> put_bucket_acl(meta::Transaction& transaction, std::string_view bucket, const Acl& acl);
  // Of a version that get_version gave, which is no delete marker.
  Result<> put_acl(meta::Transaction& transaction, ObjectInfo version, Acl acl);
  Result<> put_tags(meta::Transaction& transaction, ObjectInfo version, Tags tags);
  // Hides the key behind a delete marker where versions are kept, else removes it; with a version,
  // removes that one for good. Succeeds when there is no such key or version, as S3 does.
  // AccessDenied while an Object Lock protects the version.
  Result<Deleted> delete_object(meta::Transaction& transaction, std::string_view bucket,
                                std::string_view key,
                                std::optional<std::string_view> version = std::nullopt,
                                Governance governance = Governance::Enforced);
  // Switches Object Lock on, where versioning is Enabled (else InvalidBucketState), and sets or
  // takes away the default retention.
  Result<> set_object_lock(meta::Transaction& transaction, std::string_view bucket,
                           const DefaultRetention& retention);
  // As get_version, but InvalidRequest where the bucket has no Object Lock, and MethodNotAllowed
  // for delete markers.
  Result<ObjectInfo> get_locked(meta::Transaction& transaction, std::string_view bucket,
                                std::string_view key, std::optional<std::string_view> version);
  // Of a version that get_locked gave. AccessDenied for what would loosen a retention in force: in
  // compliance mode always, in governance mode unless that is bypassed.
  Result<> put_retention(meta::Transaction& transaction, ObjectInfo version, LockMode mode,
                         Time until, Governance governance);
  Result<> put_legal_hold(meta::Transaction& transaction, ObjectInfo version, LegalHold hold);
  // Lets an archived version be read until then.
  Result<> restore(meta::Transaction& transaction, ObjectInfo version, Time until);
  // The version's bytes as they are kept in that class, written anew, durable on return; the same
  // parts where they stay as they are: under SSE-KMS only who may use the key can read them. For
  // move(), outside of any transaction.
  using Parts = std::vector<std::pair<blob::BlobId, uint64_t>>;
  Result<Parts> repack(const ObjectInfo& version, StorageClass storage_class);
  // Takes the version into the class, with the bytes that repack() gave. False when it is another
  // one by now, or gone.
  Result<bool> move(meta::Transaction& transaction, const ObjectInfo& version,
                    StorageClass storage_class, const Parts& parts);
  Result<ListResult> list_objects(meta::Transaction& transaction, std::string_view bucket,
                                  const ListOptions& options);
  // Versions and delete markers, of each key the newest first.
  Result<ListResult> list_versions(meta::Transaction& transaction, std::string_view bucket,
                                   const ListOptions& options);
  Result<Upload> create_upload(meta::Transaction& transaction, std::string_view bucket,
                               std::string_view key, const PutOptions& options,
                               const UploadChecksum& checksum = {});
  // `checksum`: of the upload's algorithm, in base64; empty where it has none.
  Result<Part> put_part(meta::Transaction& transaction, std::string_view bucket,
                        std::string_view key, std::string_view upload_id, int number,
                        std::string_view etag, uint64_t size, const StoredBytes& stored,
                        std::string_view checksum = {});
  Result<OpenUpload> get_upload(meta::Transaction& transaction, std::string_view bucket,
                                std::string_view key, std::string_view upload_id);
  // Reasons, beside put_object's: NoSuchUpload; InvalidPart, InvalidPartOrder, EntityTooSmall;
  // BadDigest and InvalidRequest for what the client knows otherwise.
  Result<ObjectInfo> complete_upload(meta::Transaction& transaction, std::string_view bucket,
                                     std::string_view key, std::string_view upload_id,
                                     const Completion& completion, const PutOptions& conditions);
  Result<> abort_upload(meta::Transaction& transaction, std::string_view bucket,
                        std::string_view key, std::string_view upload_id);
  Result<std::vector<Upload>> list_uploads(meta::Transaction& transaction, std::string_view bucket,
                                           std::string_view prefix);
  Result<std::vector<Part>> list_parts(meta::Transaction& transaction, std::string_view bucket,
                                       std::string_view key, std::string_view upload_id);

  // The bytes of an object that lie in the index, as they are stored: for read_object(), which
  // whoever overwrites the object then does not disturb. No id where they lie elsewhere.
  Result<StoredBytes> load_small(meta::Transaction& transaction, const ObjectInfo& object);
  // Reads a range of an object's bytes, across its parts. `data_key`: of SSE-KMS, opened; `small`:
  // as load_small() gave it. Not to be called inside a transaction.
  Result<std::string> read_object(const ObjectInfo& object, uint64_t offset, uint64_t count,
                                  std::string_view data_key = {}, StoredBytes small = {});
  // Reads all of a part's bytes as they are stored and checks them, for which no key is needed.
  // NotFound when they are gone by now; DataLoss. Not to be called inside a transaction.
  Result<> check_bytes(const blob::BlobId& id);

  // Blobs that became unreferenced are queued in table s3_garbage by the calls above; this removes
  // them. Called by `server` now and then and at start-up (which also finds orphans).
  Result<> collect_garbage();
  Result<> remove_orphans();

 private:
  std::string_view key_of(const Encryption& encryption, std::string_view data_key) const;
  Result<std::unique_ptr<blob::Reader>> open_bytes(const blob::BlobId& id, std::string_view key);
  Result<std::string> read_small(const blob::BlobId& id);
  Result<> keep_small(meta::Transaction& transaction, const StoredBytes& stored);
  blob::BlobId next_small_id();

  os::Os os_;
  meta::Database& database_;
  blob::BlobStore& blobs_;
  std::string service_key_;
  std::atomic<int64_t> last_small_{0};
};

}  // namespace traccia::s3
