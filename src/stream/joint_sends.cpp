#include "jobcast/stream/joint_sends.hpp"

#include <utility>

namespace jobcast::stream {

std::unique_ptr<joint_sends> joint_sends::make(std::string& why) {
  auto ring = net::send_ring::make(why);
  return ring ? std::unique_ptr<joint_sends>(new joint_sends(std::move(ring))) : nullptr;
}

joint_sends::joint_sends(std::unique_ptr<net::send_ring> ring)
    : ring_(std::move(ring))
    , batches_(new batch[net::send_ring::most_queued]) {}

batch& joint_sends::next() {
  ring_->make_room();
  return batches_[ring_->queued()];
}

void joint_sends::queue(int fd, net::send_completion& who) {
  batch const& due = batches_[ring_->queued()];
  ring_->queue(fd, {due.pieces(), due.count()}, who);
}

} // namespace jobcast::stream
