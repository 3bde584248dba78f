// IAM SimulatePrincipalPolicy, SimulateCustomPolicy, GetContextKeysForPrincipalPolicy,
// GetContextKeysForCustomPolicy. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "api/iam_simulation.h"

namespace traccia::api::iam {
namespace {

// Decisions in one answer; a page holds as many actions as that leaves.
constexpr size_t kDecisionsMax = 10'000;

constexpr Shape kDocuments = aws::list_shape(kDocument);
constexpr Shape kActionName = aws::string_shape(3, 128);
constexpr Shape kActionNames = aws::list_shape(kActionName);
constexpr Shape kResourceName = aws::string_shape(1, 2048);
constexpr Shape kResourceNames = aws::list_shape(kResourceName);
constexpr Shape kKeyName = aws::string_shape(5, 256);
constexpr Shape kStrings = aws::list_shape(kString);
constexpr std::string_view kKeyTypeNames[] = {"string",  "stringList",  "numeric", "numericList",
                                              "boolean", "booleanList", "ip",      "ipList",
                                              "binary",  "binaryList",  "date",    "dateList"};
constexpr Shape kKeyType = aws::enum_shape(kKeyTypeNames);
constexpr Member kEntryMembers[] = {
    {"ContextKeyName", &kKeyName}, {"ContextKeyValues", &kStrings}, {"ContextKeyType", &kKeyType}};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Shape kHandling = aws::string_shape(1, 64);

#define TRACCIA_SIMULATION_MEMBERS                                                           \
  {"PermissionsBoundaryPolicyInputList", &kDocuments},                                       \
      {"ActionNames", &kActionNames, Presence::Required}, {"ResourceArns", &kResourceNames}, \
      {"ResourcePolicy", &kDocument}, {"ResourceOwner", &kResourceName},                     \
      {"CallerArn", &kResourceName}, {"ContextEntries", &kEntries},                          \
      {"ResourceHandlingOption", &kHandling}, {"MaxItems", &kMaxItems}, {                    \
    "Marker", &kMarker                                                                       \
  }
constexpr Member kPrincipalInput[] = {{"PolicySourceArn", &kArn, Presence::Required},
                                      {"PolicyInputList", &kDocuments},
                                      TRACCIA_SIMULATION_MEMBERS};
constexpr Member kCustomInput[] = {{"PolicyInputList", &kDocuments, Presence::Required},
                                   TRACCIA_SIMULATION_MEMBERS};
#undef TRACCIA_SIMULATION_MEMBERS
constexpr Shape kPrincipalRequest = aws::structure_shape(kPrincipalInput);
constexpr Shape kCustomRequest = aws::structure_shape(kCustomInput);

constexpr std::string_view kDecisionNames[] = {"allowed", "explicitDeny", "implicitDeny"};
constexpr Shape kDecision = aws::enum_shape(kDecisionNames);
constexpr Member kPositionMembers[] = {{"Line", &kInteger}, {"Column", &kInteger}};
constexpr Shape kPosition = aws::structure_shape(kPositionMembers);
// The type is "IAM Policy", whatever the model's enumeration says.
constexpr Member kStatementMembers[] = {{"SourcePolicyId", &kString},
                                        {"SourcePolicyType", &kString},
                                        {"StartPosition", &kPosition},
                                        {"EndPosition", &kPosition}};
constexpr Shape kStatement = aws::structure_shape(kStatementMembers);
constexpr Shape kStatements = aws::list_shape(kStatement);
constexpr Member kByOrganizationsMembers[] = {{"AllowedByOrganizations", &kBoolean}};
constexpr Shape kByOrganizations = aws::structure_shape(kByOrganizationsMembers);
constexpr Member kByBoundaryMembers[] = {{"AllowedByPermissionsBoundary", &kBoolean}};
constexpr Shape kByBoundary = aws::structure_shape(kByBoundaryMembers);
constexpr Shape kDetails = aws::map_shape(kString, kDecision);
constexpr Member kSpecificMembers[] = {{"EvalResourceName", &kString, Presence::Required},
                                       {"EvalResourceDecision", &kDecision, Presence::Required},
                                       {"MatchedStatements", &kStatements},
                                       {"MissingContextValues", &kStrings},
                                       {"EvalDecisionDetails", &kDetails},
                                       {"PermissionsBoundaryDecisionDetail", &kByBoundary}};
constexpr Shape kSpecific = aws::structure_shape(kSpecificMembers);
constexpr Shape kSpecifics = aws::list_shape(kSpecific);
constexpr Member kResultMembers[] = {{"EvalActionName", &kString, Presence::Required},
                                     {"EvalResourceName", &kString},
                                     {"EvalDecision", &kDecision, Presence::Required},
                                     {"MatchedStatements", &kStatements},
                                     {"MissingContextValues", &kStrings},
                                     {"OrganizationsDecisionDetail", &kByOrganizations},
                                     {"PermissionsBoundaryDecisionDetail", &kByBoundary},
                                     {"EvalDecisionDetails", &kDetails},
                                     {"ResourceSpecificResults", &kSpecifics}};
constexpr Shape kResult = aws::structure_shape(kResultMembers);
constexpr Shape kResults = aws::list_shape(kResult);
constexpr Member kSimulateOutput[] = {
    {"EvaluationResults", &kResults}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kSimulateAnswer = aws::structure_shape(kSimulateOutput);
constexpr std::string_view kEvaluation = "PolicyEvaluationException";
constexpr std::string_view kPrincipalErrors[] = {kNoSuchEntity, kInvalidInput, kEvaluation};
constexpr std::string_view kCustomErrors[] = {kInvalidInput, kEvaluation};
constexpr aws::Access kOnSource{.resource = "principal", .named_by = "PolicySourceArn"};
constexpr auto kPrincipal = query("iam:SimulatePrincipalPolicy", kOnSource, kPrincipalRequest,
                                  kSimulateAnswer, kPrincipalErrors);
constexpr auto kCustom =
    query("iam:SimulateCustomPolicy", kOnAll, kCustomRequest, kSimulateAnswer, kCustomErrors);

constexpr Member kKeysPrincipalInput[] = {{"PolicySourceArn", &kArn, Presence::Required},
                                          {"PolicyInputList", &kDocuments}};
constexpr Shape kKeysPrincipalRequest = aws::structure_shape(kKeysPrincipalInput);
constexpr Member kKeysCustomInput[] = {{"PolicyInputList", &kDocuments, Presence::Required}};
constexpr Shape kKeysCustomRequest = aws::structure_shape(kKeysCustomInput);
constexpr Member kKeysOutput[] = {{"ContextKeyNames", &kStrings}};
constexpr Shape kKeysAnswer = aws::structure_shape(kKeysOutput);
constexpr std::string_view kKeysPrincipalErrors[] = {kNoSuchEntity, kInvalidInput};
constexpr std::string_view kKeysCustomErrors[] = {kInvalidInput};
constexpr auto kKeysPrincipal = query("iam:GetContextKeysForPrincipalPolicy", kOnSource,
                                      kKeysPrincipalRequest, kKeysAnswer, kKeysPrincipalErrors);
constexpr auto kKeysCustom = query("iam:GetContextKeysForCustomPolicy", kOnAll, kKeysCustomRequest,
                                   kKeysAnswer, kKeysCustomErrors);

std::vector<std::string> texts(const json::Object& input, std::string_view member) {
  std::vector<std::string> out;
  const auto* list = json::find(input, member);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& text : list->get_array()) out.emplace_back(text.as_string());
  return out;
}

// Of several resources together: a denial of one shows, else whether one is allowed.
std::string_view together(const json::Array& results) {
  bool allowed = false;
  for (const auto& result : results) {
    const auto& decision = result.at("EvalResourceDecision").as_string();
    if (decision == "explicitDeny") return "explicitDeny";
    allowed = allowed || decision == "allowed";
  }
  return allowed ? "allowed" : "implicitDeny";
}

// One result for an action, with one for each of the resources where these are named.
json::Object simulate_action(const Simulation& simulation, const std::string& action,
                             const std::vector<std::string>& resources,
                             const json::Array& missing) {
  const auto complete = [&](json::Object result, std::string_view resource) {
    result["EvalResourceName"] = resource;
    result["MissingContextValues"] = missing;
    result["EvalDecisionDetails"] = json::Object{};
    return result;
  };
  json::Array specific;
  for (const auto& resource : resources) {
    specific.push_back(
        complete(judge(simulation, action, resource, "EvalResourceDecision"), resource));
  }
  json::Object out;
  if (resources.size() > 1) {
    out =
        complete({{"EvalDecision", together(specific)}, {"MatchedStatements", json::Array{}}}, "*");
  } else {
    const std::string_view resource = resources.empty() ? "*" : std::string_view(resources.front());
    out = complete(judge(simulation, action, resource, "EvalDecision"), resource);
  }
  out["EvalActionName"] = action;
  if (!specific.empty()) out["ResourceSpecificResults"] = std::move(specific);
  return out;
}

// The page that begins at the action whose number the marker holds.
Result<json::Object> simulate(Call& call, const Simulation& simulation) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto actions = texts(call.input, "ActionNames");
  const auto resources = texts(call.input, "ResourceArns");
  size_t at = 0;
  const auto& after = cursor.after;
  std::from_chars(after.data(), after.data() + after.size(), at);
  const auto each = std::max<size_t>(resources.size(), 1);
  if (each > kDecisionsMax) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput",
                fmt::format("ResourceArns cannot have more than {} members.", kDecisionsMax));
  }
  const auto end = std::min(actions.size(), at + std::min(cursor.items_max, kDecisionsMax / each));
  json::Array missing;
  for (const auto& key : keys_read(simulation)) {
    const auto values = simulation.request.context.find(policy::to_lower(key));
    if (values.empty()) missing.emplace_back(key);
  }
  json::Array results;
  for (; at < end; ++at) {
    results.push_back(simulate_action(simulation, actions[at], resources, missing));
  }
  json::Object out{{"EvaluationResults", std::move(results)}};
  write_page(out, at < actions.size(), fmt::format("{}", at));
  return out;
}

Result<json::Object> simulate_principal(Call& call) {
  Simulation simulation;
  TRY_ASSIGN(const auto source, source_entity(call));
  TRY(add_source(call, source, simulation));
  TRY(add_input(call, simulation));
  return simulate(call, simulation);
}

Result<json::Object> simulate_custom(Call& call) {
  Simulation simulation;
  TRY(add_input(call, simulation));
  return simulate(call, simulation);
}

json::Object answer_keys(const Simulation& simulation) {
  json::Array names;
  for (const auto& key : keys_read(simulation)) names.emplace_back(key);
  return {{"ContextKeyNames", std::move(names)}};
}

Result<json::Object> keys_of_principal(Call& call) {
  Simulation simulation;
  TRY_ASSIGN(const auto source, source_entity(call));
  TRY(add_source(call, source, simulation));
  TRY(add_input(call, simulation));
  return answer_keys(simulation);
}

Result<json::Object> keys_of_custom(Call& call) {
  Simulation simulation;
  TRY(add_input(call, simulation));
  return answer_keys(simulation);
}

}  // namespace

std::span<const Binding> simulate_bindings() {
  static const std::array bindings{
      Binding{&kPrincipal, simulate_principal}, Binding{&kCustom, simulate_custom},
      Binding{&kKeysPrincipal, keys_of_principal}, Binding{&kKeysCustom, keys_of_custom}};
  return bindings;
}

}  // namespace traccia::api::iam
