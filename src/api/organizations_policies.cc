// Organizations Create-, Describe-, Update-, DeletePolicy, ListPolicies, AttachPolicy,
// DetachPolicy, ListPoliciesForTarget, ListTargetsForPolicy, EnablePolicyType, DisablePolicyType.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/organizations_call.h"

namespace traccia::api::organizations {
namespace {

constexpr std::string_view kDuplicatePolicy = "DuplicatePolicyException";
constexpr std::string_view kMalformed = "MalformedPolicyDocumentException";
constexpr std::string_view kNotAvailable = "PolicyTypeNotAvailableForOrganizationException";
constexpr std::string_view kNotEnabled = "PolicyTypeNotEnabledException";
constexpr size_t kDescriptionMax = 512;

constexpr Member kSummaryMembers[] = {{"Id", &kString},   {"Arn", &kString},
                                      {"Name", &kString}, {"Description", &kString},
                                      {"Type", &kString}, {"AwsManaged", &aws::kBoolean}};
constexpr Shape kSummary = aws::structure_shape(kSummaryMembers);
constexpr Shape kSummaries = aws::list_shape(kSummary);
constexpr Member kPolicyMembers[] = {{"PolicySummary", &kSummary}, {"Content", &kString}};
constexpr Shape kPolicy = aws::structure_shape(kPolicyMembers);
constexpr Member kPolicyOutput[] = {{"Policy", &kPolicy}};
constexpr Shape kPolicyAnswer = aws::structure_shape(kPolicyOutput);

constexpr Member kCreateInput[] = {{"Content", &kString, Presence::Required},
                                   {"Description", &kString, Presence::Required},
                                   {"Name", &kString, Presence::Required},
                                   {"Type", &kString, Presence::Required},
                                   {"Tags", &kTags}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kAccessDenied,    kNotInUse,     kConstraint,
                                              kDuplicatePolicy, kInvalidInput, kMalformed,
                                              kNotAvailable};
constexpr auto kCreate = change("organizations:CreatePolicy", kCreateRequest, kPolicyAnswer,
                                kCreateErrors, with(kMakePolicyKeys, kTagging));

constexpr Member kPolicyInput[] = {{"PolicyId", &kString, Presence::Required}};
constexpr Shape kPolicyRequest = aws::structure_shape(kPolicyInput);
constexpr std::string_view kDescribeErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                                kPolicyNotFound};
constexpr auto kDescribe = query("organizations:DescribePolicy", kPolicyRequest, kPolicyAnswer,
                                 kDescribeErrors, on("PolicyId", kTypeKeys));
constexpr std::string_view kDeleteErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                              kPolicyNotFound, "PolicyInUseException"};
constexpr auto kDelete = change("organizations:DeletePolicy", kPolicyRequest, aws::kEmptyStructure,
                                kDeleteErrors, on("PolicyId", kTypeKeys));

constexpr Member kUpdateInput[] = {{"PolicyId", &kString, Presence::Required},
                                   {"Name", &kString},
                                   {"Description", &kString},
                                   {"Content", &kString}};
constexpr Shape kUpdateRequest = aws::structure_shape(kUpdateInput);
constexpr std::string_view kUpdateErrors[] = {kAccessDenied,    kNotInUse,     kConstraint,
                                              kDuplicatePolicy, kInvalidInput, kMalformed,
                                              kPolicyNotFound};
constexpr auto kUpdate = change("organizations:UpdatePolicy", kUpdateRequest, kPolicyAnswer,
                                kUpdateErrors, on("PolicyId", kTypeKeys));

constexpr Member kListInput[] = {{"Filter", &kString, Presence::Required}, kNextToken, kMaxResults};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"Policies", &kSummaries}, kNextToken};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {kAccessDenied, kNotInUse, kInvalidInput};
constexpr auto kList =
    query("organizations:ListPolicies", kListRequest, kListAnswer, kListErrors, with(kTypeKeys));

constexpr Member kListForInput[] = {{"TargetId", &kString, Presence::Required},
                                    {"Filter", &kString, Presence::Required},
                                    kNextToken,
                                    kMaxResults};
constexpr Shape kListForRequest = aws::structure_shape(kListForInput);
constexpr std::string_view kListForErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                               kTargetNotFound};
constexpr auto kListFor = query("organizations:ListPoliciesForTarget", kListForRequest, kListAnswer,
                                kListForErrors, on("TargetId", kTypeKeys));

constexpr Member kTargetMembers[] = {
    {"TargetId", &kString}, {"Arn", &kString}, {"Name", &kString}, {"Type", &kString}};
constexpr Shape kTarget = aws::structure_shape(kTargetMembers);
constexpr Shape kTargets = aws::list_shape(kTarget);
constexpr Member kTargetsInput[] = {
    {"PolicyId", &kString, Presence::Required}, kNextToken, kMaxResults};
constexpr Shape kTargetsRequest = aws::structure_shape(kTargetsInput);
constexpr Member kTargetsOutput[] = {{"Targets", &kTargets}, kNextToken};
constexpr Shape kTargetsAnswer = aws::structure_shape(kTargetsOutput);
constexpr auto kListTargets = query("organizations:ListTargetsForPolicy", kTargetsRequest,
                                    kTargetsAnswer, kDescribeErrors, on("PolicyId", kTypeKeys));

constexpr Member kAttachInput[] = {{"PolicyId", &kString, Presence::Required},
                                   {"TargetId", &kString, Presence::Required}};
constexpr Shape kAttachRequest = aws::structure_shape(kAttachInput);
constexpr std::string_view kAttachErrors[] = {
    kAccessDenied, kNotInUse,       kConstraint, "DuplicatePolicyAttachmentException",
    kInvalidInput, kPolicyNotFound, kNotEnabled, kTargetNotFound};
constexpr auto kAttach = change("organizations:AttachPolicy", kAttachRequest, aws::kEmptyStructure,
                                kAttachErrors, on("PolicyId", kTypeKeys));
constexpr std::string_view kDetachErrors[] = {
    kAccessDenied, kNotInUse,       kConstraint,    "PolicyNotAttachedException",
    kInvalidInput, kPolicyNotFound, kTargetNotFound};
constexpr auto kDetach = change("organizations:DetachPolicy", kAttachRequest, aws::kEmptyStructure,
                                kDetachErrors, on("PolicyId", kTypeKeys));

constexpr Member kTypeInput[] = {{"RootId", &kString, Presence::Required},
                                 {"PolicyType", &kString, Presence::Required}};
constexpr Shape kTypeRequest = aws::structure_shape(kTypeInput);
constexpr Member kTypeOutput[] = {{"Root", &kRoot}};
constexpr Shape kTypeAnswer = aws::structure_shape(kTypeOutput);
constexpr std::string_view kEnableErrors[] = {kAccessDenied,
                                              kNotInUse,
                                              kConstraint,
                                              "PolicyTypeAlreadyEnabledException",
                                              kInvalidInput,
                                              kNotAvailable,
                                              "RootNotFoundException"};
constexpr auto kEnable = change("organizations:EnablePolicyType", kTypeRequest, kTypeAnswer,
                                kEnableErrors, on("RootId", kTypeKeys));
constexpr std::string_view kDisableErrors[] = {kAccessDenied, kNotInUse,   kConstraint,
                                               kInvalidInput, kNotEnabled, "RootNotFoundException"};
constexpr auto kDisable = change("organizations:DisablePolicyType", kTypeRequest, kTypeAnswer,
                                 kDisableErrors, on("RootId", kTypeKeys));

// The types that AWS has ("PolicyType"); this server has policies of the first one only.
constexpr std::string_view kTypes[] = {"SERVICE_CONTROL_POLICY",
                                       "RESOURCE_CONTROL_POLICY",
                                       "TAG_POLICY",
                                       "BACKUP_POLICY",
                                       "AISERVICES_OPT_OUT_POLICY",
                                       "CHATBOT_POLICY",
                                       "DECLARATIVE_POLICY_EC2",
                                       "SECURITYHUB_POLICY",
                                       "INSPECTOR_POLICY",
                                       "UPGRADE_ROLLOUT_POLICY",
                                       "BEDROCK_POLICY",
                                       "S3_POLICY",
                                       "NETWORK_SECURITY_DIRECTOR_POLICY"};

enum class TypeUse : uint8_t { Filter, Change };

// Whether the request means service control policies; a filter may mean others, of which there are
// none.
Result<bool> means_control(const json::Object& input, std::string_view member,
                           const Organization& organization, TypeUse use) {
  const auto type = get_string(input, member);
  if (std::ranges::find(kTypes, type) == std::end(kTypes)) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput/INVALID_ENUM_POLICY_TYPE",
                "You specified an invalid policy type string.");
  }
  const bool control = type == kServiceControl;
  const bool available = control && organization.features == organization::FeatureSet::All;
  if (use == TypeUse::Change && !available) {
    return fail(ErrorCode::FailedPrecondition, "PolicyTypeNotAvailableForOrganization",
                "You can't use the specified policy type with the feature set currently enabled "
                "for this organization.");
  }
  return control;
}

std::string arn_of(const Organization& organization, const organization::ControlPolicy& policy) {
  if (!policy.aws_managed) {
    return fmt::format("arn:aws:organizations::{}:policy/{}/service_control_policy/{}",
                       organization.management_account, organization.id, policy.id);
  }
  return fmt::format("arn:aws:organizations::aws:policy/service_control_policy/{}", policy.id);
}

json::Object render(const Organization& organization, const organization::ControlPolicy& policy) {
  return {{"Id", policy.id},         {"Arn", arn_of(organization, policy)},
          {"Name", policy.name},     {"Description", policy.description},
          {"Type", kServiceControl}, {"AwsManaged", policy.aws_managed}};
}

json::Object answer(const Organization& organization, const organization::ControlPolicy& policy) {
  return {{"Policy", json::Object{{"PolicySummary", render(organization, policy)},
                                  {"Content", policy.content}}}};
}

Result<std::string> read_description(const json::Object& input) {
  if (get_string(input, "Description").empty()) return std::string();
  return read_name(input, "Description", kDescriptionMax);
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY(means_control(call.input, "Type", organization, TypeUse::Change));
  organization::ControlPolicy wanted;
  TRY_ASSIGN(wanted.name, read_name(call.input, "Name"));
  TRY_ASSIGN(wanted.description, read_description(call.input));
  wanted.content = get_string(call.input, "Content");
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY_ASSIGN(const auto policy,
             control_policies(call).create(call.transaction, organization, std::move(wanted)));
  TRY(organization::set_tags(call.transaction, organization, policy.id, tags));
  return answer(organization, policy);
}

Result<json::Object> describe(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto id, read_text(call.input, "PolicyId", is_policy_id));
  TRY_ASSIGN(const auto policy, control_policies(call).get(call.transaction, organization, id));
  return answer(organization, policy);
}

Result<json::Object> update(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto id, read_text(call.input, "PolicyId", is_policy_id));
  organization::PolicyChanges changes;
  if (optional_string(call.input, "Name")) {
    TRY_ASSIGN(changes.name, read_name(call.input, "Name"));
  }
  if (optional_string(call.input, "Description")) {
    TRY_ASSIGN(changes.description, read_description(call.input));
  }
  changes.content = optional_string(call.input, "Content");
  TRY_ASSIGN(const auto policy,
             control_policies(call).update(call.transaction, organization, id, changes));
  return answer(organization, policy);
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto id, read_text(call.input, "PolicyId", is_policy_id));
  TRY(control_policies(call).remove(call.transaction, organization, id));
  return json::Object{};
}

json::Object render(const Organization& organization,
                    const identity::Page<organization::ControlPolicy>& page) {
  json::Array policies;
  for (const auto& policy : page.items) policies.push_back(render(organization, policy));
  json::Object out{{"Policies", std::move(policies)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  return out;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const bool control,
             means_control(call.input, "Filter", organization, TypeUse::Filter));
  if (!control) return render(organization, identity::Page<organization::ControlPolicy>{});
  TRY_ASSIGN(const auto page, control_policies(call).list(call.transaction, organization, cursor));
  return render(organization, page);
}

Result<json::Object> list_for_target(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto target, read_text(call.input, "TargetId", is_target_id));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const bool control,
             means_control(call.input, "Filter", organization, TypeUse::Filter));
  TRY_ASSIGN(auto page,
             control_policies(call).list_of(call.transaction, organization, target, cursor));
  if (!control) page = {};
  return render(organization, page);
}

json::Object render(const Organization& organization, const organization::Target& target) {
  switch (target.kind) {
    case organization::TargetKind::Root:
      return {{"TargetId", target.id},
              {"Arn", organization.arn_of("root", target.id)},
              {"Name", target.name},
              {"Type", "ROOT"}};
    case organization::TargetKind::Unit:
      return {{"TargetId", target.id},
              {"Arn", organization.arn_of("ou", target.id)},
              {"Name", target.name},
              {"Type", "ORGANIZATIONAL_UNIT"}};
    case organization::TargetKind::Account:
      return {{"TargetId", target.id},
              {"Arn", organization.arn_of("account", target.id)},
              {"Name", target.name},
              {"Type", "ACCOUNT"}};
  }
  return {};
}

Result<json::Object> list_targets(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto policy, read_text(call.input, "PolicyId", is_policy_id));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page,
             control_policies(call).targets_of(call.transaction, organization, policy, cursor));
  json::Array targets;
  for (const auto& target : page.items) targets.push_back(render(organization, target));
  json::Object out{{"Targets", std::move(targets)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  return out;
}

Result<json::Object> attach(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto policy, read_text(call.input, "PolicyId", is_policy_id));
  TRY_ASSIGN(const auto target, read_text(call.input, "TargetId", is_target_id));
  TRY(control_policies(call).attach(call.transaction, organization, policy, target));
  return json::Object{};
}

Result<json::Object> detach(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto policy, read_text(call.input, "PolicyId", is_policy_id));
  TRY_ASSIGN(const auto target, read_text(call.input, "TargetId", is_target_id));
  TRY(control_policies(call).detach(call.transaction, organization, policy, target));
  return json::Object{};
}

// The organization whose root the request names.
Result<Organization> named_root(Call& call) {
  TRY_ASSIGN(auto organization, managed_organization(call));
  TRY_ASSIGN(const auto root, read_text(call.input, "RootId", is_root_id));
  if (root == organization.root) return organization;
  return fail(ErrorCode::NotFound, "RootNotFound", "You specified a root that doesn't exist.");
}

Result<json::Object> enable(Call& call) {
  TRY_ASSIGN(auto organization, named_root(call));
  TRY(means_control(call.input, "PolicyType", organization, TypeUse::Change));
  TRY(control_policies(call).enable(call.transaction, organization));
  organization.controls_enabled = true;
  return json::Object{{"Root", render_root(organization)}};
}

Result<json::Object> disable(Call& call) {
  TRY_ASSIGN(auto organization, named_root(call));
  TRY_ASSIGN(const bool control,
             means_control(call.input, "PolicyType", organization, TypeUse::Filter));
  if (!control) organization.controls_enabled = false;  // the other types never are
  TRY(control_policies(call).disable(call.transaction, organization));
  organization.controls_enabled = false;
  return json::Object{{"Root", render_root(organization)}};
}

}  // namespace

std::span<const Binding> policy_bindings() {
  static const std::array bindings{Binding{&kCreate, create},
                                   Binding{&kDescribe, describe},
                                   Binding{&kUpdate, update},
                                   Binding{&kDelete, remove},
                                   Binding{&kList, list},
                                   Binding{&kListFor, list_for_target},
                                   Binding{&kListTargets, list_targets},
                                   Binding{&kAttach, attach},
                                   Binding{&kDetach, detach},
                                   Binding{&kEnable, enable},
                                   Binding{&kDisable, disable}};
  return bindings;
}

}  // namespace traccia::api::organizations
