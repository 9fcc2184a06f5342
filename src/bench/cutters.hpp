// Cut what a connection brings, split anywhere, into whole messages. No I/O.
//
// The load may have to read a few hundred thousand messages a second on one core, so bytes are copied only when a
// message has not wholly arrived.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobcast::bench {

/// What has not been used up of the bytes before, joined with those that come.
class remainder {
 public:
  /// The whole of what is there; valid until keep().
  std::string_view join(std::string_view bytes) {
    if (rest_.empty())
      return bytes;
    joined_ = std::move(rest_);
    joined_ += bytes;
    return joined_;
  }
  /// The end of what join() gave that was not used.
  void keep(std::string_view unused) {
    rest_.assign(unused);
    if (unused.empty() && !joined_.empty())
      joined_ = {};
  }

 private:
  std::string rest_, joined_;
};

/// The head of an HTTP/1.1 response, as far as a client of event streams needs it.
struct response_head {
  unsigned status = 0;
  std::size_t size = 0; ///< bytes, the blank line included
  std::optional<std::size_t> content_length;
  bool chunked = false;
  std::string etag;
};

/// nullopt if the blank line has not come, or this is no response; see `is_response`.
std::optional<response_head> read_response_head(std::string_view bytes);

/// Whether `bytes` can be the beginning of a response.
bool is_response(std::string_view bytes);

/// Takes the chunk heads out of a chunked body (RFC 9112, section 7.1).
class dechunker {
 public:
  /// Hands out the pieces of data. False: this is not a chunked body.
  template <class OnPiece>
  bool feed(std::string_view bytes, OnPiece on_piece);
  /// The last chunk has come; what follows is not the body's.
  bool over() const { return over_; }

 private:
  bool end_size_line();
  std::string line_;
  std::size_t left_ = 0; ///< of the chunk under way
  bool after_data_ = false;
  bool over_ = false;
};

template <class OnPiece>
bool dechunker::feed(std::string_view bytes, OnPiece on_piece) {
  while (!bytes.empty() && !over_) {
    if (left_ > 0) {
      auto const piece = bytes.substr(0, left_);
      on_piece(piece);
      left_ -= piece.size();
      bytes.remove_prefix(piece.size());
      after_data_ = left_ == 0;
      continue;
    }
    auto const end = bytes.find('\n');
    line_.append(bytes.substr(0, end));
    if (end == std::string_view::npos)
      return line_.size() < 64;
    bytes.remove_prefix(end + 1);
    if (!end_size_line())
      return false;
  }
  return true;
}

/// Cuts an event stream at its blank lines.
class event_cutter {
 public:
  template <class OnEvent>
  void feed(std::string_view bytes, OnEvent on_event) {
    std::string_view all = rest_.join(bytes);
    for (std::size_t end; (end = all.find("\n\n")) != std::string_view::npos; all.remove_prefix(end + 2))
      on_event(all.substr(0, end));
    rest_.keep(all);
  }

 private:
  remainder rest_;
};

/// Cuts frames as servers send them (RFC 6455, section 5): unmasked. Fragments are handed out one by one, which no
/// server measured here sends.
class frame_cutter {
 public:
  /// `on_frame(opcode, payload)`. False: a frame that no server may send.
  template <class OnFrame>
  bool feed(std::string_view bytes, OnFrame on_frame) {
    std::string_view all = rest_.join(bytes);
    for (;;) {
      frame const f = first(all);
      if (f.bad)
        return false;
      if (f.size == 0)
        break;
      on_frame(f.opcode, all.substr(f.head, f.size - f.head));
      all.remove_prefix(f.size);
    }
    rest_.keep(all);
    return true;
  }

 private:
  struct frame {
    std::uint8_t opcode = 0;
    std::size_t head = 0;
    std::size_t size = 0; ///< with its head; 0: more bytes are needed
    bool bad = false;
  };
  static frame first(std::string_view bytes);
  remainder rest_;
};

/// A frame as clients send it, masked with the key 0.
std::string client_frame(std::uint8_t opcode, std::string_view payload);

} // namespace jobcast::bench
