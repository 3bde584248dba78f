// What `lookup` and `tail` share: which events are asked for, and how they are shown.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "cli/aws_client.h"
#include "cli/command.h"
#include "json/json.h"

namespace traccia::cli {

struct HistoryOptions {
  ClientOptions client;
  std::vector<std::string> expression;  // its words
  std::string account;
};

// The client's options (with --region REGION|all), --account and the expression.
void add_history_options(CLI::App& command, HistoryOptions& options);

struct HistoryCall {
  AwsSettings settings;
  json::Object input;  // AccountId, Region, Expression
};
// InvalidArgument when the expression cannot be read.
Result<HistoryCall> prepare(const HistoryOptions& options);

// Prints the answer's Events, at most `count_max` of them: a line each, or as JSON each record as
// it is stored. DataLoss when the answer is not what it should be. Unavailable when standard output
// is closed.
Result<size_t> print_events(const json::Object& answer, const HistoryOptions& options,
                            size_t count_max);

// "2026-11-24T05:06:07Z", "2026-11-24", "-2h" (before `now`; s, m, h, d).
Result<Time> parse_when(const std::string& text, Time now);

}  // namespace traccia::cli
