// Reports of verification as text and JSON.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "digest/verify.h"
#include "json/json.h"

namespace traccia::digest {
namespace {

std::string_view label(FileKind kind) {
  switch (kind) {
    case FileKind::Digest:
      return "Digest file";
    case FileKind::BackfillDigest:
      return "(backfill) Digest file";
    case FileKind::Log:
      return "Log file";
  }
  return "";
}

std::string_view plural(FileKind kind) {
  switch (kind) {
    case FileKind::Digest:
      return "digest";
    case FileKind::BackfillDigest:
      return "backfill digest";
    case FileKind::Log:
      return "log";
  }
  return "";
}

void add_line(std::string& out, const FileVerdict& file) {
  fmt::format_to(std::back_inserter(out), "{}\ts3://{}/{}\t{}{}\n", label(file.kind), file.bucket,
                 file.key, file.problem.empty() ? "valid" : "INVALID: " + file.problem,
                 file.inferred ? " (its place follows from the chain's interval)" : "");
}

void add_count(std::string& out, const VerifyReport& report, FileKind kind) {
  const auto valid = report.count(kind, true);
  const auto invalid = report.count(kind, false);
  const auto all = valid + invalid;
  if (all == 0) return;
  const auto to = std::back_inserter(out);
  if (valid > 0) fmt::format_to(to, "{}/{} {} files valid", valid, all, plural(kind));
  if (valid > 0 && invalid > 0) out += ", ";
  if (invalid > 0) fmt::format_to(to, "{}/{} {} files INVALID", invalid, all, plural(kind));
  out += '\n';
}

json::Value time_or_null(const std::optional<Time>& time) {
  if (!time) return nullptr;
  return json::Value(format_iso_seconds(*time));
}

json::Object file_object(const FileVerdict& file) {
  const auto kind = file.kind == FileKind::Log              ? "log"
                    : file.kind == FileKind::BackfillDigest ? "backfillDigest"
                                                            : "digest";
  json::Object out{
      {"kind", kind}, {"bucket", file.bucket}, {"key", file.key}, {"valid", file.problem.empty()}};
  if (!file.problem.empty()) out["problem"] = file.problem;
  if (file.inferred) out["inferred"] = true;
  return out;
}

json::Object counts_object(const VerifyReport& report, FileKind kind) {
  return {{"valid", report.count(kind, true)}, {"invalid", report.count(kind, false)}};
}

}  // namespace

std::string render_text(const VerifyReport& report, Detail detail) {
  std::string out;
  if (report.chains.empty()) return "No digests found\n";
  for (const auto& chain : report.chains) {
    fmt::format_to(std::back_inserter(out), "Trail {} (home {}), account {}, region {}",
                   chain.trail_name, chain.home_region, chain.account, chain.region);
    if (chain.oldest_start && chain.newest_end) {
      fmt::format_to(std::back_inserter(out), ": {} to {}", format_iso_seconds(*chain.oldest_start),
                     format_iso_seconds(*chain.newest_end));
    }
    out += '\n';
    for (const auto& file : chain.files) {
      if (detail == Detail::EveryFile || !file.problem.empty()) add_line(out, file);
    }
    for (const auto& gap : chain.gaps) {
      fmt::format_to(std::back_inserter(out),
                     "No log files were delivered by CloudTrail between {} and {}\n",
                     format_iso_seconds(gap.start), format_iso_seconds(gap.end));
    }
  }
  for (const auto& file : report.unlisted) add_line(out, file);
  out += '\n';
  for (const auto kind : {FileKind::Digest, FileKind::BackfillDigest, FileKind::Log}) {
    add_count(out, report, kind);
  }
  if (!report.unlisted.empty()) {
    fmt::format_to(std::back_inserter(out), "{} log files are not listed in any digest\n",
                   report.unlisted.size());
  }
  out += report.all_valid() ? "VALID\n" : "INVALID\n";
  return out;
}

std::string render_json(const VerifyReport& report) {
  json::Array chains;
  for (const auto& chain : report.chains) {
    json::Array files, gaps;
    for (const auto& file : chain.files) files.push_back(file_object(file));
    for (const auto& gap : chain.gaps) {
      gaps.push_back(json::Object{{"start", format_iso_seconds(gap.start)},
                                  {"end", format_iso_seconds(gap.end)}});
    }
    chains.push_back(json::Object{{"account", chain.account},
                                  {"region", chain.region},
                                  {"trail", chain.trail_name},
                                  {"homeRegion", chain.home_region},
                                  {"start", time_or_null(chain.oldest_start)},
                                  {"end", time_or_null(chain.newest_end)},
                                  {"files", std::move(files)},
                                  {"gaps", std::move(gaps)}});
  }
  json::Array unlisted;
  for (const auto& file : report.unlisted) unlisted.push_back(file_object(file));
  return json::serialize(
             json::Object{{"valid", report.all_valid() && !report.chains.empty()},
                          {"digests", counts_object(report, FileKind::Digest)},
                          {"backfillDigests", counts_object(report, FileKind::BackfillDigest)},
                          {"logs", counts_object(report, FileKind::Log)},
                          {"logBytes", report.log_bytes},
                          {"chains", std::move(chains)},
                          {"unlisted", std::move(unlisted)}}) +
         "\n";
}

}  // namespace traccia::digest
