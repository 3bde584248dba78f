// The pages of sign-in: plain HTML that needs no script.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace traccia::api {

// What the form shows again. Nothing secret.
struct SigninForm {
  std::string account = {}, user_name = {};  // no name: the root user
  bool asks_code = false;                    // of an MFA device
  bool asks_new_password = false;            // the present one must be replaced
  std::string message = {};                  // why the last attempt came to nothing
};

http::Response signin_page(const SigninForm& form, int status);
// Whom the browser is signed in as, and the way out.
http::Response signed_in_page(std::string_view arn, std::string_view until);
// What went wrong, and a way back.
http::Response notice_page(std::string_view title, std::string_view text, int status);
// Headers that every answer of sign-in has: not cached, not framed, nothing loaded from elsewhere.
void add_page_headers(http::Response& response);

}  // namespace traccia::api
