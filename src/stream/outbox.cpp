#include "jobcast/stream/outbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace jobcast::stream {

void outbox::prepend(std::string_view bytes) {
  if (!extra_)
    extra_ = std::make_unique<extra>();
  // What was sent need not be kept for a peer that always leaves a little unread.
  if (extra_->prefix_sent > extra_->prefix.size() / 2)
    extra_->prefix.erase(0, std::exchange(extra_->prefix_sent, 0));
  extra_->prefix.append(bytes);
}

void outbox::add_notice(hub::event_ptr notice) {
  if (!extra_)
    extra_ = std::make_unique<extra>();
  if (notice->kind() == hub::event_kind::gateway || notice->kind() == hub::event_kind::time)
    std::erase_if(extra_->notices, [&](const hub::event_ptr& n) { return n->kind() == notice->kind(); });
  extra_->notices.push_back(std::move(notice));
}

bool outbox::withdraw(const hub::event_ptr& notice) {
  bool const found = extra_ && std::erase(extra_->notices, notice) > 0;
  drop_empty_extra();
  return found;
}

void outbox::end_with(hub::event_ptr last) {
  if (!extra_)
    extra_ = std::make_unique<extra>();
  extra_->last = std::move(last);
}

void outbox::withdraw_end() {
  if (extra_ && !extra_->over)
    extra_->last.reset();
  drop_empty_extra();
}

void batch::put(std::string_view bytes) {
  if (bytes.empty())
    return;
  pieces_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
  bytes_ += bytes.size();
}

// Goes on where the last copy ended, as one piece with it.
void batch::put_copy(std::string_view bytes) {
  if (bytes.empty())
    return;
  char* const to = copies_ + copied_;
  std::memcpy(to, bytes.data(), bytes.size());
  copied_ += bytes.size();
  if (count_ > 0 && static_cast<char*>(pieces_[count_ - 1].iov_base) + pieces_[count_ - 1].iov_len == to) {
    pieces_[count_ - 1].iov_len += bytes.size();
    bytes_ += bytes.size();
  } else {
    put({to, bytes.size()});
  }
}

// A lone event is sent from where it is. With others it is copied behind them, as long as there is room: to the kernel
// each piece is more than its copy is to us.
void batch::put_shared(std::string_view bytes) {
  if (count_ == 0 || copied_ + bytes.size() > room)
    return put(bytes);
  if (count_ == 1 && copied_ == 0 && pieces_[0].iov_len + bytes.size() <= room) {
    std::string_view const first(static_cast<const char*>(pieces_[0].iov_base), pieces_[0].iov_len);
    clear_pieces();
    put_copy(first);
  }
  put_copy(bytes);
}

void batch::put(const hub::event& e, hub::encoding as, std::size_t without) {
  // To ask for the parts of what has one would be a fifteenth of a broadcast's instructions.
  if (as != hub::encoding::websocket)
    return put_shared((as == hub::encoding::sse ? e.sse() : e.chunk()).substr(without));
  hub::head_space space;
  hub::encoded const bytes = e.bytes(as, space);
  if (bytes.head.empty())
    return put_shared(bytes.body.substr(without));
  bool const fits = copied_ + bytes.size() <= room;
  auto const rest_of = [&](std::string_view part) {
    std::size_t const dropped = std::min(without, part.size());
    without -= dropped;
    return part.substr(dropped);
  };
  put_copy(rest_of(bytes.head));
  std::string_view const body = rest_of(bytes.body);
  fits ? put_copy(body) : put(body);
  put_copy(rest_of(bytes.tail));
}

void batch::clear() {
  clear_pieces();
  while (kept_ > 0)
    events_[--kept_].reset();
}

// Answers how many these were; 0 if there was no room for all.
std::size_t batch::put_due(const hub::dirty_links& dirty, hub::encoding as) {
  std::size_t events = 0;
  for (const hub::link& l : dirty)
    for (std::size_t i = 0; i < l.pending(); ++i, ++events) {
      if (full(as))
        return 0;
      put(*l.at(i), as);
    }
  return events;
}

void batch::be(const hub::dirty_links& dirty, hub::encoding as) {
  if (kept_ > 0 && is(dirty, as))
    return;
  clear();
  std::size_t const events = put_due(dirty, as);
  if (events > 1 && events <= most && count_ == 1 && copied_ == bytes_)
    keep(dirty, as);
}

void batch::keep(const hub::dirty_links& dirty, hub::encoding as) {
  encoding_ = as;
  for (const hub::link& l : dirty)
    for (std::size_t i = 0; i < l.pending(); ++i)
      events_[kept_++] = l.at(i);
}

bool batch::is(const hub::dirty_links& dirty, hub::encoding as) const {
  std::size_t seen = 0;
  for (const hub::link& l : dirty)
    for (std::size_t i = 0; i < l.pending(); ++i, ++seen)
      if (seen == kept_ || l.at(i) != events_[seen])
        return false;
  return seen == kept_ && as == encoding_;
}

void outbox::gather(const hub::dirty_links& dirty, batch& out) const {
  if (!partial_ && !extra_)
    return out.be(dirty, encoding_);
  out.clear();
  if (partial_)
    out.put(*partial_, encoding_, partial_sent_);
  if (extra_ && extra_->over)
    return;
  if (extra_)
    out.put(std::string_view(extra_->prefix).substr(extra_->prefix_sent));
  out.put_due(dirty, encoding_);
  if (!extra_)
    return;
  std::size_t i = 0;
  for (; i < extra_->notices.size() && !out.full(encoding_); ++i)
    out.put(*extra_->notices[i], encoding_);
  if (extra_->last && i == extra_->notices.size() && !out.full(encoding_))
    out.put(*extra_->last, encoding_);
}

std::size_t outbox::commit(hub::dirty_links& dirty, const batch& of, std::size_t bytes) {
  if (of.kept_ == 0 || bytes != of.bytes())
    return commit(dirty, bytes);
  while (!dirty.empty())
    dirty.front().pop_all();
  return of.kept_;
}

std::size_t outbox::commit(hub::dirty_links& dirty, std::size_t bytes) {
  std::size_t finished = 0;
  // Takes one event, whole or in part, off the front of what is due. Answers whether it was sent whole.
  auto const take = [&](const hub::event_ptr& e) {
    std::size_t const size = e->size(encoding_);
    if (bytes >= size) {
      bytes -= size;
      ++finished;
      return true;
    }
    partial_ = e;
    partial_sent_ = static_cast<std::uint32_t>(bytes);
    bytes = 0;
    return false;
  };
  if (partial_) {
    std::size_t const rest = partial_->size(encoding_) - partial_sent_;
    if (bytes < rest) {
      partial_sent_ += static_cast<std::uint32_t>(bytes);
      return 0;
    }
    bytes -= rest;
    finished += !is_last(partial_);
    partial_.reset();
  }
  if (extra_) {
    std::size_t const part = std::min(bytes, extra_->prefix.size() - extra_->prefix_sent);
    extra_->prefix_sent += part;
    bytes -= part;
  }
  while (bytes > 0 && !dirty.empty()) {
    hub::link& l = dirty.front();
    take(l.at(0));
    l.pop();
  }
  while (bytes > 0 && extra_ && !extra_->notices.empty()) {
    take(extra_->notices.front());
    extra_->notices.erase(extra_->notices.begin());
  }
  if (bytes > 0 && extra_ && extra_->last && !extra_->over) {
    extra_->over = true;
    finished -= take(extra_->last);
  }
  drop_empty_extra();
  return finished;
}

void outbox::drop_empty_extra() {
  if (extra_ && !extra_->last && extra_->notices.empty() && extra_->prefix_sent == extra_->prefix.size())
    extra_.reset();
}

} // namespace jobcast::stream
