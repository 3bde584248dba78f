// Reading policies: what each kind may have, and what a refusal says and where.
// SPDX-License-Identifier: Apache-2.0
#include "policy/document.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace traccia::policy {
namespace {

using testing::HasSubstr;

constexpr DocumentType kIdentity{Kind::Identity};
constexpr DocumentType kBucket{.kind = Kind::Resource, .service = "s3"};
constexpr DocumentType kTopic{.kind = Kind::Resource, .service = "sns"};
constexpr DocumentType kKey{.kind = Kind::Resource, .service = "kms"};
constexpr DocumentType kTrust{Kind::Trust};
constexpr DocumentType kScp{Kind::ServiceControl};
constexpr DocumentType kRcp{Kind::ResourceControl};

// A document of one statement with these members, written with ' for ".
std::string json(std::string_view members) {
  auto out = fmt::format("{{'Version':'2012-10-17','Statement':{{{}}}}}", members);
  std::ranges::replace(out, '\'', '"');
  return out;
}

std::string message_of(std::string_view members, const DocumentType& type) {
  const auto document = parse(json(members), type);
  return document ? "accepted" : document.error().message();
}

struct Row {
  DocumentType type;
  std::string_view members;
  std::string_view expected;  // part of the message, or "accepted"
};

void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    EXPECT_THAT(message_of(row.members, row.type), HasSubstr(row.expected)) << row.members;
  }
}

// posture 3.3 and document.h's table: elements by kind of policy.
TEST(Document, ElementsByKind) {
  constexpr std::string_view kPlain = "'Effect':'Allow','Action':'s3:GetObject','Resource':'*'";
  constexpr std::string_view kNamed =
      "'Effect':'Allow','Principal':'*','Action':'s3:GetObject','Resource':'*'";
  constexpr std::string_view kTrusting =
      "'Effect':'Allow','Principal':{'Service':'ec2.amazonaws.com'},'Action':'sts:AssumeRole'";
  for (const auto kind : {Kind::Identity, Kind::Boundary, Kind::Session, Kind::ServiceControl}) {
    check(
        {{{kind}, kPlain, "accepted"},
         {{kind}, kNamed, "Policy document should not specify a principal."},
         {{kind},
          "'Effect':'Allow','NotPrincipal':'*','Action':'*','Resource':'*'",
          "Policy document should not specify a principal."},
         {{kind}, "'Effect':'Allow','Action':'s3:*'", "Policy statement must contain resources."}});
  }
  check({{kBucket, kNamed, "accepted"},
         {kBucket, kPlain, "Missing required field Principal"},
         {kTopic, kPlain, "Missing required field Principal"},
         {kTrust, kTrusting, "accepted"},
         {kTrust, "'Effect':'Allow','Action':'sts:AssumeRole'", "field Principal"},
         {kTrust, "'Effect':'Allow','Principal':'*','Action':'sts:AssumeRole','Resource':'*'",
          "Has prohibited field Resource"},
         {kTrust, "'Effect':'Allow','Principal':'*','Action':'s3:GetObject'",
          "Action s3:GetObject is not applicable to this policy"},
         {kTrust, "'Effect':'Allow','Principal':'*','Action':'sts:Frobnicate'", "not applicable"},
         {kTrust, "'Effect':'Deny','NotPrincipal':'*','Action':'sts:*'", "NotPrincipal"},
         {kBucket,
          "'Effect':'Deny','NotPrincipal':{'AWS':'111122223333'},'Action':'s3:*','Resource':'*'",
          "accepted"},
         {kBucket,
          "'Effect':'Allow','NotPrincipal':{'AWS':'111122223333'},'Action':'s3:*','Resource':'*'",
          "NotPrincipal is for Deny"},
         {kBucket, "'Effect':'Allow','Principal':'*','Action':'sns:Publish','Resource':'*'",
          "Policy has invalid action"},
         {kTopic, "'Effect':'Allow','Principal':'*','Action':'SNS:Publish','Resource':'*'",
          "accepted"}});
}

// "Resource control policies (RCPs)", syntax; RCPFullAWSAccess is taken as it is.
TEST(Document, ControlPolicies) {
  check({
      {kRcp, "'Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'*'", "accepted"},
      {kRcp, "'Effect':'Allow','Principal':'*','Action':'*','Resource':'*'", "accepted"},
      {kRcp, "'Effect':'Allow','Principal':'*','Action':'s3:*','Resource':'*'", "Effect is Deny"},
      {kRcp, "'Effect':'Deny','Principal':'*','Action':'*','Resource':'*'", "not applicable"},
      {kRcp, "'Effect':'Deny','Principal':'*','Action':'sns:*','Resource':'*'", "not applicable"},
      {kRcp, "'Effect':'Deny','Principal':'*','Action':'cloudtrail:*','Resource':'*'",
       "not applicable"},
      {kRcp, "'Effect':'Deny','Principal':'*','NotAction':'s3:*','Resource':'*'", "NotAction"},
      {kRcp, "'Effect':'Deny','Principal':{'AWS':'111122223333'},'Action':'s3:*','Resource':'*'",
       "Principal is \"*\""},
      {kScp, "'Effect':'Allow','NotAction':'s3:*','Resource':'*'", "accepted"},
  });
  const auto narrow =
      parse(json("'Effect':'Allow','Action':'s3:*','Resource':'arn:aws:s3:::b'"), kScp);
  ASSERT_TRUE(narrow);
  EXPECT_THAT(narrow->warnings, testing::ElementsAre(HasSubstr("statement 0")));
}

// "AWS JSON policy elements: Principal".
TEST(Document, Principals) {
  const auto says = [](std::string_view principal, const DocumentType& type = kBucket) {
    const std::string_view rest =
        type.kind == Kind::Trust ? "'Action':'sts:AssumeRole'" : "'Action':'s3:*','Resource':'*'";
    return message_of(fmt::format("'Effect':'Allow','Principal':{},{}", principal, rest), type);
  };
  for (const std::string_view good :
       {"'*'", "{'AWS':'*'}", "{'AWS':'111122223333'}", "{'AWS':'arn:aws:iam::111122223333:root'}",
        "{'AWS':['arn:aws:iam::111122223333:user/path/u','arn:aws-cn:iam::111122223333:role/r']}",
        "{'AWS':'arn:aws:sts::111122223333:assumed-role/r/s'}",
        "{'AWS':'arn:aws:sts::111122223333:federated-user/f'}", "{'AWS':'AROAABCDEFGHIJKLMNOP'}",
        "{'Service':['cloudtrail.amazonaws.com','delivery.logs.amazonaws.com']}",
        "{'Federated':'arn:aws:iam::111122223333:saml-provider/p'}",
        "{'Federated':'accounts.google.com'}",
        "{'CanonicalUser':'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}",
        "{'AWS':'111122223333','Service':'sns.amazonaws.com'}"}) {
    EXPECT_EQ(says(good), "accepted") << good;
  }
  for (const std::string_view bad : {"'111122223333'",
                                     "[]",
                                     "{}",
                                     "{'AWS':[]}",
                                     "{'AWS':'11112222333'}",
                                     "{'AWS':''}",
                                     "{'AWS':'arn:aws:iam::111122223333:user/*'}",
                                     "{'AWS':'arn:aws:iam::111122223333:group/g'}",
                                     "{'AWS':'arn:aws:iam::111122223333:user/'}",
                                     "{'AWS':'arn:aws:iam::*:root'}",
                                     "{'AWS':'arn:aws:iam:us-east-1:111122223333:root'}",
                                     "{'AWS':'arn:aws:s3:::b'}",
                                     "{'AWS':'arn:aws:sts::111122223333:assumed-role/r'}",
                                     "{'Service':'*'}",
                                     "{'Service':'cloudtrail'}",
                                     "{'Service':'evil.example.com'}",
                                     "{'Federated':'google'}",
                                     "{'CanonicalUser':'abc'}",
                                     "{'Other':'x'}",
                                     "{'aws':'*'}"}) {
    EXPECT_THAT(says(bad), HasSubstr("Invalid principal in policy")) << bad;
  }
  EXPECT_THAT(says("{'CanonicalUser':"
                   "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}",
                   kTrust),
              HasSubstr("Invalid principal in policy"));
}

// IAM's own words, as clients know them.
TEST(Document, ActionsAndResources) {
  const auto action = [](std::string_view text) {
    return message_of(fmt::format("'Effect':'Allow','Action':{},'Resource':'*'", text), kIdentity);
  };
  const auto resource = [](std::string_view text) {
    return message_of(fmt::format("'Effect':'Allow','Action':'*','Resource':{}", text), kIdentity);
  };
  for (const std::string_view good : {"'*'", "'s3:*'", "'S3:Get?bject*'", "['s3:A','iam:B']",
                                      "'*:*'", "'s3-object-lambda:Get*'"}) {
    EXPECT_EQ(action(good), "accepted") << good;
  }
  EXPECT_THAT(action("'GetObject'"), HasSubstr("must be prefaced by a vendor"));
  EXPECT_THAT(action("''"), HasSubstr("must be prefaced by a vendor"));
  EXPECT_THAT(action("'s3:a:b'"), HasSubstr("can contain only one colon."));
  EXPECT_THAT(action("'s*:Get'"), HasSubstr("Vendor s* is not valid"));
  EXPECT_THAT(action("':Get'"), HasSubstr("Vendor  is not valid"));
  EXPECT_THAT(action("'s3:'"), HasSubstr("Action s3: is not valid"));
  EXPECT_THAT(action("'s3:Get Object'"), HasSubstr("is not valid"));
  EXPECT_THAT(action("[]"), HasSubstr("Policy statement must contain actions."));
  EXPECT_THAT(action("7"), HasSubstr("Syntax errors in policy"));
  for (const std::string_view good :
       {"'*'", "'arn:aws:s3:::b/*'", "['arn:aws:s3:::b','arn:*:sns:*:*:t']", "'arn:aws:logs:*'",
        "'arn:aws:s3:::${aws:username}/*'", "'arn:aws-us-gov:iam::aws:policy/p'",
        "'arn:aws:logs:us-east-1:111122223333:log-group:g:*'"}) {
    EXPECT_EQ(resource(good), "accepted") << good;
  }
  EXPECT_THAT(resource("'bucket'"), HasSubstr("Resource bucket must be in ARN format or \"*\"."));
  EXPECT_THAT(resource("'arn:aws2:s3:::b'"), HasSubstr("Partition is not valid"));
  EXPECT_THAT(resource("'arn:aws:*:::b'"), HasSubstr("Resource vendor must be fully qualified"));
  EXPECT_THAT(resource("'arn:aws'"), HasSubstr("Resource vendor must be fully qualified"));
  EXPECT_THAT(resource("'arn:aws:s3::b'"), HasSubstr("The policy failed legacy parsing"));
  EXPECT_THAT(resource("'arn:aws:sns:us-east-1:1234:t'"), HasSubstr("legacy parsing"));
  EXPECT_THAT(resource("'arn:aws:sns:${aws:r}:111122223333:t'"), HasSubstr("legacy parsing"));
  EXPECT_THAT(resource("'arn:aws:iam:us-east-1:111122223333:role/r'"),
              HasSubstr("cannot contain region information."));
  EXPECT_THAT(resource("'arn:aws:s3:::${aws:username'"), HasSubstr("is not closed"));
  EXPECT_THAT(resource("[]"), HasSubstr("Policy statement must contain resources."));
}

TEST(Document, BucketPoliciesNameTheirBucket) {
  constexpr DocumentType kMine{
      .kind = Kind::Resource, .service = "s3", .resource_arn = "arn:aws:s3:::mine"};
  const auto says = [&](std::string_view resource) {
    return message_of(
        fmt::format("'Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'{}'", resource),
        kMine);
  };
  EXPECT_EQ(says("arn:aws:s3:::mine"), "accepted");
  EXPECT_EQ(says("arn:aws:s3:::mine/*"), "accepted");
  EXPECT_THAT(says("arn:aws:s3:::mine2/*"), HasSubstr("Policy has invalid resource"));
  EXPECT_THAT(says("arn:aws:s3:::other"), HasSubstr("Policy has invalid resource"));
}

TEST(Document, StructureAndWords) {
  check({
      {kIdentity, "'Action':'*','Resource':'*'", "missing element Effect"},
      {kIdentity, "'Effect':'allow','Action':'*','Resource':'*'", "not 'allow'"},
      {kIdentity, "'Effect':'Allow','Resource':'*'", "must contain actions."},
      {kIdentity, "'Effect':'Allow','Action':'*','NotAction':'*','Resource':'*'", "exclude"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'*','NotResource':'*'", "exclude"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'*','Extra':1", "'Extra'"},
      {kIdentity, "'effect':'Allow','Action':'*','Resource':'*'", "'effect'"},
      {kIdentity, "'Sid':'a b','Effect':'Allow','Action':'*','Resource':'*'",
       "Statement IDs (SID) must be alpha-numeric."},
      {kBucket, "'Sid':'a b','Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'*'",
       "accepted"},
      {kBucket, "'Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'*','X':1",
       "Unknown field X"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'*','Condition':[]",
       "Condition is an object"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Strin':{'a':'b'}}",
       "'Strin' is not a condition operator"},
      {kBucket,
       "'Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'*','Condition':{'Strin':{}}",
       "Invalid Condition type : Strin"},
      {kIdentity,
       "'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Bool':{'a:b':'perhaps'}}",
       "'perhaps' is not a Boolean value"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Bool':{'a:b':[]}}",
       "a condition has no value"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Bool':{'a:b':{}}}",
       "a condition's value is"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Null':{'a:b':true}}",
       "accepted"},  // posture 2.1: booleans and numbers are taken
      {kIdentity,
       "'Effect':'Allow','Action':'*','Resource':'*','Condition':{'NumericEquals':{'a:b':[7,8.5]}}",
       "accepted"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::\xE2\x82\xAC'",
       "a character is outside"},
      {kIdentity, "'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::\xC3\xBF'", "accepted"},
      {kBucket,
       "'Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'arn:aws:s3:::b/\xE2\x82\xAC'",
       "accepted"},
      {kKey, "'Effect':'Deny','Principal':'*','Action':'kms:*','Resource':'arn:aws:kms:::\\u0001'",
       "a character is outside"},
  });
}

TEST(Document, ErrorsHaveAPlace) {
  const auto error = [](std::string_view text, const DocumentType& type = kIdentity) {
    const auto document = parse(text, type);
    return document ? "accepted" : document.error().message();
  };
  EXPECT_THAT(error("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": "
                    "\"Allow\", \"Action\": \"*\", \"Resource\": [\"*\",\n      \"b\\u0061d\"]}]}"),
              HasSubstr("Resource bad must be in ARN format or \"*\". "
                        "(line 5, column 7, Statement[0].Resource)"));
  EXPECT_EQ(error("{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"},\n"
                  "{\"Effect\":\"Deny\",\"Effect\":\"Deny\"}]}"),
            "Syntax errors in policy: 'Effect' comes twice (line 2, column 18)");
  EXPECT_EQ(error("{\"Version\":\"2012-10-18\",\"Statement\":[]}"),
            "Policy document must be version 2012-10-17 or greater. (line 1, column 12)");
  EXPECT_THAT(error("{\"Version\":\"2012-10-17\"}"), HasSubstr("missing element Statement"));
  EXPECT_THAT(error("{\"Statement\":[]}"), HasSubstr("there is no statement"));
  EXPECT_THAT(error("{\"Statement\":[7]}"), HasSubstr("a statement is an object"));
  EXPECT_THAT(error("{\"Statement\":{},\"X\":1}"), HasSubstr("unknown element 'X'"));
  EXPECT_THAT(error("{\"Id\":1,\"Statement\":{}}"), HasSubstr("Id is a string"));
  for (const std::string_view bad :
       {"", "[]", "7", "{", "{\"a\":}", "{} x", "{\"a\":1,}", "{\"a\":\"\xFF\"}", "{\"a\":01}",
        "{/**/}", "\xEF\xBB\xBF{}"}) {
    EXPECT_THAT(error(bad), HasSubstr("Syntax errors in policy")) << bad;
    EXPECT_THAT(error(bad, kBucket), HasSubstr("Policies must be valid JSON")) << bad;
  }
}

TEST(Document, MessagesQuoteLittleAndNoControlCharacters) {
  EXPECT_EQ(message_of("'a\\u0000\\nb':1", kIdentity),
            "Syntax errors in policy: unknown element 'a??b' (line 1, column 38, Statement[0])");
  std::string euros(255, 'a');
  for (int i = 0; i < 100; ++i) euros += "\xE2\x82\xAC";
  EXPECT_EQ(message_of(fmt::format("'{}':1", euros), kIdentity),
            fmt::format("Syntax errors in policy: unknown element '{}...' "
                        "(line 1, column 38, Statement[0])",
                        std::string(255, 'a')));
}

TEST(Document, SidsAreUniqueAndEmptyOnesAreNone) {
  const auto two = [](std::string_view a, std::string_view b) {
    auto text = fmt::format(
        "{{'Statement':[{{'Sid':'{}','Effect':'Deny','Action':'*','Resource':'*'}},"
        "{{'Sid':'{}','Effect':'Deny','Action':'*','Resource':'*'}}]}}",
        a, b);
    std::ranges::replace(text, '\'', '"');
    const auto document = parse(text, kIdentity);
    return document ? "accepted" : document.error().message();
  };
  EXPECT_EQ(two("a", "b"), "accepted");
  EXPECT_EQ(two("", ""), "accepted");
  EXPECT_THAT(two("a", "a"), HasSubstr("in a single policy must be unique. (line 1, column"));
}

// posture 3.6.
TEST(Document, Sizes) {
  const auto document = json("'Effect':'Deny','Action':'*','Resource':'*'");
  const auto padded = [&](size_t spaces) { return document + std::string(spaces, ' '); };
  EXPECT_TRUE(parse(padded(7000), kIdentity)) << "IAM does not count white space";
  const auto long_sid = json(fmt::format("'Sid':'{}','Effect':'Deny','Action':'*','Resource':'*'",
                                         std::string(6144, 'a')));
  const auto refused = parse(long_sid, kIdentity);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), "LimitExceeded");
  EXPECT_EQ(refused.error().code(), ErrorCode::ResourceExhausted);
  EXPECT_TRUE(parse(long_sid, kScp));
  EXPECT_FALSE(parse(padded(10'240), kScp)) << "Organizations does";
  EXPECT_FALSE(parse(padded(129 << 10), kIdentity)) << "the text as it came has a limit too";
  EXPECT_FALSE(parse(long_sid, kIdentity, {.characters_max = 10'000, .statements_max = 0}));
  EXPECT_EQ(limits_of(kKey).characters_max, 32'768U);
  EXPECT_EQ(limits_of(kTopic).statements_max, 100U);
  const auto bucket = parse(std::string(30'000, ' '), kBucket);
  EXPECT_EQ(bucket.error().reason(), "MalformedPolicy");
}

TEST(Document, DeepTextsAreRefused) {
  std::string deep = "{\"Statement\":";
  for (int i = 0; i < 1000; ++i) deep += '[';
  const auto document = parse(deep, kIdentity);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().reason(), "MalformedPolicyDocument");
  EXPECT_THAT(document.error().message(), HasSubstr("(line 1, column 2"));
}

// Twenty thousand members, all the same but one: sorting finds the pair, comparing each with each
// would take minutes under the sanitizers.
TEST(Document, ManyMembersTakeBoundedTime) {
  std::string text = "{";
  for (int i = 0; i < 12'000; ++i) text += fmt::format("\"{:06}\":1,", i);
  text += "\"000000\":1}";
  const auto document = parse(text, kIdentity, {.characters_max = 1 << 20, .bytes_max = 1 << 20});
  ASSERT_FALSE(document);
  EXPECT_THAT(document.error().message(), HasSubstr("'000000' comes twice"));
}

TEST(Document, KeepsWhatWasWritten) {
  const auto document = parse(
      json("'Sid':'One','Effect':'Deny','NotAction':['s3:Get*'],'NotResource':'arn:aws:s3:::b',"
           "'Condition':{'ForAnyValue:StringNotLikeIfExists':{'aws:TagKeys':['a','b']}}"),
      kIdentity);
  ASSERT_TRUE(document) << document.error().message();
  const auto& statement = document->statements.at(0);
  EXPECT_EQ(statement.sid, "One");
  EXPECT_EQ(statement.effect, Effect::Deny);
  EXPECT_TRUE(statement.not_action && statement.not_resource && !statement.not_principal);
  EXPECT_EQ(statement.actions.at(0).text(), "s3:Get*");
  EXPECT_EQ(statement.resources.at(0).text(), "arn:aws:s3:::b");
  EXPECT_EQ(statement.conditions.at(0).key(), "aws:TagKeys");
  EXPECT_THAT(statement.conditions.at(0).values(), testing::ElementsAre("a", "b"));
  EXPECT_EQ(statement.conditions.at(0).op().quantifier, Quantifier::AnyValue);
  EXPECT_EQ(document->version, Version::V2012);
}

}  // namespace
}  // namespace traccia::policy
