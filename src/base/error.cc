// Names of the error codes.
// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

namespace traccia {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "InvalidArgument";
    case ErrorCode::NotFound:
      return "NotFound";
    case ErrorCode::AlreadyExists:
      return "AlreadyExists";
    case ErrorCode::PermissionDenied:
      return "PermissionDenied";
    case ErrorCode::FailedPrecondition:
      return "FailedPrecondition";
    case ErrorCode::ResourceExhausted:
      return "ResourceExhausted";
    case ErrorCode::Unavailable:
      return "Unavailable";
    case ErrorCode::DataLoss:
      return "DataLoss";
    case ErrorCode::Aborted:
      return "Aborted";
    case ErrorCode::Internal:
      return "Internal";
  }
  return "Unknown";
}

}  // namespace traccia
