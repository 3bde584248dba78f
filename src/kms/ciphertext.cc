// Encodes, seals and opens ciphertexts.
// SPDX-License-Identifier: Apache-2.0
#include "kms/ciphertext.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "kms/key_name.h"

namespace traccia::kms {
namespace {

// offset 0: magic; 4: account; 16: key id; 52: version of the material; 56: salt; 72: sealed
constexpr std::string_view kMagic = "TRK1";
constexpr size_t kHeaderBytes = 72;
static_assert(kMagic.size() + kAccountBytes + kKeyIdBytes + sizeof(uint32_t) + kSaltBytes ==
              kHeaderBytes);
constexpr size_t kSealedBytesMin = 12 + 1 + 16;  // no plaintext is empty
constexpr std::string_view kMessageKey = "traccia kms message key 1\n";

bool is_account(std::string_view text) {
  return text.find_first_not_of("0123456789") == text.npos;
}

std::string message_key(std::string_view material, std::string_view salt) {
  TRACCIA_ASSERT(material.size() == kMaterialBytes);
  return crypto::hmac_sha256(material, std::string(kMessageKey).append(salt));
}

std::string authenticated(std::string_view header, const EncryptionContext& context) {
  return std::string(header) + canonical(context);
}

}  // namespace

std::unexpected<Error> invalid_ciphertext() {
  return fail(ErrorCode::InvalidArgument, "InvalidCiphertext", "");
}

std::string canonical(const EncryptionContext& context) {
  std::string out;
  append_u32(out, static_cast<uint32_t>(context.size()));
  for (const auto& [key, value] : context) {
    append_block(out, key);
    append_block(out, value);
  }
  return out;
}

Result<CiphertextView> decode_ciphertext(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kSealedBytesMin || !bytes.starts_with(kMagic)) {
    return invalid_ciphertext();
  }
  ByteReader reader(bytes);
  TRY(reader.take(kMagic.size()));
  CiphertextView out;
  TRY_ASSIGN(out.account, reader.take(kAccountBytes));
  TRY_ASSIGN(out.key_id, reader.take(kKeyIdBytes));
  TRY_ASSIGN(out.material, reader.u32());
  TRY_ASSIGN(out.salt, reader.take(kSaltBytes));
  out.header = bytes.substr(0, kHeaderBytes);
  out.sealed = bytes.substr(kHeaderBytes);
  if (!is_account(out.account) || !is_key_id(out.key_id) || out.material == 0) {
    return invalid_ciphertext();
  }
  return out;
}

std::string encrypt(std::string_view material, const MaterialName& name, std::string_view salt,
                    std::string_view plaintext, const EncryptionContext& context) {
  TRACCIA_ASSERT(name.account.size() == kAccountBytes && name.key_id.size() == kKeyIdBytes &&
                 salt.size() == kSaltBytes);
  std::string out(kMagic);
  out.append(name.account).append(name.key_id);
  append_u32(out, name.version);
  out.append(salt);
  return out + crypto::seal(message_key(material, salt), plaintext, authenticated(out, context));
}

Result<std::string> decrypt(std::string_view material, const CiphertextView& ciphertext,
                            const EncryptionContext& context) {
  auto opened = crypto::open_sealed(message_key(material, ciphertext.salt), ciphertext.sealed,
                                    authenticated(ciphertext.header, context));
  if (!opened) return invalid_ciphertext();
  return opened;
}

}  // namespace traccia::kms
