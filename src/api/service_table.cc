// The list of services.
// SPDX-License-Identifier: Apache-2.0
#include "api/service_table.h"

#include <algorithm>

namespace traccia::api {
namespace {

std::span<const Binding> no_bindings() {
  return {};
}

constexpr ServiceEntry kServices[] = {
    {"cloudtrail",
     aws::Protocol::Json11,
     cloudtrail_bindings,
     {"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "CloudTrail_20131101"}},
    {"traccia", aws::Protocol::Json11, traccia_bindings, {"Traccia_20261101", "Traccia_20261101"}},
    {"organizations",
     aws::Protocol::Json11,
     organizations_bindings,
     {"AWSOrganizationsV20161128", "AWSOrganizationsV20161128"}},
    {"kms", aws::Protocol::Json11, kms_bindings, {"TrentService", "TrentService"}},
    {"iam", aws::Protocol::Query, iam_bindings, {}, "https://iam.amazonaws.com/doc/2010-05-08/"},
    {"sts", aws::Protocol::Query, sts_bindings, {}, "https://sts.amazonaws.com/doc/2011-06-15/"},
    {"sns",
     aws::Protocol::Query,
     sns_bindings,
     {},
     "http://sns.amazonaws.com/doc/2010-03-31/",
     false,
     "AuthorizationError"},
    {"sqs",
     aws::Protocol::Json11,
     sqs_bindings,
     {"AmazonSQS", "AmazonSQS"},
     "http://queue.amazonaws.com/doc/2012-11-05/",
     true},
    {"s3", aws::Protocol::RestXml, no_bindings}};

}  // namespace

const Binding* ServiceEntry::find(std::string_view operation) const {
  for (const auto& binding : bindings()) {
    if (binding.operation->name == operation) return &binding;
  }
  return nullptr;
}

std::span<const ServiceEntry> service_table() {
  return kServices;
}

const ServiceEntry* find_service(std::string_view name) {
  const auto* at = std::ranges::find(kServices, name, &ServiceEntry::name);
  return at == std::end(kServices) ? nullptr : at;
}

}  // namespace traccia::api
