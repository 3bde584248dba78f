// Topics, who is subscribed to them, and what is on its way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "sns/outgoing.h"
#include "sns/signer.h"
#include "sns/subscriptions.h"
#include "sns/topics.h"

namespace traccia::sns {

struct Sns {
  Sns(os::Os os, meta::Database& database, Sealer with)
      : topics(os),
        subscriptions(os),
        outgoing(os),
        signer(os, database, with),
        sealer(std::move(with)) {}

  Topics topics;
  Subscriptions subscriptions;
  Outgoing outgoing;
  Signer signer;
  Sealer sealer;          // of data keys of messages on their way
  bool has_mail = false;  // there is a relay: mail addresses may subscribe
};

}  // namespace traccia::sns
