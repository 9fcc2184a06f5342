#include "jobcast/store/rights.hpp"

#include "jobcast/base/strings.hpp"

namespace jobcast::store {

std::vector<right> rights_of(std::string_view ns, unsigned database) {
  std::string const name(ns), key = name + ":x";
  std::vector<right> all;
  auto const needs = [&](std::string_view right_name, auto&&... words) {
    all.push_back({std::string(right_name), strings(std::forward<decltype(words)>(words)...), true});
  };
  // Without it the rest goes on.
  auto const likes = [&](std::string_view right_name, auto&&... words) {
    needs(right_name, std::forward<decltype(words)>(words)...);
    all.back().vital = false;
  };

  needs("~" + name, "FCALL", "jobcast_version", "1", name);
  needs("~" + name + ":*", "GET", key);
  needs("&" + name + ":*", "PUBLISH", key, "x");
  // Redis compares a pattern with the patterns of the user letter by letter.
  needs("&" + name + ":report:*", "PSUBSCRIBE", name + ":report:*");

  needs("+ping", "PING");
  if (database != 0)
    needs("+select", "SELECT", std::to_string(database));
  needs("+fcall", "FCALL", "jobcast_version", "1", name);
  needs("+function|load", "FUNCTION", "LOAD", "x");
  needs("+time", "TIME");
  needs("+publish", "PUBLISH", key, "x");
  needs("+subscribe", "SUBSCRIBE", key);
  needs("+unsubscribe", "UNSUBSCRIBE", key);
  needs("+psubscribe", "PSUBSCRIBE", name + ":report:*");
  needs("+punsubscribe", "PUNSUBSCRIBE", name + ":report:*");

  needs("+get", "GET", key);
  needs("+set", "SET", key, "x");
  needs("+del", "DEL", key);
  needs("+exists", "EXISTS", key);
  needs("+pexpire", "PEXPIRE", key, "1");
  needs("+pexpireat", "PEXPIREAT", key, "1");
  needs("+hget", "HGET", key, "x");
  needs("+hmget", "HMGET", key, "x");
  needs("+hset", "HSET", key, "x", "x");
  needs("+hdel", "HDEL", key, "x");
  needs("+sadd", "SADD", key, "x");
  needs("+smembers", "SMEMBERS", key);
  needs("+srem", "SREM", key, "x");
  needs("+zadd", "ZADD", key, "1", "x");
  needs("+zcard", "ZCARD", key);
  needs("+zcount", "ZCOUNT", key, "0", "1");
  needs("+zrange", "ZRANGE", key, "0", "1");
  needs("+zrangebyscore", "ZRANGEBYSCORE", key, "0", "1");
  needs("+zrem", "ZREM", key, "x");
  needs("+zremrangebyrank", "ZREMRANGEBYRANK", key, "0", "1");
  needs("+zremrangebyscore", "ZREMRANGEBYSCORE", key, "0", "1");
  needs("+zrevrange", "ZREVRANGE", key, "0", "1");
  needs("+zrevrangebyscore", "ZREVRANGEBYSCORE", key, "1", "0");
  needs("+zscore", "ZSCORE", key, "x");
  needs("+xack", "XACK", key, "x", "1-1");
  needs("+xadd", "XADD", key, "*", "x", "x");
  needs("+xdel", "XDEL", key, "1-1");
  needs("+xgroup|create", "XGROUP", "CREATE", key, "x", "0");
  needs("+xinfo|groups", "XINFO", "GROUPS", key);
  needs("+xpending", "XPENDING", key, "x");
  needs("+xrange", "XRANGE", key, "-", "+");
  needs("+xreadgroup", "XREADGROUP", "GROUP", "x", "x", "STREAMS", key, ">");
  needs("+xtrim", "XTRIM", key, "MAXLEN", "1");

  likes("+hgetall", "HGETALL", key);
  likes("+scan", "SCAN", "0");
  likes("+info", "INFO", "memory");
  likes("+xinfo|consumers", "XINFO", "CONSUMERS", key, "x");
  likes("+xinfo|stream", "XINFO", "STREAM", key);
  likes("+xrevrange", "XREVRANGE", key, "+", "-");
  return all;
}

bool is_missing(const right& r, std::string_view said) {
  switch (r.name.front()) {
  case '~':
    return said.ends_with(" key");
  case '&':
    return said.ends_with(" channel");
  default:
    return said.ends_with(" command");
  }
}

} // namespace jobcast::store
