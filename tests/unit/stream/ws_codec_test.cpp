#include "ws_frames.hpp"

#include <doctest/doctest.h>
#include <random>

using namespace jobcast;
using namespace jobcast::testing;
using stream::utf8_checker;
using stream::ws_decoder;

namespace {

std::string bytes_of(std::initializer_list<int> values) {
  std::string out;
  for (int v : values)
    out += static_cast<char>(v);
  return out;
}

constexpr std::string_view kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

} // namespace

TEST_CASE("the masked Hello of RFC 6455, section 5.7, is decoded") {
  CHECK(decode(bytes_of({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})) == lines{"text Hello"});
}

TEST_CASE("fragments are joined, also empty ones") {
  CHECK(decode(begin_text("Hel") + more("") + more("l") + last("o")) == lines{"text Hello"});
  CHECK(decode(begin_text("") + last("")) == lines{"text "});
}

TEST_CASE("control frames may come between fragments") {
  CHECK(decode(begin_text("Hel") + ping("now") + last("lo")) == lines{"ping now", "text Hello"});
}

TEST_CASE("messages of each form of length are decoded") {
  for (std::size_t const size : {0u, 125u, 126u, 127u, 128u, 65'535u, 65'536u, 100'000u}) {
    std::string const payload(size, 'x');
    CHECK(decode(text(payload), 100'000) == lines{"text " + payload});
  }
}

TEST_CASE("binary messages are told from text and may hold any bytes") {
  std::string const any = bytes_of({0xff, 0xfe, 0x00, 0x80});
  CHECK(decode(client_frame{.opcode = 2, .payload = any}.bytes()) == lines{"binary " + any});
}

TEST_CASE("a mask of its own applies to each frame, from its first byte") {
  std::string const once = bytes_of({0x01, 0x83, 1, 2, 3, 4, 'a' ^ 1, 'b' ^ 2, 'c' ^ 3});
  std::string const again = bytes_of({0x80, 0x82, 9, 8, 7, 6, 'd' ^ 9, 'e' ^ 8});
  CHECK(decode(once + again) == lines{"text abcde"});
}

TEST_CASE("an unmasked frame is a protocol error") {
  CHECK(decode(client_frame{.payload = "Hello", .masked = false}.bytes()) == lines{"failure 1002"});
}

TEST_CASE("reserved bits are a protocol error: no extension was agreed on") {
  for (unsigned reserved = 1; reserved < 8; ++reserved)
    CHECK(decode(client_frame{.payload = "x", .reserved = reserved}.bytes()) == lines{"failure 1002"});
}

TEST_CASE("opcodes without a meaning are a protocol error") {
  for (unsigned const opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u})
    CHECK(decode(client_frame{.opcode = opcode}.bytes()) == lines{"failure 1002"});
}

TEST_CASE("a length that is not in its shortest form is a protocol error") {
  CHECK(decode(client_frame{.payload = "short", .length_bytes = 2}.bytes()) == lines{"failure 1002"});
  CHECK(decode(client_frame{.payload = std::string(125, 'x'), .length_bytes = 8}.bytes()) == lines{"failure 1002"});
  CHECK(decode(client_frame{.payload = std::string(65'535, 'x'), .length_bytes = 8}.bytes(), 70'000) ==
        lines{"failure 1002"});
}

TEST_CASE("a length with its highest bit set is a protocol error") {
  CHECK(decode(client_frame{.claimed = 1ull << 63}.bytes()) == lines{"failure 1002"});
}

TEST_CASE("control frames hold at most 125 bytes and are never fragmented") {
  for (unsigned const opcode : {8u, 9u, 10u}) {
    CHECK(decode(client_frame{.opcode = opcode, .payload = std::string(126, 'x')}.bytes()) == lines{"failure 1002"});
    CHECK(decode(client_frame{.opcode = opcode, .final = false}.bytes()) == lines{"failure 1002"});
  }
  CHECK(decode(ping(std::string(125, 'x'))) == lines{"ping " + std::string(125, 'x')});
}

TEST_CASE("a continuation needs a beginning, and a message its end before the next begins") {
  CHECK(decode(last("lo")) == lines{"failure 1002"});
  CHECK(decode(more("lo")) == lines{"failure 1002"});
  CHECK(decode(begin_text("Hel") + text("lo")) == lines{"failure 1002"});
  CHECK(decode(text("a") + last("b")) == lines{"text a", "failure 1002"});
}

TEST_CASE("a wrong first byte of a frame is refused as soon as the second is there") {
  CHECK(decode(bytes_of({0x83, 0x80})) == lines{"failure 1002"});
}

TEST_CASE("messages up to the limit are taken, longer ones refused by their head alone") {
  CHECK(decode(text(std::string(10, 'x')), 10) == lines{"text xxxxxxxxxx"});
  CHECK(decode(client_frame{.claimed = 11}.bytes(), 10) == lines{"failure 1009"});
  CHECK(decode(client_frame{.claimed = 1ull << 30}.bytes()) == lines{"failure 1009"});
}

TEST_CASE("the limit is of the message, not of each fragment") {
  CHECK(decode(begin_text("123456") + more("7890") + last(""), 10) == lines{"text 1234567890"});
  CHECK(decode(begin_text("123456") + client_frame{.opcode = 0, .claimed = 5}.bytes(), 10) == lines{"failure 1009"});
  CHECK(decode(text("1234567890") + text("1234567890"), 10) == lines{"text 1234567890", "text 1234567890"});
}

TEST_CASE("a long head of a message refused by its length needs no mask to be refused") {
  std::string const head = client_frame{.claimed = 1ull << 30}.bytes();
  CHECK(decode(head.substr(0, 10)) == lines{"failure 1009"});
}

TEST_CASE("text may break anywhere between fragments, also within a character") {
  for (std::size_t at = 0; at <= kosme.size(); ++at)
    CHECK(decode(begin_text(std::string(kosme.substr(0, at))) + ping() + last(std::string(kosme.substr(at)))) ==
          lines{"ping ", "text " + std::string(kosme)});
}

TEST_CASE("text that is not UTF-8 fails at its first impossible byte, before the message ends") {
  CHECK(decode(begin_text("\xf4\x90")) == lines{"failure 1007"});
  CHECK(decode(begin_text("\xce") + more("x")) == lines{"failure 1007"});
  std::string const whole = text("Hello-\xed\xa0\x80-edited");
  CHECK(decode(whole.substr(0, whole.size() - 8)) == lines{"failure 1007"});
}

TEST_CASE("text that ends within a character fails, and one that may go on does not") {
  CHECK(decode(text("\xce")) == lines{"failure 1007"});
  CHECK(decode(begin_text("\xce")) == lines{});
  CHECK(decode(begin_text("\xce") + last("")) == lines{"failure 1007"});
}

TEST_CASE("a message after one that ended well begins with no character open") {
  CHECK(decode(text("\xce\xba") + text("a")) == lines{"text \xce\xba", "text a"});
}

TEST_CASE("overlong forms, surrogates and what is above U+10FFFF are not UTF-8; their neighbours are") {
  auto const valid = [](std::string_view t) {
    utf8_checker checker;
    return checker.feed(t) && checker.complete();
  };
  for (auto t : {"\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                 "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbe"})
    CHECK_MESSAGE(valid(t), t);
  for (auto t : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
                 "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
                 "\xc2", "\xe0\xa0", "\xc2\xc2\x80"})
    CHECK_FALSE_MESSAGE(valid(t), t);
}

TEST_CASE("a close says its code and reason, or nothing at all") {
  CHECK(decode(close_frame(1000, "bye")) == lines{"close 1000 bye"});
  CHECK(decode(close_frame("")) == lines{"close"});
  CHECK(decode(close_frame(1000, std::string(123, 'x'))) == lines{"close 1000 " + std::string(123, 'x')});
}

TEST_CASE("close codes that may stand on the wire are taken") {
  for (unsigned const code :
       {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 1012u, 1013u, 1014u, 3000u, 3999u, 4000u, 4999u})
    CHECK(decode(close_frame(code)) == lines{"close " + std::to_string(code) + " "});
}

TEST_CASE("close codes that may not stand on the wire are a protocol error") {
  for (unsigned const code : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65'535u})
    CHECK(decode(close_frame(code)) == lines{"failure 1002"});
}

TEST_CASE("a close of one byte is a protocol error, and a reason must be UTF-8") {
  CHECK(decode(close_frame("\x03")) == lines{"failure 1002"});
  CHECK(decode(close_frame(1000, "\xed\xa0\x80")) == lines{"failure 1007"});
  CHECK(decode(close_frame(1000, "\xce")) == lines{"failure 1007"});
}

TEST_CASE("nothing is taken after a close or a failure") {
  CHECK(decode(close_frame(1000) + ping() + text("x")) == lines{"close 1000 "});
  CHECK(decode(close_frame("") + text("x")) == lines{"close"});
  CHECK(decode(last("x") + text("x")) == lines{"failure 1002"});
}

TEST_CASE("a long message leaves no memory behind") {
  ws_decoder decoder(64 * 1024);
  lines got;
  decode_into(got, decoder, text(std::string(60'000, 'x')));
  CHECK(got.size() == 1);
  CHECK(decoder.held() < 64);
}

TEST_CASE("what is held grows with what came, not with what a head announces") {
  ws_decoder decoder(1 << 20);
  lines got;
  decode_into(got, decoder, client_frame{.payload = "abc", .claimed = 1'000'000}.bytes());
  CHECK(got.empty());
  CHECK(decoder.held() < 64);
}

TEST_CASE("a message is under way from its first byte to its last") {
  std::string const whole = begin_text("a") + last("b");
  ws_decoder decoder(100);
  lines got;
  CHECK_FALSE(decoder.in_message());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    decode_into(got, decoder, whole.substr(i, 1));
    CHECK(decoder.in_message() == (i + 1 < whole.size()));
  }
  CHECK(got == lines{"text ab"});
}

TEST_CASE("bytes split at any point, or at every point, decode as in one piece") {
  std::string const stories[] = {
      text("Hello") + begin_text("\xce\xba\xe1") + ping("p") + more("\xbd\xb9") +
          client_frame{.opcode = 10, .payload = "q"}.bytes() + last("!") +
          client_frame{.opcode = 2, .payload = std::string(300, '\x80')}.bytes() + close_frame(1001, "away") + ping(),
      text(std::string(200, 'y')) + begin_text("\xf0\x9f\x98") + last("x"),
      ping("1") + begin_text("a") + text("b"),
      text("a") + close_frame(1005),
      text("ok") + client_frame{.claimed = 70'000}.bytes(),
      text("ok") + client_frame{.payload = "x", .length_bytes = 8}.bytes(),
  };
  for (const std::string& story : stories) {
    lines const whole = decode(story);
    for (std::size_t at = 0; at <= story.size(); ++at) {
      ws_decoder decoder(64 * 1024);
      lines got;
      decode_into(got, decoder, story.substr(0, at));
      decode_into(got, decoder, story.substr(at));
      REQUIRE(got == whole);
    }
    ws_decoder decoder(64 * 1024);
    lines got;
    for (char c : story)
      decode_into(got, decoder, std::string(1, c));
    CHECK(got == whole);
  }
}

TEST_CASE("random bytes after random frames decode equally however they are split") {
  std::minstd_rand random(1);
  auto const below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (unsigned round = 0; round < 2'000; ++round) {
    std::string story;
    bool open = false;
    for (unsigned n = below(6); n > 0; --n) {
      bool const control = below(3) == 0, final = below(2) == 0;
      story += client_frame{.opcode = control ? 9u + below(2)
                                      : open  ? 0
                                              : 1u,
                            .payload = std::string(below(200), 'z'),
                            .final = control || final}
                   .bytes();
      open = control ? open : !final;
    }
    for (unsigned n = below(20); n > 0; --n)
      story += static_cast<char>(below(256));
    ws_decoder decoder(400);
    lines got;
    for (std::size_t at = 0; at < story.size();) {
      std::size_t const part = 1 + below(40);
      decode_into(got, decoder, story.substr(at, part));
      at += part;
    }
    REQUIRE(got == decode(story, 400));
  }
}
