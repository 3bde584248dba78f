// IAM GenerateCredentialReport, GetCredentialReport.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/iam_call.h"
#include "base/bytes.h"
#include "identity/credential_report.h"

namespace traccia::api::iam {
namespace {

constexpr std::string_view kStates[] = {"STARTED", "INPROGRESS", "COMPLETE"};
constexpr Shape kState = aws::enum_shape(kStates);
constexpr Member kGenerateOutput[] = {{"State", &kState}, {"Description", &kString}};
constexpr Shape kGenerateAnswer = aws::structure_shape(kGenerateOutput);
constexpr std::string_view kGenerateErrors[] = {kLimitExceeded};
constexpr auto kGenerate = change("iam:GenerateCredentialReport", kOnAll, aws::kEmptyStructure,
                                  kGenerateAnswer, kGenerateErrors);

constexpr std::string_view kFormats[] = {"text/csv"};
constexpr Shape kFormat = aws::enum_shape(kFormats);
constexpr Member kGetOutput[] = {
    {"Content", &aws::kBlob}, {"ReportFormat", &kFormat}, {"GeneratedTime", &kTimestamp}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr std::string_view kGetErrors[] = {"CredentialReportNotPresentException",
                                           "CredentialReportExpiredException"};
constexpr auto kGet =
    query("iam:GetCredentialReport", kOnAll, aws::kEmptyStructure, kGetAnswer, kGetErrors);

// Made before the answer is given, but told as AWS does it, whose clients ask until it is complete.
Result<json::Object> generate(Call& call) {
  const auto& account = call.caller.principal.account_id;
  TRY_ASSIGN(const auto report, identity::find_credential_report(call.transaction, account));
  if (report && call.now - report->made < identity::kCredentialReportAge) {
    return json::Object{{"State", "COMPLETE"}};
  }
  TRY(identity::make_credential_report(call.transaction, call.services.identity, account,
                                       call.now));
  return json::Object{{"State", "STARTED"},
                      {"Description", "No report exists. Starting a new report generation task"}};
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto report,
             identity::find_credential_report(call.transaction, call.caller.principal.account_id));
  if (!report) {
    return fail(ErrorCode::NotFound, "ReportNotPresent",
                "The request was rejected because the credential report does not exist. To "
                "generate a credential report, use GenerateCredentialReport.");
  }
  if (call.now - report->made >= identity::kCredentialReportAge) {
    return fail(ErrorCode::FailedPrecondition, "ReportExpired",
                "The request was rejected because the most recent credential report has expired. "
                "To generate a new credential report, use GenerateCredentialReport.");
  }
  return json::Object{{"Content", base64_encode(report->content)},
                      {"ReportFormat", "text/csv"},
                      {"GeneratedTime", aws::encode_timestamp(floor_seconds(report->made))}};
}

}  // namespace

std::span<const Binding> credential_report_bindings() {
  static const std::array bindings{Binding{&kGenerate, generate}, Binding{&kGet, get}};
  return bindings;
}

}  // namespace traccia::api::iam
