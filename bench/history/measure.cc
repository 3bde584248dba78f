// Sizes come from the segments themselves; answers are checked against what was sent.
// SPDX-License-Identifier: Apache-2.0
#include "measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "histogram.h"
#include "history/segment.h"

namespace traccia::bench {
namespace {

using Clock = std::chrono::steady_clock;

Result<history::Query> query_of(const load::Question& question) {
  history::Query query;
  query.account = load::kAccount;
  query.region = load::kRegion;
  query.count_max = load::kPageEvents;
  if (question.name->attribute.empty()) return query;
  for (size_t i = 0; i < history::kAttributes; ++i) {
    const auto attribute = static_cast<history::Attribute>(i);
    if (history::to_string(attribute) != question.name->attribute) continue;
    query.expression = history::Expression::is(attribute, question.value);
    return query;
  }
  return fail(ErrorCode::Internal, fmt::format("no attribute '{}'", question.name->attribute));
}

Result<std::string> ask(Store& store, const load::EventPool& pool, const Asking& asking,
                        const std::vector<load::LookupKind>& kinds) {
  const auto questions = load::draw_questions(pool, kinds, asking.below, asking.questions, 1);
  load::Histogram latency;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(asking.seconds));
  auto now = start;
  for (size_t i = 0; now < end; ++i) {
    const auto& question = questions[i % questions.size()];
    TRY_ASSIGN(const auto query, query_of(question));
    const auto before = now;
    TRY_ASSIGN(const auto page, store.history().lookup(query));
    now = Clock::now();
    latency.add(now - before);
    if (load::is_plausible(*question.name, page.records.size())) continue;
    return fail(ErrorCode::Internal, fmt::format("{} events with {} '{}'", page.records.size(),
                                                 question.name->attribute, question.value));
  }
  const auto seconds = std::chrono::duration<double>(now - start).count();
  return fmt::format(R"({{"per_second":{:.0f},"latency_us":{}}})",
                     static_cast<double>(latency.count()) / seconds, latency.json());
}

}  // namespace

Result<std::string> size_json(Store& store) {
  TRY_ASSIGN(const auto entries, store.files().list(store.history_directory()));
  history::Segment::Bytes sum;
  uint64_t events = 0, total = 0, segments = 0;
  for (const auto& entry : entries) {
    if (!entry.name.ends_with(history::kSegmentSuffix)) continue;
    TRY_ASSIGN(const auto segment,
               history::Segment::open(store.files(),
                                      fmt::format("{}/{}", store.history_directory(), entry.name)));
    const auto bytes = segment->bytes();
    sum.dictionary += bytes.dictionary;
    sum.records += bytes.records;
    sum.times += bytes.times;
    sum.postings += bytes.postings;
    sum.terms += bytes.terms;
    sum.ids += bytes.ids;
    sum.footer += bytes.footer;
    total += segment->file_bytes();
    events += segment->count();
    ++segments;
  }
  const auto each = [&](uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(std::max<uint64_t>(events, 1));
  };
  return fmt::format(
      R"({{"segments":{},"events":{},"bytes_per_event":{{"total":{:.2f},"dictionary":{:.2f},)"
      R"("records":{:.2f},"times":{:.2f},"postings":{:.2f},"terms":{:.2f},"ids":{:.2f},)"
      R"("footer":{:.2f}}}}})",
      segments, events, each(total), each(sum.dictionary), each(sum.records), each(sum.times),
      each(sum.postings), each(sum.terms), each(sum.ids), each(sum.footer));
}

Result<std::string> lookups_json(Store& store, const load::EventPool& pool, const Asking& asking) {
  std::vector<load::LookupKind> few, pages;
  std::string by_attribute;
  for (const auto& name : load::kLookupNames) {
    (name.few ? few : pages).push_back(name.kind);
    TRY_ASSIGN(const auto one, ask(store, pool, asking, {name.kind}));
    by_attribute += fmt::format(R"({}"{}":{})", by_attribute.empty() ? "" : ",", name.name, one);
  }
  TRY_ASSIGN(const auto all_few, ask(store, pool, asking, few));
  TRY_ASSIGN(const auto all_pages, ask(store, pool, asking, pages));
  return fmt::format(R"({{"few":{},"pages":{},"by_attribute":{{{}}}}})", all_few, all_pages,
                     by_attribute);
}

}  // namespace traccia::bench
