#include "queue.hpp"

#include <algorithm>
#include <array>

namespace jobcast::notify {

namespace {

constexpr std::string_view hook_prefix = "hook.";

std::string text(redis::reply_view reply) {
  return std::string(reply.text());
}

delivery read_delivery(redis::reply_view row, std::string_view channel) {
  delivery d;
  d.id = text(row[0]);
  d.channel = channel;
  d.claim = std::to_string(row[1].integer());
  d.tries = static_cast<unsigned>(row[2].integer());
  d.to = text(row[3]);
  d.job = text(row[4]);
  d.attempt = static_cast<unsigned>(row[5].integer());
  d.status = text(row[6]);
  d.type = text(row[7]);
  d.created = row[8].integer();
  d.finished = row[9].integer();
  d.record = text(row[10]);
  return d;
}

} // namespace

std::string hook_channel(std::string_view name) {
  return std::string(hook_prefix).append(name);
}

const webhook_settings* hook_of(std::string_view channel, const notify_settings& config) {
  if (!channel.starts_with(hook_prefix))
    return nullptr;
  auto const found = config.webhooks.find(std::string(channel.substr(hook_prefix.size())));
  return found == config.webhooks.end() ? nullptr : &found->second;
}

words poll_call(std::string_view ns, const notify_settings& config, const load& running) {
  auto const lease = config.timeout * 2 + std::chrono::seconds(1);
  words out{"FCALL",
            "jobcast_notify_poll",
            "1",
            std::string(ns),
            std::to_string(config.grace.count()),
            std::to_string(lease.count()),
            std::to_string(config.dead_letters),
            std::to_string(config.waiting)};
  auto const add = [&](std::string name, std::string endpoint) {
    auto const busy = running.find(name);
    auto const used = busy == running.end() ? 0 : std::min(busy->second, config.concurrency);
    out.insert(out.end(), {std::move(name), std::to_string(config.concurrency - used), std::move(endpoint)});
  };
  for (auto const& [name, webhook] : config.webhooks)
    add(hook_channel(name), endpoint_key(webhook.url));
  for (char const lane : std::string_view("0123456789abcdef"))
    add(std::string("webhook.") + lane, "");
  // Deliveries that a library before 1.5 made.
  add("webhook", "");
  add("email", "");
  return out;
}

claimed read_poll(redis::reply_view reply) {
  claimed out;
  out.wait_ms = reply[0].integer();
  for (std::size_t i = 1; i < reply.size(); ++i) {
    claimed::channel channel{text(reply[i][0]),
                             static_cast<unsigned>(reply[i][1].integer()),
                             static_cast<unsigned>(reply[i][2].integer()),
                             {},
                             reply[i][4].integer() == 1};
    redis::reply_view const rows = reply[i][3];
    for (std::size_t row = 0; row < rows.size(); ++row)
      channel.deliveries.push_back(read_delivery(rows[row], channel.name));
    out.channels.push_back(std::move(channel));
  }
  return out;
}

words settle_call(std::string_view ns, const delivery& d, const verdict& v, milliseconds pause,
                  const notify_settings& config) {
  words out{"FCALL", "jobcast_notify_settle", "1", std::string(ns), d.id, d.claim};
  auto const add = [&](std::string what, auto amount) {
    out.insert(out.end(), {std::move(what), std::to_string(amount), v.why});
  };
  switch (v.what) {
  case verdict::kind::sent:
    out.emplace_back("sent");
    break;
  case verdict::kind::retry:
    add("retry", pause.count());
    break;
  case verdict::kind::dead:
    add("dead", config.dead_letters);
    break;
  case verdict::kind::disable:
    add("disable", config.dead_letters);
    if (auto const* hook = hook_of(d.channel, config))
      out.push_back(endpoint_key(hook->url));
    break;
  }
  return out;
}

} // namespace jobcast::notify
