// IAM CreateServiceLinkedRole, DeleteServiceLinkedRole, GetServiceLinkedRoleDeletionStatus.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/access.h"
#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr Shape kServiceName =
    aws::string_shape(1, 128, {"[\\w+=,.@-]+", [](std::string_view text) {
                                 return aws::only_characters(text, "a-zA-Z0-9_+=,.@-");
                               }});
constexpr Shape kDescription = aws::string_shape(
    0, 1000, {"[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*", is_latin_text});
constexpr Shape kSuffix =
    aws::string_shape(1, 64, {"[\\w+=,.@-]+", [](std::string_view text) {
                                return aws::only_characters(text, "a-zA-Z0-9_+=,.@-");
                              }});
constexpr Shape kTaskId = aws::string_shape(1, 1000);

constexpr std::string_view kServiceKey[] = {"iam:AWSServiceName"};
constexpr aws::Access kMakes{.resource = "service-linked-role",
                             .named_by = "AWSServiceName",
                             .existence = aws::Existence::Made,
                             .keys = kServiceKey};
constexpr Member kCreateInput[] = {{"AWSServiceName", &kServiceName, Presence::Required},
                                   {"Description", &kDescription},
                                   {"CustomSuffix", &kSuffix}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr Member kCreateOutput[] = {{"Role", &kRole}};
constexpr Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {kInvalidInput, kLimitExceeded, kNoSuchEntity};
constexpr auto kCreate =
    change("iam:CreateServiceLinkedRole", kMakes, kCreateRequest, kCreateAnswer, kCreateErrors);

constexpr Member kDeleteInput[] = {{"RoleName", &kName64, Presence::Required}};
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput);
constexpr Member kDeleteOutput[] = {{"DeletionTaskId", &kTaskId, Presence::Required}};
constexpr Shape kDeleteAnswer = aws::structure_shape(kDeleteOutput);
constexpr std::string_view kDeleteErrors[] = {kNoSuchEntity, kLimitExceeded};
constexpr auto kDelete = change("iam:DeleteServiceLinkedRole", on(EntityKind::Role), kDeleteRequest,
                                kDeleteAnswer, kDeleteErrors);

constexpr aws::Access kOfTask{.resource = "service-linked-role", .named_by = "DeletionTaskId"};
constexpr Member kStatusInput[] = {{"DeletionTaskId", &kTaskId, Presence::Required}};
constexpr Shape kStatusRequest = aws::structure_shape(kStatusInput);
constexpr std::string_view kStatusNames[] = {"SUCCEEDED", "IN_PROGRESS", "FAILED", "NOT_STARTED"};
constexpr Shape kStatus = aws::enum_shape(kStatusNames);
constexpr Shape kArns = aws::list_shape(kString);
constexpr Member kUsageMembers[] = {{"Region", &kString}, {"Resources", &kArns}};
constexpr Shape kUsage = aws::structure_shape(kUsageMembers);
constexpr Shape kUsages = aws::list_shape(kUsage);
constexpr Member kReasonMembers[] = {{"Reason", &kString}, {"RoleUsageList", &kUsages}};
constexpr Shape kReason = aws::structure_shape(kReasonMembers);
constexpr Member kStatusOutput[] = {{"Status", &kStatus, Presence::Required}, {"Reason", &kReason}};
constexpr Shape kStatusAnswer = aws::structure_shape(kStatusOutput);
constexpr std::string_view kStatusErrors[] = {kNoSuchEntity, kInvalidInput};
constexpr auto kGetStatus = query("iam:GetServiceLinkedRoleDeletionStatus", kOfTask, kStatusRequest,
                                  kStatusAnswer, kStatusErrors);

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto role,
             call.services.identity.linked_roles().create(
                 call.transaction, call.caller.principal.account_id,
                 get_string(call.input, "AWSServiceName"), get_string(call.input, "CustomSuffix"),
                 get_string(call.input, "Description")));
  TRY_ASSIGN(auto rendered, render_in_full(call, role));
  return json::Object{{"Role", std::move(rendered)}};
}

// What the service still needs the role for; empty: nothing.
Result<std::string> find_obstacle(Call& call, const identity::Entity& role) {
  if (role.path != identity::linked_role_path("organizations.amazonaws.com")) return "";
  TRY_ASSIGN(const auto membership,
             call.services.organizations.membership_of(call.transaction, role.account_id));
  if (membership->organization.empty()) return "";
  return fmt::format("The account is in the organization {}, which uses the role.",
                     membership->organization);
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto role, named_entity(call, EntityKind::Role));
  TRY_ASSIGN(const auto obstacle, find_obstacle(call, role));
  TRY_ASSIGN(const auto deletion,
             call.services.identity.linked_roles().remove(call.transaction, role, obstacle));
  return json::Object{{"DeletionTaskId", deletion.task_id}};
}

Result<json::Object> get_status(Call& call) {
  TRY_ASSIGN(const auto deletion, call.services.identity.linked_roles().find_deletion(
                                      call.transaction, call.caller.principal.account_id,
                                      get_string(call.input, "DeletionTaskId")));
  if (deletion.obstacle.empty()) return json::Object{{"Status", "SUCCEEDED"}};
  return json::Object{{"Status", "FAILED"},
                      {"Reason", json::Object{{"Reason", deletion.obstacle}}}};
}

// Of "task/aws-service-role/SERVICE/ROLE/UUID"; "*" for what is no such id, which could mean any.
std::string_view role_of_task(std::string_view task) {
  constexpr std::string_view kTask = "task/";
  const auto end = task.rfind('/');
  const bool formed = task.starts_with(kTask) && end != task.npos && end > kTask.size() &&
                      task.substr(kTask.size() - 1).starts_with(identity::kServiceRolePath);
  return formed ? task.substr(kTask.size(), end - kTask.size()) : "*";
}

}  // namespace

Result<> resolve_linked_role(Call& call, const aws::Operation& operation, std::string_view name,
                             std::vector<Ask>& asks) {
  const auto arn = [&](std::string_view path) {
    return fmt::format("arn:aws:iam::{}:role/{}", call.caller.principal.account_id, path);
  };
  Ask ask{.action = operation.iam_action};
  if (operation.access.existence == aws::Existence::Made) {
    const auto* const service = identity::find_linked_service(name);
    ask.resource = arn(fmt::format("{}{}", identity::linked_role_path(name).substr(1),
                                   service == nullptr ? "*" : service->role_name));
  } else {
    ask.resource = arn(role_of_task(name));
  }
  asks.push_back(std::move(ask));
  return {};
}

std::span<const Binding> service_linked_role_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kDelete, remove},
                                   Binding{&kGetStatus, get_status}};
  return bindings;
}

}  // namespace traccia::api::iam
