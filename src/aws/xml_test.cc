// XML out and in.
// SPDX-License-Identifier: Apache-2.0
#include "aws/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace traccia::aws {
namespace {

TEST(XmlWriterTest, WritesADocument) {
  XmlWriter xml;
  xml.begin("ListResult", "http://s3.amazonaws.com/doc/2006-03-01/").element("Name", "a&b");
  xml.begin("Contents").element("Size", int64_t{-5}).element("Empty", "").end().end();
  EXPECT_EQ(std::move(xml).take(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<ListResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>a&amp;b</Name>"
            "<Contents><Size>-5</Size><Empty></Empty></Contents></ListResult>");
}

TEST(XmlEscapeTest, MarkupControlsAndBadUtf8) {
  const std::pair<std::string, const char*> cases[] = {
      {"plain é 漢 😀", "plain é 漢 😀"},
      {"<a href=\"x\">&'", "&lt;a href=&quot;x&quot;&gt;&amp;'"},
      {"a\r\n\tb", "a&#xd;\n\tb"},
      {std::string("\0\x01\x1f\x7f", 4), "&#x0;&#x1;&#x1f;&#x7f;"},
      {"\xff", "\xEF\xBF\xBD"},
      {"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xEF\xBF\xBF", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const auto& [text, escaped] : cases) EXPECT_EQ(xml_escape(text), escaped);
}

TEST(XmlParseTest, ReadsARequestDocument) {
  const auto root = parse_xml(
      "<?xml version=\"1.0\"?><!-- c --><s3:Delete xmlns:s3=\"http://x/\"><Quiet>true</Quiet>"
      "<Object><Key>a&amp;b<![CDATA[<c>]]></Key></Object><Object><Key> </Key></Object>"
      "</s3:Delete>\n");
  ASSERT_TRUE(root) << root.error().message();
  EXPECT_EQ(root->name, "Delete");
  EXPECT_EQ(root->child_text("Quiet"), "true");
  EXPECT_EQ(root->child_text("Absent"), "");
  EXPECT_EQ(root->child("Absent"), nullptr);
  const auto objects = root->children_named("Object");
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[0]->child_text("Key"), "a&b<c>");
  EXPECT_EQ(objects[1]->child_text("Key"), " ");
}

std::string verdict(std::string_view text, XmlLimits limits = {}) {
  const auto root = parse_xml(text, limits);
  if (root) return "accepted";
  EXPECT_EQ(root.error().reason(), "MalformedXML");
  return root.error().message();
}

TEST(XmlParseTest, RefusesWhatIsNoSingleElement) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "no root element"},
      {"  ", "no root element"},
      {"text", "text outside"},
      {"<a/>text", "text outside"},
      {"<a/><b/>", "more than one root"},
      {"<a>", "at offset"},
      {"<a></b>", "at offset"},
      {"<a b></a>", "at offset"},
      {"<!DOCTYPE a><a/>", "document types are not allowed"},
      {"<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "document types are not allowed"},
      {std::string("<a>\0</a>", 8), "NUL"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(verdict(text), testing::HasSubstr(message)) << text;
  }
}

TEST(XmlParseTest, DoesNotExpandUnknownEntities) {
  EXPECT_EQ(parse_xml("<a>&x;&lt;</a>")->text, "&x;<");
}

TEST(XmlParseTest, HasLimits) {
  EXPECT_EQ(verdict("<a><b><c/></b></a>", {.depth_max = 3}), "accepted");
  EXPECT_THAT(verdict("<a><b><c/></b></a>", {.depth_max = 2}), testing::HasSubstr("deeply"));
  EXPECT_EQ(verdict("<a><b/><b/></a>", {.elements_max = 3}), "accepted");
  EXPECT_THAT(verdict("<a><b/><b/></a>", {.elements_max = 2}), testing::HasSubstr("too many"));
  EXPECT_EQ(verdict("<abc/>", {.bytes_max = 6}), "accepted");
  EXPECT_THAT(verdict("<abc/>", {.bytes_max = 5}), testing::HasSubstr("5 bytes"));
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<a>";
  EXPECT_NE(verdict(deep), "accepted");
  std::string closed = deep;
  for (int i = 0; i < 100000; ++i) closed += "</a>";
  EXPECT_THAT(verdict(closed), testing::HasSubstr("deeply"));
}

RC_GTEST_PROP(XmlProperty, PrintableTextSurvives, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(' ', 127));
  XmlWriter xml;
  xml.begin("R").element("T", text).end();
  const auto root = parse_xml(std::move(xml).take());
  RC_ASSERT(root.has_value());
  RC_ASSERT(root->child_text("T") == text);
}

}  // namespace
}  // namespace traccia::aws
