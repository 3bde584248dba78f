// Tokens through libp11-kit, which loads modules and reads URIs.
// SPDX-License-Identifier: Apache-2.0
#include "pkcs11/token_key.h"

#include <fmt/format.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include <vector>

namespace traccia::pkcs11 {
namespace {

constexpr unsigned long kTagBits = 128;
constexpr size_t kTagBytes = kTagBits / 8;

struct UriFree {
  void operator()(P11KitUri* uri) const { p11_kit_uri_free(uri); }
};
using Uri = std::unique_ptr<P11KitUri, UriFree>;

std::unexpected<Error> failed(std::string_view doing, CK_RV code) {
  return fail(ErrorCode::Unavailable, fmt::format("{}: {}", doing, p11_kit_strerror(code)));
}

Result<Uri> parse(const std::string& text) {
  Uri uri(p11_kit_uri_new());
  if (const int code = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.get());
      code != P11_KIT_URI_OK) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("not a PKCS#11 URI: {}", p11_kit_uri_message(code)));
  }
  if (p11_kit_uri_any_unrecognized(uri.get()) != 0) {
    return fail(ErrorCode::InvalidArgument, "the PKCS#11 URI has an attribute that is not known");
  }
  if (p11_kit_uri_get_pin_value(uri.get()) != nullptr ||
      p11_kit_uri_get_pin_source(uri.get()) != nullptr) {
    return fail(ErrorCode::InvalidArgument,
                "the PKCS#11 URI must not have the PIN, which everybody on the machine could see; "
                "give it in a file with --master-key-secret");
  }
  if (p11_kit_uri_get_module_path(uri.get()) == nullptr) {
    return fail(ErrorCode::InvalidArgument,
                "the PKCS#11 URI names no module; add ?module-path=/path/to/module.so");
  }
  return uri;
}

// Texts of tokens are padded with spaces.
std::string label_of(const CK_TOKEN_INFO& info) {
  const auto* label = info.label;
  return {reinterpret_cast<const char*>(label), p11_kit_space_strlen(label, sizeof info.label)};
}

}  // namespace

struct TokenKey::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();
  Result<> load(P11KitUri* uri);
  Result<> find_token(P11KitUri* uri);
  Result<> log_in(std::string_view pin);
  Result<> find_key(P11KitUri* uri);
  // The result of a function that is asked first for the size of what it gives.
  Result<std::string> run(CK_RV (*function)(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,
                                            CK_ULONG_PTR),
                          std::string_view input, size_t output_max, std::string_view doing);

  CK_FUNCTION_LIST* module = nullptr;
  bool initialised = false;
  CK_SLOT_ID slot = 0;
  std::string token;
  CK_SESSION_HANDLE session = 0;
  bool opened = false;
  CK_OBJECT_HANDLE key = 0;
};

TokenKey::State::~State() {
  if (opened) module->C_CloseSession(session);  // logs out: the last session of this process
  if (initialised) p11_kit_module_finalize(module);
  if (module != nullptr) p11_kit_module_release(module);
}

Result<> TokenKey::State::load(P11KitUri* uri) {
  const auto* path = p11_kit_uri_get_module_path(uri);
  // Not shared with others in the process, whose sessions would end with ours.
  module = p11_kit_module_load(path, 0);
  if (module == nullptr) {
    const auto* said = p11_kit_message();
    return fail(ErrorCode::Unavailable,
                fmt::format("the PKCS#11 module '{}' cannot be loaded: {}", path,
                            said == nullptr ? "it is no such library" : said));
  }
  if (const auto code = p11_kit_module_initialize(module); code != CKR_OK) {
    return failed(fmt::format("the PKCS#11 module '{}' does not start", path), code);
  }
  initialised = true;
  return {};
}

Result<> TokenKey::State::find_token(P11KitUri* uri) {
  CK_ULONG count = 0;
  std::vector<CK_SLOT_ID> slots;
  auto code = module->C_GetSlotList(CK_TRUE, nullptr, &count);
  if (code == CKR_OK) {
    slots.resize(count);
    code = module->C_GetSlotList(CK_TRUE, slots.data(), &count);
  }
  if (code != CKR_OK) return failed("list the tokens", code);
  slots.resize(count);
  std::string seen;
  size_t matches = 0;
  for (const auto one : slots) {
    CK_TOKEN_INFO info{};
    if (module->C_GetTokenInfo(one, &info) != CKR_OK) continue;  // removed since
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    seen += fmt::format("{}'{}'", seen.empty() ? "" : ", ", label_of(info));
    if (p11_kit_uri_match_token_info(uri, &info) == 0) continue;
    ++matches;
    slot = one;
    token = label_of(info);
  }
  if (matches == 1) return {};
  return fail(ErrorCode::NotFound,
              fmt::format("the PKCS#11 URI must name one token and names {}; tokens there are: {}",
                          matches, seen.empty() ? "none" : seen));
}

Result<> TokenKey::State::log_in(std::string_view pin) {
  auto code = module->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session);
  if (code != CKR_OK) return failed(fmt::format("open a session with token '{}'", token), code);
  opened = true;
  std::string bytes(pin);
  code = module->C_Login(session, CKU_USER, reinterpret_cast<CK_UTF8CHAR_PTR>(bytes.data()),
                         bytes.size());
  if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return {};
  if (code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("token '{}' does not take the PIN; mind that some wrong ones in a row "
                            "may lock it",
                            token));
  }
  if (code == CKR_PIN_LOCKED) {
    return fail(ErrorCode::Unavailable,
                fmt::format("the PIN of token '{}' is locked; its security officer can set a new "
                            "one",
                            token));
  }
  return failed(fmt::format("log in to token '{}'", token), code);
}

Result<> TokenKey::State::find_key(P11KitUri* uri) {
  CK_ULONG count = 0;
  const auto* named = p11_kit_uri_get_attributes(uri, &count);
  std::vector<CK_ATTRIBUTE> wanted(named, named + count);
  CK_OBJECT_CLASS type = CKO_SECRET_KEY;
  CK_KEY_TYPE algorithm = CKK_AES;
  std::erase_if(wanted, [](const CK_ATTRIBUTE& one) { return one.type == CKA_CLASS; });
  if (wanted.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "the PKCS#11 URI names no key; add object=LABEL or id=%01");
  }
  wanted.push_back({CKA_CLASS, &type, sizeof type});
  wanted.push_back({CKA_KEY_TYPE, &algorithm, sizeof algorithm});
  auto code = module->C_FindObjectsInit(session, wanted.data(), wanted.size());
  if (code != CKR_OK) return failed("look for the key", code);
  CK_OBJECT_HANDLE found[2] = {};
  CK_ULONG matches = 0;
  code = module->C_FindObjects(session, found, 2, &matches);
  module->C_FindObjectsFinal(session);
  if (code != CKR_OK) return failed("look for the key", code);
  if (matches == 1) {
    key = found[0];
    return {};
  }
  if (matches > 1) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("token '{}' has more than one AES key of this name; add id=", token));
  }
  return fail(ErrorCode::NotFound,
              fmt::format("token '{}' has no AES key of this name; make one: pkcs11-tool --module "
                          "MODULE --token-label '{}' --login --keygen --key-type AES:32 --label "
                          "NAME",
                          token, token));
}

Result<std::string> TokenKey::State::run(CK_RV (*function)(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,
                                                           CK_BYTE_PTR, CK_ULONG_PTR),
                                         std::string_view input, size_t output_max,
                                         std::string_view doing) {
  std::string bytes(input);
  std::string out(output_max, '\0');
  CK_ULONG length = out.size();
  const auto code = function(session, reinterpret_cast<CK_BYTE_PTR>(bytes.data()), bytes.size(),
                             reinterpret_cast<CK_BYTE_PTR>(out.data()), &length);
  if (code != CKR_OK) return failed(doing, code);
  out.resize(length);
  return out;
}

TokenKey::TokenKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
TokenKey::~TokenKey() = default;

Result<std::unique_ptr<TokenKey>> TokenKey::open(const std::string& uri, std::string_view pin) {
  TRY_ASSIGN(const auto parsed, parse(uri));
  auto state = std::make_unique<State>();
  TRY(state->load(parsed.get()));
  TRY(state->find_token(parsed.get()));
  TRY(state->log_in(pin));
  TRY(state->find_key(parsed.get()));
  return std::unique_ptr<TokenKey>(new TokenKey(std::move(state)));
}

namespace {

// AES-GCM's parameters, and what they point to.
struct Gcm {
  Gcm(std::string_view nonce_bytes, std::string_view context_bytes)
      : nonce(nonce_bytes), context(context_bytes) {
    parameters.iv_ptr = reinterpret_cast<unsigned char*>(nonce.data());
    parameters.iv_len = nonce.size();
    parameters.iv_bits = nonce.size() * 8;
    parameters.aad_ptr = reinterpret_cast<unsigned char*>(context.data());
    parameters.aad_len = context.size();
    parameters.tag_bits = kTagBits;
    mechanism = {CKM_AES_GCM, &parameters, sizeof parameters};
  }
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;

  std::string nonce, context;
  CK_GCM_PARAMS parameters{};
  CK_MECHANISM mechanism{};
};

}  // namespace

Result<std::string> TokenKey::encrypt(std::string_view nonce, std::string_view plaintext,
                                      std::string_view context) {
  auto& state = *state_;
  Gcm gcm(nonce, context);
  const auto doing = fmt::format("encrypt with the key in token '{}'", state.token);
  const auto code = state.module->C_EncryptInit(state.session, &gcm.mechanism, state.key);
  if (code != CKR_OK) return failed(doing, code);
  return state.run(state.module->C_Encrypt, plaintext, plaintext.size() + kTagBytes, doing);
}

Result<std::string> TokenKey::decrypt(std::string_view nonce, std::string_view ciphertext,
                                      std::string_view context) {
  auto& state = *state_;
  Gcm gcm(nonce, context);
  const auto doing = fmt::format("decrypt with the key in token '{}'", state.token);
  const auto code = state.module->C_DecryptInit(state.session, &gcm.mechanism, state.key);
  if (code != CKR_OK) return failed(doing, code);
  auto opened = state.run(state.module->C_Decrypt, ciphertext, ciphertext.size(), doing);
  if (opened) return opened;
  // Modules do not agree on how they call bytes that are not genuine.
  return fail(ErrorCode::InvalidArgument,
              fmt::format("{}; was it encrypted with another key?", opened.error().message()));
}

bool is_uri(std::string_view text) {
  return text.starts_with(P11_KIT_URI_SCHEME ":");
}

}  // namespace traccia::pkcs11
