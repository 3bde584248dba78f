// IAM CreateLoginProfile, GetLoginProfile, UpdateLoginProfile, DeleteLoginProfile, ChangePassword.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/iam_call.h"
#include "base/bytes.h"

namespace traccia::api::iam {
namespace {

constexpr Shape kPassword = aws::string_shape(1, 128, kDocumentPattern);
constexpr Shape kSigninSeconds = aws::integer_shape(3600, 7'776'000);

constexpr Member kProfileMembers[] = {{"UserName", &kString, Presence::Required},
                                      {"CreateDate", &kTimestamp, Presence::Required},
                                      {"PasswordResetRequired", &kBoolean},
                                      {"MaxSigninSessionDuration", &kInteger}};
constexpr Shape kProfile = aws::structure_shape(kProfileMembers);
constexpr Member kProfileOutput[] = {{"LoginProfile", &kProfile, Presence::Required}};
constexpr Shape kProfileAnswer = aws::structure_shape(kProfileOutput);

constexpr Member kCreateInput[] = {
    {"UserName", &kName64},
    {"Password", &kPassword, Presence::Optional, Sensitivity::Secret},
    {"PasswordResetRequired", &kBoolean},
    {"MaxSigninSessionDuration", &kSigninSeconds}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kAlreadyExists, kNoSuchEntity, kPasswordViolation};
constexpr auto kCreate = change("iam:CreateLoginProfile", on(EntityKind::User), kCreateRequest,
                                kProfileAnswer, kCreateErrors);

constexpr Member kUserInput[] = {{"UserName", &kName64}};
constexpr Shape kUserRequest = aws::structure_shape(kUserInput);
constexpr auto kGet =
    query("iam:GetLoginProfile", on(EntityKind::User), kUserRequest, kProfileAnswer, kReadErrors);

constexpr Member kUpdateInput[] = {
    {"UserName", &kName64, Presence::Required},
    {"Password", &kPassword, Presence::Optional, Sensitivity::Secret},
    {"PasswordResetRequired", &kBoolean},
    {"MaxSigninSessionDuration", &kSigninSeconds},
    {"ResetMaxSigninSessionDuration", &kBoolean}};
constexpr Shape kUpdateRequest = aws::structure_shape(kUpdateInput);
constexpr std::string_view kUpdateErrors[] = {kNoSuchEntity, kPasswordViolation, kInvalidInput,
                                              kUnmodifiable};
constexpr auto kUpdate = change("iam:UpdateLoginProfile", on(EntityKind::User), kUpdateRequest,
                                aws::kEmptyStructure, kUpdateErrors);

constexpr auto kDelete = change("iam:DeleteLoginProfile", on(EntityKind::User), kUserRequest,
                                aws::kEmptyStructure, kReadErrors);

constexpr Member kChangeInput[] = {
    {"OldPassword", &kPassword, Presence::Required, Sensitivity::Secret},
    {"NewPassword", &kPassword, Presence::Required, Sensitivity::Secret}};
constexpr Shape kChangeRequest = aws::structure_shape(kChangeInput);
constexpr std::string_view kChangeErrors[] = {kNoSuchEntity, "InvalidUserTypeException",
                                              kPasswordViolation, kUnmodifiable};
constexpr auto kChange = change("iam:ChangePassword", on(EntityKind::User), kChangeRequest,
                                aws::kEmptyStructure, kChangeErrors);

json::Object render_profile(const identity::Entity& user, const identity::LoginProfile& profile) {
  json::Object out{{"UserName", user.name},
                   {"CreateDate", aws::encode_timestamp(floor_seconds(profile.created))},
                   {"PasswordResetRequired", profile.must_change}};
  if (profile.session_seconds) out["MaxSigninSessionDuration"] = *profile.session_seconds;
  return json::Object{{"LoginProfile", std::move(out)}};
}

// Under the caller's account's policy.
Result<> check(Services& services, const Caller& caller, std::string_view password) {
  std::optional<identity::PasswordPolicy> policy;
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(policy, identity::find_password_policy(transaction, caller.principal.account_id));
    return {};
  }));
  return identity::check_password(password, policy);
}

Result<Prepared> prepare_create(Services& services, const Caller& caller,
                                const json::Object& input) {
  const auto password = optional_string(input, "Password");
  if (!password) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput",
                "A password is needed to create a login profile.");
  }
  TRY(check(services, caller, *password));
  TRY_ASSIGN(auto hashed, services.identity.passwords().hash(*password));
  return Prepared{.password = std::move(hashed), .old_password = {}};
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY_ASSIGN(const auto profile,
             call.services.identity.passwords().create(
                 call.transaction, user, *call.prepared.password,
                 optional_bool(call.input, "PasswordResetRequired").value_or(false),
                 optional_integer(call.input, "MaxSigninSessionDuration")));
  return render_profile(user, profile);
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY_ASSIGN(const auto profile, call.services.identity.passwords().get(call.transaction, user));
  return render_profile(user, profile);
}

Result<Prepared> prepare_update(Services& services, const Caller& caller,
                                const json::Object& input) {
  const auto password = optional_string(input, "Password");
  if (!password) return Prepared{};
  TRY(check(services, caller, *password));
  identity::LoginProfile profile;
  const auto name = get_string(input, "UserName");
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto user,
               services.identity.entities().get(
                   transaction, {caller.principal.account_id, EntityKind::User, name}));
    TRY_ASSIGN(profile, services.identity.passwords().get(transaction, user));
    return {};
  }));
  TRY_ASSIGN(auto hashed, services.identity.passwords().hash(*password, profile.salt));
  return Prepared{.password = std::move(hashed), .old_password = {}};
}

Result<json::Object> update(Call& call) {
  const auto seconds = optional_integer(call.input, "MaxSigninSessionDuration");
  const bool reset = optional_bool(call.input, "ResetMaxSigninSessionDuration").value_or(false);
  if (seconds && reset) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput",
                "MaxSigninSessionDuration and ResetMaxSigninSessionDuration exclude each other.");
  }
  TRY_ASSIGN(const auto user, named_entity(call, EntityKind::User));
  identity::LoginProfileChange change{
      .password = call.prepared.password,
      .must_change = optional_bool(call.input, "PasswordResetRequired"),
      .session_seconds = {}};
  if (seconds || reset) change.session_seconds = seconds;
  TRY(call.services.identity.passwords().update(call.transaction, user, change,
                                                identity::PasswordSetter::Other));
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY(call.services.identity.passwords().remove(call.transaction, user));
  return json::Object{};
}

// Wrong old passwords lock the user as failed sign-ins do: an access key is no way to guess.
Result<Prepared> prepare_change(Services& services, const Caller& caller,
                                const json::Object& input) {
  if (caller.principal.type != identity::PrincipalType::IamUser) {
    return fail(ErrorCode::InvalidArgument, "InvalidUserType",
                "Only IAM Users can change their own password.");
  }
  auto& identity = services.identity;
  const auto& owner = caller.principal.principal_id;
  identity::LoginProfile profile;
  std::optional<Time> locked;
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto user, identity.entities().get_by_id(transaction, owner));
    TRY_ASSIGN(profile, identity.passwords().get(transaction, user));
    TRY_ASSIGN(locked, identity.signin().locked_until(transaction, owner));
    return {};
  }));
  constexpr std::string_view kWrong = "The old password was incorrect.";
  if (locked) return fail(ErrorCode::PermissionDenied, "AccessDenied", std::string(kWrong));
  TRY_ASSIGN(auto old_password,
             identity.passwords().hash(get_string(input, "OldPassword"), profile.salt));
  if (!constant_time_equal(old_password.hash, profile.hash)) {
    TRY(services.database.write([&](meta::Transaction& transaction) {
      return identity.signin().note_failure(transaction, owner);
    }));
    return fail(ErrorCode::PermissionDenied, "AccessDenied", std::string(kWrong));
  }
  const auto wanted = get_string(input, "NewPassword");
  TRY(check(services, caller, wanted));
  TRY_ASSIGN(auto hashed, identity.passwords().hash(wanted, profile.salt));
  return Prepared{.password = std::move(hashed), .old_password = std::move(old_password)};
}

Result<json::Object> change_own(Call& call) {
  auto& identity = call.services.identity;
  TRY_ASSIGN(const auto user,
             identity.entities().get_by_id(call.transaction, call.caller.principal.principal_id));
  TRY_ASSIGN(const auto profile, identity.passwords().get(call.transaction, user));
  if (profile.hash != call.prepared.old_password->hash) {
    return fail(ErrorCode::FailedPrecondition, "EntityTemporarilyUnmodifiable",
                "The password was changed meanwhile.");
  }
  TRY(identity.passwords().update(
      call.transaction, user,
      {.password = call.prepared.password, .must_change = false, .session_seconds = {}},
      identity::PasswordSetter::Self));
  return json::Object{};
}

}  // namespace

std::span<const Binding> password_bindings() {
  static const std::array bindings{
      Binding{.operation = &kCreate, .run = create, .prepare = prepare_create}, Binding{&kGet, get},
      Binding{.operation = &kUpdate, .run = update, .prepare = prepare_update},
      Binding{&kDelete, remove},
      Binding{.operation = &kChange, .run = change_own, .prepare = prepare_change}};
  return bindings;
}

}  // namespace traccia::api::iam
