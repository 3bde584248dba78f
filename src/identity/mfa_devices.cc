// MFA devices in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/mfa_devices.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "crypto/totp.h"
#include "identity/sql.h"

namespace traccia::identity {
namespace {

constexpr std::string_view kSelect =
    "SELECT d.serial, d.account, d.user, e.name, d.enabled FROM mfa_devices d LEFT JOIN entities e "
    "ON e.id = d.user WHERE ";

MfaDevice read_device(const meta::Row& row) {
  MfaDevice device{.serial = row.text(0),
                   .account_id = row.text(1),
                   .user_id = row.text(2),
                   .user_name = row.text(3)};
  if (!row.is_null(4)) device.enabled = from_unix_nanoseconds(row.integer(4));
  return device;
}

Result<Page<MfaDevice>> read_page(meta::Transaction& transaction, std::string_view rest,
                                  std::initializer_list<meta::Argument> arguments,
                                  const Cursor& cursor) {
  Page<MfaDevice> page;
  TRY(transaction.query(fmt::format("{}{} ORDER BY d.serial LIMIT ?", kSelect, rest), arguments,
                        [&](const meta::Row& row) -> Result<> {
                          page.items.push_back(read_device(row));
                          return {};
                        }));
  page.cut(cursor);
  return page;
}

std::string context_of(std::string_view serial) {
  return fmt::format("mfa-device/{}", serial);
}

std::unexpected<Error> no_device(std::string_view serial) {
  return fail(ErrorCode::NotFound, "NoSuchEntity",
              fmt::format("VirtualMFADevice with serial number {} doesn't exist.", serial));
}
std::unexpected<Error> not_of_user() {
  return fail(ErrorCode::NotFound, "NoSuchEntity", "MFA Device invalid for user.");
}
std::unexpected<Error> wrong_code() {
  return fail(ErrorCode::PermissionDenied, "InvalidAuthenticationCode",
              "Authentication code for device is not valid.");
}

// ?1 is the account, ?2 narrows.
std::string_view condition_of(MfaAssignment assignment) {
  switch (assignment) {
    case MfaAssignment::Any:
      return "d.account = ?1";
    case MfaAssignment::Assigned:
      return "d.account = ?1 AND d.user IS NOT NULL";
    case MfaAssignment::Unassigned:
      return "d.account = ?1 AND d.user IS NULL";
  }
  return "FALSE";
}

}  // namespace

Result<NewMfaDevice> MfaDevices::create(meta::Transaction& transaction, std::string_view account_id,
                                        std::string_view path, std::string_view name) {
  NewMfaDevice made;
  made.device.serial = fmt::format("arn:aws:iam::{}:mfa{}{}", account_id, path, name);
  made.device.account_id = account_id;
  TRY_ASSIGN(const bool there, has_rows(transaction, "SELECT 1 FROM mfa_devices WHERE serial = ?",
                                        {made.device.serial}));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "EntityAlreadyExists",
                "MFADevice entity at the same path and name already exists.");
  }
  TRY_ASSIGN(const auto others, count(transaction, account_id, MfaAssignment::Any));
  if (others >= Quotas::kMfaDevices) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for VirtualMFADevicesPerAccount: {}",
                            Quotas::kMfaDevices));
  }
  made.seed = os_.random.bytes(kSeedBytes);
  const auto sealed = master_key_.seal(made.seed, context_of(made.device.serial));
  TRY(transaction.execute(
      "INSERT INTO mfa_devices (serial, account, seed, drift, used_step) VALUES (?, ?, ?, 0, 0)",
      {made.device.serial, account_id, meta::Blob{sealed}}));
  return made;
}

Result<MfaDevice> MfaDevices::get(meta::Transaction& transaction, std::string_view account_id,
                                  std::string_view serial) {
  TRY_ASSIGN(auto page, read_page(transaction, "d.account = ?1 AND d.serial = ?2",
                                  {account_id, serial, int64_t{1}}, {}));
  if (page.items.empty()) return no_device(serial);
  return std::move(page.items.front());
}

Result<Page<MfaDevice>> MfaDevices::list(meta::Transaction& transaction,
                                         std::string_view account_id, MfaAssignment assignment,
                                         const Cursor& cursor) {
  return read_page(transaction, fmt::format("{} AND d.serial > ?2", condition_of(assignment)),
                   {account_id, cursor.after, cursor.rows_max()}, cursor);
}

Result<Page<MfaDevice>> MfaDevices::list_of(meta::Transaction& transaction, const Entity& user,
                                            const Cursor& cursor) {
  return read_page(transaction, "d.user = ?1 AND d.serial > ?2",
                   {user.id, cursor.after, cursor.rows_max()}, cursor);
}

Result<int64_t> MfaDevices::count(meta::Transaction& transaction, std::string_view account_id,
                                  MfaAssignment assignment) {
  return select_number(
      transaction,
      fmt::format("SELECT count(*) FROM mfa_devices d WHERE {}", condition_of(assignment)),
      {account_id});
}

Result<> MfaDevices::enable(meta::Transaction& transaction, const Entity& user,
                            std::string_view serial, const CodePair& codes) {
  TRY_ASSIGN(const auto device, get(transaction, user.account_id, serial));
  if (!device.user_id.empty()) {
    return fail(ErrorCode::AlreadyExists, "EntityAlreadyExists", "MFA Device is already in use.");
  }
  TRY_ASSIGN(
      const auto others,
      select_number(transaction, "SELECT count(*) FROM mfa_devices WHERE user = ?", {user.id}));
  if (others >= kPerUserMax) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for MFADevicesPerUser: {}", kPerUserMax));
  }
  TRY_ASSIGN(const auto step, find_pair(transaction, serial, codes, kEnableStepsOff));
  if (!step) return wrong_code();
  // Who waited for the second code is late, not ahead or behind: no drift is kept.
  TRY(transaction.execute(
      "UPDATE mfa_devices SET user = ?, enabled = ?, drift = 0, used_step = ? WHERE serial = ?",
      {user.id, to_unix_nanoseconds(os_.clock.now()), *step, serial}));
  return {};
}

Result<> MfaDevices::deactivate(meta::Transaction& transaction, const Entity& user,
                                std::string_view serial) {
  TRY_ASSIGN(const auto changed,
             transaction.execute(
                 "UPDATE mfa_devices SET user = NULL, enabled = NULL WHERE serial = ? AND user = ?",
                 {serial, user.id}));
  if (changed == 0) return not_of_user();
  return {};
}

Result<> MfaDevices::remove(meta::Transaction& transaction, std::string_view account_id,
                            std::string_view serial) {
  TRY_ASSIGN(const auto device, get(transaction, account_id, serial));
  if (!device.user_id.empty()) {
    return fail(ErrorCode::FailedPrecondition, "DeleteConflict",
                "MFA VirtualDevice in use. Must deactivate first.");
  }
  TRY(forget_tags(transaction, serial));
  TRY(transaction.execute("DELETE FROM mfa_devices WHERE serial = ?", {serial}));
  return {};
}

Result<> MfaDevices::resync(meta::Transaction& transaction, const Entity& user,
                            std::string_view serial, const CodePair& codes) {
  TRY_ASSIGN(const auto device, get(transaction, user.account_id, serial));
  if (device.user_id != user.id) return not_of_user();
  TRY_ASSIGN(const auto step, find_pair(transaction, serial, codes, kResyncStepsOff));
  if (!step) return wrong_code();
  const auto drift = *step - crypto::totp_step(client_clock_.now());
  TRY(transaction.execute("UPDATE mfa_devices SET drift = ?, used_step = ? WHERE serial = ?",
                          {drift, *step, serial}));
  return {};
}

Result<std::vector<MfaDevices::Keyed>> MfaDevices::keyed(meta::Transaction& transaction,
                                                         std::string_view user_id,
                                                         std::string_view serial) {
  std::vector<Keyed> found;
  TRY(transaction.query(
      "SELECT serial, seed, drift, used_step FROM mfa_devices WHERE (?1 = '' OR user = ?1) AND "
      "(?2 = '' OR serial = ?2) ORDER BY serial",
      {user_id, serial}, [&](const meta::Row& row) -> Result<> {
        Keyed device{row.text(0), {}, row.integer(2), row.integer(3)};
        TRY_ASSIGN(device.seed, master_key_.open(row.view(1), context_of(device.serial)));
        found.push_back(std::move(device));
        return {};
      }));
  return found;
}

// The step of the second code, within so many steps of now; wrong pairs count as wrong codes.
Result<std::optional<int64_t>> MfaDevices::find_pair(meta::Transaction& transaction,
                                                     std::string_view serial, const CodePair& codes,
                                                     int64_t steps_off) {
  TRY_ASSIGN(const auto devices, keyed(transaction, {}, serial));
  if (devices.empty() || !may_try(devices.front().serial)) return std::nullopt;
  const auto& device = devices.front();
  const auto now = crypto::totp_step(client_clock_.now());
  for (auto step = now - steps_off; step <= now + steps_off; ++step) {
    const bool good = constant_time_equal(crypto::totp_code(device.seed, step - 1), codes.first) &&
                      constant_time_equal(crypto::totp_code(device.seed, step), codes.second);
    if (!good) continue;
    if (step <= device.used_step || !spend(device.serial, step)) continue;
    return step;
  }
  note_wrong(device.serial);
  return std::nullopt;
}

MfaCheck MfaDevices::judge(const Keyed& device, std::string_view code, int64_t& step) {
  if (!may_try(device.serial)) return MfaCheck::Locked;
  const auto middle = crypto::totp_step(client_clock_.now()) + device.drift;
  for (step = middle - kStepsOff; step <= middle + kStepsOff; ++step) {
    if (!constant_time_equal(crypto::totp_code(device.seed, step), code)) continue;
    if (step > device.used_step && spend(device.serial, step)) return MfaCheck::Good;
  }
  return MfaCheck::WrongCode;
}

Result<MfaCheck> MfaDevices::check(meta::Transaction& transaction, std::string_view user_id,
                                   std::string_view serial, std::string_view code) {
  if (user_id.empty()) return MfaCheck::NotOfUser;
  TRY_ASSIGN(const auto devices, keyed(transaction, user_id, serial));
  auto verdict = MfaCheck::NotOfUser;
  for (const auto& device : devices) {
    int64_t step = 0;
    verdict = judge(device, code, step);
    if (verdict != MfaCheck::Good) continue;
    TRY(transaction.execute("UPDATE mfa_devices SET used_step = ? WHERE serial = ?",
                            {step, device.serial}));
    return verdict;
  }
  if (verdict == MfaCheck::WrongCode) {
    for (const auto& device : devices) note_wrong(device.serial);
  }
  return verdict;
}

bool MfaDevices::may_try(const std::string& serial) {
  const auto now = client_clock_.now();
  const MutexLock lock(mutex_);
  const auto at = watched_.find(serial);
  if (at == watched_.end()) {
    if (watched_.size() < kWatchedMax) return true;
    std::erase_if(watched_, [&](const auto& entry) {
      return entry.second.window_start + kWrongCodesWindow <= now;
    });
    return watched_.size() < kWatchedMax;
  }
  auto& watched = at->second;
  if (watched.window_start + kWrongCodesWindow <= now) watched.wrong_codes = 0;
  return watched.wrong_codes < kWrongCodesMax;
}

void MfaDevices::note_wrong(const std::string& serial) {
  const auto now = client_clock_.now();
  const MutexLock lock(mutex_);
  auto& watched = watched_[serial];
  if (watched.wrong_codes++ == 0) watched.window_start = now;
}

// False when a code of that step, or a later one, was accepted before.
bool MfaDevices::spend(const std::string& serial, int64_t step) {
  const auto now = client_clock_.now();
  const MutexLock lock(mutex_);
  auto& watched = watched_[serial];
  if (step <= watched.used_step) return false;
  watched.used_step = step;
  if (watched.wrong_codes == 0) watched.window_start = now;
  return true;
}

}  // namespace traccia::identity
